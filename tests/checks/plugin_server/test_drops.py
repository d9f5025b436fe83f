"""What the plugin server drops is judged by its share and its cause; what is normal anywhere raises nothing."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from checks.plugin_server.drops import DELIBERATE_SHARE, LEAST, NOTED_SHARE, SAMPLE, SHARE, plugin_server_drops
from diagnostics import Finding, Status, Table, Thresholds, Window
from diagnostics.lab.scripted import ScriptedServer
from tests.checks.plugin_server.watching import HOURS, only, up
from tests.sources.plugin_server.pages import plugin_server, serve

NOW = datetime.now(UTC)
DAY = Window(NOW - timedelta(days=1), NOW)


@pytest.fixture(autouse=True)
def short_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diagnostics.sources.plugin_server.source.GAP", 0.05)


def page(emitted: int, up_for: float | None = 3 * HOURS, **dropped: int) -> str:
    """Results of the pipeline of 2026: so many events emitted, and dropped by reason."""
    name = "ingestion_pipeline_results"
    lines = [f'{name}{{result="ok",last_step_name="emitEventStep",details=""}} {emitted}\n']
    lines += [f'{name}{{result="drop",last_step_name="x",details="{reason}"}} {count}\n' for reason, count in dropped.items()]
    return "".join(lines) + ("" if up_for is None else up(up_for))


def look(*urls: str, **limits: float) -> list[Finding]:
    values = {f"plugin-server-drops.{name.replace('_', '-')}": value for name, value in limits.items()}
    return list(plugin_server_drops.function(plugin_server(*urls), DAY, Thresholds(values)))


def statuses(server: ScriptedServer, *pages: str, **limits: float) -> list[Status]:
    return [finding.status for finding in look(serve(server, pages), **limits)]


def test_nothing_dropped_is_healthy(http_server: ScriptedServer) -> None:
    assert look(serve(http_server, [page(50_000), page(50_030)])) == []


def test_tokens_of_no_project(http_server: ScriptedServer) -> None:
    finding = only(look(serve(http_server, [page(600, invalid_token=400)])))
    assert (finding.code, finding.status, finding.affects) == ("plugin-server.drops-events", Status.FAIL, ("no-team",))
    assert finding.claim == (
        "400 of 1,000 events (40%) since the plugin server started 3 h ago were dropped because no project has their token"
    )
    assert finding.cause == "no project has their token"
    assert finding.measure is not None
    assert (finding.measure.value, finding.measure.unit, finding.measure.counted_s) == (
        400,
        "events",
        pytest.approx(10800, abs=9),
    )
    assert "posthog_team" in finding.actions[0].commands[0]
    assert [action.changes_something for action in finding.actions] == [False, True]
    (table,) = finding.evidence
    assert isinstance(table, Table)
    assert table.rows == (("no-team", 400, 0), ("all events", 1000, 0))


@pytest.mark.parametrize(
    ("emitted", "dropped", "status"),
    [
        (901, 99, []),  # fewer than the least
        (8_100, 900, [Status.INFO]),  # 10 %
        (8_110, 890, []),
        (8_001, 1_999, [Status.INFO]),
        (8_000, 2_000, [Status.FAIL]),  # 20 %
    ],
)
def test_the_share_that_fails_where_nobody_set_it_up(
    http_server: ScriptedServer, emitted: int, dropped: int, status: list[Status]
) -> None:
    assert statuses(http_server, page(emitted, invalid_token=dropped)) == status


@pytest.mark.parametrize("reason", ["dropped_by_transformation", "blocked_token", "event_too_old"])
@pytest.mark.parametrize(("dropped", "status"), [(499, Status.INFO), (500, Status.FAIL)])
def test_what_somebody_set_up_fails_only_when_it_takes_half(
    http_server: ScriptedServer, reason: str, dropped: int, status: Status
) -> None:
    finding = only(look(serve(http_server, [page(1000 - dropped, **{reason: dropped})])))
    assert finding.status is status
    assert bool(finding.actions) is (status is Status.FAIL)


def test_every_limit_is_a_threshold(http_server: ScriptedServer) -> None:
    assert statuses(http_server, page(950, invalid_token=50), share=0.05, least=50) == [Status.FAIL]
    assert statuses(http_server, page(800, event_too_old=200), deliberate_share=0.2) == [Status.FAIL]
    assert [limit.default for limit in (SHARE, DELIBERATE_SHARE, NOTED_SHARE, LEAST, SAMPLE)] == [0.2, 0.5, 0.1, 100, 20]


def test_a_reason_that_diag_does_not_know_only_warns(http_server: ScriptedServer) -> None:
    finding = only(look(serve(http_server, [page(100, a_new_one=900)])))
    assert (finding.status, finding.source_text, finding.cause) == (Status.WARN, True, "")
    assert finding.claim == (
        '900 of 1,000 events (90%) since the plugin server started 3 h ago were dropped because of "a_new_one", in PostHog\'s '
        "words"
    )


def test_what_has_ended_is_not_told(http_server: ScriptedServer) -> None:
    """Twenty events came between the readings, and none of them was dropped."""
    assert statuses(http_server, page(600, invalid_token=400), page(620, invalid_token=400)) == []


def test_fewer_events_between_the_readings_say_nothing(http_server: ScriptedServer) -> None:
    assert statuses(http_server, page(600, invalid_token=400), page(619, invalid_token=400)) == [Status.FAIL]


def test_counts_from_before_the_window_only_warn_unless_it_goes_on(http_server: ScriptedServer) -> None:
    long_ago = 9 * 24 * HOURS
    assert statuses(http_server, page(600, long_ago, invalid_token=400)) == [Status.WARN]


def test_counts_from_before_the_window_that_still_grow_fail(http_server: ScriptedServer) -> None:
    long_ago = 9 * 24 * HOURS
    pages = page(600, long_ago, invalid_token=400), page(602, long_ago, invalid_token=401)
    assert statuses(http_server, *pages) == [Status.FAIL]


def test_without_a_start_time_nobody_knows_since_when(http_server: ScriptedServer) -> None:
    finding = only(look(serve(http_server, [page(600, None, invalid_token=400)])))
    assert finding.status is Status.WARN
    assert finding.claim.startswith("400 of 1,000 events (40%) since the plugin server started were dropped because")


def test_what_began_lately_shows_between_the_readings(http_server: ScriptedServer) -> None:
    pages = page(9_000, 9 * 24 * HOURS, invalid_token=450), page(9_010, 9 * 24 * HOURS, invalid_token=480)
    finding = only(look(serve(http_server, pages)))
    assert finding.status is Status.FAIL
    assert re.fullmatch(
        r"30 of 40 events \(75%\) in \d\.\d s of looking were dropped because no project has their token", finding.claim
    )


def test_one_batch_of_one_sender_is_no_alarm(http_server: ScriptedServer) -> None:
    """Most of what came between the readings, and hardly anything since the start."""
    assert statuses(http_server, page(90_000, invalid_token=150), page(90_010, invalid_token=180)) == []


def test_instances_are_judged_together(http_server: ScriptedServer) -> None:
    with ScriptedServer() as other:
        one, two = serve(http_server, [page(0, invalid_token=150)]), serve(other, [page(9_850)])
        assert look(one, two) == []


@pytest.mark.parametrize(
    "noise",
    [
        'ingestion_event_dropped_total{event_type="analytics-webhook",drop_cause="no_webhook_action"} 90000\n',
        'ingestion_event_dropped_total{event_type="onevent",drop_cause="no_matching_plugin"} 90000\n',
        'ingestion_event_dropped_total{event_type="session_recordings_blob_ingestion",drop_cause="disabled"} 90000\n',
        'ingestion_event_dropped_total{event_type="session_recordings_blob_ingestion",drop_cause="high_water_mark"} 90000\n',
        'ingestion_event_dropped_total{event_type="analytics",drop_cause="invalid_token"} 60\n',
        'ingestion_pipeline_results{result="drop",last_step_name="x",details="client_ingestion_warning"} 90000\n',
        'ingestion_pipeline_results{result="redirect",last_step_name="x",details="overflow"} 90000\n',
        'ingestion_pipeline_results{result="dlq",last_step_name="x",details="boom"} 900\n',
    ],
)
def test_normal_noise_raises_nothing(http_server: ScriptedServer, noise: str) -> None:
    assert statuses(http_server, page(1000) + noise) == []


def test_counters_that_cannot_be_seen_are_unknown(http_server: ScriptedServer) -> None:
    url = serve(http_server, [])
    http_server.route("/_metrics", text="<html>Sign in</html>")
    finding = only(look(url))
    assert (finding.code, finding.status) == ("plugin-server.drops-events", Status.UNKNOWN)
    assert finding.claim == f"What the plugin server at {url} counts cannot be seen: a web page answers in place of its metrics"


def test_counters_of_something_else_do_not_say_that_nothing_is_dropped(http_server: ScriptedServer) -> None:
    url = serve(http_server, ["process_start_time_seconds 1\n"])
    finding = only(look(url))
    assert (finding.code, finding.status) == ("plugin-server.drops-events", Status.UNKNOWN)
    assert (
        finding.claim == f"What is counted at {url} says nothing of events, so that it cannot be seen whether it drops events"
    )


def test_counters_that_are_declared_and_have_counted_nothing_are_enough(http_server: ScriptedServer) -> None:
    assert statuses(http_server, "# TYPE ingestion_event_dropped_total counter\nprocess_start_time_seconds 1\n") == []


def test_an_old_version_without_counters_is_noted(http_server: ScriptedServer) -> None:
    finding = only(look(serve(http_server, [], health={"status": "ok"})))
    assert finding.status is Status.INFO
    assert finding.claim.endswith("serves no counters, so that it cannot be seen whether it drops events")


def test_one_of_two_that_can_be_seen_is_judged(http_server: ScriptedServer) -> None:
    with ScriptedServer() as other:
        blind = serve(other, [])
        other.route("/_metrics", status=401, text="no")
        findings = look(serve(http_server, [page(0, invalid_token=900)]), blind)
    assert [finding.status for finding in findings] == [Status.UNKNOWN, Status.FAIL]
