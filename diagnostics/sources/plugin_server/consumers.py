"""What the counters of a plugin server say of its consumers: which topic, how far behind, and whether they get on.

PostHog's consumers ask Kafka for messages in a loop, twice a second when there is nothing to take. Each turn is counted since
2023, with the size of what came; a consumer that does not ask is busy with messages that it has.
"""

from collections.abc import Iterator

from msgspec import Struct

from diagnostics.sources.metrics import Metrics
from diagnostics.sources.plugin_server.metrics import Readings

# The same gauge in consumers that were written anew, in 2025 and 2026.
_NEWEST = (
    "latest_processed_timestamp_ms",
    "common_ingestion_latest_processed_timestamp_ms",
    "error_tracking_latest_processed_timestamp_ms",
)
_INTERVAL = "kafka_consume_interval_ms_count"
_BATCH_SIZE = "consumed_batch_size_count"
_BATCH_MS = "consumed_batch_duration_ms"

# Counts of events on their way, which move also within a batch.
_EVENTS = ("events_pipeline_step_ms_count", "events_pipeline_last_step_total", "ingestion_pipeline_results")


# An instance in all roles has about twenty; each goes through the whole page for its numbers.
MAX_CONSUMERS = 50


class Consumer(Struct, frozen=True, kw_only=True):
    """One consumer of one instance, by the later of two readings; None wherever its version does not count that.

    `partitions`: how many it holds. `turns`: how often it asked Kafka between the readings. `batches`: how many it ended
    since, `batch_s`: what one took on average in seconds, of all since the start where none ended. `behind`: seconds since
    the newest message that it has processed was written. `advanced`: whether that moved. `oldest_task`: seconds since the
    oldest work began that it waits for.
    """

    address: str
    topic: str
    group: str
    partitions: int | None = None
    turns: float | None = None
    batches: float | None = None
    batch_s: float | None = None
    behind: float | None = None
    advanced: bool = False
    oldest_task: float | None = None
    rebalanced: bool = False

    @property
    def takes_events(self) -> bool:
        """Whether it is the one that every ordinary event passes; a prefix of the topic is the install's own."""
        return self.topic.endswith("events_plugin_ingestion")


def consumers(readings: Readings) -> tuple[Consumer, ...]:
    """The consumers that the instance counts anything of, in the order of topic and group; at most MAX_CONSUMERS."""
    return tuple(_consumer(readings, topic, group) for topic, group in sorted(set(_pairs(readings)))[:MAX_CONSUMERS])


def events_moved(readings: Readings) -> float:
    """How many steps and ends of events were counted between the readings: a lower bound for "it works"."""
    return sum(readings.moved(name) or 0.0 for name in _EVENTS)


def _pairs(readings: Readings) -> Iterator[tuple[str, str]]:
    for name in (_INTERVAL, _BATCH_SIZE, f"{_BATCH_MS}_count", *_NEWEST):
        for sample in readings.samples(name):
            if "topic" in sample.labels and "groupId" in sample.labels:
                yield sample.labels["topic"], sample.labels["groupId"]
    for sample in readings.samples("kafka_consumer_assignment"):
        yield sample.labels.get("topic_name", ""), sample.labels.get("group_id", "")


def _consumer(readings: Readings, topic: str, group: str) -> Consumer:
    which = {"topic": topic, "groupId": group}
    newest, before = (_newest(samples, which) for samples in (readings.after, readings.before))
    batches = readings.moved(f"{_BATCH_MS}_count", **which)
    oldest_task = readings.now("consumer_oldest_background_task_age_ms", groupId=group)
    return Consumer(
        address=readings.address,
        topic=topic,
        group=group,
        partitions=_partitions(readings, topic, group),
        turns=_turns(readings, which),
        batches=batches,
        batch_s=_batch_s(readings, which, ended=bool(batches)),
        behind=None if newest is None else max(0.0, readings.at - newest / 1000),
        advanced=newest is not None and newest != before,
        oldest_task=None if oldest_task is None else oldest_task / 1000,
        rebalanced=bool(readings.moved("kafka_consumer_rebalance_total", groupId=group)),
    )


def _newest(metrics: Metrics, which: dict[str, str]) -> float | None:
    """Of all partitions: the gauge of one that went to another instance stays behind."""
    samples = (sample for name in _NEWEST for sample in metrics.values(name))
    return max((sample.value for sample in samples if which.items() <= sample.labels.items()), default=None)


def _turns(readings: Readings, which: dict[str, str]) -> float | None:
    """Between the readings; None where turns that bring nothing are not counted, as in some versions of 2023: an idle consumer
    would look like one that hangs. They are counted when there are more turns than ended batches."""
    if (moved := readings.moved(_INTERVAL, **which)) is not None:
        return moved
    turns, batches = readings.now(_BATCH_SIZE, **which), readings.now(f"{_BATCH_MS}_count", **which)
    empty_ones_count = turns is not None and batches is not None and turns > batches + 1
    return readings.moved(_BATCH_SIZE, **which) if empty_ones_count else None


def _batch_s(readings: Readings, which: dict[str, str], *, ended: bool) -> float | None:
    """Seconds that a batch took: of those that ended between the readings, else of all since the start."""
    how = readings.moved if ended else readings.now
    batches, took_ms = how(f"{_BATCH_MS}_count", **which), how(f"{_BATCH_MS}_sum", **which)
    return took_ms / batches / 1000 if batches and took_ms is not None else None


def _partitions(readings: Readings, topic: str, group: str) -> int | None:
    """How many it holds. A gauge without a sample says zero only where the consumer that writes it is known to run: versions
    of 2025 declare the gauges of a consumer that they no longer use."""
    held = readings.now("kafka_consumer_assignment", topic_name=topic, group_id=group)
    if held is None:
        held = readings.now("kafka_absolute_partition_count", topic=topic)
    if held is None:
        held = readings.now("kafka_rebalance_partition_count", topic=topic)
    if held is not None:
        return int(held)
    which = {"topic": topic, "groupId": group}
    writers = {"kafka_consumer_assignment": _INTERVAL, "kafka_absolute_partition_count": _BATCH_SIZE}
    runs = any(gauge in readings.declared and readings.now(turns, **which) for gauge, turns in writers.items())
    return 0 if runs else None
