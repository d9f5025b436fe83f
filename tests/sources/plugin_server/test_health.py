from typing import Any

import pytest

from diagnostics.sources.http import Answer
from diagnostics.sources.http.trouble import NoAnswer, Trouble
from diagnostics.sources.plugin_server.health import (
    MAX_CHECKS,
    MAX_MESSAGE,
    Health,
    HealthStatus,
    Readiness,
    ServiceCheck,
    read_health,
    read_readiness,
)
from tests.sources.answers import answered

AT = "http://plugins:6738"


def health_of(status: int, body: Any = None, *, text: str = "", content_type: str = "application/json") -> Health:
    return read_health(AT, answered(status, body, text=text, content_type=content_type))


def test_2022_says_ok_without_checks_which_proves_little() -> None:
    health = health_of(200, {"status": "ok"})
    assert health == Health(address=AT, reached=True, recognised=True, status=HealthStatus.OK)
    assert health.up is True


def test_2022_says_error_without_checks() -> None:
    health = health_of(503, {"status": "error"})
    assert (health.status, health.up, health.failing) == (HealthStatus.ERROR, False, ())


def test_2023_lists_its_checks_as_words() -> None:
    health = health_of(503, {"status": "error", "checks": {"analytics-ingestion": "error", "jobs": "ok"}})
    assert health.status is HealthStatus.ERROR
    assert health.failing == (ServiceCheck(name="analytics-ingestion", status=HealthStatus.ERROR),)


def test_late_2025_lists_its_checks_as_objects_with_messages() -> None:
    checks = {"ingestion": {"status": "degraded", "message": "Consumer state: x"}, "cdp": {"status": "ok"}}
    health = health_of(200, {"status": "ok", "checks": checks})
    assert (health.status, health.up) == (HealthStatus.DEGRADED, True)
    assert health.failing == (ServiceCheck(name="ingestion", status=HealthStatus.DEGRADED, message="Consumer state: x"),)


def test_an_error_among_the_checks_outweighs_a_200() -> None:
    assert health_of(200, {"status": "ok", "checks": {"a": "ok", "b": {"status": "error"}}}).status is HealthStatus.ERROR


def test_a_503_outweighs_an_ok() -> None:
    assert health_of(503, {"status": "ok"}).status is HealthStatus.ERROR


def test_a_check_in_a_word_that_nobody_knows_does_not_alarm() -> None:
    health = health_of(200, {"status": "ok", "checks": {"a": "skipped", "b": None, "c": ["x"], "d": {"status": {}}, "e": True}})
    assert health.status is HealthStatus.OK
    assert [check.status.value for check in health.checks] == ["unknown", "unknown", "unknown", "unknown", "ok"]
    assert [(check.name, check.word) for check in health.not_understood] == [
        ("a", "skipped"),
        ("b", "None"),
        ("c", "['x']"),
        ("d", "{}"),
    ]


def test_a_status_in_a_word_that_nobody_knows_is_unknown() -> None:
    health = health_of(200, {"status": "warming"})
    assert (health.recognised, health.status) == (True, HealthStatus.UNKNOWN)
    assert health.message == 'it says "warming", which diag does not know'


@pytest.mark.parametrize(("status", "text"), [(500, "<pre>Internal Server Error</pre>"), (500, ""), (503, "")])
def test_an_error_without_words_is_an_error(status: int, text: str) -> None:
    health = health_of(status, text=text)
    assert (health.recognised, health.status) == (True, HealthStatus.ERROR)
    assert health.message == f"it answers {status} and does not say why"


@pytest.mark.parametrize(
    ("status", "text"),
    [(502, "<html>Bad Gateway</html>"), (503, "no healthy upstream"), (503, "<html>503</html>"), (504, "")],
)
def test_a_proxys_answer_means_that_the_plugin_server_was_not_reached(status: int, text: str) -> None:
    health = health_of(status, text=text, content_type="text/html")
    assert (health.reached, health.message) == (False, f"a proxy answers {status} in its place")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (answered(200, text="ok"), "the PostHog app answers there, not the plugin server"),
        (answered(401, {"error": "Unauthorized"}), "it wants credentials (HTTP 401)"),
        (answered(404, text="<html>"), "it has no /_health (HTTP 404): another service, or a plugin server of 2021"),
        (answered(200, text="<html>"), "it answers 200 with a web page, not with a plugin server's status"),
        (answered(200, text=""), "it answers 200 with an empty body, not with a plugin server's status"),
        (answered(200, [1]), "it answers 200 with something else, not with a plugin server's status"),
    ],
)
def test_something_else_is_neither_healthy_nor_broken(answer: Answer, message: str) -> None:
    health = read_health(AT, answer)
    assert (health.reached, health.recognised, health.status) == (True, False, HealthStatus.UNKNOWN)
    assert health.message == message


def test_hostile_answers_are_cut() -> None:
    checks = {f"{number} " + "x" * 9_000: {"status": "error", "message": "y " * 9_000} for number in range(500)}
    health = health_of(503, {"status": "error", "checks": checks})
    assert len(health.checks) == MAX_CHECKS
    assert all(len(check.message) <= MAX_MESSAGE and check.message.endswith("y…") for check in health.checks)
    assert all(len(check.name) <= MAX_MESSAGE and check.name.endswith("…") for check in health.checks)


@pytest.mark.parametrize(
    ("outcome", "ready"),
    [
        (answered(200, {"status": "ok"}), Readiness.YES),
        (answered(503, {"status": "error"}), Readiness.NO),
        (answered(404, text="Not Found"), Readiness.UNKNOWN),
        (answered(200, text="<html>"), Readiness.UNKNOWN),
        (answered(503, text="<html>"), Readiness.UNKNOWN),
        (answered(500, text=""), Readiness.UNKNOWN),
        (NoAnswer(trouble=Trouble.TIMED_OUT, message="no answer", seconds=2.0), Readiness.UNKNOWN),
    ],
)
def test_readiness_is_unknown_where_it_is_not_told(outcome: Answer | NoAnswer, ready: Readiness) -> None:
    assert read_readiness(outcome) is ready
