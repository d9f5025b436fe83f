"""None of the plugin servers has anything to read: claimed only of all together, and not while events arrive."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from checks.plugin_server.progress import plugin_server_progress
from diagnostics import Status
from diagnostics.lab.engine import Database, Engine
from diagnostics.lab.scripted import ScriptedServer
from diagnostics.sources.clickhouse import ClickHouse
from diagnostics.sources.source import Asker, Recorder
from tests.checks.plugin_server.watching import HOURS, ago_ms, claim, look, only, said, up
from tests.sources.plugin_server.pages import GROUP, TOPIC, consuming, serve

DEGRADED = {"status": "degraded", "message": "Healthy with warnings: Rebalancing in progress (8s)"}
REBALANCING = {"status": "ok", "checks": {"analytics-ingestion": DEGRADED}}


@pytest.fixture(autouse=True)
def short_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diagnostics.sources.plugin_server.source.GAP", 0.05)


@pytest.fixture
def servers() -> Iterator[list[ScriptedServer]]:
    started = [ScriptedServer(), ScriptedServer()]
    yield started
    for server in started:
        server.close()


def without(up_for: float = 3 * HOURS, more: str = "", turns: int = 500) -> str:
    return consuming(turns=turns, batches=200, newest_ms=ago_ms(3000), partitions=0, more=up(up_for) + more)


def test_no_partition_at_all(http_server: ScriptedServer) -> None:
    url = serve(http_server, [without(), without(turns=502)])
    finding = only(look(url))
    assert (finding.code, finding.status) == ("plugin-server.no-partitions", Status.FAIL)
    assert (
        finding.claim
        == f"The plugin server at {url} has no partition of {TOPIC} 3 h after its start, so that it reads no events"
    )
    assert finding.source_text


def test_a_replica_above_the_number_of_partitions_is_well(servers: list[ScriptedServer]) -> None:
    spare = serve(servers[0], [without(), without(turns=502)])
    busy = serve(servers[1], [consuming(turns=n, batches=200, newest_ms=ago_ms(3), more=up(3 * HOURS)) for n in (500, 502)])
    assert said(look(spare, busy)) == [("plugin-server.stalled", Status.OK)]


def test_several_that_have_none_together(servers: list[ScriptedServer]) -> None:
    urls = [serve(server, [without(), without(turns=502)]) for server in servers]
    assert only(look(*urls)).claim == (
        f"All 2 plugin servers have no partition of {TOPIC} 3 h after their start, so that none of them reads events"
    )


def test_one_that_was_not_seen_may_have_them_all(http_server: ScriptedServer, closed_port: Any) -> None:
    url = serve(http_server, [without(), without(turns=502)])
    assert said(look(url, closed_port())) == [("plugin-server.stalled", Status.OK)]


@pytest.mark.parametrize(("up_for", "status"), [(110, Status.OK), (125, Status.FAIL)])
def test_after_a_start_partitions_take_a_while(http_server: ScriptedServer, up_for: float, status: Status) -> None:
    assert only(look(serve(http_server, [without(up_for), without(up_for, turns=502)]))).status is status


def test_a_rebalance_is_no_alarm(http_server: ScriptedServer) -> None:
    url = serve(http_server, [without(), without(turns=502)], health=REBALANCING)
    assert said(look(url)) == [("plugin-server.stalled", Status.OK)]


def test_a_rebalance_that_only_the_counters_show_is_no_alarm(http_server: ScriptedServer) -> None:
    rebalances = f'kafka_consumer_rebalance_total{{groupId="{GROUP}",type="revoke"}} '
    pages = [without(more=f"{rebalances}3\n"), without(more=f"{rebalances}4\n", turns=502)]
    assert said(look(serve(http_server, pages))) == [("plugin-server.stalled", Status.OK)]


def test_a_version_that_does_not_count_partitions_is_not_judged(http_server: ScriptedServer) -> None:
    page = (
        f'latest_processed_timestamp_ms{{topic="{TOPIC}",partition="0",groupId="{GROUP}"}} {ago_ms(3 * HOURS):.0f}\n{up(99999)}'
    )
    assert said(look(serve(http_server, [page]))) == [("plugin-server.stalled", Status.OK)]


def test_other_roles_are_not_judged(http_server: ScriptedServer) -> None:
    page = without().replace(TOPIC, "session_recording_snapshot_item_events")
    assert look(serve(http_server, [page])) == []


@pytest.fixture
def db(engine: Engine) -> Database:
    return engine.database()


@pytest.fixture
def clickhouse(db: Database) -> Iterator[ClickHouse]:
    source = ClickHouse(db.url, recorder=Recorder())
    reads = frozenset(read.name for read in plugin_server_progress.reads)
    yield source.bind(Asker("plugin-server-progress", time.monotonic() + 20, reads))
    source.close()


def put(db: Database, newest: int, *, every: int = 300) -> None:
    """Eight days of events, the newest so many seconds ago."""
    db.execute(
        "INSERT INTO events (uuid, event, timestamp, _timestamp, inserted_at) "
        f"WITH now() - toUInt32({newest} + number * {every}) AS arrived "
        f"SELECT generateUUIDv4(), 'click', arrived, arrived, arrived FROM numbers({8 * 86400 // every})"
    )


def test_events_that_arrive_show_that_another_one_has_the_partitions(
    http_server: ScriptedServer, db: Database, clickhouse: ClickHouse
) -> None:
    put(db, newest=20)
    finding = only(look(serve(http_server, [without(), without(turns=502)]), clickhouse=clickhouse))
    assert (finding.code, finding.status) == ("plugin-server.no-partitions", Status.INFO)
    assert "has no partition of events_plugin_ingestion, but an event arrived 2" in finding.claim


def test_events_that_stopped_do_not(http_server: ScriptedServer, db: Database, clickhouse: ClickHouse) -> None:
    put(db, newest=3000)
    finding = only(look(serve(http_server, [without(), without(turns=502)]), clickhouse=clickhouse))
    assert finding.status is Status.FAIL


def test_an_empty_table_says_nothing(http_server: ScriptedServer, clickhouse: ClickHouse) -> None:
    finding = only(look(serve(http_server, [without(), without(turns=502)]), clickhouse=clickhouse))
    assert finding.status is Status.FAIL


def silent(age: float) -> str:
    """All that a version of late 2022 counts."""
    return f'latest_processed_timestamp_ms{{topic="{TOPIC}",partition="0",groupId="{GROUP}"}} {ago_ms(age):.0f}\n{up(99999)}'


def test_a_version_of_2022_that_stands_still_when_events_usually_arrive_is_a_warning(
    http_server: ScriptedServer, db: Database, clickhouse: ClickHouse
) -> None:
    put(db, newest=3 * HOURS)
    url = serve(http_server, [silent(3 * HOURS)], health={"status": "ok"})
    finding = only(look(url, clickhouse=clickhouse))
    assert (finding.code, finding.status) == ("plugin-server.stalled", Status.WARN)
    assert claim(finding) == (
        f"The plugin server at {url} processed nothing in N s of looking and its newest event is 3 h old, at a time of day at "
        "which events usually arrive"
    )
    assert finding.detail.endswith("The newest event in ClickHouse arrived 3 h ago.")


def test_the_same_while_events_arrive_or_usually_pause_is_none(
    http_server: ScriptedServer, db: Database, clickhouse: ClickHouse
) -> None:
    put(db, newest=400)
    url = serve(http_server, [silent(3 * HOURS)], health={"status": "ok"})
    assert said(look(url, clickhouse=clickhouse)) == [("plugin-server.stalled", Status.OK)]
    assert said(look(url)) == [("plugin-server.stalled", Status.OK)]
