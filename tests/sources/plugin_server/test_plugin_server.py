import socket
import time
from collections.abc import Callable

import pytest

from diagnostics.lab.plugin_server import PluginServer as StandIn
from diagnostics.lab.scripted import ScriptedServer
from diagnostics.sources.http import HttpOptions
from diagnostics.sources.plugin_server import HealthStatus, PluginServer, Readiness
from diagnostics.sources.plugin_server.source import candidates, ports_of
from diagnostics.sources.source import Asker, Connected, NotConnected, Recorder


def plugin_server(
    *urls: str, recorder: Recorder | None = None, timeout: float = 5.0, ports: tuple[int, ...] = ()
) -> PluginServer:
    source = PluginServer(urls, recorder=recorder or Recorder(), options=HttpOptions(timeout=timeout), ports=ports or None)
    return source.bind(Asker("a-check", time.monotonic() + 10, frozenset()))


def test_a_healthy_instance_over_http(http_server: ScriptedServer) -> None:
    stand_in = StandIn()
    http_server.route("/_health", stand_in)
    http_server.route("/_ready", stand_in)
    source = plugin_server(http_server.url)
    assert isinstance(source.connection(), Connected)
    (health,) = source.health()
    assert (health.address, health.status, health.ready) == (http_server.url, HealthStatus.OK, Readiness.YES)


def test_a_ready_page_that_hangs_costs_two_seconds_at_most_and_is_unknown(
    http_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("diagnostics.sources.plugin_server.source.READY_TIMEOUT", 0.2)
    http_server.route("/_health", json={"status": "ok"})
    http_server.route("/_ready", json={"status": "ok"}, delay=2.0)
    started = time.monotonic()
    (health,) = plugin_server(http_server.url).health()
    assert (health.status, health.ready) == (HealthStatus.OK, Readiness.UNKNOWN)
    assert time.monotonic() - started < 1.8


def test_instances_are_asked_at_the_same_time_and_keep_their_order(closed_port: Callable[[], str]) -> None:
    closed = closed_port()
    with ScriptedServer() as slow, ScriptedServer() as sick:
        slow.route("/_health", json={"status": "ok"}, delay=0.6)
        slow.route("/_ready", json={"status": "ok"}, delay=0.6)
        sick.route("/_health", status=503, json={"status": "error"}, delay=0.6)
        sick.route("/_ready", status=503, json={"status": "error"}, delay=0.6)
        started = time.monotonic()
        source = plugin_server(slow.url, closed, sick.url)
        assert [(health.address, health.reached, health.ready.value) for health in source.health()] == [
            (slow.url, True, "yes"),
            (closed, False, "unknown"),
            (sick.url, True, "no"),
        ]
        assert time.monotonic() - started < 2.2
        assert isinstance(source.connection(), Connected)
        assert source.address() == f"{slow.url}, {closed}, {sick.url}"


def test_the_connection_fails_only_when_no_instance_answers(closed_port: Callable[[], str]) -> None:
    first, second = closed_port(), closed_port()
    assert plugin_server(first, second).connection() == NotConnected(
        code="plugin-server.unreachable",
        message=f"{first} does not answer: nothing listens there (connection refused); "
        f"{second} does not answer: nothing listens there (connection refused)",
        hint="see whether it runs: docker compose ps plugins",
    )


def test_another_service_is_no_connection_to_a_plugin_server(http_server: ScriptedServer) -> None:
    http_server.route("/_health", text="ok")
    assert plugin_server(http_server.url).connection() == NotConnected(
        code="plugin-server.unreachable",
        message=f"What answers at {http_server.url} is not a plugin server that can be asked: "
        "the PostHog app answers there, not the plugin server",
        hint="give the plugin server's own address, like http://plugins:6738",
    )


def test_answers_are_shared_with_other_checks(http_server: ScriptedServer) -> None:
    http_server.route("/_health", json={"status": "ok"})
    source = plugin_server(http_server.url)
    source.health()
    source.bind(Asker("another", time.monotonic() + 10, frozenset())).health()
    asked = [request.path for request in http_server.requests]  # /_metrics is asked ahead of time: it may still be on its way
    assert (asked.count("/_health"), asked.count("/_ready")) == (1, 1)


def test_the_ports_to_try() -> None:
    assert ports_of({}) == (6738, 8001, 80)
    assert ports_of({"HTTP_SERVER_PORT": "7000"}) == (6738, 7000, 8001, 80)
    assert ports_of({"HTTP_SERVER_PORT": "8001"}) == (6738, 8001, 80)
    assert ports_of({"HTTP_SERVER_PORT": "no"}) == (6738, 8001, 80)


@pytest.mark.parametrize(
    ("url", "tried"),
    [
        ("http://plugins", ["http://plugins:1", "http://plugins:2"]),
        ("plugins", ["http://plugins:1", "http://plugins:2"]),
        ("http://me:pw@plugins/prefix", ["http://me:pw@plugins:1/prefix", "http://me:pw@plugins:2/prefix"]),
        ("http://[::1]", ["http://[::1]:1", "http://[::1]:2"]),
        ("http://plugins:80", ["http://plugins:80"]),
        ("https://plugins", ["https://plugins"]),
        ("http://plugins:port", ["http://plugins:port"]),
    ],
)
def test_an_address_without_a_port_is_tried_on_several(url: str, tried: list[str]) -> None:
    assert list(candidates(url, (1, 2))) == tried


def port(url: str) -> int:
    return int(url.rpartition(":")[2])


def test_the_first_port_that_answers_like_a_plugin_server_is_taken(closed_port: Callable[[], str]) -> None:
    with ScriptedServer() as web, ScriptedServer() as plugins:
        plugins.route("/_health", json={"status": "ok"})
        source = plugin_server("http://127.0.0.1", ports=(port(closed_port()), web.port, plugins.port))
        (health,) = source.health()
        assert (health.address, health.status) == (plugins.url, HealthStatus.OK)


def test_the_environments_port_is_tried(http_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_SERVER_PORT", str(http_server.port))
    http_server.route("/_health", json={"status": "ok"})
    (health,) = plugin_server("http://127.0.0.1").health()
    assert health.address == http_server.url


def test_no_port_answers_like_a_plugin_server(closed_port: Callable[[], str]) -> None:
    with ScriptedServer() as web:
        tried = (port(closed_port()), port(closed_port()), web.port)
        (health,) = plugin_server("http://127.0.0.1", ports=tried).health()
    expected = f"no plugin server listens on its ports {tried[0]}, {tried[1]}, {tried[2]}"
    assert (health.address, health.reached, health.message) == ("http://127.0.0.1", False, expected)


def test_whoever_answers_on_the_first_port_is_taken_at_its_word() -> None:
    with ScriptedServer() as web, ScriptedServer() as plugins:
        plugins.route("/_health", json={"status": "ok"})
        (health,) = plugin_server("http://127.0.0.1", ports=(web.port, plugins.port)).health()
        assert (health.address, health.recognised) == (web.url, False)
        assert plugins.requests == []


def test_a_first_port_that_hangs_is_not_followed_by_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as hanging, ScriptedServer() as plugins:
        plugins.route("/_health", json={"status": "ok"})
        (health,) = plugin_server("http://127.0.0.1", timeout=0.2, ports=(hanging.getsockname()[1], plugins.port)).health()
        assert (health.reached, health.message) == (False, "it takes the connection but gives no complete answer within 0.2 s")
        assert plugins.requests == []
