"""What the Rust capture and Django say of themselves."""

import pytest

from diagnostics.sources.capture.health import Component, Liveness, read_index, read_kafka_of_django, read_liveness
from diagnostics.sources.http import Answer
from diagnostics.sources.http.trouble import NoAnswer, Trouble
from tests.sources.answers import answered

NOTHING = NoAnswer(trouble=Trouble.REFUSED, message="nothing listens there", seconds=0.0)


def text(status: int, said: str) -> Answer:
    return answered(status, text=said, content_type="text/plain; charset=utf-8")


def test_a_healthy_liveness_lists_its_components() -> None:
    said = 'HealthStatus { healthy: true, components: {"rdkafka": HealthyUntil(2025-06-01 9:12:31.048772 +00:00:00)} }'
    assert read_liveness(text(200, said)) == Liveness(
        healthy=True, components=(Component(name="rdkafka", state="HealthyUntil"),)
    )


def test_a_sick_one_names_those_it_is_sick_for() -> None:
    said = 'HealthStatus { healthy: false, components: {"rdkafka": Stalled, "s3": HealthyUntil(2025-06-01 9:12:31 +00:00:00)} }'
    found = read_liveness(text(500, said))
    assert found
    assert (found.healthy, found.failing) == (False, (Component(name="rdkafka", state="Stalled"),))


def test_since_2026_it_only_says_ok() -> None:
    assert read_liveness(text(200, "ok")) == Liveness(healthy=True)


@pytest.mark.parametrize(
    "outcome",
    [
        text(404, "404 page not found"),
        text(200, "something else"),
        answered(200, text="<html>login</html>", content_type="text/html"),
        answered(500, text="<h1>Server Error</h1>", content_type="text/html"),
        NOTHING,
    ],
)
def test_any_other_answer_is_no_liveness(outcome: Answer | NoAnswer) -> None:
    assert read_liveness(outcome) is None


def test_hostile_components_are_bounded() -> None:
    said = "HealthStatus { components: {" + ", ".join(f'"c{n}": Stalled' for n in range(1000)) + "} }"
    found = read_liveness(text(500, said))
    assert found
    assert len(found.components) == 20


def test_only_capture_itself_has_its_index() -> None:
    assert read_index(text(200, "capture"))
    assert not read_index(answered(200, text="<title>capture</title>", content_type="text/html"))
    assert not read_index(text(302, "capture"))
    assert not read_index(NOTHING)


@pytest.mark.parametrize(
    ("outcome", "connected"),
    [
        (answered(200, {"http": True, "kafka_connected": True}), True),
        (answered(503, {"http": True, "kafka_connected": False}), False),
        (answered(200, {"http": True}), None),
        (answered(400, {"error": "InvalidRole"}), None),
        (answered(200, {"kafka_connected": "yes"}), None),
        (text(200, "login"), None),
        (NOTHING, None),
    ],
)
def test_django_says_whether_kafka_is_connected(outcome: Answer | NoAnswer, connected: bool | None) -> None:
    assert read_kafka_of_django(outcome) is connected
