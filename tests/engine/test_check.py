from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from diagnostics.engine.check import Scope, Threshold, Thresholds, Window
from diagnostics.report.model import Finding, Stage, Status
from diagnostics.report.wording import span, span_s
from tests.engine.declared import BAD, Oracle, declare


def test_parameters_say_what_a_check_needs() -> None:
    def look(oracle: Oracle, rival: Oracle | None, window: Window, scope: Scope) -> Iterator[Finding]:
        yield BAD.found("x")

    declared = declare(look)
    assert [(need.parameter, need.source, need.optional) for need in declared.needs] == [
        ("oracle", Oracle, False),
        ("rival", Oracle, True),
    ]
    assert declared.context == {"window": Window, "scope": Scope}


def test_a_parameter_that_nobody_can_supply_is_refused_when_the_check_is_declared() -> None:
    def look(weather: str) -> Iterator[Finding]:
        yield BAD.found("x")

    with pytest.raises(TypeError, match="check 'omen': parameter 'weather' must be a Source, or one of Window, Scope"):
        declare(look)


def test_a_finding_is_raised_with_the_code_s_worst_status_unless_said_otherwise() -> None:
    assert BAD.found("x").status is Status.FAIL
    assert BAD.found("x", status=Status.INFO).status is Status.INFO
    assert BAD.found("x").stage is None


def test_a_threshold_has_its_default_until_it_is_set_and_keeps_its_type() -> None:
    many = Threshold("omen.many", 3, "count", "how many are many")
    assert Thresholds()(many) == 3
    value = Thresholds({"omen.many": 5.0})(many)
    assert value == 5
    assert isinstance(value, int)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.04, "0.0 s"),
        (1.96, "2.0 s"),
        (2, "2 s"),
        (119, "119 s"),
        (120, "2 min"),
        (5400, "90 min"),
        (7200, "2 h"),
        (86400, "24 h"),
        (259200, "3 days"),
    ],
)
def test_durations_are_said_as_people_say_them(seconds: float, said: str) -> None:
    assert span_s(seconds) == said
    assert span(timedelta(seconds=seconds)) == said


def test_a_window_knows_its_length() -> None:
    until = datetime(2026, 1, 2, tzinfo=UTC)
    window = Window(until - timedelta(hours=24), until)
    assert (window.seconds, str(window)) == (86400, "24 h")


def test_the_description_is_the_docstring_of_the_function_or_of_its_module() -> None:
    def look(oracle: Oracle) -> Iterator[Finding]:
        """What it measures."""
        yield BAD.found("x")

    assert declare(look, stage=Stage.APP).about == "What it measures."
