"""Puts dead letters into the lab's engine and looks at them with the check, as the runner does."""

import time
from datetime import UTC, datetime, timedelta

from msgspec import structs

from checks.dead_letters.queue import dead_letters
from diagnostics import Finding, KnownErrors, Scope, Series, Table, Thresholds, Window
from diagnostics.engine import runner
from diagnostics.lab.engine import Database
from diagnostics.report.error_template import template
from diagnostics.report.model import CheckResult
from diagnostics.sources.clickhouse import ClickHouse
from diagnostics.sources.source import Recorder

HOUR = 3600


def put(
    db: Database,
    error: str = "ingestEvent failed. Error: boom",
    *,
    ago: int = 300,
    count: int = 1,
    every: float = 0,
    teams: tuple[int, ...] = (2,),
    location: str = "plugin_server_ingest_event",
) -> None:
    """Dead letters, the newest `ago` seconds old, one in `every` seconds before that; 1970 as `error_timestamp`, as Django."""
    db.execute(
        f"INSERT INTO events_dead_letter_queue (id, team_id, error_location, error, _timestamp) SELECT generateUUIDv4(number), "
        f"[{','.join(map(str, teams))}][1 + number % {len(teams)}], {quoted(location)}, {quoted(error)}, "
        f"now() - {ago} - toUInt32(number * {every}) FROM numbers({count})"
    )


def quoted(text: str) -> str:
    """As a literal of ClickHouse, byte by byte."""
    return "'" + "".join(f"\\x{byte:02x}" for byte in text.encode("utf-8", "surrogateescape")) + "'"


def result(
    db: Database,
    *,
    since: float = 24 * HOUR,
    team: int | None = None,
    thresholds: dict[str, float] | None = None,
    known: KnownErrors | None = None,
) -> CheckResult:
    """What the runner makes of the check."""
    until, recorder = datetime.now(UTC), Recorder()
    source = ClickHouse(db.url, recorder=recorder)
    try:
        outcome = runner.run(
            [dead_letters],
            skipped={},
            sources={ClickHouse: source},
            context={
                Window: Window(until - timedelta(seconds=since), until),
                Scope: Scope(team=team),
                Thresholds: Thresholds(thresholds),
                KnownErrors: known or KnownErrors(),
            },
            codes={},
            recorder=recorder,
            deadline=time.monotonic() + 20,
        )
    finally:
        source.close()
    return outcome.results[0]


def one(looked: CheckResult) -> Finding:
    (finding,) = looked.findings
    return finding


def table(finding: Finding) -> Table:
    """As the report shows it: of errors, which stand in the third column, the template."""
    found = next(evidence for evidence in finding.evidence if isinstance(evidence, Table))
    assert found.columns[2].kind == "error"
    rows = tuple((*row[:2], template(str(row[2])), *row[3:]) for row in found.rows)
    return structs.replace(found, rows=rows)


def trend(finding: Finding) -> tuple[float, ...]:
    return next(evidence.values for evidence in finding.evidence if isinstance(evidence, Series))
