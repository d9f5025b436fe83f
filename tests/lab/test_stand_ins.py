"""The services that the lab stands in for answer as PostHog's and Sentry's do."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from diagnostics.lab.app import App
from diagnostics.lab.http import Handler, Server
from diagnostics.lab.plugin_server import Health, PluginServer
from diagnostics.lab.sentry import Issue, Project, Sentry


def ask(handler: Handler, target: str, *, token: str | None = None, method: str = "GET") -> httpx.Response:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    with Server(handler) as server:
        return httpx.request(method, server.url + target, headers=headers, trust_env=False)


def told(answer: httpx.Response) -> tuple[int, Any]:
    return answer.status_code, answer.json()


class TestPluginServer:
    def test_healthy(self) -> None:
        checks = {"analytics-ingestion": "ok", "jobs-consumer": "ok", "scheduled-tasks": "ok"}
        assert told(ask(PluginServer(), "/_health")) == (200, {"status": "ok", "checks": checks})
        assert told(ask(PluginServer(), "/_ready")) == (200, {"status": "ok", "checks": checks})

    def test_one_failing_check_makes_it_unhealthy(self) -> None:
        server = PluginServer(checks={"analytics-ingestion": "error", "jobs-consumer": "ok"})
        expected = {"status": "error", "checks": {"analytics-ingestion": "error", "jobs-consumer": "ok"}}
        assert told(ask(server, "/_health")) == (503, expected)

    def test_degraded_is_still_healthy(self) -> None:
        server = PluginServer(checks={"consumer": Health(status="degraded", message="Rebalancing in progress (12s)")})
        expected = {"status": "ok", "checks": {"consumer": {"status": "degraded", "message": "Rebalancing in progress (12s)"}}}
        assert told(ask(server, "/_health")) == (200, expected)

    def test_without_checks_it_says_only_that_it_runs(self) -> None:
        server = PluginServer(checks={}, ready=False)
        assert told(ask(server, "/_health")) == (200, {"status": "ok"})
        assert told(ask(server, "/_ready")) == (503, {"status": "error"})

    def test_metrics_are_in_the_format_of_prometheus(self) -> None:
        lines = ask(PluginServer(dead_letters=7), "/_metrics").text.splitlines()
        assert 'events_pipeline_step_dlq_total{step_name="processPersonsStep"} 7' in lines

    @pytest.mark.parametrize(("method", "path"), [("POST", "/_health"), ("GET", "/other")])
    def test_anything_else_is_not_found(self, method: str, path: str) -> None:
        assert ask(PluginServer(), path, method=method).status_code == 404


class TestApp:
    def test_healthy(self) -> None:
        preflight = ask(App(), "/_preflight/").json()
        assert {"django", "redis", "plugins", "celery", "clickhouse", "kafka", "db"} <= {
            k for k, v in preflight.items() if v is True
        }
        assert told(ask(App(), "/_livez")) == (200, {"http": True})
        readiness = ask(App(), "/_readyz")
        assert readiness.status_code == 200
        assert all(readiness.json().values())
        health = ask(App(), "/_health")
        assert (health.status_code, health.text) == (200, "ok")

    def test_postgres_down_shows_everywhere(self) -> None:
        app = App(down=("postgres",))
        readiness = ask(app, "/_readyz")
        assert readiness.status_code == 503
        assert {check for check, ready in readiness.json().items() if not ready} == {
            "postgres",
            "postgres_flags",
            "postgres_migrations_uptodate",
        }
        assert ask(app, "/_preflight/").json()["db"] is False
        assert ask(app, "/_health").status_code == 500
        assert ask(app, "/api/instance_status", token=app.personal_api_key).status_code == 500
        assert ask(app, "/_livez").status_code == 200

    def test_pending_migrations(self) -> None:
        health = ask(App(down=("migrations",)), "/_health")
        assert (health.status_code, health.text) == (503, "Migrations are not up to date")

    def test_a_role_and_exclusions_narrow_the_readiness(self) -> None:
        app = App(down=("postgres",))
        assert ask(app, "/_readyz?role=events").status_code == 200
        assert (
            ask(app, "/_readyz?exclude=postgres&exclude=postgres_flags&exclude=postgres_migrations_uptodate").status_code == 200
        )
        assert told(ask(app, "/_readyz?role=nobody")) == (400, {"error": "InvalidRole"})

    def test_the_system_status_has_the_keys_as_posthog_spells_them(self) -> None:
        app = App(down=("plugin-server",))
        overview = ask(app, "/api/instance_status", token=app.personal_api_key).json()["results"]["overview"]
        assert {"key": "plugin_sever_alive", "metric": "Plugin server alive", "value": False} in overview
        assert {"key": "db_alive", "metric": "Postgres database alive", "value": True} in overview
        assert {"plugin_sever_version", "posthog_version", "redis_alive"} <= {row["key"] for row in overview}

    @pytest.mark.parametrize(("token", "code"), [(None, "not_authenticated"), ("phx_wrong", "authentication_failed")])
    def test_the_system_status_needs_a_key(self, token: str | None, code: str) -> None:
        status, body = told(ask(App(), "/api/instance_status", token=token))
        assert (status, body["type"], body["code"]) == (401, "authentication_error", code)


ISSUES = (
    Issue(
        title="KafkaJSError: broker gone", count=7, first_seen="3d", last_seen="5m", tags={"PLUGIN_SERVER_MODE": "ingestion"}
    ),
    Issue(title="Timeout in worker", last_seen="3h", level="warning", usernames=("jane",)),
    Issue(title="Old one", last_seen="20d", first_seen="30d"),
    Issue(title="Fixed one", last_seen="10m", status="resolved"),
    Issue(title="TypeError: of the web", last_seen="1m", project="posthog-web"),
)
SENTRY = Sentry(issues=ISSUES)
LIST = "/api/0/organizations/acme/issues/"


def titles(query: str, sentry: Sentry = SENTRY) -> list[str]:
    return [issue["title"] for issue in ask(sentry, f"{LIST}?{query}", token=sentry.token).json()]


class TestSentry:
    def test_unresolved_issues_of_the_period_newest_first(self) -> None:
        assert titles("statsPeriod=24h") == ["TypeError: of the web", "KafkaJSError: broker gone", "Timeout in worker"]
        assert titles("statsPeriod=1h") == ["TypeError: of the web", "KafkaJSError: broker gone"]
        assert titles("statsPeriod=7200") == ["TypeError: of the web", "KafkaJSError: broker gone"]
        assert "Old one" in titles("")

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("query=", ["TypeError: of the web", "KafkaJSError: broker gone", "Fixed one", "Timeout in worker"]),
            ("query=is:resolved", ["Fixed one"]),
            ("query=is:unresolved has:PLUGIN_SERVER_MODE", ["KafkaJSError: broker gone"]),
            ("query=PLUGIN_SERVER_MODE:ingestion", ["KafkaJSError: broker gone"]),
            ("query=level:warning", ["Timeout in worker"]),
            ('query=user.username:"jane"', ["Timeout in worker"]),
            ("query=firstSeen:-2h is:unresolved", ["TypeError: of the web", "Timeout in worker"]),
            ("query=lastSeen:-10m is:unresolved", ["TypeError: of the web", "KafkaJSError: broker gone"]),
            ("query=broker", ["KafkaJSError: broker gone"]),
        ],
    )
    def test_the_search(self, query: str, found: list[str]) -> None:
        assert titles(f"statsPeriod=24h&{query}") == found

    def test_an_issue_has_the_keys_of_sentry(self) -> None:
        issue = ask(SENTRY, f"{LIST}?query=broker", token=SENTRY.token).json()[0]
        assert (issue["count"], issue["shortId"], issue["status"]) == ("7", "POSTHOG-PLUGINS-1", "unresolved")
        assert issue["metadata"] == {"type": "KafkaJSError", "value": "broker gone"}
        assert issue["project"]["slug"] == "posthog-plugins"
        assert issue["firstSeen"].endswith("Z")
        assert issue["firstSeen"] < issue["lastSeen"]

    def test_projects_are_chosen_by_number(self) -> None:
        projects = ask(SENTRY, "/api/0/organizations/acme/projects/", token=SENTRY.token).json()
        assert [(project["id"], project["slug"]) for project in projects] == [("1", "posthog-plugins"), ("2", "posthog-web")]
        assert titles("project=2") == ["TypeError: of the web"]
        assert len(titles("project=1&project=2&statsPeriod=24h")) == len(titles("project=-1&statsPeriod=24h")) == 3
        refused = ask(SENTRY, f"{LIST}?project=posthog-web", token=SENTRY.token)
        assert told(refused) == (400, {"detail": "Invalid project parameter. Values must be numbers."})

    def test_without_an_accessible_project_there_is_no_link(self) -> None:
        answer = ask(SENTRY, f"{LIST}?project=99", token=SENTRY.token)
        assert (answer.json(), "link" in answer.headers) == ([], False)

    def test_pages_are_linked_through_the_cursor(self) -> None:
        sentry = Sentry(issues=tuple(Issue(title=f"issue {number}") for number in range(5)))
        seen: list[str] = []
        cursor = ""
        for _ in range(3):
            answer = ask(sentry, f"{LIST}?limit=2{cursor}", token=sentry.token)
            seen += [issue["title"] for issue in answer.json()]
            following = answer.links["next"]
            cursor = f"&cursor={following['cursor']}"
        assert seen == [f"issue {number}" for number in range(5)]
        assert following["results"] == "false"
        assert answer.links["previous"]["results"] == "true"
        assert not urlsplit(following["url"]).netloc.startswith("127.")
        assert ("limit", "2") in parse_qsl(urlsplit(following["url"]).query)

    @pytest.mark.parametrize(
        ("token", "detail"),
        [("wrong", "Invalid token"), ("two words", "Invalid token header. Token string should not contain spaces.")],
    )
    def test_a_wrong_token(self, token: str, detail: str) -> None:
        assert told(ask(SENTRY, "/api/0/organizations/acme/", token=token)) == (401, {"detail": detail})

    def test_no_token_and_a_revoked_one(self) -> None:
        assert told(ask(SENTRY, LIST)) == (401, {"detail": "Authentication credentials were not provided."})
        revoked = Sentry(accepts_token=False)
        assert told(ask(revoked, LIST, token=revoked.token)) == (401, {"detail": "Invalid token"})

    def test_a_token_without_the_scope(self) -> None:
        sentry = Sentry(scopes=("event:read",))
        assert ask(sentry, LIST, token=sentry.token).status_code == 200
        refused = ask(sentry, "/api/0/organizations/acme/projects/", token=sentry.token)
        assert told(refused) == (403, {"detail": "You do not have permission to perform this action."})

    @pytest.mark.parametrize("path", ["/api/0/organizations/other/", "/api/0/organizations/other/issues/", "/api/1/"])
    def test_what_does_not_exist(self, path: str) -> None:
        assert told(ask(SENTRY, path, token=SENTRY.token)) == (404, {"detail": "The requested resource does not exist"})

    @pytest.mark.parametrize(
        ("query", "detail"),
        [
            ("statsPeriod=7x", "Invalid statsPeriod: '7x'"),
            ("query=title:*kafka*", "You need access to the advanced search feature to use wildcard search"),
            ("query=!level:error", "You need access to the advanced search feature to use negative search"),
        ],
    )
    def test_what_it_refuses(self, query: str, detail: str) -> None:
        assert told(ask(SENTRY, f"{LIST}?{query}", token=SENTRY.token)) == (400, {"detail": detail})

    def test_self_hosted_sends_no_rate_limit_headers(self) -> None:
        answer = ask(Sentry(projects=(Project(slug="only"),)), LIST, token=SENTRY.token)
        assert not [name for name in answer.headers if "rate" in name]
