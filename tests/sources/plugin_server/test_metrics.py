"""The counters are read twice, wherever the version has them; what cannot be read is told, and never made up."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from msgspec import structs

from diagnostics.lab.http import Server
from diagnostics.lab.plugin_server import PluginServer as StandIn
from diagnostics.lab.scripted import ScriptedServer
from diagnostics.sources.errors import Refused, TimedOut
from diagnostics.sources.http import Answer
from diagnostics.sources.plugin_server.metrics import Readings, read_page
from diagnostics.sources.source import Asker, Recorder
from tests.sources.plugin_server.pages import plugin_server, readings, serve


@pytest.fixture(autouse=True)
def short_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diagnostics.sources.plugin_server.source.GAP", 0.05)


@pytest.fixture
def other() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


def only(url: str) -> Readings:
    (found,) = plugin_server(url).readings()
    return found


def test_a_counter_is_read_twice_and_moves(http_server: ScriptedServer) -> None:
    found = only(serve(http_server, ["events_total 10\n", "events_total 25\n"]))
    assert (found.readable, found.moved("events_total"), found.now("events_total")) == (True, 15.0, 25.0)
    assert found.seconds >= 0.05
    assert [request.path for request in http_server.requests].count("/_metrics") == 2


def test_every_check_shares_the_two_readings(http_server: ScriptedServer) -> None:
    url = serve(http_server, ["a 1\n"])
    recorder = Recorder()
    source = plugin_server(url, recorder=recorder)
    assert source.readings() is source.bind(source.asker).readings()
    assert [exchange.name for exchange in recorder.exchanges].count("plugin-server.metrics") == 2


def test_a_check_has_to_declare_that_it_reads_them(http_server: ScriptedServer) -> None:
    source = plugin_server(serve(http_server, ["a 1\n"])).bind(Asker("a-check", time.monotonic() + 5, frozenset()))
    with pytest.raises(Refused, match=r"plugin-server\.metrics"):
        source.readings()


def test_instances_are_read_at_the_same_time(http_server: ScriptedServer, other: ScriptedServer) -> None:
    slow, quick = serve(http_server, []), serve(other, ["a 1\n", "a 2\n"])
    http_server.route("/_metrics", text="a 5\n", delay=0.4)
    first, second = plugin_server(slow, quick).readings()
    assert (first.address, first.now("a")) == (slow, 5.0)
    assert (second.address, second.moved("a")) == (quick, 1.0)


def test_where_metrics_are_on_the_other_path_they_are_read_there(http_server: ScriptedServer) -> None:
    found = only(serve(http_server, ["a 1\n", "a 3\n"], path="/metrics"))
    assert (found.readable, found.moved("a")) == (True, 2.0)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"status": 401, "text": "Unauthorized"}, "its metrics want credentials (HTTP 401)"),
        ({"status": 403, "text": "Forbidden"}, "its metrics want credentials (HTTP 403)"),
        ({"status": 404, "text": "no"}, "it answers 404 for its metrics: something in front hides them"),
        ({"status": 500, "text": "no"}, "it answers 500 for its metrics"),
        ({"text": "<!doctype html><title>Sign in</title>"}, "a web page answers in place of its metrics"),
        ({"text": 'a{x="1" 2\n'}, "what answers is not a page of metrics"),
        ({"text": ""}, "its page of metrics holds no number"),
        ({"text": "# HELP a Of nothing.\n# TYPE a gauge\na NaN\n"}, "its page of metrics holds no number"),
    ],
)
def test_what_cannot_be_read_says_why_and_is_not_a_version_without(
    http_server: ScriptedServer, answer: dict[str, object], why: str
) -> None:
    url = serve(http_server, [])
    http_server.route("/_metrics", **answer)  # type: ignore[arg-type]
    http_server.route("/metrics", **answer)  # type: ignore[arg-type]
    found = only(url)
    assert (found.readable, found.why, found.counts_nothing) == (False, why, False)
    assert found.now("a") is None


def test_metrics_that_do_not_answer(http_server: ScriptedServer) -> None:
    url = serve(http_server, [])
    http_server.route("/_metrics", text="a 1\n", delay=5.0)
    source = plugin_server(url, time_left=1.0)
    source.health()
    (found,) = source.readings()
    assert found.why.startswith("its metrics do not answer: it takes the connection but gives no complete answer within")


def test_a_plugin_server_that_goes_away_between_the_readings(http_server: ScriptedServer) -> None:
    url = serve(http_server, ["a 1\n"])
    http_server.route("/_metrics", status=503, text="starting")
    assert only(url).why == "it answers 503 for its metrics"


def test_a_version_without_metrics_is_known_by_its_health(http_server: ScriptedServer) -> None:
    found = only(serve(http_server, [], health={"status": "ok"}))
    assert (found.readable, found.counts_nothing, found.why) == (False, True, "")


def test_what_does_not_answer_or_is_something_else_is_left_to_the_check_of_its_health(http_server: ScriptedServer) -> None:
    http_server.route("/_health", text="ok")
    assert plugin_server(http_server.url).readings() == ()


def test_too_little_time_for_two_readings_is_said(http_server: ScriptedServer) -> None:
    source = plugin_server(serve(http_server, ["a 1\n"]), time_left=0.2)
    with pytest.raises(TimedOut, match="There was no time left to read the counters twice"):
        source.readings()


def test_the_time_is_that_of_the_server_and_not_of_a_skewed_laptop() -> None:
    clock = datetime(2026, 1, 1, tzinfo=UTC)
    headers = {"date": "Wed, 21 Oct 2015 07:28:00 GMT"}
    answer = Answer(status=200, headers=headers, body="a 1\n", json=None, seconds=0.1, received=4)
    assert read_page(answer, clock).at == datetime(2015, 10, 21, 7, 28, tzinfo=UTC)
    for none in ({}, {"date": "yesterday"}):
        assert read_page(structs.replace(answer, headers=none), clock).at == clock


def test_how_long_it_runs() -> None:
    assert readings("process_start_time_seconds 400\n", at=1000.0).up_for == 600.0
    assert readings("process_start_time_seconds 1400\n", at=1000.0).up_for == 0.0


def test_a_restart_between_the_readings_counts_from_zero() -> None:
    found = readings("events_total 500\n", "events_total 3\n")
    assert found.moved("events_total") == 3.0


def test_each_sample_grows_by_itself() -> None:
    found = readings(
        'e_total{step="a"} 5\ne_total{step="b"} 9\n', 'e_total{step="a"} 7\ne_total{step="b"} 2\ne_total{step="c"} 4\n'
    )
    assert {sample.labels["step"]: sample.value for sample in found.growth("e_total")} == {"a": 2.0, "b": 2.0, "c": 4.0}
    assert found.moved("e_total") == 8.0
    assert found.moved("e_total", step="c") == 4.0
    assert found.moved("e_total", step="d") is None


def test_how_long_it_runs_is_unknown_where_it_does_not_say() -> None:
    assert readings("a 1\n").up_for is None


@pytest.mark.parametrize("generation", [3, 4, 5, 6])
def test_the_stand_in_of_every_generation_is_read(generation: int) -> None:
    with Server(StandIn(generation=generation)) as server:  # type: ignore[arg-type]
        found = only(server.url)
    assert found.readable
    assert found.now("latest_processed_timestamp_ms") is not None
    assert found.up_for == pytest.approx(3 * 3600, abs=600)
