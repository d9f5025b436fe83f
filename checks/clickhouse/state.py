"""What several checks of ClickHouse's state ask and say: recent errors, gauges, Kafka consumers; nodes, times and commands.

`system.errors` counts since the start of the server and keeps the last message alone, so only its time tells whether an error
is of now. None of the errors asked for here can come of diag's own questions but 241, whose message tells whose memory it was.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec import Struct

from diagnostics.engine.known_errors import KnownError
from diagnostics.sources.clickhouse import Inventory, part
from diagnostics.sources.excerpt import excerpt_sql

LATELY = 3600
"""Seconds. Errors older than this are past."""

NOW = "toUnixTimestamp(now())"
"""The clock of the node that answers: it is compared with times of the same node alone."""


class Failure(Struct, frozen=True, kw_only=True):
    """An error of the last hour, by ClickHouse's number; times are seconds since 1970, `total` counts since the start."""

    host: str = ""
    name: str
    number: int
    total: int
    last: int
    asked_at: int
    message: str = ""


class Gauge(Struct, frozen=True, kw_only=True):
    """A number of `system.metrics` as it is now."""

    host: str = ""
    name: str
    value: int


class Consumer(Struct, frozen=True, kw_only=True):
    """One consumer of a Kafka table. Times are seconds since 1970, 0 for never; `error` is the last of its exceptions."""

    host: str = ""
    table: str
    partitions: int
    polled: int
    committed: int
    read: int
    failed: int
    error: str
    asked_at: int
    used: bool = True


ERRORS = part(
    "clickhouse.errors",
    why="errors of the last hour that touch inserts",
    row=Failure,
    select={
        "name": "name",
        "number": "code",
        "total": "value",
        "last": "toUnixTimestamp(last_error_time)",
        "asked_at": NOW,
        "message": excerpt_sql("last_error_message", 400),
    },
    rest=f"FROM system.errors WHERE code IN (202, 241, 243, 252) AND last_error_time > now() - {LATELY} LIMIT 50",
    tables=("system.errors",),
    optional={"message": "last_error_message"},
)
GAUGES = part(
    "clickhouse.gauges",
    why="queries, delayed inserts and busy threads now",
    row=Gauge,
    select={"name": "metric", "value": "value"},
    rest="FROM system.metrics WHERE metric IN ('Query', 'DelayedInserts', 'ZooKeeperSession', "
    "'BackgroundMessageBrokerSchedulePoolTask', 'BackgroundMessageBrokerSchedulePoolSize', "
    "'BackgroundMergesAndMutationsPoolTask', 'BackgroundMergesAndMutationsPoolSize') LIMIT 20",
    tables=("system.metrics",),
)
CONSUMERS = part(
    "clickhouse.kafka-consumers",
    why="how the Kafka tables' consumers fare",
    row=Consumer,
    # The arrays hold the last ten; of the texts only the last comes back, since they may quote a message.
    select={
        "table": "table",
        "partitions": "length(assignments.topic)",
        "polled": "toUnixTimestamp(last_poll_time)",
        "committed": "toUnixTimestamp(last_commit_time)",
        "read": "num_messages_read",
        "failed": "toUnixTimestamp(arrayElement(exceptions.time, -1))",
        "error": excerpt_sql("arrayElement(exceptions.text, -1)", 400),
        "asked_at": NOW,
        "used": "is_currently_used",
    },
    rest="FROM system.kafka_consumers WHERE database = {database:String} ORDER BY table LIMIT 300",
    tables=("system.kafka_consumers",),
    optional={"used": "is_currently_used"},
)

QUOTED = 120
"""Characters of an exception that a claim quotes; its evidence has all that was asked for."""

_NUMBER = re.compile(r"^Code: \d+\. (?:DB::Exception: )?")

EVENT_FEEDS = ("kafka_events_json", "kafka_events_json_native_json", "kafka_events", "kafka_events_proto")
"""What PostHog called the Kafka table of the events: since 2022, beside it since 2026, and before."""

EVENT_TABLES = ("events", "sharded_events", "writable_events", "writable_events_json", "events_json")


def path_tables(inventory: Inventory) -> frozenset[str]:
    """What an event goes through in ClickHouse, as far as it is seen: Kafka tables, every view that reads them (one that
    fails holds up the others), and all that these write to."""
    tables = inventory.tables
    feeds = tables.keys() & set(EVENT_FEEDS)
    views = {listed.name for listed in tables.values() if not feeds.isdisjoint(listed.mentions)}
    found = views | feeds | (tables.keys() & set(EVENT_TABLES))
    while more := ({tables[name].feeds for name in found} & tables.keys()) - found:
        found |= more
    return frozenset(found)


def on(host: str, *, several: bool) -> str:
    """` on clickhouse-2` where there is more than one node."""
    return f" on {host}" if several else ""


def some(names: Sequence[str], shown: int = 3) -> str:
    """`a, b and 4 more`."""
    named = list(dict.fromkeys(names))
    more = f" and {len(named) - shown} more" if len(named) > shown else ""
    return ", ".join(named[:shown]) + more


def quoted(error: str) -> str:
    """The beginning of an exception on one line, for a claim: without ClickHouse's number in front, which has a name behind."""
    words = _NUMBER.sub("", " ".join(error[: 4 * QUOTED].split()))
    return words if len(words) <= QUOTED else words[:QUOTED].rpartition(" ")[0] + " …"


def beyond(entry: KnownError | None, own: str) -> tuple[str, ...]:
    """The code of the cause that a known error points to, where that is another than the check's `own`."""
    return (entry.cause,) if entry and entry.cause and entry.cause != own else ()


def moment(seconds: int) -> str | None:
    """RFC 3339, for columns of times; None for never."""
    return datetime.fromtimestamp(seconds, UTC).isoformat() if seconds > 0 else None


def client(sql: str) -> tuple[str, str]:
    """How to run it with docker compose and on Kubernetes."""
    quoted = sql.replace('"', '\\"')
    return (
        f'docker compose exec clickhouse clickhouse-client -d posthog -q "{quoted}"',
        f'kubectl -n posthog exec -it chi-posthog-posthog-0-0-0 -- clickhouse-client -d posthog -q "{quoted}" '
        "--user admin --password",
    )


def gauge(gauges: Sequence[Gauge], host: str, name: str) -> int:
    """Its value on a node, 0 where the node does not count it."""
    return next((each.value for each in gauges if each.host == host and each.name == name), 0)


VIEW = re.compile(r"pushing to view (?:[\w`]+\.)?`?(\w+)", re.IGNORECASE)
"""How ClickHouse names the view that threw, at the end of the exception."""
