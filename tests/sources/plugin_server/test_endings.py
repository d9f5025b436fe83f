"""Every way in which PostHog counted the ends of events gives the same answer, and a drop that is counted twice is one."""

import pytest

from diagnostics.sources.plugin_server.endings import between, merged, since_start
from tests.sources.plugin_server.pages import readings


def last_step(**counts: int) -> str:
    return "".join(f'events_pipeline_last_step_total{{step_name="{step}"}} {count}\n' for step, count in counts.items())


def dropped(event_type: str = "analytics", **counts: int) -> str:
    name = "ingestion_event_dropped_total"
    return "".join(f'{name}{{event_type="{event_type}",drop_cause="{cause}"}} {count}\n' for cause, count in counts.items())


def result(kind: str, count: int, details: str = "", step: str = "someStep", label: str = "last_step_name") -> str:
    return f'ingestion_pipeline_results{{result="{kind}",{label}="{step}",details="{details}"}} {count}\n'


def told(page: str) -> tuple[int, dict[str, int]]:
    endings = since_start(readings(page))
    return endings.events, {drop.name: drop.events for drop in endings.drops}


@pytest.mark.parametrize(
    ("page", "events", "drops"),
    [
        (last_step(emitEventStep=90, pluginsProcessEventStep=10), 100, {"transformation": 10}),
        (last_step(createEventStep=90, transformEventStep=10), 100, {"transformation": 10}),
        # The step and the cause count the same events.
        (last_step(emitEventStep=90, populateTeamDataStep=10) + dropped(invalid_token=8, no_token=2), 100, {"no-team": 10}),
        # The team is looked for before the first step since 2025: only the cause counts it.
        (last_step(emitEventStep=90) + dropped(invalid_token=10), 100, {"no-team": 10}),
        (last_step(emitEventStep=90, eventDisallowedStep=10) + dropped(disallowed=10), 100, {"blocked": 10}),
        (dropped(blocked_token=7) + last_step(emitEventStep=3), 10, {"blocked": 7}),
        (result("ok", 80) + result("drop", 20, "dropped_by_transformation"), 100, {"transformation": 20}),
        (result("ok", 80) + result("drop", 20, "event_too_old"), 100, {"too-old": 20}),
        (result("ok", 80) + result("drop", 20, "invalid_token") + dropped(invalid_token=20), 100, {"no-team": 20}),
        (
            result("ok", 80, label="step_name") + result("drop", 20, "", "populateTeamDataStep", "step_name"),
            100,
            {"no-team": 20},
        ),
        # What is redirected comes again, and dead letters have checks of their own.
        (result("ok", 80) + result("redirect", 50) + result("dlq", 20, "boom"), 100, {}),
        (result("ok", 9) + result("drop", 1, "a_reason_of_tomorrow"), 10, {"a_reason_of_tomorrow": 1}),
        # Normal: webhooks, session replay, messages of SDKs to PostHog itself.
        (last_step(emitEventStep=5) + dropped("analytics-webhook", no_webhook_action=900), 5, {}),
        (last_step(emitEventStep=5) + dropped("session_recordings", disabled=900, no_token=3), 5, {}),
        (last_step(emitEventStep=5) + dropped("onevent", no_matching_plugin=900), 5, {}),
        (result("ok", 5) + result("drop", 3, "client_ingestion_warning"), 5, {}),
        # Steps that nobody listed are ends of events that were kept.
        (last_step(emitEventStep=5, extractHeatmapDataStep=3, aStepOfTomorrow=2), 10, {}),
        ("a 1\n", 0, {}),
    ],
)
def test_where_events_end(page: str, events: int, drops: dict[str, int]) -> None:
    assert told(page) == (events, drops)


def test_between_the_readings_only_what_is_new_counts() -> None:
    endings = between(
        readings(last_step(emitEventStep=90, transformEventStep=10), last_step(emitEventStep=93, transformEventStep=17))
    )
    assert (endings.events, endings.of("transformation"), endings.of("no-team")) == (10, 7, 0)


def test_drops_come_most_first_and_those_of_several_instances_add_up() -> None:
    one = since_start(readings(last_step(emitEventStep=5, transformEventStep=1) + dropped(invalid_token=3)))
    two = since_start(readings(last_step(emitEventStep=5, transformEventStep=9)))
    together = merged([one, two])
    assert together.events == 23
    assert [(drop.name, drop.events) for drop in together.drops] == [("transformation", 10), ("no-team", 3)]
    assert [drop.cause.deliberate for drop in together.drops if drop.cause] == [True, False]


def test_a_label_of_any_name_is_borne() -> None:
    page = 'ingestion_pipeline_results{result="ok",name="x",self="y",details=""} 4\n'
    assert told(page) == (4, {})
