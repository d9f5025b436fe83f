"""Questions about the server's state: asked together, of every node, and alone where that fails."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec import Struct

from diagnostics.lab.account import Node
from diagnostics.lab.engine import Database, Engine
from diagnostics.lab.http import Request
from diagnostics.lab.scripted import ScriptedServer
from diagnostics.sources.clickhouse import ClickHouse, part
from diagnostics.sources.clickhouse.failures import NoRoom
from diagnostics.sources.errors import BadAnswer, Denied, Refused, Unavailable
from diagnostics.sources.source import Asker, Recorder
from tests.sources.clickhouse.asking import Between, server_error


class Replica(Struct, frozen=True, kw_only=True):
    host: str = ""
    table: str
    readonly: bool
    since: int = -1


class Count(Struct, frozen=True, kw_only=True):
    host: str = ""
    n: int


REPLICAS = part(
    "test.replicas",
    why="replicas",
    row=Replica,
    select={"table": "table", "readonly": "is_readonly", "since": "toUnixTimestamp(readonly_start_time)"},
    rest="FROM system.replicas WHERE database = {database:String} ORDER BY table LIMIT 10",
    tables=("system.replicas",),
    optional={"since": "readonly_start_time"},
)
NEWER = part(
    "test.newer",
    why="a column of tomorrow",
    row=Replica,
    select={"table": "table", "readonly": "is_readonly", "since": "column_of_tomorrow"},
    rest="FROM system.replicas",
    tables=("system.replicas",),
    optional={"since": "column_of_tomorrow"},
)
DISKS = part("test.disks", why="disks", row=Count, select={"n": "count()"}, rest="FROM system.disks", tables=("system.disks",))
ERRORS = part("test.errors", why="x", row=Count, select={"n": "count()"}, rest="FROM system.errors", tables=("system.errors",))
BROKEN = part("test.broken", why="x", row=Count, select={"n": "nosuch(1)"}, rest="FROM system.one", tables=("system.one",))
ABSENT = part(
    "test.absent", why="x", row=Count, select={"n": "count()"}, rest="FROM system.nowhere", tables=("system.nowhere",)
)
CONSUMING = part(
    "test.consuming", why="x", row=Count, select={"n": "count()"}, rest="FROM kafka_events_json", tables=("kafka_events_json",)
)
NO_NUMBER = part("test.text", why="x", row=Count, select={"n": "'many'"}, rest="FROM system.one", tables=("system.one",))


class Run:
    """A run with checks under way, each of which declares some parts."""

    def __init__(self, url: str, cluster: str | None = None) -> None:
        self.recorder = Recorder()
        self.source = ClickHouse(url, recorder=self.recorder, cluster=cluster)

    def checks(self, *reads: tuple[str, ...]) -> list[ClickHouse]:
        ends = time.monotonic() + 20
        return [self.source.bind(Asker(f"check-{n}", ends, frozenset(names))) for n, names in enumerate(reads)]

    @property
    def asked(self) -> list[str]:
        """What was sent, without what leads up to it."""
        sent = [exchange for exchange in self.recorder.exchanges if exchange.cost.clickhouse.queries]
        return [exchange.name for exchange in sent if exchange.name not in ("clickhouse.handshake", "clickhouse.inventory")]


@pytest.fixture
def run() -> Iterator[Callable[..., Run]]:
    made: list[Run] = []

    def make(url: str, cluster: str | None = None) -> Run:
        made.append(Run(url, cluster))
        return made[-1]

    yield make
    for one in made:
        one.source.close()


def test_what_several_checks_want_is_asked_in_one_exchange(run: Callable[..., Run], db: Database) -> None:
    db.overlay("replicas", [{"table": "events", "is_readonly": 1, "readonly_start_time": 1_790_000_000}, {"table": "person"}])
    this = run(db.url)
    one, other = this.checks(("test.replicas",), ("test.disks", "test.errors"))
    (disks,) = other.rows(DISKS)
    assert disks.n == 1
    assert [(row.table, row.readonly, row.since) for row in one.rows(REPLICAS)] == [
        ("events", True, 1_790_000_000),
        ("person", False, -1),
    ]
    assert [row.n for row in other.rows(ERRORS)] == [0]
    assert this.asked == ["clickhouse.state"]


def test_the_answer_of_each_part_is_kept_under_its_own_name(run: Callable[..., Run], db: Database) -> None:
    this = run(db.url)
    one, _ = this.checks(("test.replicas",), ("test.disks",))
    one.rows(REPLICAS)
    kept = {exchange.name: exchange.answer for exchange in this.recorder.exchanges}
    assert kept["test.replicas"] == []
    assert [row["n"] for row in kept["test.disks"]] == [1]
    assert this.recorder.cost("check-1").clickhouse.queries == 0


def test_a_check_that_comes_late_is_answered_too(run: Callable[..., Run], db: Database) -> None:
    this = run(db.url)
    (one,) = this.checks(("test.replicas",))
    one.rows(REPLICAS)
    (late,) = this.checks(("test.disks",))
    assert [row.n for row in late.rows(DISKS)] == [1]
    assert this.asked == ["clickhouse.state"] * 2


def test_what_a_check_does_not_declare_it_may_not_ask_though_others_do(run: Callable[..., Run], db: Database) -> None:
    one, _ = run(db.url).checks(("test.replicas",), ("test.disks",))
    with pytest.raises(Refused, match=r"^the check check-0 asked for test\.disks, which it does not declare"):
        one.rows(DISKS)


def test_one_table_that_may_not_be_read_blinds_one_check(run: Callable[..., Run], db: Database) -> None:
    db.deny("system.replicas")
    this = run(db.url)
    one, other = this.checks(("test.replicas",), ("test.disks",))
    assert [row.n for row in other.rows(DISKS)] == [1]
    with pytest.raises(Denied) as raised:
        one.rows(REPLICAS)
    needed = "SELECT(database, is_readonly, readonly_start_time, table) ON system.replicas"
    assert raised.value.statement == f"GRANT {needed} TO {db.user};"


def test_what_this_server_cannot_compute_blinds_one_check(run: Callable[..., Run], db: Database) -> None:
    one, other = run(db.url).checks(("test.broken",), ("test.disks",))
    assert [row.n for row in other.rows(DISKS)] == [1]
    with pytest.raises(BadAnswer, match="nosuch"):
        one.rows(BROKEN)


def test_an_answer_of_another_kind_blinds_one_check(run: Callable[..., Run], db: Database) -> None:
    one, other = run(db.url).checks(("test.text",), ("test.disks",))
    assert [row.n for row in other.rows(DISKS)] == [1]
    with pytest.raises(BadAnswer, match=r"test\.text with something else than it was asked for"):
        one.rows(NO_NUMBER)


def test_a_table_that_is_not_there_is_told_before_and_when_it_is_asked(run: Callable[..., Run], db: Database) -> None:
    one, other = run(db.url).checks(("test.absent",), ("test.disks",))
    assert (one.has(ABSENT), other.has(DISKS)) == (False, True)
    assert [row.n for row in other.rows(DISKS)] == [1]
    with pytest.raises(BadAnswer, match="nowhere"):
        one.rows(ABSENT)


def test_a_column_that_this_server_lacks_leaves_the_default(run: Callable[..., Run], db: Database) -> None:
    db.overlay("replicas", [{"table": "events", "is_readonly": 1}])
    this = run(db.url)
    (one,) = this.checks(("test.newer",))
    assert [(row.table, row.since) for row in one.rows(NEWER)] == [("events", -1)]
    assert this.asked == ["clickhouse.state"]


def test_a_part_that_would_consume_messages_is_refused_and_spoils_nothing(run: Callable[..., Run], db: Database) -> None:
    this = run(db.url)
    one, other = this.checks(("test.consuming",), ("test.disks",))
    assert [row.n for row in other.rows(DISKS)] == [1]
    with pytest.raises(Refused, match="reading kafka_events_json would take messages out of its queue"):
        one.rows(CONSUMING)
    assert this.asked == ["clickhouse.state"]
    assert not any("kafka_events_json" in query.sql for query in db.queries())


@pytest.mark.parametrize(
    ("code", "text", "kind", "times"),
    [
        (202, "Too many simultaneous queries. Maximum: 100. (TOO_MANY_SIMULTANEOUS_QUERIES)", NoRoom, 1),
        (516, "diag: Authentication failed. (AUTHENTICATION_FAILED)", Unavailable, 1),
    ],
)
def test_a_server_that_takes_no_more_questions_is_asked_once(
    run: Callable[..., Run], db: Database, http_server: ScriptedServer, code: int, text: str, kind: type[Exception], times: int
) -> None:
    refused: list[Request] = []

    def answer(request: Request) -> object:
        if b"part_asked" not in request.body:
            return None
        refused.append(request)
        return server_error(code, text)

    this = run(Between(db, http_server, answer).url)  # type: ignore[arg-type]
    for check, asked in zip(this.checks(("test.replicas",), ("test.disks",)), (REPLICAS, DISKS), strict=True):
        with pytest.raises(kind):
            check.rows(asked)
    assert len(refused) == times


def test_every_node_is_asked_and_named(run: Callable[..., Run], db: Database) -> None:
    db.cluster(Node(host="clickhouse-1"), Node(host="clickhouse-2"))
    db.overlay("replicas", [{"table": "events"}, {"node": "clickhouse-2", "table": "events", "is_readonly": 1}])
    this = run(db.url)
    one, other = this.checks(("test.replicas",), ("test.disks",))
    assert {(row.host, row.table, row.readonly) for row in one.rows(REPLICAS)} == {
        ("clickhouse-1", "events", False),
        ("clickhouse-2", "events", True),
    }
    assert len(other.rows(DISKS)) == 2
    nodes = other.nodes()
    assert (nodes.cluster, [node.host for node in nodes.answered]) == ("posthog", ["clickhouse-1", "clickhouse-2"])
    assert (nodes.silent, nodes.unseen) == ((), None)
    assert this.asked == ["clickhouse.state", "clickhouse.state-of-all-nodes"]


def test_one_node_is_never_asked_as_a_cluster(run: Callable[..., Run], db: Database) -> None:
    db.cluster(Node(host="clickhouse-1"))
    this = run(db.url)
    (one,) = this.checks(("test.disks",))
    assert [row.host for row in one.rows(DISKS)] == ["clickhouse-1"]
    assert not one.nodes().several
    assert this.asked == ["clickhouse.state"]


def test_a_node_that_is_down_is_named_and_blinds_no_other(run: Callable[..., Run], db: Database) -> None:
    db.cluster(Node(host="clickhouse-1"), Node(host="clickhouse-2"), Node(host="clickhouse-3", up=False))
    (one,) = run(db.url).checks(("test.disks",))
    assert [row.host for row in one.rows(DISKS)] == ["clickhouse-1", "clickhouse-2"]
    assert [node.name for node in one.nodes().silent] == ["clickhouse-3"]


def test_without_the_grant_the_one_that_was_asked_still_answers(run: Callable[..., Run], db: Database) -> None:
    db.cluster(Node(host="clickhouse-1"), Node(host="clickhouse-2"), remote=False)
    (one,) = run(db.url).checks(("test.disks",))
    assert [row.host for row in one.rows(DISKS)] == ["clickhouse-1"]
    nodes = one.nodes()
    assert isinstance(nodes.unseen, Denied)
    assert nodes.unseen.statement == f"GRANT REMOTE ON *.* TO {db.user};"
    assert nodes.silent == ()


def test_where_nothing_may_be_set_a_node_that_is_down_leaves_the_view_of_one(run: Callable[..., Run], db: Database) -> None:
    db.cluster(Node(host="clickhouse-1"), Node(host="clickhouse-2", up=False))
    db.readonly(1)
    (one,) = run(db.url).checks(("test.disks",))
    assert [row.host for row in one.rows(DISKS)] == ["clickhouse-1"]
    assert str(one.nodes().unseen).startswith("Another node of the cluster did not answer")


@pytest.mark.parametrize(("configured", "asked"), [("other", "other"), ("gone", "posthog"), (None, "posthog")])
def test_the_cluster_is_the_configured_one_or_posthogs(
    run: Callable[..., Run], db: Database, configured: str | None, asked: str
) -> None:
    nodes = [{"shard_num": 1, "replica_num": n, "host_name": f"ch-{n}", "is_local": int(n == 1)} for n in (1, 2)]
    names = ("a_first", "other", "posthog", "test_cluster_two_shards")
    db.overlay("clusters", [{"cluster": name, **node} for name in names for node in nodes])
    (one,) = run(db.url, configured).checks(("test.disks",))
    assert one.nodes().cluster == asked


def test_the_cluster_is_the_one_that_the_events_are_distributed_over(run: Callable[..., Run], db: Database) -> None:
    nodes = [{"shard_num": 1, "replica_num": n, "host_name": f"ch-{n}", "is_local": int(n == 1)} for n in (1, 2)]
    db.overlay("clusters", [{"cluster": name, **node} for name in ("posthog", "it's\\ours") for node in nodes])
    definition = "CREATE TABLE x.writable_events (`a` Int8) ENGINE = Distributed('it\\'s', 'x', 'sharded_events', rand())"
    definition = definition.replace("it\\'s", "events_of_ours")
    db.overlay("clusters", [{"cluster": "events_of_ours", **node} for node in nodes])
    db.overlay("tables", [{"name": "writable_events", "engine": "Distributed", "create_table_query": definition}])
    (one,) = run(db.url).checks(("test.disks",))
    assert one.inventory().tables["writable_events"].feeds == "sharded_events"
    assert one.nodes().cluster == "events_of_ours"


@pytest.fixture(scope="module")
def real_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The engine's own cluster of two: itself, and a node that refuses connections."""
    directory = tmp_path_factory.mktemp("cluster")
    config = directory / "config.xml"
    replica = "<replica><host>{}</host><port>9000</port></replica>"
    shard = f"<shard>{replica.format('127.0.0.1')}{replica.format('127.0.0.2')}</shard>"
    config.write_text(
        f"<clickhouse><tcp_port>9000</tcp_port><remote_servers><posthog>{shard}</posthog></remote_servers></clickhouse>"
    )
    with Engine(f"{Path(directory, 'data')}?config-file={config}") as engine:
        yield engine


def test_a_real_cluster_with_a_dead_node_answers_with_the_others(run: Callable[..., Run], real_cluster: Engine) -> None:
    db = real_cluster.database()
    db.overlay("replicas", [{"table": "events", "is_readonly": 1}])
    this = run(db.url)
    one, other = this.checks(("test.replicas",), ("test.disks",))
    assert [(row.table, row.readonly) for row in one.rows(REPLICAS)] == [("events", True)]
    assert len(other.rows(DISKS)) == 1
    assert ([node.name for node in one.nodes().silent], one.nodes().unseen) == (["127.0.0.2"], None)
    assert this.asked == ["clickhouse.state", "clickhouse.state-of-all-nodes"]
