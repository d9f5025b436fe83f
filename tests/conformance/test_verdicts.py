"""What must hold of codes and of the verdicts drawn from them, over all scenarios of the lab."""

import pytest

from diagnostics.lab import scenarios
from diagnostics.report.model import Status
from tests.scenarios.walking import REGISTRY, walked

# What only a broken check raises: the tests of the engine raise them.
OF_DIAG_ITSELF = {"check.crashed", "check.timed-out"}
EDGES = [(cause, code.id) for code in REGISTRY.codes.values() for cause in code.caused_by]


def raised(id: str, *, status: Status | None = None) -> set[str]:
    """The codes of a scenario's findings."""
    return {finding.code for finding in walked(id).report.findings if status is None or finding.status is status}


@pytest.mark.parametrize("code", sorted(set(REGISTRY.codes) - OF_DIAG_ITSELF))
def test_every_code_is_raised_as_seriously_as_it_can_be_by_some_scenario(code: str) -> None:
    worst = REGISTRY.codes[code].worst
    assert any(code in raised(scenario.id, status=worst) for scenario in scenarios())


@pytest.mark.parametrize(
    "scenario", [each for each in scenarios() if each.expect.status == "healthy"], ids=lambda each: each.id
)
def test_a_healthy_install_raises_no_alarm(scenario) -> None:
    alarms = [finding for finding in walked(scenario.id).report.findings if finding.status in (Status.FAIL, Status.WARN)]
    assert alarms == []


@pytest.mark.parametrize(("cause", "effect"), EDGES, ids=lambda code: code)
def test_where_cause_and_effect_are_both_present_the_cause_wins(cause: str, effect: str) -> None:
    present = [each.id for each in scenarios() if {cause, effect} <= raised(each.id, status=Status.FAIL)]
    assert present, f"no scenario shows {effect} because of {cause}"
    verdicts = {id: walked(id).report.verdict for id in present}
    assert any(verdict.code == cause and effect not in verdict.also for verdict in verdicts.values()), verdicts
    assert not any(verdict.code == effect for verdict in verdicts.values()), verdicts
