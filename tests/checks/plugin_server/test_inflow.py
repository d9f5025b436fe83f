"""A plugin server that stands still is blamed when something proves that events come, and not because nobody sends."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from checks.plugin_server.progress import plugin_server_progress
from diagnostics import Status
from diagnostics.lab.engine import Database, Engine
from diagnostics.lab.kafka import Kafka as KafkaStandIn
from diagnostics.lab.kafka import Topic
from diagnostics.lab.kafka_broker import KafkaBroker
from diagnostics.lab.scripted import ScriptedServer
from diagnostics.sources.capture import Capture
from diagnostics.sources.clickhouse import ClickHouse
from diagnostics.sources.kafka import Kafka
from diagnostics.sources.source import Asker, Recorder
from tests.checks.capture.asking import capture, itself
from tests.checks.plugin_server.watching import HOURS, ago_ms, claim, hanging, look, only, said, up
from tests.sources.plugin_server.pages import GROUP, TOPIC, consuming, serve

STALLED = "plugin-server.stalled"
READS = frozenset(read.name for read in plugin_server_progress.reads)


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diagnostics.sources.plugin_server.source.GAP", 0.05)
    monkeypatch.setattr("checks.plugin_server.inflow.WATCH", 0.1)


@pytest.fixture
def other() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def db(engine: Engine) -> Database:
    return engine.database()


@pytest.fixture
def clickhouse(db: Database) -> Iterator[ClickHouse]:
    source = ClickHouse(db.url, recorder=Recorder())
    yield source.bind(Asker("plugin-server-progress", time.monotonic() + 20, READS))
    source.close()


def put(db: Database, newest: int, *, every: int = 60) -> None:
    """Eight days of events, the newest so many seconds ago."""
    db.execute(
        "INSERT INTO events (uuid, event, timestamp, _timestamp, inserted_at) "
        f"WITH now() - toUInt32({newest} + number * {every}) AS arrived "
        f"SELECT generateUUIDv4(), 'click', arrived, arrived, arrived FROM numbers({8 * 86400 // every})"
    )


def feed(db: Database, **changes: Any) -> None:
    """ClickHouse's own consumer of events: it asks, and gets nothing."""
    row = {
        "table": "kafka_events_json",
        "assignments.topic": ["clickhouse_events_json"],
        "last_poll_time": "ago 2s",
        "last_commit_time": "ago 25m",
        "is_currently_used": 1,
    }
    db.overlay("kafka_consumers", [row | changes])


def still(age: float = 1500, *, partitions: int | None = 1, up_for: float = 90 * HOURS) -> str:
    """Of a consumer that does not count how often it asks Kafka."""
    held = f'kafka_absolute_partition_count{{topic="{TOPIC}"}} {partitions}\n' if partitions is not None else ""
    labels = f'topic="{TOPIC}",partition="0",groupId="{GROUP}"'
    return f"latest_processed_timestamp_ms{{{labels}}} {ago_ms(age):.0f}\n{held}{up(up_for)}"


def counting(server: ScriptedServer, *readings: tuple[int, int]) -> Capture:
    """What it has received and written to Kafka, at each reading."""
    for received, ingested in readings:
        server.route("/metrics", text=f"capture_events_received_total {received}\ncapture_events_ingested_total {ingested}\n")
    return capture(itself(server).url)


def test_capture_that_writes_shows_that_it_stands_still(
    http_server: ScriptedServer, other: ScriptedServer, db: Database, clickhouse: ClickHouse
) -> None:
    put(db, newest=1500)
    url = serve(http_server, [still()])
    finding = only(look(url, clickhouse=clickhouse, capture=counting(other, (900, 900), (940, 940))))
    assert (finding.code, finding.status) == (STALLED, Status.FAIL)
    assert claim(finding).startswith(f"The plugin server at {url} says that it is healthy, but nothing was processed in N s")
    assert ", while capture wrote 40 events to Kafka in 0." in finding.claim
    assert finding.detail == "The newest event that it has processed is 25 min old."


def test_the_same_of_one_that_asks_kafka_and_gets_nothing(
    http_server: ScriptedServer, other: ScriptedServer, db: Database, clickhouse: ClickHouse
) -> None:
    put(db, newest=1500)
    pages = [consuming(turns=turns, batches=200, newest_ms=ago_ms(1500), more=up(9 * HOURS)) for turns in (500, 502, 504)]
    came = counting(other, (900, 900), (940, 940))
    assert said(look(serve(http_server, pages), clickhouse=clickhouse, capture=came)) == [(STALLED, Status.FAIL)]


def test_one_that_has_taken_them_by_now_is_well(
    http_server: ScriptedServer, other: ScriptedServer, db: Database, clickhouse: ClickHouse
) -> None:
    put(db, newest=1500)
    url = serve(http_server, [still(), still(), still(age=0)])
    came = counting(other, (900, 900), (901, 901))
    assert said(look(url, clickhouse=clickhouse, capture=came)) == [(STALLED, Status.OK)]


@pytest.mark.parametrize(
    "readings", [[(900, 900), (900, 900)], [(900, 900), (940, 900)], [(900, 0), (940, 0)]], ids=["idle", "refused", "uncounted"]
)
def test_capture_that_writes_nothing_proves_nothing(
    http_server: ScriptedServer, other: ScriptedServer, db: Database, clickhouse: ClickHouse, readings: list[tuple[int, int]]
) -> None:
    put(db, newest=1500)
    finding = only(look(serve(http_server, [still()]), clickhouse=clickhouse, capture=counting(other, *readings)))
    assert finding.status is Status.WARN


def test_capture_for_recordings_alone_proves_nothing(
    http_server: ScriptedServer, other: ScriptedServer, db: Database, clickhouse: ClickHouse
) -> None:
    put(db, newest=1500)
    other.route("/", text="capture")
    for ingested in (900, 940):
        other.route("/metrics", text=f"capture_events_received_total {ingested}\ncapture_events_ingested_total {ingested}\n")
    finding = only(look(serve(http_server, [still()]), clickhouse=clickhouse, capture=capture(other.url)))
    assert finding.status is Status.WARN


@pytest.mark.parametrize(
    ("page", "newest"),  # written when it is served: it tells times
    [({}, 20), ({"up_for": 200}, 1500), ({"partitions": 0}, 1500), ({"age": 100}, 1500)],
    ids=["another one takes them", "just started", "a replica to spare", "took some lately"],
)
def test_healthy_neighbours(
    http_server: ScriptedServer, other: ScriptedServer, db: Database, clickhouse: ClickHouse, page: dict[str, Any], newest: int
) -> None:
    put(db, newest=newest)
    found = look(serve(http_server, [still(**page)]), clickhouse=clickhouse, capture=counting(other, (900, 900), (940, 940)))
    assert (STALLED, Status.FAIL) not in said(found)
    assert (STALLED, Status.WARN) not in said(found)


def test_a_quiet_night_does_not_ask_capture(
    http_server: ScriptedServer, other: ScriptedServer, db: Database, clickhouse: ClickHouse
) -> None:
    put(db, newest=1500, every=1800)
    found = look(serve(http_server, [still()]), clickhouse=clickhouse, capture=counting(other, (900, 900), (940, 940)))
    assert said(found) == [(STALLED, Status.OK)]
    assert other.requests == []


@pytest.mark.parametrize(("partitions", "status"), [(1, Status.FAIL), (None, Status.WARN)])
def test_without_clickhouse_one_that_may_hold_no_partition_only_warns(
    http_server: ScriptedServer, other: ScriptedServer, partitions: int | None, status: Status
) -> None:
    url = serve(http_server, [still(partitions=partitions)])
    assert only(look(url, capture=counting(other, (900, 900), (940, 940)))).status is status


def test_offsets_that_grow_show_it_where_kafka_does_not_know_the_group(
    http_server: ScriptedServer, db: Database, clickhouse: ClickHouse
) -> None:
    put(db, newest=1500)
    with KafkaBroker(KafkaStandIn(topics={TOPIC: Topic(group="", per_second=50.0)})) as broker:
        kafka = Kafka([broker.address], recorder=Recorder()).bind(Asker("a-check", time.monotonic() + 10, READS))
        finding = only(look(serve(http_server, [still()]), kafka=kafka, clickhouse=clickhouse))
    assert finding.status is Status.FAIL
    assert f" messages came into {TOPIC} in " in finding.claim


@pytest.mark.parametrize(
    ("busy", "change", "status"),
    [
        (50, {}, Status.FAIL),
        (70, {}, Status.WARN),
        (50, {"last_poll_time": "ago 10m"}, Status.WARN),
        (50, {"exceptions.time": ["ago 5s"], "exceptions.text": ["Local: Broker transport failure"]}, Status.WARN),
    ],
    ids=["all else is ruled out", "too few to tell", "ClickHouse does not ask", "ClickHouse fails"],
)
def test_when_so_much_is_missing_that_only_it_is_left(
    http_server: ScriptedServer, db: Database, clickhouse: ClickHouse, busy: float, change: dict[str, Any], status: Status
) -> None:
    put(db, newest=1500)
    feed(db, **change)
    finding = only(look(serve(http_server, [still()]), clickhouse=clickhouse, busy=busy))
    assert finding.status is status
    if status is Status.FAIL:
        assert finding.claim.endswith("at this time of day 60 events an hour or more arrive: it hangs, or nothing gets to it")


def test_a_lull_of_minutes_is_not_called_that(http_server: ScriptedServer, db: Database, clickhouse: ClickHouse) -> None:
    put(db, newest=600)
    feed(db)
    assert only(look(serve(http_server, [still(age=600)]), clickhouse=clickhouse, busy=50)).status is Status.WARN


def test_what_hangs_by_its_own_counters_needs_no_other_proof(http_server: ScriptedServer, other: ScriptedServer) -> None:
    came = counting(other, (900, 900), (900, 900))
    assert said(look(serve(http_server, [hanging(1500)]), capture=came)) == [(STALLED, Status.FAIL)]
    assert other.requests == []


def test_a_job_that_sends_once_an_hour_may_just_not_run(
    http_server: ScriptedServer, db: Database, clickhouse: ClickHouse
) -> None:
    db.execute(
        "INSERT INTO events (uuid, event, timestamp, _timestamp, inserted_at) "
        "WITH now() - toUInt32(3 * 3600 + intDiv(number, 100) * 3600 + number % 100) AS arrived "
        "SELECT generateUUIDv4(), 'click', arrived, arrived, arrived FROM numbers(19200)"
    )
    feed(db)
    assert only(look(serve(http_server, [still(age=3 * HOURS)]), clickhouse=clickhouse, busy=50)).status is Status.WARN
