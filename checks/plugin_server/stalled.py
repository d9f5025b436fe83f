"""Whether the consumers of events stand still: those that hang by their own counters, and those that rest while events come.

A consumer that processes nothing may have nothing to process. What tells is whether it asks Kafka, what waits there, what comes
in, and how unusual it is that nothing arrives.
"""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from checks.plugin_server import inflow
from checks.plugin_server.evidence import at_work
from checks.plugin_server.findings import READ_LOG, RESTART, listed
from checks.plugin_server.watch import Arrived, Watched, arrived, clickhouse_waits, waiting
from diagnostics import Code, Finding, Measure, Status, Table, Threshold, Thresholds, span_s
from diagnostics.sources.capture import Capture
from diagnostics.sources.clickhouse import ClickHouse
from diagnostics.sources.kafka import Kafka
from diagnostics.sources.plugin_server import Health, PluginServer, Readings
from diagnostics.sources.plugin_server.consumers import consumers

STALLED_AFTER = Threshold(
    "plugin-server-progress.stalled-after",
    300.0,
    "s",
    "a consumer that does not ask for more is stalled when the newest event that it has processed, or the work that it waits "
    "for, is this old",
)
BUSY = Threshold(
    "plugin-server-progress.busy",
    600.0,
    "count",
    "an install that gets so many events an hour at this time of day does not get none because nobody happens to send",
)
# Seconds. A shorter lull is not called unusual: that is where the check of arrivals begins to alarm.
LULL = 900.0

STALLED = Code(
    id="plugin-server.stalled",
    worst=Status.FAIL,
    summary="it says that it is healthy, but it does not get on",
    contradicted_by=("app.events-visible", "canary.arrived"),
    caused_by=("app.postgres-down", "app.redis-down", "kafka.unreachable"),
)


class Around(Struct, frozen=True, kw_only=True):
    """Those who may know why nothing is processed; None where they cannot be asked."""

    plugin_server: PluginServer
    kafka: Kafka | None
    clickhouse: ClickHouse | None
    capture: Capture | None


def watched_by(instances: Sequence[Health], readings: Sequence[Readings]) -> list[Watched]:
    """The consumers of events that are counted."""
    said = {health.address: health for health in instances}
    return [
        Watched(consumer=consumer, health=said[each.address], readings=each)
        for each in readings
        for consumer in consumers(each)
        if consumer.takes_events
    ]


def hanging(watched: Sequence[Watched], total: int, limit: float) -> Iterator[Finding]:
    """Those whose own counters show it."""
    reasons = [(each, why) for each in watched if (why := each.hangs(limit))]
    if reasons:
        found = [each for each, _ in reasons]
        yield _stalled(found, f"{_says_healthy(found, total)}, but {reasons[0][1]}", _IT_HOLDS_THEM)


def resting(watched: Sequence[Watched], total: int, around: Around, limits: Thresholds) -> Iterator[Finding]:
    """Nothing is processed: what others know tells whether there is anything to process. Kafka is believed first."""
    told = [held for each in watched if (held := waiting(around.kafka, each)) is not None]
    if told and (longest := max(told, key=lambda held: held.seconds)).seconds >= limits(STALLED_AFTER):
        claim = (
            f"{_says_healthy(watched, total)}, but nothing was processed in {span_s(watched[0].readings.seconds)} of looking, "
            f"while {longest.messages:,} messages wait in {watched[0].consumer.topic}, the oldest for {span_s(longest.seconds)}"
        )
        yield _stalled(watched, claim, "It gets nothing of what Kafka has for it, or does not finish it.")
        return
    found = None if told else _not_seen_by_kafka(watched, total, around, limits)
    yield found or STALLED.found(gets_on(watched), status=Status.OK)


def _not_seen_by_kafka(watched: Sequence[Watched], total: int, around: Around, limits: Thresholds) -> Finding | None:
    """Where Kafka does not know its group: what comes in tells, and else how unusual it is that nothing does."""
    events = arrived(around.clickhouse)
    if events is not None and events.overdue is False:
        return None
    came = inflow.inflow(around.kafka, around.capture, watched[0].consumer.topic)
    if came and came.events and (events is None or events.ago >= limits(STALLED_AFTER)):
        return _left_lying(watched, total, came, around, certain=events is not None)
    if events is None or not events.overdue or watched[0].consumer.turns is not None:
        return None
    behind = span_s(max(each.consumer.behind or 0.0 for each in watched))
    rest = f"in {span_s(watched[0].readings.seconds)} of looking"
    detail = f"{_NOT_COUNTED} The newest event in ClickHouse arrived {span_s(events.ago)} ago."
    if came is None and _only_it_is_left(events, around.clickhouse, limits):
        claim = (
            f"{_says_healthy(watched, total)}, but nothing was processed {rest} and its newest event is {behind} old, though "
            f"at this time of day {events.per_hour:,} events an hour or more arrive: it hangs, or "
            "nothing gets to it"
        )
        return _stalled(watched, claim, f"{detail} {_NOTHING_TO_TAKE}")
    claim = (
        f"{listed([each.health for each in watched], total)} processed nothing {rest} and its newest event is {behind} old, "
        "at a time of day at which events usually arrive"
    )
    return _stalled(watched, claim, detail, Status.WARN)


def _left_lying(
    watched: Sequence[Watched], total: int, came: inflow.Inflow, around: Around, *, certain: bool
) -> Finding | None:
    """Events came in: unless they have been taken by now, it stalls. Not `certain` where nobody knows whether they arrive: one
    without partitions takes none, and another, of which diag was not told, takes them all."""
    addresses = {each.health.address for each in watched}
    since = [each for each in around.plugin_server.later() if each.address in addresses]
    later = watched_by([each.health for each in watched], since)
    if not later or any(each.moves or each.consumer.rebalanced for each in later):
        return None
    seconds = span_s(later[0].readings.seconds)
    claim = f"{_says_healthy(watched, total)}, but nothing was processed in {seconds} of looking, while {came.text}"
    behind = span_s(max(each.consumer.behind or 0.0 for each in watched))
    holds = all(each.consumer.partitions for each in watched)
    status = None if certain or holds else Status.WARN
    return _stalled(later, claim, f"The newest event that it has processed is {behind} old.", status)


def _only_it_is_left(events: Arrived, clickhouse: ClickHouse | None, limits: Thresholds) -> bool:
    """Whether so much is missing for so long, and ClickHouse so surely waits, that it has to be this or what is before it."""
    steady = events.usual is not None and events.usual <= limits(STALLED_AFTER)  # not a job that sends once an hour
    much = steady and events.per_hour >= limits(BUSY) and events.ago >= LULL
    return much and clickhouse is not None and clickhouse_waits(clickhouse)


def _says_healthy(watched: Sequence[Watched], total: int) -> str:
    who = [each.health for each in watched]
    return f"{listed(who, total)} {'says that it is' if len(who) == 1 else 'say that they are'} healthy"


def _stalled(watched: Sequence[Watched], claim: str, detail: str, status: Status | None = None) -> Finding:
    return STALLED.found(
        claim,
        status=status,
        detail=detail,
        affects=[each.health.address for each in watched],
        evidence=[work_of(watched)],
        actions=[READ_LOG, RESTART],
        source_text=True,
        measure=Measure(value=round(max(each.consumer.behind or 0.0 for each in watched)), unit="s"),
    )


def gets_on(watched: Sequence[Watched]) -> str:
    """The claim of those that do."""
    seconds = watched[0].readings.seconds
    if any(each.moves for each in watched):
        return f"Events were processed in the {span_s(seconds)} of looking"
    behind = [each.consumer.behind for each in watched if each.consumer.behind is not None]
    newest = f"; the newest is {span_s(min(behind))} old" if behind else ""
    return f"No event came in the {span_s(seconds)} of looking{newest}"


def work_of(watched: Sequence[Watched]) -> Table:
    """What they did between the readings."""
    return at_work([each.consumer for each in watched], watched[0].readings.seconds)


_NOT_COUNTED = (
    "This version does not count whether its consumer still asks Kafka for events, so that it may as well be that nothing gets "
    "to it."
)
_NOTHING_TO_TAKE = (
    "ClickHouse's own consumers ask Kafka, fail at nothing and get nothing: what is missing is missing "
    "before them. A restart is safe, and shows whether it was this or what writes into Kafka."
)
_IT_HOLDS_THEM = "It holds messages that it does not finish; what comes after them waits in Kafka."
