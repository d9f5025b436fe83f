"""What is said of capture: whether it answers, reaches Kafka, and gets what SDKs send."""

from collections.abc import Callable

import pytest

from checks.capture.health import QUEUE_SHARE, WATCH, capture_health, capture_routes
from diagnostics import Finding, Status, Table, Thresholds, Values
from diagnostics.lab.capture import Capture as StandIn
from diagnostics.lab.http import Server
from diagnostics.lab.scripted import ScriptedServer
from diagnostics.sources.errors import BadAnswer
from tests.checks.capture.asking import capture, counts, itself, takes

AT_ONCE = Thresholds({WATCH.name: 0.0})
CSRF = "<p>CSRF verification failed. Request aborted.</p>"


def health(url: str) -> list[Finding]:
    return list(capture_health.function(capture(url), AT_ONCE))


def paths(url: str) -> list[Finding]:
    return list(capture_routes.function(capture(url)))


def only(findings: list[Finding]) -> Finding:
    assert len(findings) == 1, findings
    return findings[0]


def shown(finding: Finding) -> list[tuple[object, ...]]:
    [table] = [each for each in finding.evidence if isinstance(each, Table)]
    return [tuple(row) for row in table.rows]


class TestHealth:
    @pytest.mark.parametrize("stand_in", [StandIn(), StandIn(kind="django"), StandIn(brokers=3, brokers_up=2)])
    def test_a_healthy_capture_needs_no_word(self, stand_in: StandIn) -> None:
        with Server(stand_in) as server:
            assert health(server.url) == []

    def test_one_that_does_not_answer(self, closed_port: Callable[[], str]) -> None:
        url = closed_port()
        finding = only(health(url))
        assert (finding.code, finding.status, finding.affects) == ("capture.unreachable", Status.FAIL, (url,))
        assert finding.claim == f"Capture at {url} does not answer: nothing listens there (connection refused)"
        assert finding.actions[0].commands[0] == "docker compose ps --all capture web proxy"

    def test_one_whose_name_is_unknown_here_comes_with_what_to_do(self) -> None:
        finding = only(health("http://capture.invalid:3000"))
        assert finding.actions[0].text.startswith("If the name exists only inside PostHog's network, run diag there")

    def test_one_that_the_proxy_answers_for(self) -> None:
        with Server(StandIn(gateway=502)) as server:
            finding = only(health(server.url))
        assert finding.claim == f"Capture at {server.url} answers every request for events with 502 from nginx"
        assert shown(finding)[0] == ("/i/v0/e/", "posthog-js", "in its place", "502 from nginx")

    def test_one_path_that_is_down_is_named(self, http_server: ScriptedServer) -> None:
        http_server.route("/batch/", status=502, headers={"Server": "Caddy"})
        finding = only([each for each in health(takes(http_server).url) if each.status is Status.FAIL])
        assert finding.code == "capture.unreachable"
        assert finding.claim == f"At {http_server.url} nobody takes events on /batch/: 502 from Caddy"
        assert finding.affects == ("/batch/",)

    def test_flags_that_are_down_cost_no_events(self, http_server: ScriptedServer) -> None:
        http_server.route("/flags/", status=502)
        counts(itself(http_server), received=10, dropped={})
        finding = only(health(http_server.url))
        assert (finding.code, finding.status) == ("capture.unreachable", Status.WARN)
        assert finding.claim == f"At {http_server.url} feature flags are down (/flags/ answers 502); events are still taken"

    def test_flags_that_this_version_does_not_have_are_no_news(self) -> None:
        with Server(StandIn(kind="django", flags=False)) as server:
            assert health(server.url) == []

    def test_without_kafka_it_says_so_on_liveness(self) -> None:
        with Server(StandIn(brokers=3, brokers_up=0)) as server:
            finding = only(health(server.url))
        assert (finding.code, finding.status) == ("capture.cannot-produce", Status.FAIL)
        assert finding.claim == f"Capture at {server.url} says on /_liveness that it is not healthy (rdkafka is Stalled)"
        assert finding.detail == (
            "It also is connected to none of its 3 Kafka brokers. "
            "It also holds 98,304 of at most 100,000 events that Kafka does not take."
        )

    def test_since_2026_only_the_metrics_say_so(self, http_server: ScriptedServer) -> None:
        http_server.route("/_liveness", text="ok")
        counts(itself(http_server), received=10, dropped={}, brokers=(0,))
        assert only(health(http_server.url)).claim == f"Capture at {http_server.url} has no connection to Kafka"

    def test_djangos_capture_says_so_on_readyz(self) -> None:
        with Server(StandIn(kind="django", brokers_up=0)) as server:
            finding = only(health(server.url))
        assert (finding.code, finding.status) == ("capture.cannot-produce", Status.FAIL)
        assert finding.claim == f"Capture at {server.url} says on /_readyz that Kafka is not connected"

    def test_what_django_says_of_kafka_does_not_count_where_rust_takes_the_events(self, http_server: ScriptedServer) -> None:
        http_server.route("/_readyz", status=503, json={"http": True, "kafka_connected": False})
        assert health(takes(http_server).url) == []

    def test_one_that_just_started_is_only_a_warning(self, http_server: ScriptedServer) -> None:
        http_server.route("/_liveness", status=500, text='HealthStatus { healthy: false, components: {"rdkafka": Starting} }')
        finding = only(health(itself(http_server).url))
        assert (finding.code, finding.status) == ("capture.cannot-produce", Status.WARN)

    @pytest.mark.parametrize(("queued", "status"), [(799, []), (800, [Status.FAIL]), (1000, [Status.FAIL])])
    def test_a_queue_that_runs_full(self, http_server: ScriptedServer, queued: int, status: list[Status]) -> None:
        assert QUEUE_SHARE.default == 0.8
        counts(itself(http_server), received=10, dropped={}, queued=queued)
        found = health(http_server.url)
        assert [each.status for each in found] == status
        if found:
            assert f"holds {queued:,} of at most 1,000 events that Kafka does not take" in found[0].claim

    def test_errors_of_writing_that_still_come(self, http_server: ScriptedServer) -> None:
        itself(http_server)
        counts(http_server, received=100, dropped={"retryable_sink": 5}, errors=5)
        counts(http_server, received=140, dropped={"retryable_sink": 45}, errors=45)
        finding = only(health(http_server.url))
        assert finding.code == "capture.cannot-produce"
        assert "failed to write to Kafka 40 times in 0." in finding.claim
        [values] = [each for each in finding.evidence if isinstance(each, Values)]
        assert values.values["dropped: retryable_sink"] == 5

    def test_errors_of_long_ago_are_no_news(self, http_server: ScriptedServer) -> None:
        counts(itself(http_server), received=100, dropped={"retryable_sink": 5}, errors=5)
        assert health(http_server.url) == []

    def test_at_the_public_address_it_is_said_that_kafka_is_not_seen_and_nothing_alarms(self) -> None:
        with Server(StandIn(public=True)) as server:
            finding = only(health(server.url))
        assert (finding.code, finding.status) == ("capture.cannot-produce", Status.INFO)
        assert finding.claim == f"Capture answers at {server.url}, but what it says of Kafka cannot be seen there"

    def test_where_capture_itself_is_nowhere_nothing_is_said_of_its_health(self) -> None:
        everything = StandIn(public=True, to_app=("/e", "/i/v0/e", "/batch", "/capture"))
        with Server(everything) as server, pytest.raises(BadAnswer, match="on no path for events does capture itself answer"):
            health(server.url)


class TestRoutes:
    @pytest.mark.parametrize("stand_in", [StandIn(), StandIn(public=True), StandIn(kind="django", flags=False)])
    def test_where_all_leads_to_capture_nothing_is_said(self, stand_in: StandIn) -> None:
        with Server(stand_in) as server:
            assert paths(server.url) == []

    def test_everything_sent_to_the_app(self) -> None:
        with Server(StandIn(public=True, to_app=("/e", "/i/v0/e", "/batch", "/capture"))) as server:
            finding = only(paths(server.url))
        assert (finding.code, finding.status) == ("capture.misrouted", Status.FAIL)
        assert finding.claim == (
            f"At {server.url} /i/v0/e/, /e/, /batch/ and /capture/ lead to the app, not to capture: 302 to /login"
        )
        assert [action.changes_something for action in finding.actions] == [False, False, True]

    def test_one_path_without_a_rule_in_the_proxy(self) -> None:
        with Server(StandIn(public=True, to_app=("/i/v0/e",))) as server:
            finding = only(paths(server.url))
        assert finding.status is Status.FAIL
        assert finding.claim == f"At {server.url} /i/v0/e/ leads to the app, not to capture: 302 to /login"
        assert finding.affects == ("/i/v0/e/",)

    def test_a_404_of_the_web_server(self) -> None:
        with Server(StandIn(missing=("/e", "/batch"))) as server:
            finding = only(paths(server.url))
        assert finding.claim == f"At {server.url} /e/ and /batch/ lead nowhere, not to capture: 404 from nginx"

    def test_a_path_that_only_curl_uses_is_a_warning(self) -> None:
        with Server(StandIn(to_app=("/capture",))) as server:
            assert only(paths(server.url)).status is Status.WARN

    def test_an_old_app_without_the_newest_path_does_not_alarm(self) -> None:
        with Server(StandIn(kind="django", to_app=("/i/v0/e",))) as server:
            finding = only(paths(server.url))
        assert (finding.status, finding.actions) == (Status.INFO, ())

    def test_an_old_app_without_another_path_does(self) -> None:
        with Server(StandIn(kind="django", to_app=("/e",))) as server:
            assert only(paths(server.url)).status is Status.FAIL

    def test_a_proxy_that_redirects_to_itself_lets_nothing_in(self) -> None:
        with Server(StandIn(circles=True)) as server:
            finding = only(paths(server.url))
        assert (finding.code, finding.status) == ("capture.misrouted", Status.FAIL)
        assert finding.claim == (
            f"{server.url} sends /i/v0/e/, /e/, /batch/ and /capture/ back to itself (301): no event gets in"
        )
        assert "IS_BEHIND_PROXY" in finding.actions[1].text

    def test_behind_a_login_nobody_can_tell(self, http_server: ScriptedServer) -> None:
        for path in ("/i/v0/e/", "/e/", "/batch/", "/capture/"):
            http_server.route(path, status=302, headers={"Location": "https://sso.example.com/start?ticket=s3cret"})
        finding = only(paths(http_server.url))
        assert (finding.code, finding.status) == ("capture.misrouted", Status.UNKNOWN)
        assert finding.claim == (
            f"Nobody can tell where {http_server.url} sends events: it answers 302 to https://sso.example.com/start"
        )

    def test_a_page_on_csrf_is_the_apps(self, http_server: ScriptedServer) -> None:
        http_server.route("/e/", status=403, text=CSRF, headers={"Content-Type": "text/html"})
        finding = only(paths(takes(http_server).url))
        assert shown(finding)[1] == ("/e/", "older posthog-js", "the app", "403, Django's page on CSRF")
