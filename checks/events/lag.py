"""Ingestion lag: events arrive in ClickHouse, but late."""

from collections.abc import Iterator

from checks.events import recent as recent_arrivals
from checks.events.lag_findings import STEADY, all_late, clocks_differ, some_late, way_of
from checks.events.recent import RECENT
from diagnostics.engine.check import Code, Scope, Threshold, Thresholds, Window, check
from diagnostics.report.model import Category, Finding, Stage, Status
from diagnostics.sources.clickhouse import ClickHouse

LATE = Threshold("ingestion-lag.late", 1200.0, "s", "half of the events take longer than this on the whole way")
LEG_LATE = Threshold("ingestion-lag.leg-late", 300.0, "s", "half of the events take longer than this on one leg of the way")
LEAST = Threshold("ingestion-lag.least", 20, "count", "fewer events than this in half an hour are too few to judge by")

LAG = Code(
    id="clickhouse.ingestion-lag",
    worst=Status.FAIL,
    category=Category.PERFORMANCE,
    summary="events are stored late",
    headline="Events reach ClickHouse late",
    symptom=True,
    caused_by=(
        "kafka.lag",
        "kafka.no-consumer",
        "plugin-server.stalled",
        "app.postgres-down",
        "clickhouse.consumer-failing",
        "clickhouse.view-failing",
        "clickhouse.replica-readonly",
        "clickhouse.too-many-parts",
        "clickhouse.disk-full",
        "clickhouse.distribution-stuck",
        "clickhouse.memory-limit",
    ),
)


@check(
    "ingestion-lag",
    stage=Stage.CLICKHOUSE,
    title="Events reach ClickHouse in time",
    finds=[LAG],
    reads=[RECENT],
    thresholds=[LATE, LEG_LATE, LEAST],
)
def ingestion_lag(clickhouse: ClickHouse, window: Window, scope: Scope, limits: Thresholds) -> Iterator[Finding]:
    """Measures how long the events stored in the last half hour took on each leg of their way, by the servers' own clocks.

    Healthy is that half of them took at most 5 minutes on each leg and 20 minutes on the whole. Where the columns allow it
    the legs are capture to plugin server, plugin server to Kafka, Kafka to ClickHouse. The event's own `timestamp` is the
    sender's and not used, imports are left out, and clocks that differ between hosts do not alarm.
    What is late can still be lost: Kafka deletes what nobody has taken within its retention.
    By hand: SELECT quantile(0.5)(inserted_at - _timestamp) FROM events WHERE timestamp > now() - INTERVAL 1 HOUR.
    """
    recent = recent_arrivals.ask(clickhouse, window, scope)
    halves = [each for each in recent.slices if each.slice > 0 and each.timed >= limits(LEAST)]
    if not halves:
        return
    way = way_of(recent, halves[-1], halves[0])
    late = way.whole.median > limits(LATE) or any(leg.median > limits(LEG_LATE) for leg in way.legs)
    if late and way.evenly:
        yield clocks_differ(LAG, way)
    elif late:
        yield all_late(LAG, recent, way, Status.WARN if way.trend < -STEADY else Status.FAIL)
    elif way.whole.slow > limits(LATE):
        yield some_late(LAG, recent, way)
