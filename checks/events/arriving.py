"""Events that arrive in ClickHouse: whether they still do, and about as many as usual."""

from collections.abc import Iterator

from checks.events import arrivals as event_arrivals
from checks.events import rates as event_rates
from checks.events.arrivals import Arrivals
from checks.kafka import intake as kafka_intake
from checks.plugin_server.findings import READ_LOG
from diagnostics.engine.check import Code, Threshold, Thresholds, check
from diagnostics.report.model import Action, Category, Evidence, Finding, Measure, QueryText, Stage, Status, Values
from diagnostics.report.wording import clock, span_s
from diagnostics.sources.clickhouse import ClickHouse
from diagnostics.sources.errors import LimitExceeded
from diagnostics.sources.kafka import Kafka

STALE_AFTER = Threshold("events-arriving.stale-after", 900.0, "s", "a pause shorter than this is never called unusual")
STALE_FACTOR = Threshold("events-arriving.stale-factor", 2.0, "ratio", "how many times the usual pause is too long")

DROP_RATIO = Threshold("events-arriving.drop-ratio", 0.25, "ratio", "a smaller part than this of the usual events is a drop")
DROP_LEAST = Threshold("events-arriving.drop-least", 200, "count", "fewer usual events than this are too few to judge by")

STALE = Code(
    id="clickhouse.events-stale",
    worst=Status.FAIL,
    category=Category.DATA_INTEGRITY,
    summary="no event has arrived for longer than is usual for this install",
    headline="Events no longer reach ClickHouse",
    symptom=True,
    contradicted_by=("canary.arrived",),
    caused_by=(
        "capture.unreachable",
        "capture.misrouted",
        "capture.cannot-produce",
        "capture.drops-events",
        "capture.rejects-canary",
        "kafka.unreachable",
        "kafka.topic-missing",
        "kafka.no-consumer",
        "kafka.lag",
        "plugin-server.unreachable",
        "plugin-server.unhealthy",
        "plugin-server.not-ready",
        "plugin-server.stalled",
        "plugin-server.no-partitions",
        "plugin-server.drops-events",
        "plugin-server.role-missing",
        "dead-letters.active",
        "kafka.dead-letters",
        "app.postgres-down",
        "app.redis-down",
        "clickhouse.table-missing",
        "clickhouse.consumer-failing",
        "clickhouse.view-failing",
        "clickhouse.replica-readonly",
        "clickhouse.too-many-parts",
        "clickhouse.disk-full",
        "clickhouse.distribution-stuck",
        "clickhouse.memory-limit",
    ),
)
DROP = Code(
    id="clickhouse.events-drop",
    worst=Status.WARN,
    category=Category.DATA_INTEGRITY,
    summary="far fewer events arrive than is usual for this install",
    headline="Far fewer events reach ClickHouse than usual",
)


@check(
    "events-arriving",
    stage=Stage.CLICKHOUSE,
    title="Events arrive in ClickHouse as they usually do",
    finds=[STALE, DROP],
    reads=[*event_arrivals.READS, *kafka_intake.READS],
    thresholds=[STALE_AFTER, STALE_FACTOR, DROP_RATIO, DROP_LEAST],
)
def events_arriving(clickhouse: ClickHouse, kafka: Kafka | None, limits: Thresholds) -> Iterator[Finding]:
    """Looks when the newest row was stored in `events`, whether this install pauses that long at this hour, and how many came.

    Healthy is a pause of at most twice what is usual: the longest pause an hour around this time of day a week ago, or the
    second-longest on the days between (one outage is no precedent); 15 minutes are never too long. Nights, weekends and quiet
    installs do not alarm; a public holiday may. With less than a day of history nothing is called unusual. Healthy is also a
    quarter or more of what the quieter of the last days brought in the same two to three hours, once a week is known.
    Rows that do not arrive are not in any chart, though senders get a success; what Kafka still holds can be saved.
    By hand: SELECT max(_timestamp), now() FROM events WHERE timestamp > now() - INTERVAL 1 DAY.
    """
    arrivals = event_arrivals.ask(clickhouse)
    if not arrivals.hours:
        yield from _none_lately(clickhouse, arrivals)
        return
    usual = arrivals.usual_pause
    ago = span_s(arrivals.pause)
    if usual is None:
        if arrivals.pause > limits(STALE_AFTER):
            yield STALE.found(
                f"The newest event arrived {ago} ago; with less than a day of events before it, that may be usual or not",
                status=Status.INFO,
                evidence=[arrivals.series],
            )
    elif arrivals.pause > max(limits(STALE_AFTER), limits(STALE_FACTOR) * usual):
        claim = f"The newest event arrived {ago} ago; at this hour the longest pause usually is {span_s(usual)}"
        yield from _unless_dated_elsewhere(clickhouse, kafka, claim, arrivals, limits(STALE_AFTER))
    else:
        yield from _fewer(arrivals, limits)


def _fewer(arrivals: Arrivals, limits: Thresholds) -> Iterator[Finding]:
    rate = event_rates.rate(arrivals)
    if rate is None or rate.usual < limits(DROP_LEAST) or rate.arrived >= limits(DROP_RATIO) * rate.usual:
        return
    yield DROP.found(
        f"Only {rate.arrived:,} events arrived since {clock(rate.since, arrivals.asked_at, whole_minutes=True)} UTC; "
        f"the quieter of the last {arrivals.days - 1} days brought {rate.usual:,} or more in the same time of day",
        detail="A public holiday, a release of the sender without its tracking, or a consent banner look the same.",
        affects=["events"],
        evidence=[arrivals.series, QueryText(title="Events per hour", text=BY_HOUR)],
        actions=DROPPED,
        measure=Measure(value=rate.arrived, unit="events", worse="lower", counted_s=rate.seconds),
    )


def _none_lately(clickhouse: ClickHouse, arrivals: Arrivals) -> Iterator[Finding]:
    [total] = clickhouse.rows(event_arrivals.TOTAL)
    if total.events == 0:
        yield STALE.found("No event has ever arrived in this ClickHouse: the table events is empty", status=Status.INFO)
    else:
        claim = f"No event has arrived for {_days(arrivals)} or longer, though the table holds {total.events:,}"
        yield from _unless_dated_elsewhere(clickhouse, None, claim, arrivals, 86_400)


def _unless_dated_elsewhere(
    clickhouse: ClickHouse, kafka: Kafka | None, claim: str, arrivals: Arrivals, recent: float
) -> Iterator[Finding]:
    """The alarm, unless rows arrive whose own time is so far off that they were not among those looked at."""
    detail = "" if arrivals.days > 1 else "Only the last day was looked at: more would read too many rows. "
    elsewhere = f"dated over {_days(arrivals)} ago or a day ahead"
    try:
        [outside] = clickhouse.rows(event_arrivals.OUTSIDE, days=arrivals.days)
    except LimitExceeded:
        detail += f"Events {elsewhere} were not looked at: the table is too large."
    else:
        pause = max(0.0, (outside.asked_at - outside.newest).total_seconds())
        if outside.events and pause <= recent:
            yield STALE.found(
                f"Events arrive, the newest {span_s(pause)} ago, but {elsewhere}",
                status=Status.INFO,
                detail="Charts of recent days do not show them: an import of old events, or a wrong clock at the sender.",
            )
            return
    actions = NEXT
    if kafka and kafka_intake.ended(kafka, arrivals.pause):
        claim += ", and nothing has come into Kafka since either"
        detail += " So nothing behind Kafka holds them back: capture takes none, or nobody sends any."
        actions = UPSTREAM
    yield STALE.found(claim, detail=detail.strip(), affects=["events"], evidence=_evidence(arrivals), actions=actions)


def _days(arrivals: Arrivals) -> str:
    return "a day" if arrivals.days == 1 else f"{arrivals.days} days"


def _evidence(arrivals: Arrivals) -> list[Evidence]:
    by_hand = QueryText(title="The newest event, and how many in a day", text=event_arrivals.BY_HAND)
    if not arrivals.hours:
        return [by_hand]
    usual = span_s(arrivals.usual_pause) if arrivals.usual_pause is not None else None
    values = Values(
        title="Arrival",
        values={
            "newest": arrivals.newest.isoformat(),
            "pause": span_s(arrivals.pause),
            "longest usual pause at this hour": usual,
            "days looked at": arrivals.days,
        },
    )
    return [arrivals.series, values, by_hand]


NEXT = (
    Action(
        text="See whether ClickHouse's consumers fail (ClickHouse 23.8 and newer)",
        commands=(
            'docker compose exec clickhouse clickhouse-client --query "SELECT table, last_poll_time, num_messages_read, '
            'exceptions.text FROM system.kafka_consumers FORMAT Vertical"',
        ),
    ),
    READ_LOG,
)

UPSTREAM = (
    Action(
        text="See whether requests for events still come, and what they are answered (docker compose, Kubernetes)",
        commands=(
            "docker compose logs --since 10m proxy | grep -E '/(e|i/v0/e|batch|capture)/' | tail -20",
            "kubectl -n posthog logs deployment/posthog-events --since 10m --tail 20",
        ),
    ),
    Action(
        text="Send one event to see whether the way is open (it goes to the project of project_token)",
        commands=("diag run --canary",),
    ),
)

BY_HOUR = """
SELECT toStartOfHour(_timestamp) AS hour, team_id, count() AS events FROM events
WHERE timestamp > now() - INTERVAL 9 DAY AND timestamp < now() + INTERVAL 1 DAY
GROUP BY hour, team_id ORDER BY hour, team_id LIMIT 5000
""".strip()

DROPPED = (
    Action(text="See which projects and which events became fewer: compare the last hours with a week ago in PostHog's Trends"),
    *NEXT,
)
