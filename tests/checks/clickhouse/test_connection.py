"""What is said of the connection to ClickHouse, and what everything else on it is then."""

import time
from collections.abc import Callable

import pytest

from checks.clickhouse.connection import clickhouse_connection
from checks.events.arriving import events_arriving
from diagnostics.engine import runner
from diagnostics.engine.check import Thresholds
from diagnostics.lab.engine import Database, Engine
from diagnostics.lab.http import Response
from diagnostics.lab.scripted import ScriptedServer
from diagnostics.report.model import CheckResult, Finding, Status
from diagnostics.sources.clickhouse import ClickHouse
from diagnostics.sources.source import Recorder

CODES = {code.id: code for check in (clickhouse_connection, events_arriving) for code in check.finds}


def results(url: str) -> tuple[CheckResult, CheckResult]:
    """Of the connection, and of a check that needs it."""
    recorder = Recorder()
    source = ClickHouse(url, recorder=recorder)
    try:
        outcome = runner.run(
            [clickhouse_connection, events_arriving],
            skipped={},
            sources={ClickHouse: source},
            context={Thresholds: Thresholds()},
            codes=CODES,
            recorder=recorder,
            deadline=time.monotonic() + 20,
        )
    finally:
        source.close()
    connection, other = outcome.results
    return connection, other


def only(result: CheckResult) -> Finding:
    (finding,) = result.findings
    return finding


@pytest.fixture
def db(engine: Engine) -> Database:
    return engine.database()


def test_a_clickhouse_that_answers_is_healthy_without_a_word(db: Database) -> None:
    connection, other = results(db.url)
    assert (connection.status, connection.findings) == (Status.OK, ())
    assert other.status.looked


def test_one_that_is_down_fails_once_and_blocks_the_rest(closed_port: Callable[[], str]) -> None:
    url = closed_port()
    where = url.removeprefix("http://")
    connection, other = results(f"http://diag:hunter2@{where}/posthog")
    finding = only(connection)
    assert (finding.code, finding.status) == ("clickhouse.unreachable", Status.FAIL)
    assert finding.claim == f"Nothing listens on {where}: the connection is refused"
    assert finding.affects == (f"http://{where}/posthog",)
    assert [action.text for action in finding.actions] == [
        "See whether clickhouse.url names ClickHouse's own host and HTTP port (8123, or 8443 with TLS)",
        "See whether ClickHouse runs and what its log says (docker compose, Kubernetes, any host)",
    ]
    assert finding.actions[1].commands == (
        "docker compose ps clickhouse",
        "docker compose logs --tail 50 clickhouse",
        "kubectl -n posthog get pods -l clickhouse.altinity.com/chi=posthog",
        f"curl -sS http://{where}/ping",
    )
    assert not any(action.changes_something for action in finding.actions)
    assert (other.status, other.blocked_by, other.reason) == (Status.BLOCKED, "clickhouse-connection", finding.claim)
    assert "hunter2" not in repr((connection, other))


def test_a_wrong_password_is_told_apart(db: Database) -> None:
    connection, other = results(f"http://{db.user}:hunter2@127.0.0.1:{db.port}/{db.name}")
    assert (only(connection).code, only(connection).status) == ("clickhouse.auth-failed", Status.FAIL)
    assert only(connection).actions[0].text == (
        "Check user and password in clickhouse.url; PostHog's own are CLICKHOUSE_USER and CLICKHOUSE_PASSWORD"
    )
    assert other.status is Status.BLOCKED


def test_a_wrong_database_is_told_apart(db: Database) -> None:
    connection, other = results(db.url.replace(f"/{db.name}", "/nothing"))
    assert (only(connection).code, only(connection).claim) == ("clickhouse.database-missing", "There is no database nothing")
    assert other.status is Status.BLOCKED


def test_a_database_without_a_table_of_posthog_has_lost_them(db: Database) -> None:
    for name in db.execute(f"SELECT name FROM system.tables WHERE database = '{db.name}'").split():
        db.execute(f"DROP TABLE {name}")
    connection, other = results(db.url)
    finding = only(connection)
    assert (finding.code, finding.status) == ("clickhouse.table-missing", Status.FAIL)
    assert finding.claim == (
        f"The database {db.name} holds no table of PostHog: it came up on another volume, or its migrations never ended"
    )
    assert [action.changes_something for action in finding.actions] == [False, False, True]
    assert other.status is Status.BLOCKED


def test_a_web_page_is_told_apart(http_server: ScriptedServer) -> None:
    http_server.route("/", lambda _: Response.text("<html></html>", kind="text/html"))
    connection, other = results(http_server.url)
    assert only(connection).code == "clickhouse.not-clickhouse"
    assert only(connection).claim == f"{http_server.url[7:]} answers, but is not ClickHouse: a web page with status 200"
    assert other.status is Status.BLOCKED


def test_a_user_who_sees_no_table_is_blind_and_not_healthy(db: Database) -> None:
    db.hide("*")
    db.deny("events")
    connection, other = results(db.url)
    finding = only(connection)
    assert (finding.code, finding.status) == ("clickhouse.permission-denied", Status.UNKNOWN)
    assert finding.claim == f"The user {db.user} sees no table of the database {db.name}"
    (action,) = finding.actions
    assert action.changes_something
    assert action.commands == (
        "GRANT SELECT(_offset, _partition, _timestamp, captured_at, created_at, event, historical_migration, inserted_at, "
        f"team_id, timestamp, uuid) ON {db.name}.events TO {db.user};",
        "GRANT SELECT(_offset, _timestamp, created_at, error, error_location, error_timestamp, event, event_uuid, id, now, "
        f"tags, team_id) ON {db.name}.events_dead_letter_queue TO {db.user};",
        "GRANT SELECT(_offset, _partition, _timestamp, source, team_id, timestamp, type) "
        f"ON {db.name}.ingestion_warnings TO {db.user};",
        "GRANT SELECT(_offset, _partition, _timestamp, category, pipeline_step, severity, source, team_id, timestamp, type) "
        f"ON {db.name}.ingestion_warnings_v2 TO {db.user};",
        f"GRANT SHOW TABLES, SHOW COLUMNS ON {db.name}.* TO {db.user};",
    )
    assert (other.status, other.findings[0].code) == (Status.UNKNOWN, "clickhouse.permission-denied")


@pytest.mark.parametrize("table", ["system.tables", "system.columns"])
def test_without_the_lists_of_tables_and_columns_nobody_can_look(db: Database, table: str) -> None:
    db.deny(table)
    connection, other = results(db.url)
    assert (only(connection).code, connection.status) == ("clickhouse.permission-denied", Status.UNKNOWN)
    assert only(connection).claim.startswith(f"The user {db.user} lacks the grant SELECT(")
    assert only(connection).claim.endswith(f") ON {table}")
    assert other.status is Status.UNKNOWN


@pytest.mark.parametrize(
    ("version", "old"), [("21.5.9.4", True), ("21.6.5.37", False), ("21.11.1.1", False), ("20.8.19.4", True)]
)
def test_an_old_version_warns_and_is_asked_all_the_same(
    http_server: ScriptedServer, db: Database, version: str, old: bool
) -> None:
    http_server.route("/", lambda request: answer_as(version, db, request.body, request.target))
    connection, other = results(db.url.replace(f":{db.port}/", f":{http_server.url.rpartition(':')[2]}/"))
    warned = [(finding.code, finding.status, finding.claim) for finding in connection.findings]
    told = f"ClickHouse {version} is older than 21.6, the oldest that diag supports: answers may be missing"
    assert warned == ([("clickhouse.unsupported-version", Status.WARN, told)] if old else [])
    assert other.status.looked


def answer_as(version: str, db: Database, body: bytes, target: str) -> Response:
    """As the lab answers, but for the version."""
    from http.client import HTTPConnection

    if body.startswith(b"SELECT version()"):
        return Response(body=f"{version}\tUTC\n".encode())
    behind = HTTPConnection("127.0.0.1", db.port)
    try:
        behind.request("POST", target, body, {"X-ClickHouse-User": db.user, "X-ClickHouse-Key": db.password})
        response = behind.getresponse()
        return Response(status=response.status, headers=tuple(response.getheaders()), body=response.read())
    finally:
        behind.close()


@pytest.mark.parametrize("table", ["system.settings", "system.one"])
def test_who_may_not_even_ask_for_the_version_is_blind_and_clickhouse_not_broken(db: Database, table: str) -> None:
    db.deny(table)
    connection, other = results(db.url)
    finding = only(connection)
    assert (finding.code, connection.status, other.status) == ("clickhouse.permission-denied", Status.UNKNOWN, Status.BLOCKED)
    assert finding.claim.startswith(f"The user {db.user} lacks the grant SELECT")
    [statement] = finding.actions[0].commands
    assert statement.startswith("GRANT SELECT")
    assert finding.actions[0].changes_something
