"""The table of real incidents in the README: each is shown by a scenario, or says what to ask instead."""

import re
from pathlib import Path

import pytest

from diagnostics.lab import scenarios

README = Path(__file__).with_name("README.md").read_text(encoding="utf-8")
ROWS = [line.strip("|").split("|") for line in README.splitlines() if re.match(r"\| (?!case |---)", line)]
IDS = {scenario.id for scenario in scenarios()}
ASKS = re.compile(r"Ask: .+\?$")


def shown_by(row: list[str]) -> set[str]:
    """The scenarios that a row names: whatever stands in backquotes and has the form of an id."""
    return set(re.findall(r"`([a-z0-9-]+)`", row[2]))


def test_there_are_all_of_them() -> None:
    assert len(ROWS) == 80
    assert all(len(row) == 3 for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].strip())
def test_an_incident_has_a_scenario_or_a_question(row: list[str]) -> None:
    assert shown_by(row) <= IDS
    assert shown_by(row) or ASKS.search(row[2].strip()), row[2]


def test_healthy_states_are_as_well_covered_as_broken_ones_need() -> None:
    assert sum(scenario.expect.status == "healthy" for scenario in scenarios()) >= 10


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.id)
def test_a_scenario_tells_a_case(scenario) -> None:
    assert not scenario.title.endswith((".", "?"))
    assert scenario.story.strip().endswith((".", ")"))
    problem = scenario.expect.status == "problem"
    assert problem == (scenario.expect.exit == 1)
    assert not problem or scenario.stage, "a problem is at some stage"
