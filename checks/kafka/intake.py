"""Where to look when events stop: whether anything still comes into Kafka, which all of them pass first."""

import time

from diagnostics.sources.errors import SourceError
from diagnostics.sources.kafka import COMMITTED, GROUPS, OFFSETS, WAITING, Kafka

READS = (OFFSETS, GROUPS, COMMITTED, WAITING)

ON_THE_WAY = 300.0
"""Seconds that an event may have taken from Kafka to where it was stored."""


def ended(kafka: Kafka | None, pause: float) -> bool:
    """Whether nothing has come into Kafka either in the `pause` seconds since an event was stored; False where nobody knows."""
    if kafka is None:
        return False
    try:
        newest = _newest(kafka)
    except SourceError:  # that events stopped is to be said all the same
        return False
    return newest is not None and newest >= pause - ON_THE_WAY


def _newest(kafka: Kafka) -> float | None:
    """Seconds since the newest message came into the topic that capture writes to; None without one that can be looked at."""
    spans = kafka.reading(1).spans.items()
    last = {each: span.end - 1 for each, span in spans if each.topic == kafka.topics.ingestion and span.end > span.start}
    written = kafka.waiting(last) if last else {}
    return max(0.0, time.time() - max(written.values())) if last and len(written) == len(last) else None
