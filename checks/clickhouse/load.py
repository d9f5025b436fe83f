"""Whether ClickHouse has the memory, and the room for one more query, that inserts need."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from checks.clickhouse.state import CONSUMERS, ERRORS, GAUGES, LATELY, NOW, Consumer, Failure, client, gauge, moment, on
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
from diagnostics.sources.clickhouse import ClickHouse, part
from diagnostics.sources.clickhouse.part import by_hand
from diagnostics.sources.excerpt import excerpt_sql

BUSY = Threshold(
    "clickhouse-load.busy", 0.9, "ratio", "share of the queries allowed at the same time from which it is reported"
)
STARVED_AFTER = Threshold("clickhouse-load.starved-after", 60.0, "s", "a consumer that had no thread for so long is starved")

MEMORY = Code(
    id="clickhouse.memory-limit",
    worst=Status.FAIL,
    category=Category.PERFORMANCE,
    summary="inserts fail for want of memory",
)
OVERLOADED = Code(
    id="clickhouse.overloaded",
    worst=Status.WARN,
    category=Category.PERFORMANCE,
    summary="it runs as many queries as it may, or has no thread left for Kafka",
)

MEMORY_LIMIT = 241
TOO_MANY_QUERIES = 202


class FailedInserts(Struct, frozen=True, kw_only=True):
    """Inserts that failed for want of memory in the last hour; `last` in seconds since 1970."""

    host: str = ""
    inserts: int
    last: int
    asked_at: int
    error: str


class Setting(Struct, frozen=True, kw_only=True):
    host: str = ""
    value: int


# Sorted by time, so an hour of it is little to read; the texts of queries are not.
INSERTS = part(
    "clickhouse-load.failed-inserts",
    why="which inserts failed for want of memory",
    row=FailedInserts,
    select={
        "inserts": "count()",
        "last": "toUnixTimestamp(max(event_time))",
        "asked_at": NOW,
        "error": excerpt_sql("argMax(exception, event_time)", 400),
    },
    rest=f"FROM system.query_log WHERE event_date >= today() - 1 AND event_time > now() - {LATELY}\n"
    f"AND exception_code = {MEMORY_LIMIT} AND query_kind = 'Insert' HAVING count() > 0 LIMIT 1",
    tables=("system.query_log",),
)
# ClickHouse 23.3 and newer shows it; 0 is without a limit.
ALLOWED = part(
    "clickhouse-load.allowed",
    why="how many queries may run at the same time",
    row=Setting,
    select={"value": "toUInt64OrZero(value)"},
    rest="FROM system.server_settings WHERE name = 'max_concurrent_queries' LIMIT 1",
    tables=("system.server_settings",),
)


@check(
    "clickhouse-load",
    stage=Stage.CLICKHOUSE,
    title="ClickHouse has memory and room for inserts",
    finds=[MEMORY, OVERLOADED],
    reads=[INSERTS, ALLOWED, ERRORS, GAUGES, CONSUMERS],
    thresholds=[BUSY, STARVED_AFTER],
)
def clickhouse_load(clickhouse: ClickHouse, limits: Thresholds) -> Iterator[Finding]:
    """Looks for inserts that failed for want of memory in the last hour, for queries that were refused because too many ran,
    and for Kafka consumers that get no thread.

    Healthy is none of them. An insert that fails is tried again, so events wait in Kafka and arrive late; if it fails each
    time, they do not arrive. Queries of people that take too much memory for themselves do not count, nor do those of diag.
    By hand: SELECT name, value, last_error_time FROM system.errors WHERE code IN (202, 241) LIMIT 5.
    """
    several = clickhouse.nodes().several
    errors = clickhouse.rows(ERRORS)
    yield from _memory(clickhouse, [each for each in errors if each.number == MEMORY_LIMIT], several=several)
    for refused in (each for each in errors if each.number == TOO_MANY_QUERIES):
        ago = span_s(refused.asked_at - refused.last)
        where = on(refused.host, several=several)
        yield _overloaded(f"ClickHouse refused a query {ago} ago{where}, because too many were running", refused.host)
    yield from _full(clickhouse, limits, several=several)


def _memory(clickhouse: ClickHouse, errors: Sequence[Failure], *, several: bool) -> Iterator[Finding]:
    inserts = clickhouse.rows(INSERTS) if clickhouse.has(INSERTS) else []
    for failed in inserts:
        ago = span_s(failed.asked_at - failed.last)
        where = on(failed.host, several=several)
        verb = "insert failed" if failed.inserts == 1 else "inserts failed"
        claim = f"{failed.inserts:,} {verb} for want of memory in the last hour, the last {ago} ago{where}"
        yield _no_memory(claim, failed.host, failed.last, failed.error, Status.FAIL)
    told = {failed.host for failed in inserts}
    consumers = clickhouse.rows(CONSUMERS) if clickhouse.has(CONSUMERS) else []
    for each in consumers:
        lately = each.failed > each.committed and each.asked_at - each.failed <= LATELY
        if lately and "MEMORY_LIMIT_EXCEEDED" in each.error and each.host not in told:
            told.add(each.host)
            ago = span_s(each.asked_at - each.failed)
            claim = (
                f"ClickHouse had no memory to store what it read from {each.table} {ago} ago{on(each.host, several=several)}"
            )
            yield _no_memory(claim, each.host, each.failed, each.error, Status.FAIL)
    for error in errors:
        # "(for query)" and "(for user)" are limits of somebody who asks; "(total)" is the server's.
        if "(total)" in error.message and error.host not in told:
            ago = span_s(error.asked_at - error.last)
            claim = f"ClickHouse's own memory ran out {ago} ago{on(error.host, several=several)}"
            yield _no_memory(claim, error.host, error.last, error.message, Status.WARN)


def _no_memory(claim: str, host: str, when: int, error: str, status: Status) -> Finding:
    columns = (Column(name="node"), Column(name="last", kind="time"), Column(name="error", kind="source-text"))
    evidence: list[Evidence] = [
        Table(title="The last such error", columns=columns, rows=((host, moment(when), error),)),
        QueryText(title="Inserts that failed for want of memory", text=by_hand(INSERTS)),
    ]
    return MEMORY.found(claim, status=status, affects=[host], evidence=evidence, actions=MEMORY_ACTIONS)


def _full(clickhouse: ClickHouse, limits: Thresholds, *, several: bool) -> Iterator[Finding]:
    gauges = clickhouse.rows(GAUGES)
    allowed = {each.host: each.value for each in clickhouse.rows(ALLOWED)} if clickhouse.has(ALLOWED) else {}
    consumers = clickhouse.rows(CONSUMERS) if clickhouse.has(CONSUMERS) else []
    for host in sorted({each.host for each in gauges}):
        where = on(host, several=several)
        running, most = gauge(gauges, host, "Query"), allowed.get(host, 0)
        if most and running >= limits(BUSY) * most:
            yield _overloaded(f"ClickHouse runs {count(running, 'query', 'queries')}{where}, and may run {most:,}", host)
        busy = gauge(gauges, host, "BackgroundMessageBrokerSchedulePoolTask")
        threads = gauge(gauges, host, "BackgroundMessageBrokerSchedulePoolSize")
        starved = [
            each
            for each in consumers
            if each.host == host and each.used and each.polled and each.asked_at - each.polled > limits(STARVED_AFTER)
        ]
        if threads and busy >= threads and starved:
            yield _overloaded(
                f"All {threads} threads that read from Kafka are busy{where}, "
                f"and {count(len(starved), 'consumer')} had none for {span_s(_starved_for(starved))} or longer",
                host,
            )


def _starved_for(consumers: Sequence[Consumer]) -> int:
    return min(each.asked_at - each.polled for each in consumers)


def _overloaded(claim: str, host: str) -> Finding:
    return OVERLOADED.found(
        claim,
        affects=[host],
        evidence=[QueryText(title="Queries and threads now", text=by_hand(GAUGES))],
        actions=LOAD_ACTIONS,
    )


MEMORY_ACTIONS = (
    Action(
        text="See which queries take the memory now",
        commands=client(
            "SELECT query_id, user, elapsed, formatReadableSize(memory_usage) FROM system.processes "
            "ORDER BY memory_usage DESC LIMIT 5"
        ),
    ),
)
LOAD_ACTIONS = (
    Action(
        text="See who runs queries now",
        commands=client(
            "SELECT user, count(), max(elapsed) FROM system.processes GROUP BY user ORDER BY count() DESC LIMIT 10"
        ),
    ),
)
