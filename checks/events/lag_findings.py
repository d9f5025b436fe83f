"""What is said of late events: where on the way they lose the time, how much, and whether it becomes more."""

from msgspec import Struct

from checks.events.recent import HALF, Recent, Slice, Spread
from diagnostics.engine.check import Code
from diagnostics.report.model import Action, Column, Evidence, Finding, Measure, QueryText, Status, Table
from diagnostics.report.wording import span_s

EVEN = 30
"""Seconds. Lags that differ by less over half an hour come from clocks that differ: a queue that long is never so steady."""
STEADY = 0.1
"""The part by which a lag may change from one half hour to the next and still be called steady."""


class Leg(Struct, frozen=True, kw_only=True):
    """From one place to the next: `now` in the newest half hour that has enough events, `before` in the one before it."""

    since: str
    until: str
    now: Spread
    before: Spread

    @property
    def median(self) -> int:
        return max(0, self.now[1])  # hosts whose clocks differ make it negative

    @property
    def slow(self) -> int:
        """What one in twenty takes."""
        return max(0, self.now[2])


class Way(Struct, frozen=True, kw_only=True):
    """The whole way and its legs, of the rows of `half`. Not `compared` where only one half hour has enough events."""

    half: Slice
    compared: bool
    legs: tuple[Leg, ...]
    whole: Leg

    @property
    def longest(self) -> Leg:
        return max(self.legs, key=lambda leg: leg.median)

    @property
    def trend(self) -> float:
        """By what part the longest leg became longer, from one half hour to the next."""
        before = max(1, self.longest.before[1])
        return (self.longest.now[1] - before) / before

    @property
    def evenly(self) -> bool:
        """Whether all rows of a long while took the same time, to the second: then it is the clocks, not the way."""
        lasted = (self.half.newest - self.half.oldest).total_seconds()
        fastest, _, slowest = self.longest.now
        return lasted >= HALF / 3 and slowest - fastest <= EVEN


def way_of(recent: Recent, now: Slice, before: Slice) -> Way:
    """What is known of the way of the rows that arrived `now`, and in the half hour `before` (the same where there is none)."""

    def leg(since: str, until: str, name: str) -> Leg:
        return Leg(since=since, until=until, now=getattr(now, name), before=getattr(before, name))

    first = "capture" if recent.capture_is_known else "the plugin server"
    last = "ClickHouse" if recent.stored_is_known else "Kafka"
    legs = [leg("the plugin server", "Kafka", "to_kafka")]
    if recent.capture_is_known:
        legs.insert(0, leg("capture", "the plugin server", "to_plugin_server"))
    if recent.stored_is_known:
        legs.append(leg("Kafka", "ClickHouse", "to_clickhouse"))
    return Way(half=now, compared=now is not before, legs=tuple(legs), whole=leg(first, last, "whole"))


def all_late(code: Code, recent: Recent, way: Way, status: Status) -> Finding:
    """Half of the events are late, or more."""
    whole, longest = way.whole, way.longest
    most = f", {span_s(longest.median)} of it from {longest.since} to {longest.until}" if len(way.legs) > 1 else ""
    claim = f"took {span_s(whole.median)} or more from {whole.since} to {whole.until}{most}{_trend(way)}"
    return _found(code, recent, way, status, f"Half of the {_which(way.half)} {claim}")


def some_late(code: Code, recent: Recent, way: Way) -> Finding:
    """Few are: those of one partition, or of one busy distinct id."""
    whole = way.whole
    claim = f"took {span_s(whole.slow)} or more from {whole.since} to {whole.until}, though half took {span_s(whole.median)}"
    return _found(code, recent, way, Status.WARN, f"One in twenty of the {_which(way.half)} {claim}")


def _found(code: Code, recent: Recent, way: Way, status: Status, claim: str) -> Finding:
    return code.found(
        claim,
        status=status,
        affects=["events"],
        evidence=_evidence(recent, way),
        actions=ACTIONS[way.longest.until],
        measure=Measure(value=way.whole.median, unit="s"),
    )


def _which(half: Slice) -> str:
    when = "in the last 30 min" if half.slice == 2 else "in the half hour before the last"
    return f"{half.timed:,} events that arrived {when}"


def _trend(way: Way) -> str:
    before = span_s(max(0, way.longest.before[1]))
    if not way.compared:
        return ""
    if way.trend > STEADY:
        return f", and growing: half an hour before it was {before}"
    if way.trend < -STEADY:
        return f", and shrinking: half an hour before it was {before}"
    return f", as half an hour before ({before})"


def clocks_differ(code: Code, way: Way) -> Finding:
    """All take the same time, to the second."""
    leg = way.longest
    return code.found(
        f"By their clocks every event takes {span_s(leg.median)} from {leg.since} to {leg.until}, evenly to within "
        f"{span_s(max(1, leg.now[2] - leg.now[0]))}: more likely their clocks differ than that events are late",
        status=Status.INFO,
        detail="Compare `date -u` on both hosts, and let NTP set them: wrong clocks shift the times of events too.",
    )


def _evidence(recent: Recent, way: Way) -> list[Evidence]:
    columns = (
        Column(name="from"),
        Column(name="to"),
        Column(name="half, 30 min before", kind="number"),
        Column(name="half, now", kind="number"),
        Column(name="one in twenty, now", kind="number"),
    )
    rows = tuple((leg.since, leg.until, leg.before[1], leg.now[1], leg.now[2]) for leg in (*way.legs, way.whole))
    table = Table(title="Seconds that events took, or more", columns=columns, rows=rows)
    return [table, QueryText(title="By hand", text=BY_HAND if recent.stored_is_known else BY_HAND_2021)]


BY_HAND = """
SELECT toStartOfInterval(inserted_at, INTERVAL 5 MINUTE) AS stored, count() AS events,
    quantile(0.5)(dateDiff('second', toDateTime(created_at), _timestamp)) AS to_kafka_s,
    quantile(0.5)(dateDiff('second', _timestamp, toDateTime(assumeNotNull(inserted_at)))) AS to_clickhouse_s
FROM events
WHERE timestamp > now() - INTERVAL 1 DAY AND timestamp < now() + INTERVAL 1 DAY AND inserted_at > now() - INTERVAL 2 HOUR
GROUP BY stored ORDER BY stored LIMIT 100
""".strip()
BY_HAND_2021 = """
SELECT toStartOfInterval(_timestamp, INTERVAL 5 MINUTE) AS produced, count() AS events,
    quantile(0.5)(dateDiff('second', toDateTime(created_at), _timestamp)) AS to_kafka_s
FROM events
WHERE timestamp > now() - INTERVAL 1 DAY AND timestamp < now() + INTERVAL 1 DAY AND _timestamp > now() - INTERVAL 2 HOUR
GROUP BY produced ORDER BY produced LIMIT 100
""".strip()

BUSY = Action(
    text="See how busy ClickHouse is, and what its consumers say (ClickHouse 23.8 and newer)",
    commands=(
        'docker compose exec clickhouse clickhouse-client --query "SELECT table, last_poll_time, num_messages_read, '
        'exceptions.text FROM system.kafka_consumers FORMAT Vertical"',
        'docker compose exec clickhouse clickhouse-client --query "SELECT count(), max(elapsed) FROM system.merges"',
    ),
)
GROUPS = Action(
    text="See how far each consumer group is behind (Redpanda, Apache Kafka)",
    commands=(
        "docker compose exec kafka rpk group describe clickhouse-ingestion group1",
        "docker compose exec kafka kafka-consumer-groups.sh --bootstrap-server localhost:9092 --describe --all-groups",
    ),
)
LOGS = Action(
    text="See what the plugin server says: slow plugins, time-outs, errors of Kafka or Postgres (docker compose, Kubernetes)",
    commands=("docker compose logs --tail 50 plugins", "kubectl -n posthog logs deploy/posthog-plugins --tail 50"),
)
ACTIONS = {
    "ClickHouse": (BUSY, GROUPS),
    "Kafka": (LOGS, GROUPS),
    "the plugin server": (GROUPS, LOGS),
}
