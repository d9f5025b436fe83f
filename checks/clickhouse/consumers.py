"""Whether ClickHouse's own Kafka consumers take in what the plugin server writes."""

from collections.abc import Iterator, Sequence

from checks.clickhouse.state import CONSUMERS, EVENT_FEEDS, Consumer, beyond, client, moment, on, quoted, some
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
    span_s,
)
from diagnostics.sources.clickhouse import ClickHouse
from diagnostics.sources.clickhouse.part import by_hand
from diagnostics.sources.errors import BadAnswer

STUCK_AFTER = Threshold(
    "clickhouse-consumers.stuck-after", 300.0, "s", "a consumer that polls or commits nothing for so long is stuck"
)

FAILING = Code(
    id="clickhouse.consumer-failing",
    worst=Status.FAIL,
    category=Category.MAINTENANCE,
    summary="it does not take in what Kafka holds",
    caused_by=(
        "kafka.unreachable",
        "kafka.topic-missing",
        "clickhouse.table-missing",
        "clickhouse.view-failing",
        "clickhouse.replica-readonly",
        "clickhouse.too-many-parts",
        "clickhouse.disk-full",
        "clickhouse.memory-limit",
    ),
)

# ClickHouse logs it for every topic that has no message yet, and goes on: PostHog's own guide says to ignore it.
HARMLESS = "can't get assignment"


@check(
    "clickhouse-consumers",
    stage=Stage.CLICKHOUSE,
    title="ClickHouse takes in what Kafka holds",
    finds=[FAILING],
    reads=[CONSUMERS],
    thresholds=[STUCK_AFTER],
)
def clickhouse_consumers(clickhouse: ClickHouse, limits: Thresholds, known: KnownErrors) -> Iterator[Finding]:
    """Looks at `system.kafka_consumers` (ClickHouse 23.8 and newer), which is safe to read; the Kafka tables are not.

    Healthy is a consumer that polls, and whose last exception is older than its last commit. One that meets the same exception
    again and again does not move on: what comes after waits in Kafka, and is lost when its retention is over. Exceptions that
    are past, tables of other features and topics without a message do not alarm.
    By hand: SELECT table, last_poll_time, last_commit_time, exceptions.text FROM system.kafka_consumers LIMIT 50.
    """
    consumers = clickhouse.rows(CONSUMERS)
    if not consumers:
        raise BadAnswer(
            "ClickHouse lists no consumer of its Kafka tables", hint="see whether there are any: SHOW TABLES LIKE 'kafka%'"
        )
    after, several = limits(STUCK_AFTER), clickhouse.nodes().several
    for table in sorted({each.table for each in consumers}):
        of_table = [each for each in consumers if each.table == table]
        stuck = [each for each in of_table if _fails(each, after)]
        silent = [each for each in of_table if _silent(each, after)]
        if stuck:
            newest = max(stuck, key=lambda each: each.failed)
            yield _found(table, f"{_who(stuck, of_table, several)} {_does_not_move(newest)}", stuck, known)
        elif silent:
            quiet = min(each.asked_at - each.polled for each in silent)
            yield _found(table, f"{_who(silent, of_table, several)} has not asked Kafka for {span_s(quiet)}", silent, known)
    feeds = [each for each in consumers if each.table in EVENT_FEEDS]
    if not any(_fails(each, after) or _silent(each, after) for each in feeds):
        yield from _without_partitions(clickhouse, feeds, after)


def _without_partitions(clickhouse: ClickHouse, feeds: Sequence[Consumer], after: float) -> Iterator[Finding]:
    """They ask, fail at nothing, and get nothing: Kafka has given all partitions to somebody else of their group."""
    asking = [each for each in feeds if each.polled and each.asked_at - each.polled <= after]
    once = [each.asked_at - each.committed for each in feeds if each.committed]
    if not asking or not once or min(once) <= after or any(each.partitions for each in feeds) or clickhouse.nodes().unseen:
        return
    tables = some(sorted({each.table for each in asking}))
    yield FAILING.found(
        f"No consumer of {tables} holds a partition of its topic, and none has taken in anything for {span_s(min(once))}",
        detail="Mostly another ClickHouse that reads with the same group has them: what it gets is stored there.",
        affects=sorted({each.table for each in asking}),
        evidence=_evidence(asking),
        actions=WHO_ELSE,
        cause="it holds no partition, and another ClickHouse probably reads in its place",
    )


def _fails(consumer: Consumer, after: float) -> bool:
    """It failed lately, and took in nothing since. One that commits between failures is slow, but moves."""
    lately = consumer.asked_at - consumer.failed <= after
    return lately and consumer.failed > consumer.committed and HARMLESS not in consumer.error.lower()


def _silent(consumer: Consumer, after: float) -> bool:
    """It once polled, is in use, holds partitions, and polls no more."""
    return bool(consumer.used and consumer.polled and consumer.partitions and consumer.asked_at - consumer.polled > after)


def _who(some_of: Sequence[Consumer], all_of: Sequence[Consumer], several: bool) -> str:
    hosts = some([each.host for each in some_of])
    number = (
        f"The consumer of {some_of[0].table}"
        if len(all_of) == 1
        else f"{len(some_of)} of {len(all_of)} consumers of {some_of[0].table}"
    )
    return number + on(hosts, several=several)


def _does_not_move(consumer: Consumer) -> str:
    since = f"for {span_s(consumer.asked_at - consumer.committed)}" if consumer.committed else "yet"
    ago = span_s(consumer.asked_at - consumer.failed)
    return f"failed {ago} ago and has taken in nothing {since}: {quoted(consumer.error)}"


def _found(table: str, claim: str, consumers: Sequence[Consumer], known: KnownErrors) -> Finding:
    errors = [each.error for each in consumers if each.failed and HARMLESS not in each.error.lower()]
    entry = next((entry for error in errors if (entry := known.match(error))), None)
    return FAILING.found(
        claim,
        status=Status.FAIL if table in EVENT_FEEDS else Status.WARN,
        affects=[table],
        evidence=_evidence(consumers),
        actions=([entry.action()] if entry else []) + list(NEXT),
        cause=entry.meaning if entry else "",
        cause_codes=beyond(entry, FAILING.id),
        source_text=True,
    )


def _evidence(consumers: Sequence[Consumer]) -> list[Evidence]:
    columns = (
        Column(name="node"),
        Column(name="table"),
        Column(name="partitions", kind="count"),
        Column(name="messages read", kind="count"),
        Column(name="last poll", kind="time"),
        Column(name="last commit", kind="time"),
        Column(name="last exception", kind="time"),
        Column(name="exception", kind="source-text"),
    )
    rows = tuple(
        (
            row.host,
            row.table,
            row.partitions,
            row.read,
            moment(row.polled),
            moment(row.committed),
            moment(row.failed),
            row.error,
        )
        for row in consumers
    )
    return [
        Table(title="Consumers of ClickHouse", columns=columns, rows=rows[:20], omitted=max(0, len(rows) - 20)),
        QueryText(title="How ClickHouse's consumers fare", text=by_hand(CONSUMERS)),
    ]


WHO_ELSE = (
    Action(
        text="See which hosts are in the group of ClickHouse (first command: Redpanda; others: Apache Kafka): one that is not "
        "of this install takes its events",
        commands=(
            "docker compose exec kafka rpk group describe group1",
            "docker compose exec kafka kafka-consumer-groups.sh --bootstrap-server localhost:9092 --describe --group group1 "
            "--members",
            "kubectl -n posthog exec posthog-posthog-kafka-0 -- kafka-consumer-groups.sh --bootstrap-server localhost:9092 "
            "--describe --group group1 --members",
        ),
    ),
    Action(
        text="Stop the other one, or drop its Kafka tables there; these consumers then get the partitions by themselves. What "
        "it has read can be copied over from its table of events",
        changes_something=True,
        safe=False,
    ),
)
NEXT = (
    Action(
        text="See what ClickHouse says of its Kafka tables (docker compose, Kubernetes); what it quotes may be personal",
        commands=(
            "docker compose logs --since 15m clickhouse | grep -i StorageKafka | tail -20",
            "kubectl -n posthog logs chi-posthog-posthog-0-0-0 --since 15m | grep -i StorageKafka | tail -20",
        ),
    ),
    Action(
        text="Once the cause is gone, let it take up reading again: its position is kept in Kafka",
        commands=(*client("DETACH TABLE kafka_events_json"), *client("ATTACH TABLE kafka_events_json")),
        changes_something=True,
    ),
)
