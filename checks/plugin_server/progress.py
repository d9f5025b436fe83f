"""The plugin server's progress: whether the consumers of events get on, hold partitions, and how long their batches take.

Reads the counters of each instance twice, a good second apart. What `/_health` says is no part of it.
Healthy is a consumer that asks Kafka for more, busy or idle: that nothing comes in, as at night, is no alarm.
Where nothing is processed at all, Kafka knows whether anything waits for it; without Kafka, ClickHouse whether that is usual.
It matters because `/_health` may say `ok` of a consumer that hangs, and before 2023 says it of any.
By hand, twice: docker compose exec web curl -sS -m 5 http://plugins:6738/_metrics | grep -E 'latest_processed|consume'
"""

from collections.abc import Iterator, Sequence

from checks.events.arrivals import ARRIVALS, ARRIVALS_BY_KAFKA
from checks.plugin_server.evidence import at_work, spent, steps, uncounted, unread
from checks.plugin_server.findings import READ_LOG, RESTART, listed
from checks.plugin_server.watch import Watched, arrived, waiting
from diagnostics import Action, Category, Code, Finding, Measure, Stage, Status, Table, Threshold, Thresholds, check, span_s
from diagnostics.sources.clickhouse import ClickHouse
from diagnostics.sources.kafka import COMMITTED, GROUPS, OFFSETS, WAITING, Kafka
from diagnostics.sources.plugin_server import METRICS, METRICS_ELSEWHERE, PluginServer, Readings
from diagnostics.sources.plugin_server.consumers import consumers
from diagnostics.sources.plugin_server.endings import since_start

STALLED_AFTER = Threshold(
    "plugin-server-progress.stalled-after",
    300.0,
    "s",
    "a consumer that does not ask for more is stalled when the newest event that it has processed, or the work that it waits "
    "for, is this old",
)
SETTLED_AFTER = Threshold(
    "plugin-server-progress.settled-after",
    120.0,
    "s",
    "a process that started less than this ago may still wait for its partitions",
)
SLOW_BATCH = Threshold(
    "plugin-server-progress.slow-batch", 10.0, "s", "batches that take this long on average are slow; PostHog logs them as such"
)
HUNG_SHARE = Threshold(
    "plugin-server-progress.hung-share",
    0.01,
    "ratio",
    "so large a share of the events that hung in a step, since the start, is slow; at least ten of them",
)
LEAST_HUNG = 10

STALLED = Code(
    id="plugin-server.stalled",
    worst=Status.FAIL,
    summary="it says that it is healthy, but it does not get on",
    contradicted_by=("app.events-visible", "canary.arrived"),
    caused_by=("app.postgres-down", "app.redis-down", "kafka.unreachable"),
)
NO_PARTITIONS = Code(
    id="plugin-server.no-partitions",
    worst=Status.FAIL,
    summary="Kafka gives it no part of the events to read",
    contradicted_by=("app.events-visible", "canary.arrived"),
    caused_by=("kafka.topic-missing", "kafka.unreachable"),
)
SLOW = Code(
    id="plugin-server.slow",
    worst=Status.WARN,
    summary="it takes very long for a batch of events",
    category=Category.PERFORMANCE,
)


@check(
    "plugin-server-progress",
    stage=Stage.PLUGIN_SERVER,
    title="The plugin server gets on with its work",
    finds=[STALLED, NO_PARTITIONS, SLOW],
    reads=[METRICS, METRICS_ELSEWHERE, OFFSETS, GROUPS, COMMITTED, WAITING, ARRIVALS, ARRIVALS_BY_KAFKA],
    thresholds=[STALLED_AFTER, SETTLED_AFTER, SLOW_BATCH, HUNG_SHARE],
)
def plugin_server_progress(
    plugin_server: PluginServer, kafka: Kafka | None, clickhouse: ClickHouse | None, limits: Thresholds
) -> Iterator[Finding]:
    instances, readings = plugin_server.health(), plugin_server.readings()
    said = {health.address: health for health in instances}
    counted = [
        Watched(consumer=consumer, health=said[each.address], readings=each)
        for each in readings
        for consumer in consumers(each)
    ]
    watched = [each for each in counted if each.consumer.takes_events]
    yield from unread(STALLED, readings, "whether it gets on with its work")
    if (readable := [each for each in readings if each.readable]) and not counted:
        yield uncounted(STALLED, readable, "whether it gets on with its work")
    stuck = list(_hanging(watched, len(instances), limits(STALLED_AFTER)))
    if sum(each.readable for each in readings) == len(instances):  # one that was not seen may hold them all
        stuck += _without_partitions(watched, clickhouse, limits)
    yield from stuck
    yield from _slow(watched, limits(SLOW_BATCH))
    yield from _hung(readings, limits(HUNG_SHARE))
    if stuck or not watched:
        return
    if all(each.rests(limits(STALLED_AFTER)) for each in watched):
        yield from _resting(watched, len(instances), kafka, clickhouse, limits(STALLED_AFTER))
    else:
        yield STALLED.found(_gets_on(watched), status=Status.OK)


def _hanging(watched: Sequence[Watched], total: int, limit: float) -> Iterator[Finding]:
    hanging = [(each, why) for each in watched if (why := each.hangs(limit))]
    if hanging:
        found = [each for each, _ in hanging]
        yield _stalled(found, f"{_says_healthy(found, total)}, but {hanging[0][1]}", _IT_HOLDS_THEM)


def _resting(
    watched: Sequence[Watched], total: int, kafka: Kafka | None, clickhouse: ClickHouse | None, limit: float
) -> Iterator[Finding]:
    """Nothing is processed: what others know tells whether there is anything to process. Kafka is believed first."""
    seconds, behind = span_s(watched[0].readings.seconds), max(each.consumer.behind or 0.0 for each in watched)
    told = [held for each in watched if (held := waiting(kafka, each)) is not None]
    if told and (longest := max(told, key=lambda held: held.seconds)).seconds >= limit:
        claim = (
            f"{_says_healthy(watched, total)}, but nothing was processed in {seconds} of looking, while {longest.messages:,} "
            f"messages wait in {watched[0].consumer.topic}, the oldest for {span_s(longest.seconds)}"
        )
        yield _stalled(watched, claim, "It gets nothing of what Kafka has for it, or does not finish it.")
    elif not told and watched[0].consumer.turns is None and (events := arrived(clickhouse)) and events.overdue:
        claim = (
            f"{listed([each.health for each in watched], total)} processed nothing in {seconds} of looking and its newest "
            f"event is {span_s(behind)} old, at a time of day at which events usually arrive"
        )
        detail = (
            "This version does not count whether its consumer still asks Kafka for events, so that it may as well be that "
            f"nothing gets to it. The newest event in ClickHouse arrived {span_s(events.ago)} ago."
        )
        yield _stalled(watched, claim, detail, Status.WARN)
    else:
        yield STALLED.found(_gets_on(watched), status=Status.OK)


def _says_healthy(watched: Sequence[Watched], total: int) -> str:
    who = [each.health for each in watched]
    return f"{listed(who, total)} {'says that it is' if len(who) == 1 else 'say that they are'} healthy"


def _stalled(watched: Sequence[Watched], claim: str, detail: str, status: Status | None = None) -> Finding:
    return STALLED.found(
        claim,
        status=status,
        detail=detail,
        affects=[each.health.address for each in watched],
        evidence=[_at_work(watched)],
        actions=[READ_LOG, RESTART],
        source_text=True,
        measure=Measure(value=round(max(each.consumer.behind or 0.0 for each in watched)), unit="s"),
    )


def _without_partitions(watched: Sequence[Watched], clickhouse: ClickHouse | None, limits: Thresholds) -> Iterator[Finding]:
    """Only all of them together: a replica above the number of partitions has none, and is well."""
    if not watched or any(each.consumer.partitions != 0 or not each.settled(limits(SETTLED_AFTER)) for each in watched):
        return
    one, topic, up_for = len(watched) == 1, watched[0].consumer.topic, watched[0].readings.up_for
    who = f"The plugin server at {watched[0].health.address} has" if one else f"All {len(watched)} plugin servers have"
    since = "" if up_for is None else f" {span_s(up_for)} after {'its' if one else 'their'} start"
    affects = [each.health.address for each in watched]
    events = arrived(clickhouse)
    if events is not None and events.ago < limits(STALLED_AFTER):
        yield NO_PARTITIONS.found(
            f"{who} no partition of {topic}, but an event arrived {span_s(events.ago)} ago: another one has them",
            status=Status.INFO,
            affects=affects,
            source_text=True,
        )
        return
    yield NO_PARTITIONS.found(
        f"{who} no partition of {topic}{since}, so that {'it reads no events' if one else 'none of them reads events'}",
        detail="If there are more of them than diag was told of (plugin_server_urls), another may have them.",
        affects=affects,
        evidence=[_at_work(watched)],
        actions=[_LOOK_AT_THE_GROUP, READ_LOG, RESTART],
        source_text=True,
    )


def _slow(watched: Sequence[Watched], limit: float) -> Iterator[Finding]:
    for each in watched:
        batch_s = each.consumer.batch_s
        at_it = each.consumer.batches or each.consumer.turns == 0  # else that was long ago
        if batch_s is None or batch_s < limit or not at_it:
            continue
        taken = steps(each.readings)
        most = f", most of it in {taken[0].name}" if taken else ""
        yield SLOW.found(
            f"A batch of events takes {span_s(batch_s)} on average at {each.health.address}{most}; {span_s(limit)} is slow",
            detail="Events arrive late, and are lost when Kafka's retention ends before they are read.",
            affects=[each.health.address],
            evidence=[_at_work([each]), *([spent(taken)] if taken else [])],
            actions=_WHERE_TIME_GOES,
            source_text=True,
            measure=Measure(value=batch_s, unit="s"),
        )


def _hung(readings: Sequence[Readings], share: float) -> Iterator[Finding]:
    for each in readings:
        hung = each.now("events_pipeline_step_stalled_total") or 0.0
        if hung < LEAST_HUNG or hung < share * since_start(each).events:
            continue
        worst = max(each.samples("events_pipeline_step_stalled_total"), key=lambda sample: sample.value)
        taken = steps(each)
        yield SLOW.found(
            f"{hung:,.0f} events hung in a step for 30 s and more since {each.address} started, most in "
            f"{worst.labels.get('step_name', 'an unnamed one')}",
            affects=[each.address],
            evidence=[spent(taken)] if taken else [],
            actions=_WHERE_TIME_GOES,
            source_text=True,
            measure=Measure(value=hung, unit="events", counted_s=each.up_for),
        )


def _gets_on(watched: Sequence[Watched]) -> str:
    seconds = watched[0].readings.seconds
    if any(each.moves for each in watched):
        return f"Events were processed in the {span_s(seconds)} of looking"
    behind = [each.consumer.behind for each in watched if each.consumer.behind is not None]
    newest = f"; the newest is {span_s(min(behind))} old" if behind else ""
    return f"No event came in the {span_s(seconds)} of looking{newest}"


def _at_work(watched: Sequence[Watched]) -> Table:
    return at_work([each.consumer for each in watched], watched[0].readings.seconds)


_IT_HOLDS_THEM = "It holds messages that it does not finish; what comes after them waits in Kafka."
_LOOK_AT_THE_GROUP = Action(
    text="See who is in its consumer group, and whether the topic has partitions",
    commands=(
        "docker compose exec kafka kafka-consumer-groups.sh --bootstrap-server kafka:9092 --describe --all-groups --members",
        "docker compose exec kafka rpk group list",
        "kubectl -n posthog exec posthog-posthog-kafka-0 -- kafka-consumer-groups.sh --bootstrap-server localhost:9092 "
        "--describe --all-groups --members",
    ),
)
_WHERE_TIME_GOES = (
    Action(
        text="See what Postgres is busy with: persons are read and written for every event",
        commands=(
            'docker compose exec db psql -U posthog -c "select state, count(*), max(now() - query_start) as longest '
            'from pg_stat_activity group by state"',
            'psql "$DATABASE_URL" -c "select state, count(*), max(now() - query_start) as longest from pg_stat_activity '
            'group by state"',
        ),
    ),
    Action(
        text="If the time goes into transformEventStep or pluginsProcessEventStep, turn off the transformation or plugin that "
        "was changed last",
        changes_something=True,
        safe=False,
    ),
)
