import time
from collections.abc import Callable
from typing import Any, Literal

import pytest

from checks.app.health import app_health
from diagnostics import Finding, Status, Table
from diagnostics.lab.app import App as StandIn
from diagnostics.lab.http import Server
from diagnostics.lab.scripted import ScriptedServer
from diagnostics.sources.app import App
from diagnostics.sources.http import HttpOptions
from diagnostics.sources.source import Asker, Recorder

KEY = StandIn().personal_api_key
Dependency = Literal["postgres", "redis", "celery", "clickhouse", "kafka", "migrations", "plugin-server"]


def findings_of(url: str, key: str | None = None) -> list[Finding]:
    app = App(url, recorder=Recorder(), options=HttpOptions(timeout=1.0), personal_api_key=key)
    reads = frozenset(read.name for read in app_health.reads)
    return list(app_health.function(app.bind(Asker("app-health", time.monotonic() + 10, reads))))


def only(findings: list[Finding]) -> Finding:
    assert len(findings) == 1, findings
    return findings[0]


def down(*dependencies: Dependency, key: str | None = None) -> list[Finding]:
    with Server(StandIn(down=dependencies)) as server:
        return findings_of(server.url, key)


def everywhere(server: ScriptedServer, **answer: Any) -> str:
    for path in ("/_preflight/", "/_readyz", "/_health", "/_livez"):
        server.route(path, **answer)
    return server.url


def told(findings: list[Finding]) -> list[tuple[str, Status, str]]:
    return [(finding.code, finding.status, finding.claim) for finding in findings]


REACHES = ("app.not-ready", Status.OK, "The app says in /_readyz and /_preflight/ that it reaches Kafka and ClickHouse")


def test_a_healthy_app_says_what_it_reaches_for_those_who_do_not() -> None:
    assert told(down()) == [REACHES]
    assert told(down(key=KEY)) == [REACHES]


def test_an_app_that_has_trouble_itself_speaks_for_nobody() -> None:
    assert [finding.status for finding in down("redis")] == [Status.FAIL]


def test_a_plugin_server_without_heartbeat_is_not_this_checks_business() -> None:
    assert told(down("plugin-server", key=KEY)) == [REACHES]


def test_postgres_is_down_and_explains_the_migrations() -> None:
    finding = only(down("postgres"))
    assert (finding.code, finding.status) == ("app.postgres-down", Status.FAIL)
    assert finding.claim == "The app says in /_readyz and /_preflight/ that Postgres is down"
    assert finding.detail == ""
    (table,) = finding.evidence
    assert isinstance(table, Table)
    assert table.rows == (
        ("/_readyz", "postgres", False),
        ("/_readyz", "postgres_flags", False),
        ("/_preflight/", "db", False),
    )


def test_redis_is_down_and_explains_celery() -> None:
    finding = only(down("redis"))
    assert finding.code == "app.redis-down"
    assert finding.claim == "The app says in /_readyz and /_preflight/ that Redis is down"


def test_celery_is_down() -> None:
    finding = only(down("celery"))
    assert (finding.code, finding.status) == ("app.celery-down", Status.FAIL)
    assert finding.claim == "The app says in /_preflight/ that Celery is down"
    assert finding.detail == "/_readyz says otherwise: it may come and go."


def test_migrations_that_are_not_up_to_date() -> None:
    finding = only(down("migrations"))
    assert (finding.code, finding.status) == ("app.not-ready", Status.FAIL)
    assert finding.claim == "The app says in /_readyz and /_health that its migrations are not up to date"


def test_kafka_and_clickhouse_are_named_together() -> None:
    finding = only(down("kafka", "clickhouse"))
    assert finding.code == "app.not-ready"
    assert finding.claim == "The app says in /_readyz and /_preflight/ that ClickHouse is down and Kafka is down"


def test_kafka_is_not_down_because_the_preflight_alone_says_so(http_server: ScriptedServer) -> None:
    http_server.route("/_preflight/", json={"django": True, "db": True, "redis": True, "kafka": False})
    http_server.route("/_readyz", json={"http": True, "postgres": True})
    assert findings_of(http_server.url) == []


def test_where_there_is_no_readyz_the_preflight_is_believed(http_server: ScriptedServer) -> None:
    http_server.route("/_preflight/", json={"django": True, "db": True, "redis": True, "kafka": False})
    assert only(findings_of(http_server.url)).claim == "The app says in /_preflight/ that Kafka is down"


def test_what_a_specific_code_does_not_explain_is_still_raised() -> None:
    assert [finding.code for finding in down("postgres", "kafka")] == ["app.postgres-down", "app.not-ready"]
    assert [finding.code for finding in down("postgres", "redis")] == ["app.postgres-down", "app.redis-down"]


def test_the_system_status_counts_too(http_server: ScriptedServer) -> None:
    http_server.route("/_health", text="ok")
    http_server.route("/api/instance_status", json={"results": {"overview": [{"key": "redis_alive", "value": False}]}})
    finding = only(findings_of(http_server.url, KEY))
    assert finding.claim == "The app says in /api/instance_status that Redis is down"


def test_a_key_that_is_refused_is_a_note() -> None:
    with Server(StandIn()) as server:
        _, finding = findings_of(server.url, "phx_wrong")
    assert (finding.code, finding.status) == ("app.unreachable", Status.INFO)
    assert finding.claim == ("The System Status could not be read: the app refuses the personal API key (HTTP 401)")


def test_a_check_that_nobody_knows_is_named_as_the_app_names_it(http_server: ScriptedServer) -> None:
    http_server.route("/_readyz", status=503, json={"http": True, "warpdrive": False})
    finding = only(findings_of(http_server.url))
    assert (finding.claim, finding.source_text) == ("The app says in /_readyz that warpdrive is down", True)


def test_an_old_version_without_readiness_does_not_alarm(http_server: ScriptedServer) -> None:
    http_server.route("/_preflight/", json={"django": True, "db": True, "redis": True, "celery": True, "plugins": True})
    http_server.route("/_health", text="ok")
    assert findings_of(http_server.url) == []


def test_an_app_that_is_not_there(closed_port: Callable[[], str]) -> None:
    url = closed_port()
    finding = only(findings_of(url))
    assert (finding.code, finding.status) == ("app.unreachable", Status.FAIL)
    assert finding.claim == f"The app at {url} does not answer: nothing listens there (connection refused)"


def test_a_name_that_does_not_resolve() -> None:
    finding = only(findings_of("http://posthog.invalid"))
    assert finding.claim == (
        "The app at http://posthog.invalid does not answer: the name posthog.invalid does not resolve here"
    )
    assert finding.actions[0].text.startswith("If the name exists only inside")


def test_tls_where_there_is_none(http_server: ScriptedServer) -> None:
    url = http_server.url.replace("http:", "https:")
    finding = only(findings_of(url))
    assert finding.claim == f"The app at {url} does not answer: it does not speak TLS"
    assert finding.actions[0].text == "Write the address with http:// instead of https://"


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_proxy_that_answers_for_it(http_server: ScriptedServer, status: int) -> None:
    url = everywhere(http_server, status=status, text="<html>nginx</html>")
    finding = only(findings_of(url))
    assert finding.status is Status.FAIL
    assert finding.claim == f"The app at {url} does not answer: a proxy answers {status} in its place"


def test_another_product_is_no_failure_of_the_install(http_server: ScriptedServer) -> None:
    url = everywhere(http_server, text="<!doctype html><title>Grafana</title>")
    finding = only(findings_of(url))
    assert (finding.code, finding.status) == ("app.unreachable", Status.UNKNOWN)
    assert finding.claim == (
        f"What answers at {url} is not PostHog's app: it answers 200 with a web page, and none of PostHog's pages"
    )


def test_an_app_that_fails_on_every_page(http_server: ScriptedServer) -> None:
    url = everywhere(http_server, status=500, text="<h1>Server Error (500)</h1>")
    finding = only(findings_of(url))
    assert (finding.code, finding.status) == ("app.not-ready", Status.FAIL)
    assert finding.claim == f"The app at {url} fails with an error on every page that it was asked for"


SERVER_ERROR = "<h1>Server Error (500)</h1>"
WELL = {"django": True, "db": True, "redis": True, "celery": True, "kafka": True, "clickhouse": True, "plugins": True}
READY = {"http": True, "postgres": True, "kafka_connected": True, "clickhouse": True}


def alive(server: ScriptedServer, **failing: int) -> str:
    """An app whose `/_livez` is well, with the statuses of other pages by name; the rest are no pages of this version."""
    server.route("/_livez", json={"http": True})
    for name, status in failing.items():
        path = {"preflight": "/_preflight/", "readyz": "/_readyz", "health": "/_health"}[name]
        server.route(path, status=status, text=SERVER_ERROR, headers={"Location": "/login"} if status == 302 else None)
    return server.url


def test_an_app_that_breaks_on_its_pages_is_not_ready_though_its_process_is_alive(http_server: ScriptedServer) -> None:
    url = alive(http_server, preflight=500, readyz=500, health=500)
    finding = only(findings_of(url))
    assert (finding.code, finding.status) == ("app.not-ready", Status.FAIL)
    assert finding.claim == (
        f"The app at {url} answers 500 on /_preflight/, /_readyz and /_health, though its process is alive (/_livez)"
    )
    assert finding.detail == "An error like this is the app's own: what broke stands in its log."
    assert finding.actions[0].text == "Read the app's log: it names the error behind these answers"
    assert finding.actions[0].commands[0] == "docker compose logs --since 1h web"
    (table,) = finding.evidence
    assert isinstance(table, Table)
    assert table.rows[0] == ("/_preflight/", "500, HTML")


def test_the_error_pages_are_told_apart_by_status(http_server: ScriptedServer) -> None:
    url = alive(http_server, preflight=500, readyz=504)
    finding = only(findings_of(url))
    assert finding.status is Status.FAIL
    assert finding.claim == (
        f"The app at {url} answers 500 on /_preflight/ and 504 on /_readyz, though its process is alive (/_livez)"
    )
    assert finding.detail.endswith("502, 503 and 504 are the word of a proxy that got no answer from the app.")


def test_migrations_that_are_applied_do_not_speak_for_pages_that_break(http_server: ScriptedServer) -> None:
    http_server.route("/_health", text="ok")
    assert only(findings_of(alive(http_server, preflight=500))).status is Status.FAIL


def test_an_old_version_that_breaks_where_it_has_pages(http_server: ScriptedServer) -> None:
    http_server.route("/_preflight/", status=500, text=SERVER_ERROR)
    http_server.route("/_readyz", status=302, headers={"Location": "/login?next=/_readyz"})
    finding = only(findings_of(http_server.url))
    assert (finding.code, finding.status) == ("app.not-ready", Status.FAIL)
    assert finding.claim == f"The app at {http_server.url} answers 500 on /_preflight/"


@pytest.mark.parametrize(
    ("fails", "well", "speaks"),
    [
        ("/_readyz", ("/_preflight/", WELL), "/_preflight/ says"),
        ("/_preflight/", ("/_readyz", READY), "/_readyz says"),
        ("/_health", ("/_readyz", READY), "/_readyz says"),
    ],
)
def test_a_page_that_breaks_alone_is_a_warning(
    http_server: ScriptedServer, fails: str, well: tuple[str, dict[str, bool]], speaks: str
) -> None:
    http_server.route(well[0], json=well[1])
    http_server.route(fails, status=500, text=SERVER_ERROR)
    finding = only(findings_of(alive(http_server)))
    assert (finding.code, finding.status) == ("app.not-ready", Status.WARN)
    assert finding.claim == f"The app at {http_server.url} answers 500 on {fails}"
    assert finding.detail.endswith(f"{speaks} that what the app depends on is up.")


def test_errors_that_a_service_explains_are_no_second_trouble(http_server: ScriptedServer) -> None:
    http_server.route("/_readyz", status=503, json={"http": True, "postgres": False})
    assert [finding.code for finding in findings_of(alive(http_server, preflight=500))] == ["app.postgres-down"]


def test_errors_that_celery_does_not_explain_are_told(http_server: ScriptedServer) -> None:
    http_server.route("/_preflight/", json={**WELL, "celery": False})
    assert [finding.code for finding in findings_of(alive(http_server, readyz=500))] == ["app.celery-down", "app.not-ready"]


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_proxy_that_gets_only_the_sign_of_life_from_the_app(http_server: ScriptedServer, status: int) -> None:
    finding = only(findings_of(alive(http_server, preflight=status, readyz=status, health=status)))
    assert (finding.code, finding.status) == ("app.not-ready", Status.FAIL)
    assert f"answers {status} on /_preflight/, /_readyz and /_health" in finding.claim


@pytest.mark.parametrize("status", [403, 502, 504])
def test_one_page_that_a_proxy_keeps_is_no_trouble_where_another_speaks(http_server: ScriptedServer, status: int) -> None:
    http_server.route("/_readyz", json=READY)
    assert [finding.status for finding in findings_of(alive(http_server, preflight=status))] == [Status.OK]


@pytest.mark.parametrize("status", [200, 302, 401, 403, 404])
def test_an_app_of_which_only_the_sign_of_life_can_be_seen_was_not_looked_at(http_server: ScriptedServer, status: int) -> None:
    url = alive(http_server, preflight=status, readyz=status, health=status)
    finding = only(findings_of(url))
    assert (finding.code, finding.status) == ("app.not-ready", Status.UNKNOWN)
    assert finding.claim == (
        f"The app at {url} says that its process is alive (/_livez), but diag could read no page that says whether it is well"
    )


def test_an_app_whose_pages_hang_was_not_looked_at(http_server: ScriptedServer) -> None:
    for path in ("/_preflight/", "/_readyz", "/_health"):
        http_server.route(path, text="late", delay=1.5)
    assert only(findings_of(alive(http_server))).status is Status.UNKNOWN


def test_the_system_status_speaks_for_an_app_whose_pages_are_kept_away(http_server: ScriptedServer) -> None:
    http_server.route("/api/instance_status", json={"results": {"overview": [{"key": "db_alive", "value": True}]}})
    assert findings_of(alive(http_server, preflight=403, readyz=403), KEY) == []
