"""The canary from end to end: sent to a capture of the lab, looked for in a real ClickHouse."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from checks.canary.check import PATIENCE, canary
from checks.canary.watch import READS, Watch
from diagnostics import Finding, Status, Text, Thresholds, Values
from diagnostics.lab.capture import Capture as StandIn
from diagnostics.lab.delivery import Delivery
from diagnostics.lab.engine import Database, Engine
from diagnostics.lab.http import Server
from diagnostics.lab.schema import Era
from diagnostics.sources.capture.canary import EVENT
from diagnostics.sources.clickhouse import ClickHouse
from diagnostics.sources.errors import Denied, TimedOut
from diagnostics.sources.source import Asker, Recorder
from tests.checks.capture.asking import capture

NOW = Thresholds({PATIENCE.name: 0.4})
SOON = Thresholds({PATIENCE.name: 8.0})


@pytest.fixture
def db(engine: Engine) -> Database:
    return engine.database()


@pytest.fixture
def asked() -> Iterator[Callable[[Database], ClickHouse]]:
    opened: list[ClickHouse] = []

    def make(db: Database) -> ClickHouse:
        opened.append(ClickHouse(db.url, recorder=Recorder()))
        return opened[-1].bind(Asker("canary", time.monotonic() + 20, frozenset(read.name for read in READS)))

    yield make
    for clickhouse in opened:
        clickhouse.close()


@contextmanager
def delivering(stand_in: StandIn, db: Database | None, era: Era = Era.Y2024) -> Iterator[Server]:
    with Delivery(stand_in, db, era) as delivery, Server(delivery) as server:
        yield server


def sent(server: Server) -> list[bytes]:
    return [request.body for request in server.requests if request.method == "POST"]


def look(server: Server, clickhouse: ClickHouse | None, limits: Thresholds = NOW) -> Finding:
    [finding] = canary.function(capture(server.url), clickhouse, limits)
    return finding


def test_one_that_arrives_tells_how_long_each_stage_took(db: Database, asked: Callable[[Database], ClickHouse]) -> None:
    with delivering(StandIn(delay_s=0.1), db) as server:
        finding = look(server, asked(db), SOON)
        assert len(sent(server)) == 1
    assert (finding.code, finding.status) == ("canary.arrived", Status.OK)
    assert re.fullmatch(r"The canary arrived in ClickHouse [\d.]+ m?s after it was sent", finding.claim)
    [values] = [each for each in finding.evidence if isinstance(each, Values)]
    assert list(values.values) == [
        "answered by capture after",
        "from the plugin server to Kafka",
        "from Kafka to ClickHouse",
        "seen in ClickHouse after",
    ]
    assert values.values["from Kafka to ClickHouse"] in ("about 0 s", "about 1 s")


def test_one_of_2021_arrives_without_the_time_of_storing(engine: Engine, asked: Callable[[Database], ClickHouse]) -> None:
    old = engine.database(era=Era.Y2021)
    with delivering(StandIn(kind="django", delay_s=0.0), old, Era.Y2021) as server:
        finding = look(server, asked(old), SOON)
    assert finding.code == "canary.arrived"
    [values] = [each for each in finding.evidence if isinstance(each, Values)]
    assert values.values["from Kafka to ClickHouse"] is None


def test_one_that_is_lost_was_last_seen_by_capture(db: Database, asked: Callable[[Database], ClickHouse]) -> None:
    with delivering(StandIn(sent="lost"), db) as server:
        finding = look(server, asked(db))
    assert (finding.code, finding.status, finding.affects) == ("canary.lost", Status.FAIL, ("capture",))
    assert finding.claim.endswith(", but it was not in ClickHouse 0.4 s later; capture was the last that saw it")
    assert finding.actions[0].text.startswith("Compare project_token")


def test_an_earlier_canary_is_not_taken_for_it(db: Database, asked: Callable[[Database], ClickHouse]) -> None:
    db.execute(
        "INSERT INTO kafka_events_json (uuid, event, timestamp, team_id, distinct_id, created_at) "
        f"VALUES (generateUUIDv4(), '{EVENT}', now64(), 2, 'posthog-diag', now64())"
    )
    with delivering(StandIn(sent="lost"), db) as server:
        assert look(server, asked(db)).code == "canary.lost"


def test_one_that_got_another_uuid_on_its_way_is_found_by_its_name(
    db: Database, asked: Callable[[Database], ClickHouse]
) -> None:
    watch = Watch(asked(db))
    db.execute(
        "INSERT INTO kafka_events_json (uuid, event, timestamp, team_id, distinct_id, created_at) "
        f"VALUES ('7ae0b1f2-0000-4000-8000-000000000001', '{EVENT}', now64(), 2, 'posthog-diag', now64())"
    )
    seen = watch.seen("7ae0b1f2-0000-4000-8000-000000000002", 5.0)
    assert seen
    assert seen.arrival.id == "7ae0b1f2-0000-4000-8000-000000000001"


def test_one_that_is_put_aside_was_last_seen_by_the_plugin_server(
    db: Database, asked: Callable[[Database], ClickHouse]
) -> None:
    with delivering(StandIn(sent="dead-letter", delay_s=0.0), db) as server:
        finding = look(server, asked(db), Thresholds({PATIENCE.name: 1.0}))
    assert (finding.code, finding.affects) == ("canary.lost", ("plugin-server",))
    assert finding.claim.endswith(", and the plugin server put it aside as a dead letter")
    [text] = [each for each in finding.evidence if isinstance(each, Text)]
    assert text.title == "What plugin_server_ingest_event:processPersonsStep said"
    assert "person no longer exists" in text.text


def test_a_materialized_view_that_is_gone_loses_it(db: Database, asked: Callable[[Database], ClickHouse]) -> None:
    db.execute("DROP VIEW events_json_mv")
    with delivering(StandIn(delay_s=0.0), db) as server:
        assert look(server, asked(db)).code == "canary.lost"


@pytest.mark.parametrize(
    ("stand_in", "said", "meaning", "codes"),
    [
        (
            StandIn(kind="django", refuses="token"),
            "401 API key is not valid: project_key_not_found",
            "it does not accept the project token",
            (),
        ),
        (StandIn(refuses="quota"), "429 billing limit reached", "the project is over its quota or sends too fast", ()),
        (
            StandIn(refuses="size"),
            "413 maximum event size exceeded",
            "it is too big, though it has but 300 bytes: a limit in front of capture",
            (),
        ),
        (
            StandIn(kind="django", refuses="team"),
            "503 transient error, please retry",
            "capture cannot look the project up in Postgres",
            ("app.postgres-down",),
        ),
        (
            StandIn(public=True, brokers_up=0),
            "503 transient error, please retry",
            "capture cannot write to Kafka",
            ("capture.cannot-produce",),
        ),
        (StandIn(brokers_up=0), "503 transient error, please retry", "capture cannot write to Kafka", ()),
        (
            StandIn(to_app=("/e", "/i/v0/e", "/batch", "/capture")),
            "403 Django's page on CSRF",
            "what answers is not capture",
            (),
        ),
    ],
)
def test_one_that_is_refused_says_why(stand_in: StandIn, said: str, meaning: str, codes: tuple[str, ...]) -> None:
    with delivering(stand_in, None) as server:
        finding = look(server, None)
    assert (finding.code, finding.status) == ("capture.rejects-canary", Status.FAIL)
    assert finding.claim == f"Capture at {server.url} did not take the canary on /i/v0/e/: {said}"
    assert finding.detail == f"That means: {meaning}."
    assert (finding.cause_codes, finding.cause) == (codes, meaning if codes else "")
    assert finding.actions


def test_without_clickhouse_nobody_knows_whether_it_arrives() -> None:
    with delivering(StandIn(), None) as server:
        finding = look(server, None)
    assert (finding.code, finding.status) == ("canary.lost", Status.UNKNOWN)
    assert finding.claim.endswith(", but diag reaches no ClickHouse to see whether it arrives")


def test_nothing_is_sent_when_nobody_could_watch_it(db: Database, asked: Callable[[Database], ClickHouse]) -> None:
    db.deny("events")
    with delivering(StandIn(), db) as server:
        with pytest.raises(Denied):
            look(server, asked(db))
        assert sent(server) == []


def test_nothing_is_sent_when_the_run_ends_before_it_could_arrive() -> None:
    with delivering(StandIn(), None) as server:
        with pytest.raises(TimedOut) as raised:
            list(canary.function(capture(server.url, seconds=15.0), None, SOON))
        assert sent(server) == []
    assert str(raised.value) == "No canary was sent: 15 s are left for it, and watching for it takes up to 8 s"
    assert raised.value.hint == "give it more time: diag run --canary --deadline 24s"


def test_it_waits_longer_from_look_to_look(db: Database, asked: Callable[[Database], ClickHouse]) -> None:
    with delivering(StandIn(sent="lost"), db) as server:
        look(server, asked(db), Thresholds({PATIENCE.name: 2.0}))
    looks = [query for query in db.queries() if "posthog_diag_canary" in str(query.params)]
    assert 2 <= len(looks) <= 6
