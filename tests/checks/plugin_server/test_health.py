import time
from collections.abc import Callable
from typing import Any

import pytest

from checks.plugin_server.health import REBALANCING, plugin_server_health, plugin_server_heartbeat
from diagnostics import Finding, KnownError, KnownErrors, Status, Table, Thresholds
from diagnostics.lab.app import App as AppStandIn
from diagnostics.lab.http import Server
from diagnostics.lab.plugin_server import Health
from diagnostics.lab.plugin_server import PluginServer as StandIn
from diagnostics.lab.scripted import ScriptedServer
from diagnostics.sources.app import App
from diagnostics.sources.http import HttpOptions
from diagnostics.sources.plugin_server import PluginServer
from diagnostics.sources.source import Asker, Recorder

NOT_CONNECTED = "Consumer not connected to Kafka broker"
KNOWN = KnownErrors(
    [
        KnownError(
            id="not-connected",
            pattern="not connected to kafka",
            meaning="the plugin server has no connection to Kafka",
            fix="Check that Kafka is up.",
            seen_in="PostHog/posthog#1",
            cause="kafka.unreachable",
        ),
        KnownError(id="noise", pattern="healthy with warnings", meaning="noise", fix="-", seen_in="-", ingestion=False),
    ]
)


def asker(*reads: str) -> Asker:
    return Asker("a-check", time.monotonic() + 10, frozenset(reads))


def plugin_servers(*urls: str) -> PluginServer:
    return PluginServer(urls, recorder=Recorder(), options=HttpOptions(timeout=0.5)).bind(asker())


def health_of(*urls: str, limits: Thresholds | None = None, known: KnownErrors = KNOWN) -> list[Finding]:
    return list(plugin_server_health.function(plugin_servers(*urls), known, limits or Thresholds()))


def only(findings: list[Finding]) -> Finding:
    assert len(findings) == 1, findings
    return findings[0]


def served(server: ScriptedServer, body: Any, status: int = 200, ready: int | None = None) -> str:
    server.route("/_health", status=status, json=body)
    server.route("/_ready", status=ready or status, json={"status": "ok"})
    return server.url


def test_a_healthy_plugin_server() -> None:
    with Server(StandIn()) as server:
        finding = only(health_of(server.url))
    assert (finding.code, finding.status) == ("plugin-server.unhealthy", Status.OK)
    assert finding.claim == "The plugin server answers, 3 of 3 checks ok"


def test_several_healthy_plugin_servers() -> None:
    with Server(StandIn()) as one, Server(StandIn(checks={"cdp": Health(status="ok")})) as two:
        assert only(health_of(one.url, two.url)).claim == "2 plugin servers answer, 4 of 4 checks ok"


def test_an_old_version_that_always_says_ok_is_not_believed_more_than_it_deserves() -> None:
    with Server(StandIn(checks={})) as server:
        finding = only(health_of(server.url))
    assert finding.status is Status.OK
    assert finding.claim == (
        "The plugin server answers, but in this version that only proves that the process runs: /_health makes no checks"
    )


def test_a_plugin_server_that_does_not_answer(closed_port: Callable[[], str]) -> None:
    url = closed_port()
    finding = only(health_of(url))
    assert (finding.code, finding.status, finding.affects) == ("plugin-server.unreachable", Status.FAIL, (url,))
    assert finding.claim == f"The plugin server at {url} does not answer: nothing listens there (connection refused)"
    assert [action.changes_something for action in finding.actions] == [False, False, False, True]
    assert finding.actions[-2].commands[0] == "docker compose logs --tail 200 plugins | diag explain -"
    assert finding.actions[-1].commands[0] == "docker compose restart plugins"
    assert all(action.safe for action in finding.actions)


def test_a_name_that_does_not_resolve_comes_with_what_to_do() -> None:
    finding = only(health_of("http://plugins.invalid:6738"))
    assert finding.claim == (
        "The plugin server at http://plugins.invalid:6738 does not answer: the name plugins.invalid does not resolve here"
    )
    assert finding.actions[0].text.startswith("If the name exists only inside PostHog's network, run diag there")


def test_one_of_several_that_does_not_answer_is_named(closed_port: Callable[[], str]) -> None:
    url = closed_port()
    with Server(StandIn()) as server:
        finding = only(health_of(server.url, url))
    assert finding.claim == f"1 of 2 plugin servers ({url}) does not answer: nothing listens there (connection refused)"


def test_several_that_do_not_answer_are_one_finding(closed_port: Callable[[], str]) -> None:
    first, second = closed_port(), closed_port()
    finding = only(health_of(first, second))
    assert finding.claim == f"2 of 2 plugin servers ({first}, {second}) do not answer"
    assert finding.affects == (first, second)


def test_a_proxy_that_answers_in_its_place(http_server: ScriptedServer) -> None:
    http_server.route("/_health", status=502, text="<html>Bad Gateway</html>")
    finding = only(health_of(http_server.url))
    assert finding.status is Status.FAIL
    assert finding.claim == f"The plugin server at {http_server.url} does not answer: a proxy answers 502 in its place"


def test_another_service_is_no_failure_of_the_install(http_server: ScriptedServer) -> None:
    http_server.route("/_health", text="ok")
    finding = only(health_of(http_server.url))
    assert (finding.code, finding.status) == ("plugin-server.unreachable", Status.UNKNOWN)
    assert finding.claim == (
        f"What answers at {http_server.url} is not a plugin server that can be asked: "
        "the PostHog app answers there, not the plugin server"
    )


def test_asking_in_the_wrong_way_is_no_failure_of_the_install(http_server: ScriptedServer) -> None:
    url = http_server.url.replace("http:", "https:")
    finding = only(health_of(url))
    assert (finding.code, finding.status) == ("plugin-server.unreachable", Status.UNKNOWN)
    assert finding.claim == f"The plugin server at {url} could not be asked: it does not speak TLS"
    assert finding.actions[0].text == "Write the address with http:// instead of https://"


def test_a_plugin_server_that_says_that_a_check_fails() -> None:
    with Server(StandIn(checks={"analytics-ingestion": "error", "jobs-consumer": "ok"})) as server:
        finding = only(health_of(server.url))
    assert (finding.code, finding.status) == ("plugin-server.unhealthy", Status.FAIL)
    assert finding.claim == f"The plugin server at {server.url} says of itself: unhealthy: analytics-ingestion"
    assert (finding.cause, finding.cause_codes, finding.source_text) == ("", (), True)
    assert [action.text[:18] for action in finding.actions] == ["Read what the plug", "Restart the plugin"]


def test_a_message_that_is_known_names_the_cause_and_the_fix() -> None:
    checks: Any = {"ingestion": Health(status="error", message=NOT_CONNECTED), "cdp": "ok"}
    with Server(StandIn(checks=checks)) as server:
        finding = only(health_of(server.url))
    assert finding.claim.endswith(f"says of itself: unhealthy: ingestion ({NOT_CONNECTED})")
    assert (finding.cause, finding.cause_codes) == ("the plugin server has no connection to Kafka", ("kafka.unreachable",))
    assert finding.actions[0].text == "Check that Kafka is up."


def test_an_old_version_that_says_error_without_checks(http_server: ScriptedServer) -> None:
    finding = only(health_of(served(http_server, {"status": "error"}, 503)))
    assert finding.status is Status.FAIL
    assert finding.claim == f"The plugin server at {http_server.url} says of itself: unhealthy"


def test_an_internal_error_is_unhealthy(http_server: ScriptedServer) -> None:
    http_server.route("/_health", status=500, text="Internal Server Error")
    finding = only(health_of(http_server.url))
    assert finding.claim.endswith("says of itself: unhealthy: it answers 500 and does not say why")


def test_many_failing_checks_are_counted_in_the_claim_and_listed_in_the_evidence() -> None:
    with Server(StandIn(checks={f"check-{number}": "error" for number in range(5)})) as server:
        finding = only(health_of(server.url))
    assert finding.claim.endswith("unhealthy: check-0, check-1, check-2 and 2 more")
    (table,) = finding.evidence
    assert isinstance(table, Table)
    assert table.rows[4] == (server.url, "check-4", "error", "")


def test_degraded_alone_is_a_warning() -> None:
    with Server(StandIn(checks={"ingestion": Health(status="degraded", message="slow")})) as server:
        finding = only(health_of(server.url))
    assert (finding.code, finding.status) == ("plugin-server.unhealthy", Status.WARN)
    assert finding.claim == f"The plugin server at {server.url} says of itself: degraded: ingestion (slow)"


def test_degraded_by_what_is_known_to_be_harmless_is_healthy() -> None:
    checks: Any = {"ingestion": "ok", "jobs": Health(status="degraded", message="Healthy with warnings: Consumer state: x")}
    with Server(StandIn(checks=checks)) as server:
        finding = only(health_of(server.url))
    assert finding.status is Status.OK
    assert finding.claim == "The plugin server answers, 1 of 2 checks ok and nothing that matters in the others"


def test_a_word_that_nobody_knows_is_unknown(http_server: ScriptedServer) -> None:
    finding = only(health_of(served(http_server, {"status": "warming"})))
    assert (finding.code, finding.status) == ("plugin-server.unhealthy", Status.UNKNOWN)
    assert finding.claim == f'The plugin server at {http_server.url} answers, but it says "warming", which diag does not know'


def test_a_consumer_that_is_not_ready() -> None:
    with Server(StandIn(ready=False)) as server:
        finding = only(health_of(server.url))
    assert (finding.code, finding.status) == ("plugin-server.not-ready", Status.FAIL)
    assert finding.claim == f"The plugin server at {server.url} runs, but /_ready says that the consumer is not ready"


def test_what_is_unhealthy_is_not_also_called_not_ready() -> None:
    with Server(StandIn(checks={"ingestion": "error"}, ready=False)) as server:
        assert only(health_of(server.url)).code == "plugin-server.unhealthy"


@pytest.mark.parametrize("word", ["degraded", "error"])
@pytest.mark.parametrize(
    ("seconds", "status", "claim"),
    [
        (12, Status.INFO, "has been rebalancing for 12 s, which is normal for up to 60 s"),
        (59, Status.INFO, "has been rebalancing for 59 s, which is normal for up to 60 s"),
        (60, Status.FAIL, "has been rebalancing for 60 s, longer than the usual 60 s"),
    ],
)
def test_rebalancing_alarms_only_when_it_lasts(word: Any, seconds: int, status: Status, claim: str) -> None:
    checks: Any = {"ingestion": Health(status=word, message=f"Rebalancing in progress ({seconds}s)"), "cdp": "ok"}
    with Server(StandIn(checks=checks)) as server:
        finding = only(health_of(server.url))
    assert (finding.code, finding.status) == ("plugin-server.not-ready", status)
    assert finding.claim == f"The consumer of the plugin server at {server.url} {claim}"


def test_how_long_rebalancing_may_last_is_a_threshold() -> None:
    checks: Any = {"ingestion": Health(status="error", message="Rebalancing in progress (12s)")}
    with Server(StandIn(checks=checks)) as server:
        assert only(health_of(server.url, limits=Thresholds({REBALANCING.name: 12}))).status is Status.FAIL


def test_rebalancing_beside_another_error_is_unhealthy() -> None:
    checks: Any = {"a": Health(status="error", message="Rebalancing in progress (1s)"), "b": Health(status="error")}
    with Server(StandIn(checks=checks)) as server:
        assert only(health_of(server.url)).code == "plugin-server.unhealthy"


def test_each_instance_gets_the_finding_that_it_deserves(closed_port: Callable[[], str]) -> None:
    with Server(StandIn()) as fine, Server(StandIn(checks={"x": "error"})) as sick, Server(StandIn(ready=False)) as unready:
        findings = health_of(fine.url, sick.url, unready.url, closed_port())
        assert [(finding.code, finding.affects[0] in (sick.url, unready.url)) for finding in findings] == [
            ("plugin-server.unreachable", False),
            ("plugin-server.unhealthy", True),
            ("plugin-server.not-ready", True),
        ]


def heartbeat_of(app_stand_in: AppStandIn, *urls: str, key: str | None = None) -> list[Finding]:
    with Server(app_stand_in) as server:
        app = App(server.url, recorder=Recorder(), options=HttpOptions(), personal_api_key=key)
        bound = app.bind(asker(*(read.name for read in plugin_server_heartbeat.reads)))
        return list(plugin_server_heartbeat.function(bound, plugin_servers(*urls)))


def test_both_agree_that_it_is_up_or_down(closed_port: Callable[[], str]) -> None:
    with Server(StandIn()) as up, Server(StandIn(checks={"x": "error"})) as sick:
        assert heartbeat_of(AppStandIn(), up.url) == []
        assert heartbeat_of(AppStandIn(down=("plugin-server",)), sick.url) == []
        assert heartbeat_of(AppStandIn(), up.url, closed_port()) == []


def test_the_app_says_down_and_the_plugin_server_says_up() -> None:
    with Server(StandIn()) as server:
        finding = only(heartbeat_of(AppStandIn(down=("plugin-server",)), server.url))
    assert (finding.code, finding.status) == ("plugin-server.heartbeat-disagrees", Status.INFO)
    assert finding.claim == (
        f"The app says that the plugin server is down, but asked itself at {server.url} it is up: believe that"
    )
    assert finding.detail.endswith("Events are not affected.")
    assert "CDP_API_URL=http://plugins:6738" in finding.actions[0].text


def test_the_app_says_up_and_the_plugin_server_says_error() -> None:
    with Server(StandIn(checks={"x": "error"})) as server:
        finding = only(heartbeat_of(AppStandIn(), server.url))
    assert finding.claim == (
        f"The app says that the plugin server is up, but asked itself at {server.url} it is down: believe that"
    )


def test_what_is_not_understood_as_a_plugin_server_agrees_with_nothing(http_server: ScriptedServer) -> None:
    http_server.route("/_health", status=404, text="<html>nginx</html>")
    for app in (AppStandIn(), AppStandIn(down=("plugin-server",))):
        finding = only(heartbeat_of(app, http_server.url))
        assert (finding.code, finding.status) == ("plugin-server.heartbeat-disagrees", Status.UNKNOWN)


def test_without_a_preflight_the_system_status_counts(http_server: ScriptedServer) -> None:
    overview = [{"key": "plugin_sever_alive", "metric": "Plugin server alive", "value": False}]
    http_server.route("/_health", text="ok")
    http_server.route("/api/instance_status", json={"results": {"overview": overview}})
    with Server(StandIn()) as server:
        app = App(http_server.url, recorder=Recorder(), options=HttpOptions(), personal_api_key="phx_key")
        bound = app.bind(asker(*(read.name for read in plugin_server_heartbeat.reads)))
        finding = only(list(plugin_server_heartbeat.function(bound, plugin_servers(server.url))))
    assert finding.claim.startswith("The app says that the plugin server is down")


def test_an_app_that_says_nothing_of_it_raises_nothing(http_server: ScriptedServer) -> None:
    http_server.route("/_health", text="ok")
    app = App(http_server.url, recorder=Recorder(), options=HttpOptions()).bind(asker())
    with Server(StandIn()) as server:
        assert list(plugin_server_heartbeat.function(app, plugin_servers(server.url))) == []


def test_trouble_of_other_work_only_warns_while_events_are_processed() -> None:
    """All in one, or one of several: recordings have no storage, and ordinary events do not need it."""
    storage = Health(status="error", message="connect ECONNREFUSED 127.0.0.1:19000")
    both = {"analytics-ingestion": Health(status="ok"), "session-recordings-blob": storage}
    with Server(StandIn(checks=both, generation=6)) as server:
        finding = only(health_of(server.url))
    assert (finding.code, finding.status) == ("plugin-server.unhealthy", Status.WARN)
    assert "missing events have another cause" in finding.detail
    with Server(StandIn()) as events, Server(StandIn(checks={"session-recordings-blob": storage}, generation=6)) as replay:
        assert only(health_of(events.url, replay.url)).status is Status.WARN
        assert only(health_of(replay.url)).status is Status.FAIL


def test_a_check_in_a_word_that_diag_does_not_know_is_no_evidence_of_health(http_server: ScriptedServer) -> None:
    checks = {"analytics-ingestion": {"status": "weird"}, "cdp": "ok"}
    finding = only(health_of(served(http_server, {"status": "ok", "checks": checks})))
    assert (finding.code, finding.status) == ("plugin-server.unhealthy", Status.UNKNOWN)
    assert finding.claim == (
        f'The plugin server at {http_server.url} answers, but says of analytics-ingestion "weird", which diag does not know'
    )


def test_one_word_that_diag_does_not_know_beside_an_error_changes_nothing(http_server: ScriptedServer) -> None:
    checks = {"analytics-ingestion": "weird", "cdp": "error"}
    assert only(health_of(served(http_server, {"status": "error", "checks": checks}, status=503))).status is Status.FAIL


@pytest.mark.parametrize("name", ["something-new", "analytics-ingestion-overflow"])
def test_trouble_of_unknown_work_and_of_other_lanes_of_events_fails(name: str) -> None:
    checks = {"analytics-ingestion": Health(status="ok"), name: Health(status="error")}
    with Server(StandIn(checks=checks, generation=6)) as server:
        assert only(health_of(server.url)).status is Status.FAIL


def test_a_silent_service_that_is_named_for_other_work_only_warns_while_events_are_processed() -> None:
    with Server(StandIn()) as events:
        silent = only(health_of(events.url, "http://ingestion-sessionreplay.invalid:6738"))
        assert (silent.code, silent.status) == ("plugin-server.unreachable", Status.WARN)
        assert "By its name it does other work" in silent.detail
        assert only(health_of(events.url, "http://ingestion-general.invalid:6738")).status is Status.FAIL
    assert only(health_of("http://cdp-api.invalid:6738")).status is Status.FAIL
