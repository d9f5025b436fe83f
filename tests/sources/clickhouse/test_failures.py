"""What is said when ClickHouse answers, but not what was asked."""

from collections.abc import Callable

import pytest

from diagnostics.lab.engine import Database
from diagnostics.lab.http import Response
from diagnostics.lab.scripted import ScriptedServer
from diagnostics.sources.clickhouse import ClickHouse
from diagnostics.sources.clickhouse.failures import NoRoom
from diagnostics.sources.errors import BadAnswer, Denied, LimitExceeded, SourceError, Unavailable
from tests.sources.clickhouse.asking import Asked, Between, counting, counts, failure, server_error


def test_a_missing_grant_is_quoted_with_the_statement_that_gives_it(clickhouse: ClickHouse, db: Database) -> None:
    db.deny("events")
    error = failure(clickhouse, counting("SELECT max(team_id) AS n FROM events WHERE _timestamp > now()"), Denied)
    assert isinstance(error, Denied)
    assert error.code == "clickhouse.permission-denied"
    assert error.grant == f"SELECT(_timestamp, team_id) ON {db.name}.events"
    assert str(error) == f"The user {db.user} lacks the grant SELECT(_timestamp, team_id) ON {db.name}.events"
    assert error.statement == f"GRANT SELECT(_timestamp, team_id) ON {db.name}.events TO {db.user};"


def test_a_grant_for_any_column_is_asked_for_as_one_on_the_table(clickhouse: ClickHouse, db: Database) -> None:
    db.deny("events")
    error = failure(clickhouse, counting(), Denied)
    assert error.statement == f"GRANT SELECT ON {db.name}.events TO {db.user};"


def test_a_system_table_may_need_a_grant_too(clickhouse: ClickHouse, db: Database) -> None:
    db.deny("system.parts")
    error = failure(clickhouse, counting("SELECT count() AS n FROM system.parts WHERE active", "system.parts"), Denied)
    assert error.statement == f"GRANT SELECT(active) ON system.parts TO {db.user};"


def test_a_table_or_column_that_is_not_there(clickhouse: ClickHouse) -> None:
    error = failure(clickhouse, counting("SELECT count() AS n FROM nothing", "nothing"), BadAnswer)
    assert str(error).startswith("ClickHouse could not answer test.count: Unknown table expression identifier 'nothing'")
    error = failure(clickhouse, counting("SELECT max(nothing) AS n FROM events"), BadAnswer)
    assert str(error).startswith("ClickHouse could not answer test.count: Unknown expression or function identifier `nothing`")


def test_other_columns_than_declared(clickhouse: ClickHouse) -> None:
    error = failure_of_columns(clickhouse, "SELECT 1 AS m")
    said = "ClickHouse answered test.count with other columns than it was asked for: "
    assert error == said + "Object missing required field `n` - at `$[0]`"
    assert "Expected `int`" in failure_of_columns(clickhouse, "SELECT 'x' AS n")


def failure_of_columns(clickhouse: ClickHouse, sql: str) -> str:
    with pytest.raises(BadAnswer) as raised:
        clickhouse.rows(counting(sql))
    return str(raised.value)


@pytest.mark.parametrize(
    ("response", "kind", "message"),
    [
        (
            server_error(202, "Too many simultaneous queries. Maximum: 100. (TOO_MANY_SIMULTANEOUS_QUERIES)"),
            NoRoom,
            "ClickHouse runs as many queries as it is allowed to, so test.count was not answered",
        ),
        (
            server_error(241, "Memory limit (total) exceeded: would use 9.00 GiB (MEMORY_LIMIT_EXCEEDED)"),
            LimitExceeded,
            "ClickHouse itself is out of memory, so test.count was not answered: "
            "Memory limit (total) exceeded: would use 9.00 GiB (MEMORY_LIMIT_EXCEEDED)",
        ),
        (
            server_error(279, "All connection tries failed. (ALL_CONNECTION_TRIES_FAILED)"),
            Unavailable,
            "Another node of the cluster did not answer test.count: All connection tries failed. (ALL_CONNECTION_TRIES_FAILED)",
        ),
        (
            server_error(516, "diag: Authentication failed. (AUTHENTICATION_FAILED)"),
            Unavailable,
            "ClickHouse no longer accepts the credentials: diag: Authentication failed. (AUTHENTICATION_FAILED)",
        ),
        (
            Response(status=500, body=b"Code: 241. DB::Exception: Memory limit (for query) exceeded. (MEMORY_LIMIT_EXCEEDED)"),
            LimitExceeded,
            "test.count would have cost more than diag allows itself (memory): "
            "Memory limit (for query) exceeded. (MEMORY_LIMIT_EXCEEDED)",
        ),
        (
            server_error(
                497,
                "diag: Not enough privileges. To execute this query it's necessary to have grant SHOW ON x.* (ACCESS_DENIED)",
            ),
            Denied,
            "The user {user} lacks the grant SHOW ON x.*",
        ),
        (
            server_error(497, "diag: Not enough privileges. (ACCESS_DENIED)"),
            Denied,
            "The user {user} may not ask test.count: diag: Not enough privileges. (ACCESS_DENIED)",
        ),
    ],
)
def test_errors_of_a_server_in_trouble(
    db: Database,
    http_server: ScriptedServer,
    ask: Callable[[str], Asked],
    response: Response,
    kind: type[SourceError],
    message: str,
) -> None:
    clickhouse = ask(Between(db, http_server, lambda request: response if counts(request) else None).url).within(5)
    assert str(failure(clickhouse, counting(), kind)) == message.format(user=db.user)


def test_a_page_of_a_proxy_in_the_middle_is_a_bad_answer(
    db: Database, http_server: ScriptedServer, ask: Callable[[str], Asked]
) -> None:
    page = Response.text("<html>Sign in</html>", kind="text/html")
    clickhouse = ask(Between(db, http_server, lambda request: page if counts(request) else None).url).within(5)
    failure(clickhouse, counting(), BadAnswer)


def test_a_connection_that_is_lost(db: Database, http_server: ScriptedServer, ask: Callable[[str], Asked]) -> None:
    between = Between(db, http_server, lambda _: None)
    clickhouse = ask(between.url).within(5)
    clickhouse.inventory()
    http_server.close()
    error = failure(clickhouse, counting(), Unavailable)
    where = between.url.rpartition("@")[2].partition("/")[0]
    assert str(error) == f"The connection to {where} was lost while test.count was asked"
    assert error.code == "clickhouse.unreachable"
