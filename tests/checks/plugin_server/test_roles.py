"""That nobody takes events is said only of instances that are all known to do something else."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from checks.plugin_server.roles import plugin_server_roles
from diagnostics import Finding, Status, Table, Thresholds
from diagnostics.lab.engine import Database, Engine
from diagnostics.lab.http import Server
from diagnostics.lab.plugin_server import Health
from diagnostics.lab.plugin_server import PluginServer as StandIn
from diagnostics.lab.scripted import ScriptedServer
from diagnostics.sources.clickhouse import ClickHouse
from diagnostics.sources.source import Asker, Recorder
from tests.sources.plugin_server.pages import plugin_server


@pytest.fixture(autouse=True)
def short_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diagnostics.sources.plugin_server.source.GAP", 0.02)


def look(*urls: str, clickhouse: ClickHouse | None = None, within: float = 300.0) -> list[Finding]:
    limits = Thresholds({"plugin-server-roles.arrived-within": within})
    return list(plugin_server_roles.function(plugin_server(*urls), clickhouse, limits))


def only(findings: list[Finding]) -> Finding:
    (finding,) = findings
    return finding


def test_one_that_does_everything() -> None:
    with Server(StandIn()) as server:
        assert look(server.url) == []


def test_split_by_role_and_complete() -> None:
    with Server(StandIn(role="ingestion")) as events, Server(StandIn(role="session-replay")) as replay:
        assert look(events.url, replay.url) == []


def test_split_by_role_without_the_one_that_takes_events() -> None:
    with Server(StandIn(role="session-replay", generation=6)) as replay, Server(StandIn(role="cdp")) as cdp:
        finding = only(look(replay.url, cdp.url))
        assert (finding.code, finding.status) == ("plugin-server.role-missing", Status.FAIL)
        assert finding.claim == (
            f"The 2 plugin servers ({replay.url}, {cdp.url}) do not take events, only session-recordings-blob, "
            "cdp-processed-events"
        )
        (table,) = finding.evidence
        assert isinstance(table, Table)
        assert table.rows == (
            (replay.url, "session-recordings-blob", "session_recording_snapshot_item_events"),
            (cdp.url, "cdp-processed-events", "clickhouse_events_json"),
        )
    assert [action.changes_something for action in finding.actions] == [False, True, False]


def test_the_overflow_lane_alone_is_not_enough() -> None:
    with Server(StandIn(role="ingestion-overflow")) as server:
        assert only(look(server.url)).claim == (
            f"The plugin server at {server.url} does not take events, only analytics-ingestion-overflow"
        )


def test_many_checks_are_counted() -> None:
    checks = {f"cdp-worker-{number}": Health(status="ok") for number in range(6)}
    with Server(StandIn(role="cdp", checks=checks)) as server:
        assert only(look(server.url)).claim.endswith("only cdp-worker-0, cdp-worker-1, cdp-worker-2, cdp-worker-3 and 2 more")


@pytest.mark.parametrize(
    "other",
    [
        StandIn(role="cdp", checks={"a-service-of-tomorrow": "ok"}, metrics="hidden"),
        StandIn(role="cdp", checks={"ingestion-of-tomorrow": "ok"}),
        StandIn(role="cdp", checks={"a-service-of-tomorrow": "ok"}, up_for="90s"),
        StandIn(role="cdp", checks={}),
    ],
    ids=["nothing counted", "sounds like events", "just started", "no checks"],
)
def test_a_mode_that_diag_does_not_know_never_alarms(other: StandIn) -> None:
    with Server(StandIn(role="cdp")) as cdp, Server(other) as unknown:
        assert look(cdp.url, unknown.url) == []


def test_a_check_that_diag_does_not_know_beside_topics_of_other_work() -> None:
    checks: dict[str, Any] = {"a-service-of-tomorrow": "ok"}
    with Server(StandIn(role="cdp", checks=checks)) as cdp, Server(StandIn(role="session-replay", checks=checks)) as replay:
        finding = only(look(cdp.url, replay.url))
    assert finding.status is Status.FAIL
    assert finding.claim.endswith("do not take events, only clickhouse_events_json, session_recording_snapshot_item_events")


def test_checks_that_are_named_after_classes() -> None:
    with Server(StandIn(role="cdp", checks={"CdpProcessedEventsConsumer": "ok"}, metrics="hidden")) as cdp:
        assert only(look(cdp.url)).claim.endswith("does not take events, only CdpProcessedEventsConsumer")


def test_the_topic_that_it_consumes_shows_the_role_as_well() -> None:
    with Server(StandIn(role="ingestion", checks={"cdp-processed-events": "ok"})) as server:
        assert look(server.url) == []


def test_one_that_does_not_answer_may_be_the_one(closed_port: Callable[[], str]) -> None:
    with Server(StandIn(role="cdp")) as server:
        assert look(server.url, closed_port()) == []


def test_what_is_no_plugin_server_proves_nothing(http_server: ScriptedServer) -> None:
    http_server.route("/_health", text="ok")
    assert look(http_server.url) == []


def test_checks_alone_tell_the_role_where_the_counters_are_hidden() -> None:
    with Server(StandIn(role="logs", metrics="hidden")) as server:
        assert only(look(server.url)).status is Status.FAIL


@pytest.fixture
def db(engine: Engine) -> Database:
    return engine.database()


@pytest.fixture
def clickhouse(db: Database) -> Iterator[ClickHouse]:
    source = ClickHouse(db.url, recorder=Recorder())
    reads = frozenset(read.name for read in plugin_server_roles.reads)
    yield source.bind(Asker("plugin-server-roles", time.monotonic() + 20, reads))
    source.close()


@pytest.mark.parametrize(("within", "status"), [(300.0, Status.INFO), (5.0, Status.FAIL)])
def test_events_that_arrive_show_that_diag_was_not_told_of_all(
    db: Database, clickhouse: ClickHouse, within: float, status: Status
) -> None:
    arrived = "now() - 40"
    db.execute(
        "INSERT INTO events (uuid, event, timestamp, _timestamp, inserted_at) "
        f"SELECT generateUUIDv4(), 'click', {arrived}, {arrived}, {arrived}"
    )
    with Server(StandIn(role="cdp")) as server:
        finding = only(look(server.url, clickhouse=clickhouse, within=within))
    assert finding.status is status
    if status is Status.INFO:
        assert "does not take events, but one arrived 4" in finding.claim
        assert finding.claim.endswith(" s ago: diag was not told of the plugin server that does")


def test_where_such_a_pause_is_usual_it_only_warns(db: Database, clickhouse: ClickHouse) -> None:
    """At night the one that diag was not told of may just have nothing to do."""
    arrived = "now() - toUInt32(1800 + number * 1800)"
    db.execute(
        "INSERT INTO events (uuid, event, timestamp, _timestamp, inserted_at) "
        f"SELECT generateUUIDv4(), 'click', {arrived}, {arrived}, {arrived} FROM numbers(384)"
    )
    with Server(StandIn(role="cdp")) as server:
        assert only(look(server.url, clickhouse=clickhouse)).status is Status.WARN
