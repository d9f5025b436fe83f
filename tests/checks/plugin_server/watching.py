"""What tests of the plugin server's counters share: pages of them, and a look with the check at those who serve them."""

import re
import time

from checks.plugin_server.progress import plugin_server_progress
from diagnostics import Finding, Status, Thresholds
from diagnostics.sources.capture import Capture
from diagnostics.sources.clickhouse import ClickHouse
from diagnostics.sources.kafka import Kafka
from tests.sources.plugin_server.pages import consuming, plugin_server

HOURS = 3600


def ago_ms(seconds: float) -> float:
    """As Kafka's timestamps have it."""
    return (time.time() - seconds) * 1000


def up(seconds: float) -> str:
    """That the process runs for so long."""
    return f"process_start_time_seconds {time.time() - seconds:.0f}\n"


def hanging(age: float, *, batch_ms: float = 20, up_for: float = 3 * HOURS, more: str = "") -> str:
    """A page that stays as it is: of a consumer that does not turn."""
    return consuming(turns=500, batches=200, newest_ms=ago_ms(age), batch_ms=batch_ms, more=up(up_for) + more)


def look(
    *urls: str,
    kafka: Kafka | None = None,
    clickhouse: ClickHouse | None = None,
    capture: Capture | None = None,
    **limits: float,
) -> list[Finding]:
    """What the check finds at these addresses."""
    values = {f"plugin-server-progress.{name.replace('_', '-')}": value for name, value in limits.items()}
    return list(plugin_server_progress.function(plugin_server(*urls), kafka, clickhouse, capture, Thresholds(values)))


def only(findings: list[Finding]) -> Finding:
    (finding,) = findings
    return finding


def said(findings: list[Finding]) -> list[tuple[str, Status]]:
    return [(finding.code, finding.status) for finding in findings]


def claim(finding: Finding) -> str:
    """With N for the seconds between the readings, which a busy machine makes longer."""
    return re.sub(r"\d\.\d s of looking", "N s of looking", finding.claim)
