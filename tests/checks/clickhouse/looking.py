"""What tests of ClickHouse's state share: a database with overlays, a check run on it, and what it found."""

import time

from diagnostics.engine import registry, runner
from diagnostics.engine.check import Check, Thresholds
from diagnostics.engine.known_errors import KnownErrors
from diagnostics.lab.engine import Database
from diagnostics.report.model import CheckResult, Finding, Status
from diagnostics.sources.clickhouse import ClickHouse
from diagnostics.sources.source import Recorder

REGISTRY = registry.load()


def looked(check: Check, db: Database, **thresholds: float) -> CheckResult:
    """The result of the check alone; `thresholds` are named without the check's id, with `_` for `-`."""
    recorder = Recorder()
    source = ClickHouse(db.url, recorder=recorder)
    limits = {f"{check.id}.{name.replace('_', '-')}": value for name, value in thresholds.items()}
    try:
        outcome = runner.run(
            [check],
            skipped={},
            sources={ClickHouse: source},
            context={Thresholds: Thresholds(limits), KnownErrors: REGISTRY.known},
            codes=REGISTRY.codes,
            recorder=recorder,
            deadline=time.monotonic() + 30,
        )
    finally:
        source.close()
    return outcome.results[0]


def only(result: CheckResult) -> Finding:
    assert result.status.looked, result.reason
    (finding,) = result.findings
    return finding


def told(result: CheckResult) -> list[tuple[Status, str]]:
    """Status and claim of each finding; of none when the check is well."""
    assert result.status.looked, result.reason
    return [(finding.status, finding.claim) for finding in result.findings]


def refused(result: CheckResult) -> str:
    """Why it could not look."""
    assert result.status is Status.UNKNOWN
    return result.reason
