import time
from collections.abc import Callable
from typing import Any, Literal

import pytest

from diagnostics.lab.app import App as StandIn
from diagnostics.lab.http import Server
from diagnostics.lab.scripted import ScriptedServer
from diagnostics.sources.app import INSTANCE_STATUS, App, SystemStatus
from diagnostics.sources.app.state import MAX_CHECKS, ReadyCheck, Standing
from diagnostics.sources.errors import Refused
from diagnostics.sources.http import HttpOptions
from diagnostics.sources.source import Asker, Connected, NotConnected, Recorder

KEY = StandIn().personal_api_key

PATHS = ("/_preflight/", "/_readyz", "/_health", "/_livez")


def app(url: str, *, key: str | None = None, reads: tuple[str, ...] = (INSTANCE_STATUS.name,)) -> App:
    source = App(url, recorder=Recorder(), options=HttpOptions(timeout=2.0), personal_api_key=key)
    return source.bind(Asker("a-check", time.monotonic() + 10, frozenset(reads)))


def everywhere(server: ScriptedServer, **answer: Any) -> None:
    for path in PATHS:
        server.route(path, **answer)


def failure(source: App) -> NotConnected:
    connection = source.connection()
    assert isinstance(connection, NotConnected), connection
    assert connection.code == "app.unreachable"
    return connection


def test_a_healthy_app() -> None:
    with Server(StandIn()) as server:
        source = app(server.url)
        assert isinstance(source.connection(), Connected)
        state = source.state()
        assert state.preflight is not None
        assert (state.preflight.postgres, state.preflight.plugins, state.migrated) == (True, True, True)
        assert state.readyz is not None
        assert all(check.ok for check in state.readyz)
        assert sorted(request.path for request in server.requests) == sorted(PATHS)
        assert all("authorization" not in request.headers for request in server.requests)
        assert source.learned() == {"deployment": "hosted-clickhouse"}


@pytest.mark.parametrize(
    ("down", "failing"),
    [
        ("postgres", ["postgres", "postgres_flags", "postgres_migrations_uptodate"]),
        ("redis", ["celery_broker", "cache"]),
        ("kafka", ["kafka_connected"]),
        ("migrations", ["postgres_migrations_uptodate"]),
    ],
)
def test_what_is_down_is_read_from_a_503(down: Literal["postgres", "redis", "kafka", "migrations"], failing: list[str]) -> None:
    with Server(StandIn(down=(down,))) as server:
        readyz = app(server.url).state().readyz
        assert readyz is not None
        assert [check.name for check in readyz if not check.ok] == failing


def test_migrations_that_are_not_up_to_date(http_server: ScriptedServer) -> None:
    http_server.route("/_health", status=503, text="Migrations are not up to date")
    state = app(http_server.url).state()
    assert (state.reached, state.is_posthog, state.migrated) == (True, True, False)


def test_the_apps_own_503_is_not_taken_for_a_proxys(http_server: ScriptedServer) -> None:
    http_server.route("/_health", status=503, text="Migrations are not up to date")
    everywhere(http_server, status=503, text="<html>nginx")
    assert app(http_server.url).state().reached is True


def test_an_old_version_without_readiness_is_an_app_like_any_other(http_server: ScriptedServer) -> None:
    http_server.route("/_preflight/", json={"django": True, "db": True, "plugins": False})
    http_server.route("/_health", text="ok")
    http_server.route("/_livez", status=302, headers={"Location": "/login?next=/_livez"})
    state = app(http_server.url).state()
    assert (state.is_posthog, state.readyz, state.migrated) == (True, None, True)
    assert state.preflight is not None
    assert (state.preflight.plugins, state.preflight.redis) == (False, None)


def test_an_app_that_is_not_there(closed_port: Callable[[], str]) -> None:
    url = closed_port()
    message = f"The app does not answer at {url}: nothing listens there (connection refused)"
    assert failure(app(url)).message == message


def test_a_name_that_does_not_resolve() -> None:
    connection = failure(app("http://posthog.invalid"))
    assert connection.message.endswith("the name posthog.invalid does not resolve here")
    assert connection.hint.startswith("if the name exists only inside PostHog's network")


@pytest.mark.parametrize(("status", "text"), [(502, "<html>nginx"), (503, "no available server"), (504, "")])
def test_a_proxy_that_answers_for_an_app_that_is_down(http_server: ScriptedServer, status: int, text: str) -> None:
    everywhere(http_server, status=status, text=text)
    connection = failure(app(http_server.url))
    assert connection.message == f"The app does not answer at {http_server.url}: a proxy answers {status} in its place"


def test_a_login_in_front_of_everything(http_server: ScriptedServer) -> None:
    everywhere(http_server, status=302, headers={"Location": "https://sso.invalid/login?ticket=secret"})
    connection = failure(app(http_server.url))
    assert connection.message == (
        f"What answers is not PostHog's app at {http_server.url}: its pages redirect to https://sso.invalid/login"
    )


def test_another_product(http_server: ScriptedServer) -> None:
    everywhere(http_server, text="<!doctype html><title>Grafana</title>")
    connection = failure(app(http_server.url))
    assert connection.message == (
        f"What answers is not PostHog's app at {http_server.url}: it answers 200 with a web page, and none of PostHog's pages"
    )


def test_an_app_that_fails_on_every_page_is_an_app(http_server: ScriptedServer) -> None:
    everywhere(http_server, status=500, text="<h1>Server Error (500)</h1>")
    source = app(http_server.url)
    assert isinstance(source.connection(), Connected)
    assert source.state().fails_everywhere is True


def test_who_spoke_on_each_page(http_server: ScriptedServer) -> None:
    http_server.route("/_preflight/", status=500, text="<h1>Server Error (500)</h1>")
    http_server.route("/_readyz", status=504, text="<html>nginx")
    http_server.route("/_livez", json={"http": True})
    state = app(http_server.url).state()
    assert (state.is_posthog, state.alive, state.fails_everywhere) == (True, True, False)
    assert [(page.path, page.standing, page.status) for page in state.pages] == [
        ("/_preflight/", Standing.FAILED, 500),
        ("/_readyz", Standing.PROXY, 504),
        ("/_health", Standing.ABSENT, 404),
        ("/_livez", Standing.SPOKE, 200),
    ]
    assert [page.path for page in state.standing(Standing.FAILED, Standing.PROXY)] == ["/_preflight/", "/_readyz"]


def test_another_product_that_fails_on_some_path_is_not_posthog(http_server: ScriptedServer) -> None:
    http_server.route("/_health", status=500, text="<h1>oops</h1>")
    for path in ("/_preflight/", "/_readyz", "/_livez"):
        http_server.route(path, text="<!doctype html><title>Grafana</title>")
    assert failure(app(http_server.url)).message.startswith("What answers is not PostHog's app")


@pytest.mark.parametrize("body", [[], "ok", {"django": "yes"}, {"django": None}, {}])
def test_json_that_is_not_a_preflight_is_none(http_server: ScriptedServer, body: Any) -> None:
    http_server.route("/_preflight/", json=body)
    http_server.route("/_health", text="ok")
    assert app(http_server.url).state().preflight is None


def test_hostile_answers_are_cut_and_wrong_types_left_out(http_server: ScriptedServer) -> None:
    http_server.route("/_preflight/", json={"django": True, "db": "yes", "realm": "r" * 9_000})
    http_server.route("/_readyz", json={"postgres": "true", "cache": False, **{str(number): True for number in range(999)}})
    state = app(http_server.url).state()
    assert state.preflight is not None
    assert (state.preflight.postgres, state.preflight.realm) == (None, "…")
    assert state.readyz is not None
    assert state.readyz[0] == ReadyCheck(name="cache", ok=False)
    assert len(state.readyz) == MAX_CHECKS


def test_a_huge_answer_is_not_read_to_its_end(http_server: ScriptedServer) -> None:
    everywhere(http_server, body=b"x" * 10_000_000)
    source = app(http_server.url)
    failure(source)


def test_the_system_status_needs_a_key_and_sends_it_nowhere_else() -> None:
    with Server(StandIn(version="1.42.0")) as server:
        assert app(server.url).system_status() is None
        source = app(server.url, key=KEY)
        source.state()
        status = source.system_status()
        assert status == SystemStatus(
            posthog_version="1.42.0",
            plugin_server_alive=True,
            plugin_server_version="1.42.0",
            postgres_alive=True,
            redis_alive=True,
        )
        with_key = [request.path for request in server.requests if "authorization" in request.headers]
        assert with_key == ["/api/instance_status"]
        assert source.learned() == {"posthog_version": "1.42.0", "deployment": "hosted-clickhouse"}


def test_a_key_that_is_refused() -> None:
    with Server(StandIn()) as server:
        status = app(server.url, key="phx_wrong").system_status()
    assert status == SystemStatus(refusal="the app refuses the personal API key (HTTP 401)")


@pytest.mark.parametrize("body", [None, [], {"results": []}, {"results": {"overview": {}}}])
def test_a_system_status_of_another_shape(http_server: ScriptedServer, body: Any) -> None:
    http_server.route("/api/instance_status", json=body)
    status = app(http_server.url, key=KEY).system_status()
    assert status == SystemStatus(refusal="the app answers 200 without a system status")


def test_rows_of_a_system_status_that_make_no_sense_are_left_out(http_server: ScriptedServer) -> None:
    rows = ["x", {"key": 1}, {"key": "db_alive", "value": "maybe"}, {"key": "redis_alive", "value": False}]
    http_server.route("/api/instance_status", json={"results": {"overview": rows}})
    assert app(http_server.url, key=KEY).system_status() == SystemStatus(redis_alive=False)


def test_the_system_status_is_asked_only_for_checks_that_declare_it(http_server: ScriptedServer) -> None:
    with pytest.raises(Refused):
        app(http_server.url, key=KEY, reads=()).system_status()
