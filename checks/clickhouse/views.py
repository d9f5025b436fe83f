"""Whether the materialized views that carry events on throw."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from checks.clickhouse.state import CONSUMERS, LATELY, NOW, VIEW, Consumer, beyond, client, moment, path_tables, quoted
from diagnostics import (
    Action,
    Category,
    Code,
    Column,
    Finding,
    KnownError,
    KnownErrors,
    QueryText,
    Stage,
    Status,
    Table,
    check,
    span_s,
)
from diagnostics.sources.clickhouse import ClickHouse, part
from diagnostics.sources.clickhouse.part import by_hand
from diagnostics.sources.errors import BadAnswer
from diagnostics.sources.excerpt import excerpt_sql

FAILING = Code(
    id="clickhouse.view-failing",
    worst=Status.FAIL,
    category=Category.MAINTENANCE,
    summary="a materialized view that carries events on throws",
    caused_by=(
        "clickhouse.table-missing",
        "clickhouse.replica-readonly",
        "clickhouse.too-many-parts",
        "clickhouse.disk-full",
        "clickhouse.memory-limit",
    ),
)


class Run(Struct, frozen=True, kw_only=True):
    """What became of a view in the last hour; times are seconds since 1970. `number` is ClickHouse's, of the last exception."""

    host: str = ""
    view: str
    target: str
    failures: int
    failed: int
    number: int
    error: str
    succeeded: int
    asked_at: int


class Thrown(Struct, frozen=True, kw_only=True):
    """A view that threw and has not run since. `failed` is in seconds since 1970, `failures` 0 where nobody counts."""

    host: str
    view: str
    failures: int
    failed: int
    ago: int
    error: str


# An hour of a log that is sorted by time; only the end of it is read.
RUNS = part(
    "clickhouse-views.runs",
    why="which materialized views threw in the last hour",
    row=Run,
    select={
        "view": "view_name",
        "target": "any(view_target)",
        "failures": "countIf(exception_code != 0)",
        "failed": "toUnixTimestamp(maxIf(event_time, exception_code != 0))",
        "number": "argMaxIf(exception_code, event_time, exception_code != 0)",
        "error": excerpt_sql("argMaxIf(exception, event_time, exception_code != 0)", 400),
        "succeeded": "toUnixTimestamp(maxIf(event_time, status = 'QueryFinish'))",
        "asked_at": NOW,
    },
    rest=f"FROM system.query_views_log WHERE event_date >= today() - 1 AND event_time > now() - {LATELY}\n"
    "AND startsWith(view_name, concat({database:String}, '.')) GROUP BY view_name\n"
    "HAVING countIf(exception_code != 0) > 0 ORDER BY view_name LIMIT 100",
    tables=("system.query_views_log",),
)


@check(
    "clickhouse-views",
    stage=Stage.CLICKHOUSE,
    title="No materialized view of the path throws",
    finds=[FAILING],
    reads=[RUNS, CONSUMERS],
)
def clickhouse_views(clickhouse: ClickHouse, known: KnownErrors) -> Iterator[Finding]:
    """Looks for views that threw in the last hour and have not run since, in `system.query_views_log` and in the exceptions
    of the Kafka consumers, whichever this ClickHouse keeps.

    Healthy is a view whose last run succeeded. A view that throws stops the Kafka table that it reads, and all other views of
    that table: the events wait in Kafka, and are lost when its retention is over.
    By hand: SELECT view_name, exception FROM system.query_views_log WHERE exception_code != 0 AND event_date = today() LIMIT 5.
    """
    seen = list(_thrown(clickhouse))
    on_path = path_tables(clickhouse.inventory())
    for name in sorted({each.view for each in seen}):
        yield _found([each for each in seen if each.view == name], known, on_path=name in on_path)


def _thrown(clickhouse: ClickHouse) -> Iterator[Thrown]:
    if not clickhouse.has(RUNS) and not clickhouse.has(CONSUMERS):
        hint = "switch query_views_log on in ClickHouse's configuration; ClickHouse 23.8 and newer has system.kafka_consumers"
        raise BadAnswer("This ClickHouse keeps no record of its views, or does not show it to diag's user", hint=hint)
    runs = clickhouse.rows(RUNS) if clickhouse.has(RUNS) else []
    for run in runs:
        if run.failed > run.succeeded:
            name = run.view.rpartition(".")[2]
            ago = run.asked_at - run.failed
            yield Thrown(host=run.host, view=name, failures=run.failures, failed=run.failed, ago=ago, error=run.error)
    logged = {run.host for run in runs}
    consumers = clickhouse.rows(CONSUMERS) if clickhouse.has(CONSUMERS) else []
    for consumer in consumers:
        if consumer.host not in logged and (thrown := _of_consumer(consumer)):
            yield thrown


def _of_consumer(consumer: Consumer) -> Thrown | None:
    """The view that its last exception names, unless it went on since or that is long ago."""
    named = VIEW.search(consumer.error)
    ago = consumer.asked_at - consumer.failed
    if named is None or consumer.failed <= consumer.committed or ago > LATELY:
        return None
    return Thrown(host=consumer.host, view=named[1], failures=0, failed=consumer.failed, ago=ago, error=consumer.error)


def _found(thrown: Sequence[Thrown], known: KnownErrors, *, on_path: bool) -> Finding:
    newest = max(thrown, key=lambda each: each.failed)
    entry = _explained(newest, known)
    times = sum(each.failures for each in thrown)
    often = f"{times:,} times in the last hour, the last " if times > 1 else ""
    causes = beyond(entry, FAILING.id)
    columns = (
        Column(name="node"),
        Column(name="failures", kind="count"),
        Column(name="last", kind="time"),
        Column(name="exception", kind="source-text"),
    )
    rows = tuple((each.host, each.failures or None, moment(each.failed), each.error) for each in thrown[:20])
    return FAILING.found(
        f"The materialized view {newest.view} threw {often}{span_s(newest.ago)} ago: {quoted(newest.error)}",
        status=Status.FAIL if on_path else Status.WARN,
        affects=[newest.view],
        evidence=[
            Table(title="What it threw", columns=columns, rows=rows, omitted=max(0, len(thrown) - 20)),
            QueryText(title="Views that threw in the last hour", text=by_hand(RUNS)),
        ],
        actions=[
            *([entry.action()] if entry else []),
            Action(text="See what the view does", commands=client(f"SHOW CREATE TABLE {newest.view}")),
        ],
        cause=entry.meaning if entry else "",
        cause_codes=causes,
        source_text=True,
    )


def _explained(thrown: Thrown, known: KnownErrors) -> KnownError | None:
    """What is known of the error, but for the fact that a view threw it. The log of views does not say that in its texts."""
    text = thrown.error if VIEW.search(thrown.error) else f"{thrown.error}: while pushing to view {thrown.view}"
    entry = known.match(text)
    return None if entry is None or entry.cause == FAILING.id else entry
