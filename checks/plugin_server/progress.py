"""The plugin server's progress: whether the consumers of events get on, hold partitions, and how long their batches take.

Reads the counters of each instance twice, a good second apart. What `/_health` says is no part of it.
Healthy is a consumer that asks Kafka for more, busy or idle: that nothing comes in, as at night, is no alarm.
Where nothing is processed at all, Kafka knows whether anything waits for it; without Kafka, ClickHouse whether that is usual,
and capture whether events come.
It matters because `/_health` may say `ok` of a consumer that hangs, and before 2023 says it of any.
By hand, twice: docker compose exec web curl -sS -m 5 http://plugins:6738/_metrics | grep -E 'latest_processed|consume'
"""

from collections.abc import Iterator, Sequence

from checks.clickhouse.state import CONSUMERS
from checks.events.arrivals import ARRIVALS, ARRIVALS_BY_KAFKA
from checks.plugin_server import inflow
from checks.plugin_server.evidence import spent, steps, uncounted, unread
from checks.plugin_server.findings import READ_LOG, RESTART
from checks.plugin_server.stalled import BUSY, STALLED, STALLED_AFTER, Around, gets_on, hanging, resting, watched_by, work_of
from checks.plugin_server.watch import Watched, arrived
from diagnostics import Action, Category, Code, Finding, Measure, Stage, Status, Threshold, Thresholds, check, span_s
from diagnostics.sources.capture import Capture
from diagnostics.sources.clickhouse import ClickHouse
from diagnostics.sources.kafka import COMMITTED, GROUPS, OFFSETS, WAITING, Kafka
from diagnostics.sources.plugin_server import METRICS, METRICS_ELSEWHERE, PluginServer, Readings
from diagnostics.sources.plugin_server.consumers import consumers
from diagnostics.sources.plugin_server.endings import since_start

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
    reads=[
        METRICS,
        METRICS_ELSEWHERE,
        OFFSETS,
        GROUPS,
        COMMITTED,
        WAITING,
        ARRIVALS,
        ARRIVALS_BY_KAFKA,
        CONSUMERS,
        *inflow.READS,
    ],
    thresholds=[STALLED_AFTER, SETTLED_AFTER, SLOW_BATCH, HUNG_SHARE, BUSY],
)
def plugin_server_progress(
    plugin_server: PluginServer,
    kafka: Kafka | None,
    clickhouse: ClickHouse | None,
    capture: Capture | None,
    limits: Thresholds,
) -> Iterator[Finding]:
    instances, readings = plugin_server.health(), plugin_server.readings()
    counted = any(consumers(each) for each in readings)
    watched = watched_by(instances, readings)
    yield from unread(STALLED, readings, "whether it gets on with its work")
    if (readable := [each for each in readings if each.readable]) and not counted:
        yield uncounted(STALLED, readable, "whether it gets on with its work")
    stuck = list(hanging(watched, len(instances), limits(STALLED_AFTER)))
    if sum(each.readable for each in readings) == len(instances):  # one that was not seen may hold them all
        stuck += _without_partitions(watched, clickhouse, limits)
    yield from stuck
    yield from _slow(watched, limits(SLOW_BATCH))
    yield from _hung(readings, limits(HUNG_SHARE))
    if stuck or not watched:
        return
    if all(each.rests(limits(STALLED_AFTER)) for each in watched):
        around = Around(plugin_server=plugin_server, kafka=kafka, clickhouse=clickhouse, capture=capture)
        yield from resting(watched, len(instances), around, limits)
    else:
        yield STALLED.found(gets_on(watched), status=Status.OK)


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
        evidence=[work_of(watched)],
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
            evidence=[work_of([each]), *([spent(taken)] if taken else [])],
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
