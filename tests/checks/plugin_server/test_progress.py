"""A consumer that hangs is told from one that has nothing to do, and one that is slow from both."""

from collections.abc import Iterator

import pytest

from checks.plugin_server.progress import HUNG_SHARE, SETTLED_AFTER, SLOW_BATCH
from checks.plugin_server.stalled import STALLED_AFTER
from diagnostics import Status, Table
from diagnostics.lab.scripted import ScriptedServer
from tests.checks.plugin_server.watching import HOURS, ago_ms, claim, hanging, look, only, said, up
from tests.sources.plugin_server.pages import GROUP, TOPIC, consuming, serve

SICK = {"status": "error", "checks": {"analytics-ingestion": "error"}}


@pytest.fixture(autouse=True)
def short_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diagnostics.sources.plugin_server.source.GAP", 0.05)


@pytest.fixture
def servers() -> Iterator[list[ScriptedServer]]:
    started = [ScriptedServer(), ScriptedServer()]
    yield started
    for server in started:
        server.close()


def test_a_consumer_that_gets_on(http_server: ScriptedServer) -> None:
    pages = [
        consuming(turns=500, batches=200, newest_ms=ago_ms(3)),
        consuming(turns=504, batches=202, newest_ms=ago_ms(1)),
    ]
    finding = only(look(serve(http_server, pages)))
    assert (finding.code, finding.status) == ("plugin-server.stalled", Status.OK)
    assert finding.claim.startswith("Events were processed in the 0.")


def test_an_idle_night_is_no_alarm(http_server: ScriptedServer) -> None:
    newest = ago_ms(5 * 3600)
    pages = [consuming(turns=turns, batches=200, newest_ms=newest, more=up(3 * HOURS)) for turns in (500, 501)]
    finding = only(look(serve(http_server, pages)))
    assert finding.status is Status.OK
    assert finding.claim.endswith("of looking; the newest is 5 h old")


def test_a_consumer_that_hangs(http_server: ScriptedServer) -> None:
    url = serve(http_server, [hanging(2400)])
    finding = only(look(url))
    assert (finding.code, finding.status, finding.affects) == ("plugin-server.stalled", Status.FAIL, (url,))
    assert claim(finding) == (
        f"The plugin server at {url} says that it is healthy, but its consumer did not ask Kafka for more in "
        f"N s of looking, and the newest event that it has processed is 40 min old"
    )
    assert finding.measure is not None
    assert finding.measure.value == pytest.approx(2400, abs=5)
    assert [action.changes_something for action in finding.actions] == [False, True]
    (table,) = finding.evidence
    assert isinstance(table, Table)
    assert table.rows == ((url, TOPIC, 1, 0, 0, 0.02, "40 min"),)


@pytest.mark.parametrize(("age", "stalls"), [(290, False), (302, True)])
def test_how_old_the_newest_has_to_be_is_a_threshold(http_server: ScriptedServer, age: float, stalls: bool) -> None:
    url = serve(http_server, [hanging(age)])
    assert (only(look(url)).status is Status.FAIL) is stalls


def test_the_threshold_can_be_set(http_server: ScriptedServer) -> None:
    url = serve(http_server, [hanging(30)])
    assert only(look(url, stalled_after=20)).status is Status.FAIL


def test_work_that_does_not_end_is_named(http_server: ScriptedServer) -> None:
    age = f'consumer_oldest_background_task_age_ms{{pod="p",groupId="{GROUP}"}} 420000\n'
    finding = only(look(serve(http_server, [hanging(30, more=age)])))
    assert finding.claim.endswith("says that it is healthy, but work that it began 7 min ago does not end")


def test_what_says_itself_that_it_is_sick_is_not_called_healthy(http_server: ScriptedServer) -> None:
    assert Status.FAIL not in [finding.status for finding in look(serve(http_server, [hanging(2400)], health=SICK))]


@pytest.mark.parametrize(
    "before_and_after",
    [
        # Some steps of its batch were counted: it is at work.
        (
            hanging(2400, more='events_pipeline_step_ms_count{step_name="a"} 5\n'),
            'events_pipeline_step_ms_count{step_name="a"} 6\n',
        ),
        (hanging(2400, more='ingestion_pipeline_results{result="ok"} 5\n'), 'ingestion_pipeline_results{result="ok"} 9\n'),
    ],
)
def test_a_long_batch_in_which_events_move_is_no_stall(http_server: ScriptedServer, before_and_after: tuple[str, str]) -> None:
    before, moved = before_and_after
    after = before.rsplit("\n", 2)[0] + "\n" + moved
    assert said(look(serve(http_server, [before, after]))) == [("plugin-server.stalled", Status.OK)]


def test_batches_that_always_take_longer_than_the_look_are_not_called_stalled(http_server: ScriptedServer) -> None:
    assert said(look(serve(http_server, [hanging(2400, batch_ms=4000)]))) == [("plugin-server.stalled", Status.OK)]


def test_a_process_that_has_just_started_is_given_time(http_server: ScriptedServer) -> None:
    assert said(look(serve(http_server, [hanging(2400, up_for=60)]))) == [("plugin-server.stalled", Status.OK)]


def test_a_version_that_does_not_count_idle_turns_is_not_called_stalled(http_server: ScriptedServer) -> None:
    page = consuming(turns=200, batches=200, newest_ms=ago_ms(2400), more=up(3 * HOURS))
    assert said(look(serve(http_server, [page]))) == [("plugin-server.stalled", Status.OK)]


def test_a_restart_between_the_readings_is_progress(http_server: ScriptedServer) -> None:
    pages = [hanging(2400), consuming(turns=3, batches=1, newest_ms=ago_ms(2300), more=up(1))]
    assert said(look(serve(http_server, pages))) == [("plugin-server.stalled", Status.OK)]


def test_one_of_two_that_hangs_is_named(servers: list[ScriptedServer]) -> None:
    bad = serve(servers[0], [hanging(2400)])
    good = serve(
        servers[1], [consuming(turns=n, batches=n // 3, newest_ms=ago_ms(1) + n, more=up(3 * HOURS)) for n in (600, 604)]
    )
    finding = only(look(bad, good))
    assert finding.claim.startswith(f"1 of 2 plugin servers ({bad}) says that it is healthy, but its consumer did not ask")


STEPS = "".join(
    f'events_pipeline_step_ms_{part}{{step_name="{name}"}} {value}\n'
    for name, count, total in (("emitEventStep", 400, 800), ("processPersonsStep", 400, 480_000))
    for part, value in (("count", count), ("sum", total))
)


@pytest.mark.parametrize(("batch_ms", "warns"), [(9_900, False), (10_000, True)])
def test_slow_batches_are_a_threshold(http_server: ScriptedServer, batch_ms: float, warns: bool) -> None:
    pages = [
        consuming(turns=500, batches=200, newest_ms=ago_ms(60), batch_ms=batch_ms),
        consuming(turns=502, batches=201, newest_ms=ago_ms(59), batch_ms=batch_ms),
    ]
    findings = look(serve(http_server, pages))
    assert ("plugin-server.slow" in [finding.code for finding in findings]) is warns


def test_slow_batches_name_the_step_that_takes_the_time(http_server: ScriptedServer) -> None:
    url = serve(http_server, [hanging(30, batch_ms=41_000, more=STEPS)])
    slow = next(finding for finding in look(url) if finding.code == "plugin-server.slow")
    assert slow.status is Status.WARN
    assert slow.claim == f"A batch of events takes 41 s on average at {url}, most of it in processPersonsStep; 10 s is slow"
    table = slow.evidence[1]
    assert isinstance(table, Table)
    assert table.rows == (("processPersonsStep", 400, 1200.0), ("emitEventStep", 400, 2.0))


def test_what_was_slow_long_ago_and_is_idle_now_is_not_told(http_server: ScriptedServer) -> None:
    newest = ago_ms(90_000)
    pages = [consuming(turns=n, batches=200, newest_ms=newest, batch_ms=41_000, more=up(99_999)) for n in (500, 502)]
    assert said(look(serve(http_server, pages))) == [("plugin-server.stalled", Status.OK)]


@pytest.mark.parametrize(("hung", "warns"), [(9, False), (10, True)])
def test_events_that_hang_in_a_step(http_server: ScriptedServer, hung: int, warns: bool) -> None:
    more = (
        f'events_pipeline_step_stalled_total{{step_name="transformEventStep"}} {hung}\n'
        'events_pipeline_last_step_total{step_name="emitEventStep"} 900\n'
    )
    pages = [consuming(turns=n, batches=200, newest_ms=ago_ms(1) + n, more=more) for n in (500, 502)]
    found = [finding for finding in look(serve(http_server, pages)) if finding.code == "plugin-server.slow"]
    assert [finding.claim for finding in found] == (
        [f"10 events hung in a step for 30 s and more since {http_server.url} started, most in transformEventStep"]
        if warns
        else []
    )


def test_a_few_of_very_many_are_not_told(http_server: ScriptedServer) -> None:
    more = (
        'events_pipeline_step_stalled_total{step_name="transformEventStep"} 99\n'
        'events_pipeline_last_step_total{step_name="emitEventStep"} 10000\n'
    )
    pages = [consuming(turns=n, batches=200, newest_ms=ago_ms(1) + n, more=more) for n in (500, 502)]
    url = serve(http_server, pages)
    assert "plugin-server.slow" not in [finding.code for finding in look(url)]
    assert "plugin-server.slow" in [finding.code for finding in look(url, hung_share=0.005)]


def test_counters_that_cannot_be_seen_are_unknown(http_server: ScriptedServer) -> None:
    url = serve(http_server, [])
    http_server.route("/_metrics", status=401, text="no")
    finding = only(look(url))
    assert (finding.code, finding.status) == ("plugin-server.stalled", Status.UNKNOWN)
    assert finding.claim == f"What the plugin server at {url} counts cannot be seen: its metrics want credentials (HTTP 401)"


def test_counters_of_something_else_do_not_say_that_it_gets_on(http_server: ScriptedServer) -> None:
    url = serve(http_server, ["process_start_time_seconds 1\n"])
    finding = only(look(url))
    assert (finding.code, finding.status) == ("plugin-server.stalled", Status.UNKNOWN)
    assert finding.claim == (
        f"What is counted at {url} says nothing of events, so that it cannot be seen whether it gets on with its work"
    )


def test_an_old_version_without_counters_is_noted_and_no_blind_spot(http_server: ScriptedServer) -> None:
    url = serve(http_server, [], health={"status": "ok"})
    finding = only(look(url))
    assert finding.status is Status.INFO
    assert claim(finding) == (
        f"This version of the plugin server ({url}) serves no counters, so that it cannot be seen whether it gets on with its "
        "work"
    )


def test_every_threshold_has_the_default_that_the_runbook_names() -> None:
    assert [limit.default for limit in (STALLED_AFTER, SETTLED_AFTER, SLOW_BATCH, HUNG_SHARE)] == [300.0, 120.0, 10.0, 0.01]
