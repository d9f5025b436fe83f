"""What the Rust capture counts of itself on `/metrics`: since it started, so that two readings make a rate.

Sources: `rust/capture/src/prometheus.rs`, `sinks/kafka.rs` and `sinks/producer.rs` of PostHog. Gauges of Kafka come from the
statistics of its client, every ten seconds. `capture_kafka_any_brokers_down` is not among these: it counts the address that it
started with as a broker of its own, and so may say 1 on a healthy install.
"""

from msgspec import Struct

from diagnostics.sources.errors import BadAnswer
from diagnostics.sources.excerpt import excerpt
from diagnostics.sources.http import Answer, Outcome
from diagnostics.sources.metrics import Metrics, parse

MAX_CAUSE = 60
MAX_CAUSES = 50

KAFKA_CAUSES = frozenset({"retryable_sink", "kafka_write_error", "sink_error", "non_retryable_sink"})
"""Causes of drops that mean: Kafka did not take it."""


class Dropped(Struct, frozen=True, kw_only=True):
    """Events dropped for one cause, by capture's word for it."""

    cause: str
    events: int


class Counts(Struct, frozen=True, kw_only=True):
    """One reading, made `at` (`time.monotonic()` seconds). `received` are events that could be read, whatever became of them.

    `connected` of `brokers` are; both 0 while nothing is known of them. `queued` of at most `queue_limit` messages wait for
    Kafka.
    """

    at: float
    received: int = 0
    ingested: int = 0
    dropped: tuple[Dropped, ...] = ()
    produce_errors: int = 0
    brokers: int = 0
    connected: int = 0
    queued: int = 0
    queue_limit: int = 0

    def dropped_for(self, *causes: str) -> int:
        return sum(each.events for each in self.dropped if each.cause in causes)

    def since(self, earlier: "Counts") -> "Counts":
        """What was added after `earlier`; all of it when capture was started anew in between."""
        if self.received < earlier.received or self.produce_errors < earlier.produce_errors:
            return self
        return Counts(
            at=self.at,
            received=self.received - earlier.received,
            ingested=max(0, self.ingested - earlier.ingested),
            dropped=tuple(
                Dropped(cause=each.cause, events=max(0, each.events - earlier.dropped_for(each.cause))) for each in self.dropped
            ),
            produce_errors=self.produce_errors - earlier.produce_errors,
            brokers=self.brokers,
            connected=self.connected,
            queued=self.queued,
            queue_limit=self.queue_limit,
        )


def read_counts(outcome: Outcome, at: float) -> Counts | None:
    """What a GET of `/metrics` says; None where that is not capture's page of metrics."""
    if not isinstance(outcome, Answer) or outcome.status != 200 or outcome.is_html or not outcome.body:
        return None
    try:
        metrics = parse(outcome.body, cut=outcome.cut)
    except BadAnswer:
        return None
    brokers = metrics.values("capture_kafka_broker_connected")
    known = (*_ANYTHING, "capture_kafka_broker_connected")
    if not any(metrics.values(name) for name in known):
        return None
    return Counts(
        at=at,
        received=_total(metrics, "capture_events_received_total"),
        ingested=_total(metrics, "capture_events_ingested_total"),
        dropped=_dropped(metrics),
        produce_errors=_total(metrics, "capture_kafka_produce_errors_total"),
        brokers=len(brokers),
        connected=sum(sample.value > 0 for sample in brokers),
        queued=_total(metrics, "capture_kafka_producer_queue_depth"),
        queue_limit=_total(metrics, "capture_kafka_producer_queue_depth_limit"),
    )


# A capture that nobody has sent anything to yet counts only requests.
_ANYTHING = ("capture_events_received_total", "capture_kafka_producer_queue_depth", "capture_active_connections")


def _total(metrics: Metrics, name: str) -> int:
    return int(metrics.total(name) or 0)


def _dropped(metrics: Metrics) -> tuple[Dropped, ...]:
    """The most frequent first. Instances of several roles may stand on one page: their numbers are added."""
    events: dict[str, int] = {}
    for sample in metrics.values("capture_events_dropped_total"):
        cause = excerpt(sample.labels.get("cause", "unknown"), MAX_CAUSE)
        events[cause] = events.get(cause, 0) + int(sample.value)
    ranked = sorted(events.items(), key=lambda item: -item[1])[:MAX_CAUSES]
    return tuple(Dropped(cause=cause, events=count) for cause, count in ranked if count > 0)
