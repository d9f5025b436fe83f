"""Whether ClickHouse's disks have room, and for how long."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from checks.clickhouse.state import ERRORS, client, on
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
from diagnostics.report.wording import size
from diagnostics.sources.clickhouse import ClickHouse, part
from diagnostics.sources.clickhouse.part import by_hand

SCARCE = Threshold("clickhouse-disks.scarce", 0.1, "ratio", "share of free space below which a disk is reported")
FULL = Threshold("clickhouse-disks.full", 0.03, "ratio", "share of free space below which a disk counts as full")
WITHIN = Threshold("clickhouse-disks.full-within", 86_400.0, "s", "a disk that will be full so soon counts as full")

DISK_FULL = Code(
    id="clickhouse.disk-full",
    worst=Status.FAIL,
    category=Category.MAINTENANCE,
    summary="a disk is full, or will be within a day",
)

NOT_ENOUGH_SPACE = 243
DAY = 86_400


class Disk(Struct, frozen=True, kw_only=True):
    """Sizes are bytes. `unreserved` is what no merge has asked for, -1 where the server does not tell; `kept` stays empty."""

    host: str = ""
    name: str
    total: int
    unused: int
    kept: int
    unreserved: int = -1
    broken: bool = False

    @property
    def free(self) -> int:
        """What ClickHouse may still use."""
        return max(0, min(self.unused, self.unreserved if self.unreserved >= 0 else self.unused) - self.kept)

    @property
    def share(self) -> float:
        return self.free / self.total


class Growth(Struct, frozen=True, kw_only=True):
    """Bytes that came to a disk in the last day, by inserts and from other replicas."""

    host: str = ""
    disk: str
    bytes: int


# Remote disks claim to be endless. ClickHouse writes `local` or `Local`.
DISKS = part(
    "clickhouse-disks.space",
    why="how much space the disks have",
    row=Disk,
    select={
        "name": "name",
        "total": "total_space",
        "unused": "free_space",
        "kept": "keep_free_space",
        "unreserved": "unreserved_space",
        "broken": "is_broken",
    },
    rest="FROM system.disks WHERE lower(type) = 'local' AND total_space > 0 ORDER BY name LIMIT 50",
    tables=("system.disks",),
    optional={"unreserved": "unreserved_space", "broken": "is_broken"},
)
# What is merged is only written anew, so it does not count; what TTL deletes is not taken off, so this is the most it can be.
GROWTH = part(
    "clickhouse-disks.growth",
    why="how much came to the disks in a day",
    row=Growth,
    select={"disk": "disk_name", "bytes": "sum(size_in_bytes)"},
    rest="FROM system.part_log WHERE event_date >= today() - 1 AND event_time > now() - 86400\n"
    "AND event_type IN ('NewPart', 'DownloadPart') GROUP BY disk_name ORDER BY disk_name LIMIT 50",
    tables=("system.part_log",),
)


@check(
    "clickhouse-disks",
    stage=Stage.CLICKHOUSE,
    title="ClickHouse's disks have room",
    finds=[DISK_FULL],
    reads=[DISKS, GROWTH, ERRORS],
    thresholds=[SCARCE, FULL, WITHIN],
)
def clickhouse_disks(clickhouse: ClickHouse, limits: Thresholds) -> Iterator[Finding]:
    """Looks at the free space of local disks, at what came to them in the last day (`system.part_log`, where it is kept), and
    whether ClickHouse ran out of space in the last hour.

    Healthy is a tenth free, and enough for more than a day. A full disk refuses inserts and merges, and what Kafka holds waits.
    By hand: SELECT name, formatReadableSize(free_space), formatReadableSize(total_space) FROM system.disks LIMIT 10.
    """
    disks = clickhouse.rows(DISKS)
    growth = clickhouse.rows(GROWTH) if clickhouse.has(GROWTH) else []
    several = clickhouse.nodes().several
    found = [finding for disk in disks if (finding := _judged(disk, growth, limits, several=several))]
    yield from found
    refused = [each for each in clickhouse.rows(ERRORS) if each.number == NOT_ENOUGH_SPACE]
    if refused and not any(finding.status is Status.FAIL for finding in found):
        newest = max(refused, key=lambda each: each.last)
        ago = span_s(newest.asked_at - newest.last)
        yield DISK_FULL.found(
            f"ClickHouse ran out of disk space {ago} ago{on(newest.host, several=several)}",
            affects=[newest.host],
            evidence=_evidence(disks, growth),
            actions=ACTIONS,
        )


def _judged(disk: Disk, growth: Sequence[Growth], limits: Thresholds, *, several: bool) -> Finding | None:
    a_day = sum(each.bytes for each in growth if (each.host, each.disk) == (disk.host, disk.name))
    left_s = disk.free / a_day * DAY if a_day else None
    which = f"The disk {disk.name}{on(disk.host, several=several)}"
    room = f"has {size(disk.free)} of {size(disk.total)} left"
    status = Status.FAIL
    if disk.broken:
        claim = f"{which} is broken: ClickHouse no longer uses it"
    elif disk.share < limits(FULL):
        claim = f"{which} is full: it {room}"
    elif left_s is not None and left_s < limits(WITHIN):
        claim = f"{which} {room}; at the rate of the last day ({size(a_day)}) it is full in {span_s(left_s)}"
    elif disk.share < limits(SCARCE):
        claim, status = f"{which} {room}", Status.WARN
    else:
        return None
    return DISK_FULL.found(
        claim,
        status=status,
        affects=[f"{disk.host}: {disk.name}" if several else disk.name],
        evidence=_evidence([disk], growth),
        actions=ACTIONS,
    )


def _evidence(disks: Sequence[Disk], growth: Sequence[Growth]) -> list[Evidence]:
    columns = (
        Column(name="node"),
        Column(name="disk"),
        Column(name="free", kind="bytes"),
        Column(name="in all", kind="bytes"),
        Column(name="came in the last day", kind="bytes"),
    )
    came = {(each.host, each.disk): each.bytes for each in growth}
    rows = tuple((each.host, each.name, each.free, each.total, came.get((each.host, each.name))) for each in disks)
    return [
        Table(title="Disks of ClickHouse", columns=columns, rows=rows),
        QueryText(title="Space of the disks", text=by_hand(DISKS)),
    ]


ACTIONS = (
    Action(
        text="See which tables of ClickHouse take the space",
        commands=client(
            "SELECT database, table, formatReadableSize(sum(bytes_on_disk)) FROM system.parts WHERE active "
            "GROUP BY 1, 2 ORDER BY sum(bytes_on_disk) DESC LIMIT 10"
        ),
    ),
    Action(
        text="See what else fills ClickHouse's disk",
        commands=(
            "docker compose exec clickhouse df -h /var/lib/clickhouse",
            "kubectl -n posthog exec chi-posthog-posthog-0-0-0 -- df -h /var/lib/clickhouse",
        ),
    ),
    Action(text="Enlarge ClickHouse's disk; delete no file of ClickHouse by hand.", changes_something=True),
)
