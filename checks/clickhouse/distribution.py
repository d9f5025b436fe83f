"""Whether what is written to Distributed tables reaches the nodes that store it."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from checks.clickhouse.state import LATELY, NOW, beyond, client, moment, on, path_tables, quoted
from diagnostics import (
    Action,
    Category,
    Code,
    Column,
    Evidence,
    Finding,
    KnownErrors,
    QueryText,
    Stage,
    Status,
    Table,
    Threshold,
    Thresholds,
    check,
)
from diagnostics.report.wording import count, size
from diagnostics.sources.clickhouse import ClickHouse, part
from diagnostics.sources.clickhouse.part import by_hand
from diagnostics.sources.excerpt import excerpt_sql

WAITING = Threshold("clickhouse-distribution.waiting", 500, "count", "so many files waiting for one node are reported")

STUCK = Code(
    id="clickhouse.distribution-stuck",
    worst=Status.FAIL,
    category=Category.MAINTENANCE,
    summary="events wait on one node for another that does not take them",
    caused_by=(
        "clickhouse.replica-readonly",
        "clickhouse.too-many-parts",
        "clickhouse.disk-full",
        "clickhouse.memory-limit",
    ),
)


class Queue(Struct, frozen=True, kw_only=True):
    """What a Distributed table still has to send to one node. `failed` is in seconds since 1970, 0 where nobody notes it."""

    host: str = ""
    table: str
    blocked: bool
    errors: int
    files: int
    bytes: int
    error: str
    asked_at: int
    broken: int = 0
    failed: int = 0


# One row a table and node; the path of the directory is left out, since old servers write passwords into it.
QUEUES = part(
    "clickhouse-distribution.queues",
    why="what Distributed tables still have to send",
    row=Queue,
    select={
        "table": "table",
        "blocked": "is_blocked",
        "errors": "error_count",
        "files": "data_files",
        "bytes": "data_compressed_bytes",
        "error": excerpt_sql("last_exception", 400),
        "asked_at": NOW,
        "broken": "broken_data_files",
        "failed": "toUnixTimestamp(last_exception_time)",
    },
    rest="FROM system.distribution_queue WHERE database = {database:String} AND (data_files > 0 OR is_blocked)\n"
    "ORDER BY data_files DESC LIMIT 100",
    tables=("system.distribution_queue",),
    optional={"broken": "broken_data_files", "failed": "last_exception_time"},
)


@check(
    "clickhouse-distribution",
    stage=Stage.CLICKHOUSE,
    title="What is written reaches the nodes that store it",
    finds=[STUCK],
    reads=[QUEUES],
    thresholds=[WAITING],
)
def clickhouse_distribution(clickhouse: ClickHouse, limits: Thresholds, known: KnownErrors) -> Iterator[Finding]:
    """Looks at the queues of Distributed tables, through which PostHog writes events (`writable_events`) to their shard.

    Healthy is a queue that is short and sends without errors. One that is blocked, fails, or holds files that are broken keeps
    events on the wrong node: they are safe on its disk, but no query sees them. A few files waiting are normal.
    By hand: SELECT table, is_blocked, error_count, data_files, last_exception FROM system.distribution_queue LIMIT 20.
    """
    several = clickhouse.nodes().several
    on_path = path_tables(clickhouse.inventory())
    for queue in clickhouse.rows(QUEUES):
        failing = queue.files > 0 and queue.errors > 0 and (not queue.failed or queue.asked_at - queue.failed <= LATELY)
        what = "is stopped" if queue.blocked else "fails" if failing else "is long" if queue.files >= limits(WAITING) else ""
        if queue.broken:
            what = f"has {count(queue.broken, 'broken file')}, which {'is' if queue.broken == 1 else 'are'} never sent"
        if what:
            bad = queue.blocked or queue.broken or failing
            status = Status.FAIL if bad and queue.table in on_path else Status.WARN
            yield _found(queue, what, status, known, several=several)


def _found(queue: Queue, what: str, status: Status, known: KnownErrors, *, several: bool) -> Finding:
    entry = known.match(queue.error) if queue.error else None
    causes = beyond(entry, STUCK.id)
    waits = f"{count(queue.files, 'file')} ({size(queue.bytes)}) wait" + ("s" if queue.files == 1 else "")
    said = f": {quoted(queue.error)}" if queue.error else ""
    return STUCK.found(
        f"The queue of {queue.table}{on(queue.host, several=several)} {what}; {waits} to be sent{said}",
        status=status,
        affects=[f"{queue.host}: {queue.table}" if several else queue.table],
        evidence=_evidence([queue]),
        actions=[*([entry.action()] if entry else []), *ACTIONS],
        cause=entry.meaning if entry and causes else "",
        cause_codes=causes,
        source_text=bool(said),
    )


def _evidence(queues: Sequence[Queue]) -> list[Evidence]:
    columns = (
        Column(name="node"),
        Column(name="table"),
        Column(name="files", kind="count"),
        Column(name="size", kind="bytes"),
        Column(name="broken files", kind="count"),
        Column(name="errors", kind="count"),
        Column(name="last error", kind="time"),
        Column(name="error", kind="source-text"),
    )
    rows = tuple(
        (each.host, each.table, each.files, each.bytes, each.broken, each.errors, moment(each.failed), each.error)
        for each in queues
    )
    return [
        Table(title="What waits to be sent", columns=columns, rows=rows),
        QueryText(title="Queues of Distributed tables", text=by_hand(QUEUES)),
    ]


ACTIONS = (
    Action(
        text="See whether the other nodes answer",
        commands=client("SELECT cluster, host_name, port, errors_count, estimated_recovery_time FROM system.clusters LIMIT 50"),
    ),
)
