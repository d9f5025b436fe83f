"""Puts events and ingestion warnings into the lab's engine and looks at them with a check, as the runner does."""

import time
from datetime import UTC, datetime, timedelta

from checks.clickhouse.connection import clickhouse_connection
from diagnostics import Check, Finding, Scope, Table, Thresholds, Window
from diagnostics.engine import runner
from diagnostics.lab.engine import Database
from diagnostics.report.model import CheckResult
from diagnostics.sources.clickhouse import ClickHouse
from diagnostics.sources.source import Recorder

MINUTE, HOUR, DAY = 60, 3600, 86_400


def put(
    db: Database,
    *,
    count: int = 100,
    since: float = 28 * MINUTE,
    until: float = 30,
    in_clickhouse: str = "0",
    in_kafka: str = "1",
    in_plugin_server: str = "1",
    dated: str = "0",
    teams: tuple[int, ...] = (2,),
    more: str = "",
) -> None:
    """Events that arrived evenly from `since` to `until` seconds ago.

    The seconds that they took on each leg, and how far before their arrival they are `dated`, are SQL of the row's `number`.
    `more` is one more column: `captured_at = captured`.
    """
    columns = {
        "uuid": "generateUUIDv4(number)",
        "team_id": f"[{','.join(map(str, teams))}][1 + number % {len(teams)}]",
        "timestamp": f"arrived - ({dated})",
        "created_at": "created",
        "_timestamp": "produced",
    }
    names = "SELECT groupArray(name) FROM system.columns WHERE table = 'events' AND database = currentDatabase()"
    if "inserted_at" in db.execute(names):
        columns["inserted_at"] = "arrived"
    if more:
        column, _, value = more.partition(" = ")
        columns[column] = value
    db.execute(
        f"INSERT INTO events ({', '.join(columns)}) WITH "
        f"now64(6, 'UTC') - toIntervalSecond(toInt64({until} + number * {(since - until) / max(1, count - 1)})) AS arrived, "
        f"arrived - toIntervalSecond(toInt64({in_clickhouse})) AS produced, "
        f"produced - toIntervalSecond(toInt64({in_kafka})) AS created, "
        f"created - toIntervalSecond(toInt64({in_plugin_server})) AS captured "
        f"SELECT {', '.join(columns.values())} FROM numbers({count})"
    )


def warn(
    db: Database,
    type: str,
    *,
    count: int = 1,
    ago: int = 5 * MINUTE,
    every: int = MINUTE,
    team: int = 2,
    table: str = "ingestion_warnings",
    severity: str = "",
) -> None:
    """Ingestion warnings, the newest `ago` seconds old."""
    column, value = (", severity", f", '{severity}'") if severity else ("", "")
    db.execute(
        f"INSERT INTO {table} (team_id, source, type, details, timestamp, _timestamp{column}) WITH "
        f"now() - {ago} - toUInt32(number * {every}) AS warned "
        f"SELECT {team}, 'plugin-server', '{type}', '{{}}', warned, warned{value} FROM numbers({count})"
    )


def look(
    check: Check, db: Database, *, since: float = DAY, team: int | None = None, thresholds: dict[str, float] | None = None
) -> CheckResult:
    """What the runner makes of the check."""
    until, recorder = datetime.now(UTC), Recorder()
    source = ClickHouse(db.url, recorder=recorder)
    try:
        outcome = runner.run(
            [check],
            skipped={},
            sources={ClickHouse: source},
            context={
                Window: Window(until - timedelta(seconds=since), until),
                Scope: Scope(team=team),
                Thresholds: Thresholds(thresholds),
            },
            codes={code.id: code for code in clickhouse_connection.finds},
            recorder=recorder,
            deadline=time.monotonic() + 20,
        )
    finally:
        source.close()
    return outcome.results[0]


def asked(db: Database, text: str) -> int:
    """How often a question that holds `text` was asked; of a database that tests share, by all of them."""
    return sum(text in query.sql for query in db.queries())


def one(looked: CheckResult) -> Finding:
    assert looked.reason == ""
    (finding,) = looked.findings
    return finding


def table(finding: Finding) -> Table:
    return next(evidence for evidence in finding.evidence if isinstance(evidence, Table))
