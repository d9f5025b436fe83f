"""What tests of the Kafka checks share: with the lab's stand-in, and with Kafka itself."""

import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from diagnostics import Finding, Status
from diagnostics.sources.kafka import Kafka, KafkaTopics
from diagnostics.sources.source import Asker, Recorder

NOW = datetime.now(UTC)
A_DAY = (NOW - timedelta(days=1), NOW)

READS = frozenset(
    f"kafka.{name}" for name in ("offsets", "groups", "committed", "configuration", "waiting", "letters", "existence")
)


def said(findings: Iterable[Finding]) -> list[tuple[str, Status, str]]:
    return [(finding.code, finding.status, finding.claim) for finding in findings]


def looking_at(address: str, *, topics: KafkaTopics | None = None, seconds: float = 10.0) -> Kafka:
    """A source that may ask anything."""
    return Kafka([address], recorder=Recorder(), topics=topics).bind(Asker("a-check", time.monotonic() + seconds, READS))
