"""Whether ClickHouse's replicas take inserts, and whether every node of the cluster answers."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from checks.clickhouse.connection import DENIED, UNREACHABLE
from checks.clickhouse.state import NOW, beyond, client, on, path_tables, some
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
from diagnostics.sources.clickhouse import ClickHouse, Limits, Query, part
from diagnostics.sources.clickhouse.nodes import Nodes
from diagnostics.sources.clickhouse.part import by_hand
from diagnostics.sources.errors import SourceError
from diagnostics.sources.excerpt import excerpt_sql

BEHIND = Threshold("clickhouse-replicas.behind", 3600.0, "s", "a replica that is so far behind the others is reported")

READONLY = Code(
    id="clickhouse.replica-readonly",
    worst=Status.FAIL,
    category=Category.MAINTENANCE,
    summary="replicated tables refuse inserts",
    caused_by=("clickhouse.disk-full",),
)


class Replica(Struct, frozen=True, kw_only=True):
    """A replicated table on one node. `behind` in seconds; `since` in seconds since 1970, 0 where nobody notes it."""

    host: str = ""
    table: str
    readonly: bool
    expired: bool
    behind: int
    queued: int
    asked_at: int
    since: int = 0


class Words(Struct, frozen=True, kw_only=True):
    table: str
    words: str


# Without the columns that cost a read from Keeper for each row: total_replicas, log_pointer, zookeeper_exception and others.
REPLICAS = part(
    "clickhouse-replicas.tables",
    why="which replicated tables are read-only or behind",
    row=Replica,
    select={
        "table": "table",
        "readonly": "is_readonly",
        "expired": "is_session_expired",
        "behind": "absolute_delay",
        "queued": "queue_size",
        "asked_at": NOW,
        "since": "toUnixTimestamp(readonly_start_time)",
    },
    rest="FROM system.replicas WHERE database = {database:String} ORDER BY is_readonly DESC, table LIMIT 300",
    tables=("system.replicas",),
    optional={"since": "readonly_start_time"},
)
# Only asked of the node at hand, once a table is known to be read-only: these columns wait for Keeper.
KEEPER_SAYS = Query(
    name="clickhouse-replicas.keeper",
    why="what Keeper says of the tables that are read-only (only when some are)",
    sql=f"SELECT table, {excerpt_sql('zookeeper_exception', 400)} AS words FROM system.replicas\n"  # noqa: S608 - all ours
    "WHERE database = currentDatabase() AND is_readonly AND zookeeper_exception != '' ORDER BY table LIMIT 5",
    row=Words,
    tables=("system.replicas",),
    limits=Limits(seconds=3.0),
)


@check(
    "clickhouse-replicas",
    stage=Stage.CLICKHOUSE,
    title="Every node answers, and its replicas take inserts",
    finds=[READONLY, UNREACHABLE, DENIED],
    reads=[REPLICAS, KEEPER_SAYS],
    thresholds=[BEHIND],
)
def clickhouse_replicas(clickhouse: ClickHouse, limits: Thresholds, known: KnownErrors) -> Iterator[Finding]:
    """Looks on every node whether replicated tables are read-only, have lost their Keeper session, or lag behind.

    Healthy is neither, on all nodes. A replica becomes read-only when it cannot reach Keeper (or ZooKeeper) or does not find
    its records there: it then refuses every insert, and what Kafka holds waits. A single node without replication is healthy.
    By hand: SELECT table, is_readonly, is_session_expired, absolute_delay FROM system.replicas WHERE is_readonly LIMIT 50.
    """
    replicas = clickhouse.rows(REPLICAS)
    nodes = clickhouse.nodes()
    yield from _not_seen(nodes)
    refusing = [each for each in replicas if each.readonly or each.expired]
    if refusing:
        yield _readonly(refusing, replicas, clickhouse, known)
    late = [each for each in replicas if each.behind > limits(BEHIND) and not each.readonly]
    if late:
        worst = max(late, key=lambda each: each.behind)
        yield READONLY.found(
            f"{worst.table}{on(worst.host, several=nodes.several)} is {span_s(worst.behind)} behind the other replicas"
            + (f", as are {len(late) - 1} other tables" if len(late) > 1 else ""),
            status=Status.WARN,
            affects=[each.table for each in late],
            evidence=_evidence(late),
            actions=QUEUE,
        )


def _not_seen(nodes: Nodes) -> Iterator[Finding]:
    if nodes.unseen:
        yield DENIED.found(
            f"Only one of {len(nodes.listed)} ClickHouse nodes was seen: {nodes.unseen}",
            affects=[f"cluster {nodes.cluster}"],
            actions=_grant(nodes.unseen),
        )
    elif nodes.silent:
        names = [node.name for node in nodes.silent]
        shards = {node.shard for node in nodes.listed} - {node.shard for node in nodes.listed if node not in nodes.silent}
        yield UNREACHABLE.found(
            f"{len(names)} of {len(nodes.listed)} ClickHouse nodes did not answer: {some(names)}"
            + ("; no other node holds its part of the events" if shards else ""),
            status=Status.FAIL if shards else Status.WARN,
            affects=names,
            evidence=[_nodes_table(nodes)],
            actions=[Action(text="See whether that ClickHouse node runs, and what its log says", commands=LOGS)],
        )


def _grant(error: SourceError) -> list[Action]:
    statement = getattr(error, "statement", "")
    return [
        Action(
            text=(error.hint[:1].upper() + error.hint[1:]) or "Ask every node by itself, with its own address",
            commands=(statement,) if statement else (),
            changes_something=bool(statement),
        )
    ]


def _readonly(refusing: Sequence[Replica], all_of: Sequence[Replica], clickhouse: ClickHouse, known: KnownErrors) -> Finding:
    several = clickhouse.nodes().several
    on_path = sorted({each.table for each in refusing} & path_tables(clickhouse.inventory()))
    hosts = some(sorted({each.host for each in refusing}))
    since = max((each.asked_at - each.since for each in refusing if each.since), default=0)
    words = _keeper_words(clickhouse)
    entry = next((entry for said in words if (entry := known.match(said.words))), None)
    causes = beyond(entry, READONLY.id)
    alone = f"The replicated table {refusing[0].table} is" if len(refusing) == 1 else ""
    claim = alone or f"{len(refusing)} of {len(all_of)} replicated tables are"
    claim += f" read-only{on(hosts, several=several)}"
    claim += f" for {span_s(since)}" if since else ""
    claim += f", {some(on_path)} among them" if on_path and not alone else ""
    return READONLY.found(
        f"{claim}: inserts are refused",
        status=Status.FAIL if on_path or len(refusing) * 2 >= len(all_of) else Status.WARN,
        affects=sorted({each.table for each in refusing}),
        evidence=[*_evidence(refusing), *_said(words)],
        actions=[*KEEPER, *([entry.action()] if entry else [])],
        cause=entry.meaning if entry and causes else "",
        cause_codes=causes,
    )


def _keeper_words(clickhouse: ClickHouse) -> list[Words]:
    try:
        return clickhouse.rows(KEEPER_SAYS)
    except SourceError:  # Keeper does not answer, which is what the finding says anyway
        return []


def _said(words: Sequence[Words]) -> list[Evidence]:
    columns = (Column(name="table"), Column(name="Keeper", kind="source-text"))
    rows = tuple((each.table, each.words) for each in words)
    return [Table(title="What Keeper says", columns=columns, rows=rows)] if words else []


def _evidence(replicas: Sequence[Replica]) -> list[Evidence]:
    columns = (
        Column(name="node"),
        Column(name="table"),
        Column(name="read-only"),
        Column(name="session expired"),
        Column(name="seconds behind", kind="count"),
        Column(name="queue", kind="count"),
    )
    rows = tuple((each.host, each.table, each.readonly, each.expired, each.behind, each.queued) for each in replicas[:20])
    return [
        Table(title="Replicated tables", columns=columns, rows=rows, omitted=max(0, len(replicas) - 20)),
        QueryText(title="Replicated tables and their state", text=by_hand(REPLICAS)),
    ]


def _nodes_table(nodes: Nodes) -> Table:
    columns = (Column(name="node"), Column(name="shard", kind="number"), Column(name="answers"))
    rows = tuple((node.name, node.shard, node not in nodes.silent) for node in nodes.listed[:50])
    return Table(title=f"Nodes of the cluster {nodes.cluster}", columns=columns, rows=rows)


LOGS = (
    "docker compose ps --all clickhouse",
    "docker compose logs --tail 50 clickhouse",
    "kubectl -n posthog get pods -l clickhouse.altinity.com/chi=posthog",
)
KEEPER = (
    Action(
        text="See whether ZooKeeper (or Keeper) runs and has space; without it every replicated table is read-only",
        commands=(
            "docker compose ps --all zookeeper",
            "docker compose logs --tail 50 zookeeper",
            "kubectl -n posthog logs posthog-posthog-zookeeper-0 --tail 50",
        ),
    ),
)
QUEUE = (
    Action(
        text="See what holds it up",
        commands=client(
            "SELECT table, type, num_tries, last_exception, postpone_reason FROM system.replication_queue "
            "ORDER BY num_tries DESC LIMIT 5"
        ),
    ),
)
