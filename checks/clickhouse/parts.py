"""Whether merges keep up with inserts: too many parts, and ClickHouse delays inserts, then refuses them."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from checks.clickhouse.state import ERRORS, GAUGES, client, gauge, on, path_tables, some
from diagnostics import (
    Action,
    Category,
    Code,
    Column,
    Evidence,
    Finding,
    QueryText,
    Stage,
    Status,
    Table,
    Threshold,
    Thresholds,
    check,
    span_s,
)
from diagnostics.report.wording import count
from diagnostics.sources.clickhouse import ClickHouse, Inventory, part
from diagnostics.sources.clickhouse.part import by_hand

MANY = Threshold("clickhouse-parts.many", 0.5, "ratio", "share of the limit of parts from which a partition is reported")
TOO_MANY = Threshold("clickhouse-parts.too-many", 0.8, "ratio", "share of the limit of parts from which it counts as failing")

PARTS = Code(
    id="clickhouse.too-many-parts",
    worst=Status.FAIL,
    category=Category.PERFORMANCE,
    summary="it delays or refuses inserts, because merges do not keep up",
    caused_by=("clickhouse.disk-full",),
)

TOO_MANY_PARTS = 252

# The other error of this number: a batch dated over too many months, which has nothing to do with merges.
OF_ONE_INSERT = "partitions for single insert block"


class Partition(Struct, frozen=True, kw_only=True):
    """The active parts of a partition, and their average size in bytes."""

    host: str = ""
    table: str
    partition: str
    parts: int
    average: int


class Setting(Struct, frozen=True, kw_only=True):
    host: str = ""
    name: str
    value: int


class Fullest(Struct, frozen=True, kw_only=True):
    """A partition and the limits that hold for its table."""

    partition: Partition
    delays_at: int
    refuses_at: int

    @property
    def share(self) -> float:
        return self.partition.parts / self.refuses_at


# From memory, without reading a disk. Fewer parts than these are no trouble under any limit that ClickHouse ever had.
PARTITIONS = part(
    "clickhouse-parts.partitions",
    why="which partitions have the most parts",
    row=Partition,
    select={
        "table": "table",
        "partition": "partition_id",
        "parts": "count()",
        "average": "toUInt64(avg(bytes_on_disk))",
    },
    rest="FROM system.parts WHERE active AND database = {database:String} GROUP BY table, partition_id\n"
    "HAVING count() >= 50 ORDER BY count() DESC LIMIT 50",
    tables=("system.parts",),
)
# 300 before ClickHouse 23.6, 3,000 since.
LIMITS = part(
    "clickhouse-parts.limits",
    why="at how many parts inserts are delayed and refused",
    row=Setting,
    select={"name": "name", "value": "toUInt64OrZero(value)"},
    rest="FROM system.merge_tree_settings\n"
    "WHERE name IN ('parts_to_delay_insert', 'parts_to_throw_insert', 'max_avg_part_size_for_too_many_parts') LIMIT 5",
    tables=("system.merge_tree_settings",),
)


@check(
    "clickhouse-parts",
    stage=Stage.CLICKHOUSE,
    title="Merges keep up with inserts",
    finds=[PARTS],
    reads=[PARTITIONS, LIMITS, ERRORS, GAUGES],
    thresholds=[MANY, TOO_MANY],
)
def clickhouse_parts(clickhouse: ClickHouse, limits: Thresholds) -> Iterator[Finding]:
    """Compares the active parts of each partition with the server's limits, or the table's own, and looks for refused inserts.

    Healthy is less than half of the limit. At 80 % ClickHouse is close to refusing inserts, and slows them down before; what
    Kafka holds then waits. Partitions whose parts are large are allowed any number. Refusals of over an hour ago do not alarm.
    By hand: SELECT table, partition_id, count() FROM system.parts WHERE active GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 5.
    """
    several = clickhouse.nodes().several
    fullest = _fullest(clickhouse)
    refused = [
        each for each in clickhouse.rows(ERRORS) if each.number == TOO_MANY_PARTS and OF_ONE_INSERT not in each.message.lower()
    ]
    gauges = clickhouse.rows(GAUGES)
    delayed = [each.host for each in gauges if each.name == "DelayedInserts" and each.value > 0]
    evidence = _evidence(fullest)
    if refused:
        newest = max(refused, key=lambda each: each.last)
        yield PARTS.found(
            f"ClickHouse refused an insert {span_s(newest.asked_at - newest.last)} ago{on(newest.host, several=several)}, "
            f"because of too many parts{_most(fullest)}",
            affects=_tables(fullest),
            evidence=evidence,
            actions=ACTIONS,
        )
    elif delayed and fullest:
        now = sum(gauge(gauges, host, "DelayedInserts") for host in delayed)
        yield PARTS.found(
            f"ClickHouse slows down {count(now, 'insert')} now{on(some(delayed), several=several)}, "
            f"because of too many parts{_most(fullest)}",
            affects=_tables(fullest),
            evidence=evidence,
            actions=ACTIONS,
        )
    else:
        yield from _near(fullest, limits, path_tables(clickhouse.inventory()), several=several)


def _near(fullest: Sequence[Fullest], limits: Thresholds, on_path: frozenset[str], *, several: bool) -> Iterator[Finding]:
    near = [each for each in fullest if each.share >= limits(MANY)]
    if near:
        first = near[0].partition
        failing = any(each.share >= limits(TOO_MANY) and each.partition.table in on_path for each in near)
        yield PARTS.found(
            f"The partition {first.partition} of {first.table}{on(first.host, several=several)} has {first.parts:,} parts; "
            f"at {near[0].refuses_at:,} ClickHouse refuses inserts",
            status=Status.FAIL if failing else Status.WARN,
            affects=_tables(near),
            evidence=_evidence(near),
            actions=ACTIONS,
        )


def _fullest(clickhouse: ClickHouse) -> list[Fullest]:
    """Those that count, the fullest first."""
    settings = clickhouse.rows(LIMITS)
    inventory = clickhouse.inventory()
    found = [_limited(each, settings, inventory) for each in clickhouse.rows(PARTITIONS)]
    return sorted((each for each in found if each), key=lambda each: -each.share)


def _limited(partition: Partition, settings: Sequence[Setting], inventory: Inventory) -> Fullest | None:
    """None where the limit does not hold, because the parts are large, or is not known."""
    ours = {each.name: each.value for each in settings if each.host == partition.host}
    own = inventory.tables.get(partition.table)
    refuses_at = (own.refuses_at if own else 0) or ours.get("parts_to_throw_insert", 0)
    delays_at = (own.delays_at if own else 0) or ours.get("parts_to_delay_insert", 0)
    large = ours.get("max_avg_part_size_for_too_many_parts", 0)
    if not refuses_at or (large and partition.average > large):
        return None
    return Fullest(partition=partition, delays_at=delays_at, refuses_at=refuses_at)


def _most(fullest: Sequence[Fullest]) -> str:
    if not fullest:
        return ""
    first = fullest[0].partition
    return f"; the partition {first.partition} of {first.table} has {first.parts:,}"


def _tables(fullest: Sequence[Fullest]) -> list[str]:
    return sorted({each.partition.table for each in fullest[:10]})


def _evidence(fullest: Sequence[Fullest]) -> list[Evidence]:
    columns = (
        Column(name="node"),
        Column(name="table"),
        Column(name="partition"),
        Column(name="parts", kind="count"),
        Column(name="delays at", kind="count"),
        Column(name="refuses at", kind="count"),
        Column(name="size of a part", kind="bytes"),
    )
    rows = tuple(_row(each) for each in fullest[:10])
    table = Table(title="Partitions with the most parts", columns=columns, rows=rows, omitted=max(0, len(fullest) - 10))
    return [table, QueryText(title="Active parts by partition", text=by_hand(PARTITIONS))]


def _row(each: Fullest) -> tuple[str | int, ...]:
    of = each.partition
    return (of.host, of.table, of.partition, of.parts, each.delays_at, each.refuses_at, of.average)


ACTIONS = (
    Action(
        text="See whether merges run, and what stops them: a full disk, or a mutation that goes on and on",
        commands=client(
            "SELECT table, elapsed, progress, num_parts, is_mutation FROM system.merges ORDER BY elapsed DESC LIMIT 10"
        ),
    ),
)
