"""Capture as a source: asked at its own address and through a proxy, alive, half alive and gone."""

import time
from collections.abc import Callable, Iterator

import pytest

from diagnostics.lab.capture import Capture as StandIn
from diagnostics.lab.http import Server
from diagnostics.lab.scripted import ScriptedServer
from diagnostics.sources.capture import EVENT_PATHS, SEND, Capture, Taker
from diagnostics.sources.capture.canary import EVENT, Refusal
from diagnostics.sources.errors import Refused
from diagnostics.sources.http import HttpOptions
from diagnostics.sources.source import Asker, Connected, NotConnected, Recorder
from tests.sources.peer import Peer, peers, silent


@pytest.fixture
def peer() -> Iterator[Callable[[Peer], str]]:
    with peers() as start:
        yield start


def capture(
    url: str, *, timeout: float = 2.0, seconds: float = 10.0, token: str | None = "phc_x", recorder: Recorder | None = None
) -> Capture:
    source = Capture(url, recorder=recorder or Recorder(), options=HttpOptions(timeout=timeout), project_token=token)
    return source.bind(Asker("a-check", time.monotonic() + seconds, frozenset([SEND.name])))


def failure(source: Capture) -> NotConnected:
    connection = source.connection()
    assert isinstance(connection, NotConnected), connection
    assert connection.code == "capture.unreachable"
    return connection


def test_rust_at_its_own_address_shows_everything() -> None:
    with Server(StandIn()) as server:
        source = capture(server.url)
        state = source.state()
        assert isinstance(source.connection(), Connected)
    assert {route.path: route.taker for route in state.routes} == dict.fromkeys(EVENT_PATHS, Taker.RUST)
    assert (state.direct, state.is_rust, state.takes_events) == (True, True, True)
    assert state.liveness
    assert (state.liveness.healthy, [each.name for each in state.liveness.components]) == (True, ["rdkafka"])
    assert state.counts
    assert state.counts.connected == 1


def test_all_is_asked_once_and_nothing_holds_data() -> None:
    with Server(StandIn()) as server:
        source = capture(server.url)
        source.state()
        source.connection()
        source.state()
    asked = [(request.method, request.target) for request in server.requests]
    assert len(asked) == len(set(asked)) == 9
    assert {method for method, _ in asked} == {"GET"}
    assert [request for request in server.requests if request.body] == []


def test_behind_a_proxy_its_own_pages_are_somebody_elses() -> None:
    with Server(StandIn(public=True)) as server:
        state = capture(server.url).state()
    assert (state.direct, state.takes_events, state.is_rust) == (False, True, True)
    assert (state.liveness, state.counts, state.kafka) == (None, None, None)


@pytest.mark.parametrize("up", [0, 1])
def test_django_tells_of_kafka_on_readyz(up: int) -> None:
    with Server(StandIn(kind="django", brokers_up=up)) as server:
        state = capture(server.url).state()
    assert {route.taker for route in state.routes} == {Taker.DJANGO}
    assert (state.is_rust, state.kafka, state.counts) == (False, bool(up), None)


def test_one_that_is_down(closed_port: Callable[[], str]) -> None:
    url = closed_port()
    found = failure(capture(url))
    assert found.message == f"Capture at {url} does not answer: nothing listens there (connection refused)"
    assert found.hint == "see whether it runs: docker compose ps capture web proxy"


def test_one_whose_name_does_not_resolve() -> None:
    found = failure(capture("http://capture.invalid:3000"))
    assert found.message == (
        "Capture at http://capture.invalid:3000 does not answer: the name capture.invalid does not resolve here"
    )
    assert found.hint.startswith("if the name exists only inside PostHog's network, run diag there")


def test_one_that_never_answers(peer: Callable[[Peer], str]) -> None:
    found = failure(capture(peer(silent), timeout=0.3))
    assert "gives no complete answer within 0.3 s" in found.message


@pytest.mark.parametrize("status", [502, 503, 504])
def test_one_that_the_proxy_answers_for(status: int) -> None:
    with Server(StandIn(gateway=status)) as server:  # type: ignore[arg-type]
        found = failure(capture(server.url))
    assert found.message == f"Capture at {server.url} answers every request for events with {status} from nginx"


def test_one_path_that_still_works_is_a_connection(http_server: ScriptedServer) -> None:
    for path in EVENT_PATHS[:-1]:
        http_server.route(path, status=502)
    http_server.route(EVENT_PATHS[-1], status=400, text="request holds no event")
    assert isinstance(capture(http_server.url).connection(), Connected)


def test_the_second_reading_is_later_and_shared() -> None:
    with Server(StandIn(received_per_s=1000.0)) as server:
        source = capture(server.url)
        first = source.state().counts
        again = source.again(0.3)
        assert again is source.again(0.3)
    assert first
    assert again
    assert again.at - first.at >= 0.3
    assert again.received > first.received
    assert sum(request.path == "/metrics" for request in server.requests) == 2


def test_the_second_reading_does_not_wait_beyond_the_askers_time() -> None:
    with Server(StandIn()) as server:
        source = capture(server.url, seconds=1.3)
        assert source.again(60.0)


def test_without_metrics_there_is_no_second_reading() -> None:
    with Server(StandIn(metrics=False)) as server:
        source = capture(server.url)
        assert (source.state().counts, source.again(0.0)) == (None, None)


def test_the_canary_goes_where_events_are_taken() -> None:
    recorder = Recorder()
    with Server(StandIn(to_app=("/i/v0/e",))) as server:
        reception = capture(server.url, token="phc_secret", recorder=recorder).send("7ae0b1f2-0000-4000-8000-000000000000")
    assert (reception.path, reception.taken) == ("/e/", True)
    [sent] = [request for request in server.requests if request.method == "POST"]
    assert b'"api_key":"phc_secret"' in sent.body
    assert EVENT.encode() in sent.body
    assert "phc_secret" not in repr(recorder.exchanges)


def test_where_none_is_taken_it_goes_the_usual_way_and_is_refused() -> None:
    with Server(StandIn(to_app=("/e", "/i/v0/e", "/batch", "/capture"))) as server:
        reception = capture(server.url).send("7ae0b1f2-0000-4000-8000-000000000000")
    assert (reception.path, reception.refusal, reception.said) == ("/i/v0/e/", Refusal.ROUTE, "403 Django's page on CSRF")


def test_a_check_that_did_not_declare_it_sends_nothing() -> None:
    with Server(StandIn()) as server:
        source = capture(server.url).bind(Asker("a-check", time.monotonic() + 5, frozenset()))
        with pytest.raises(Refused):
            source.send("7ae0b1f2-0000-4000-8000-000000000000")
    assert {request.method for request in server.requests} == {"GET"}
