"""The metrics page of the stand-in for the plugin server: counters that move as time goes by, named as each generation does.

Sources in PostHog: plugin-server/src/kafka/batch-consumer.ts (2023, 2024), src/kafka/consumer.ts (since 2025),
src/worker/ingestion/event-pipeline/metrics.ts and nodejs/src/ingestion/pipelines/result-handling-pipeline.ts (since late 2025).
"""

from collections.abc import Iterator, Mapping
from typing import Literal

from msgspec import Struct

Generation = Literal[2, 3, 4, 5, 6]
"""Of mid 2022, late 2022, 2023 and 2024, 2025, late 2025 and 2026. That of mid 2022 serves no metrics."""

Cause = Literal["invalid_token", "no_token", "dropped_by_transformation", "event_too_old", "disallowed"]

# The step that an event ends in when it is dropped for a cause, and the cause as `ingestion_event_dropped_total` has it.
STEPS: dict[Cause, str] = {
    "invalid_token": "populateTeamDataStep",
    "no_token": "populateTeamDataStep",
    "dropped_by_transformation": "transformEventStep",
    "event_too_old": "dropOldEventsStep",
    "disallowed": "eventDisallowedStep",
}
_IN_DROPPED = ("invalid_token", "no_token", "disallowed")


class Reading(Struct, frozen=True, kw_only=True):
    """One consumer at one moment. `for_s`: seconds of work so far, of `up_s` since the start; `percent` of the events are
    dropped, by cause. `batch_s` is what a batch takes."""

    generation: Generation
    topic: str
    group: str
    now: float
    up_s: float
    for_s: float
    per_second: float
    behind_s: float
    partitions: int
    batch_s: float
    slow_step: str
    percent: Mapping[Cause, float]
    dead_letters: int
    stalled_steps: int
    rebalances: int


def page(consumers: list[Reading]) -> str:
    """The page in Prometheus' text format. Consumers of one process share the counters of their events."""
    lines: list[str] = []
    for name, kind, values in _families(consumers):
        lines += [f"# HELP {name} Of the stand-in.", f"# TYPE {name} {kind}"]
        lines += [f"{sample}{labels} {value:.15g}" for sample, labels, value in values]
    return "\n".join(lines) + "\n"


Family = tuple[str, str, list[tuple[str, str, float]]]


def _families(consumers: list[Reading]) -> Iterator[Family]:
    first = consumers[0]
    yield "process_start_time_seconds", "gauge", [("process_start_time_seconds", "", first.now - first.up_s)]
    yield from _progress(consumers)
    if first.generation >= 4:
        yield from _turns(consumers)
        yield from _partitions(consumers)
    main = next((each for each in consumers if each.topic.endswith("events_plugin_ingestion")), None)
    if main:
        yield from _events(main)


def _progress(consumers: list[Reading]) -> Iterator[Family]:
    name = "latest_processed_timestamp_ms"
    newest = [(each, (each.now - each.behind_s) * 1000) for each in consumers]
    yield name, "gauge", [(name, _labels(topic=e.topic, partition="0", groupId=e.group), at) for e, at in newest]


def _turns(consumers: list[Reading]) -> Iterator[Family]:
    """An idle consumer asks twice a second, a busy one before each batch, and after it in vain."""
    name = "kafka_consume_interval_ms" if consumers[0].generation >= 5 else "consumed_batch_size"
    turns = [2 * (_batches(each) if each.per_second else each.for_s) for each in consumers]
    values = [(f"{name}_count", _which(each), float(int(number))) for each, number in zip(consumers, turns, strict=True)]
    yield name, "histogram", values
    durations = [
        (f"consumed_batch_duration_ms_{part}", _which(each), int(_batches(each)) * factor)
        for each in consumers
        for part, factor in (("sum", each.batch_s * 1000), ("count", 1.0))
    ]
    yield "consumed_batch_duration_ms", "histogram", durations


def _partitions(consumers: list[Reading]) -> Iterator[Family]:
    if consumers[0].generation >= 5:
        name = "kafka_consumer_assignment"
        values = [
            (name, _labels(topic_name=each.topic, partition_id=str(number), pod="plugins-0", group_id=each.group), 1.0)
            for each in consumers
            for number in range(each.partitions)
        ]
        yield name, "gauge", values
        name = "kafka_consumer_rebalance_total"
        assigned = [(name, _labels(groupId=each.group, type="assign"), float(each.rebalances)) for each in consumers]
        yield name, "counter", assigned
        return
    name = "kafka_absolute_partition_count"  # stays as it was when the last partition goes, and is not there before the first
    yield name, "gauge", [(name, _labels(topic=each.topic), float(each.partitions)) for each in consumers if each.partitions]


def _events(main: Reading) -> Iterator[Family]:
    total = int(main.per_second * main.for_s)
    dropped = {cause: int(total * percent / 100) for cause, percent in main.percent.items()}
    emitted = total - sum(dropped.values())
    if main.generation == 6:
        yield from _results(emitted, dropped)
    else:
        steps = {STEPS[cause]: float(count) for cause, count in dropped.items()}
        yield _counter("events_pipeline_last_step_total", "step_name", steps | {"emitEventStep": float(emitted)})
    known = {cause: float(count) for cause, count in dropped.items() if cause in _IN_DROPPED}
    noise = [("ingestion_event_dropped_total", _labels(event_type="analytics-webhook", drop_cause="no_webhook_action"), total)]
    values = [("ingestion_event_dropped_total", _labels(event_type="analytics", drop_cause=c), n) for c, n in known.items()]
    yield "ingestion_event_dropped_total", "counter", [*values, *noise]
    yield _counter("events_pipeline_step_dlq_total", "step_name", {"processPersonsStep": float(main.dead_letters)})
    yield _counter("events_pipeline_step_stalled_total", "step_name", {main.slow_step: float(main.stalled_steps)})
    yield from _step_times(main, total)


def _results(emitted: int, dropped: Mapping[Cause, int]) -> Iterator[Family]:
    name = "ingestion_pipeline_results"
    values = [(name, _labels(result="ok", last_step_name="emitEventStep", details=""), float(emitted))]
    values += [
        (name, _labels(result="drop", last_step_name=STEPS[cause], details=cause), float(count))
        for cause, count in dropped.items()
    ]
    yield name, "counter", values


def _step_times(main: Reading, total: int) -> Iterator[Family]:
    """Most of a batch's time goes into the slow step."""
    name = "events_pipeline_step_ms"
    whole_ms = _batches(main) * main.batch_s * 1000
    values = [
        (f"{name}_{part}", _labels(step_name=step), value)
        for step, share in (("normalizeEventStep", 0.02), (main.slow_step, 0.9), ("emitEventStep", 0.08))
        for part, value in (("sum", whole_ms * share), ("count", float(total)))
    ]
    yield name, "summary", values


def _batches(each: Reading) -> float:
    """Each, and the half second that the turn after it waits."""
    return each.for_s / (each.batch_s + 0.5) if each.per_second else 0.0


def _counter(name: str, label: str, values: Mapping[str, float]) -> Family:
    return name, "counter", [(name, _labels(**{label: key}), value) for key, value in values.items()]


def _which(each: Reading) -> str:
    return _labels(topic=each.topic, groupId=each.group)


def _labels(**labels: str) -> str:
    return "{" + ",".join(f'{key}="{value}"' for key, value in labels.items()) + "}"
