"""What must hold of every check and code, whoever wrote it."""

import re

import pytest

from diagnostics.engine.check import Check
from diagnostics.lab import scenarios
from tests.scenarios.walking import REGISTRY, walked

RUNBOOK = REGISTRY.runbooks["ingestion"]
KNOWN = REGISTRY.known
EACH_CHECK = pytest.mark.parametrize("check", REGISTRY.checks, ids=lambda check: check.id)


def test_every_code_has_a_runbook_section_and_every_section_a_code() -> None:
    sections = {heading for heading in RUNBOOK.sections if re.fullmatch(r"[a-z-]+\.[a-z-]+", heading)}
    assert sections == set(REGISTRY.codes)


def test_the_steps_name_checks_that_exist_in_the_order_of_the_support_hero_s_runbook() -> None:
    known = {check.id for check in REGISTRY.checks}
    steps = [(step.title, step.checks) for step in RUNBOOK.front.steps]
    assert [title for title, _ in steps] == [
        "Is the plugin server alive and healthy?",
        "Does Sentry show errors?",
        "What is in the dead letter queue?",
    ]
    assert all(check in known for _, checks in steps for check in checks)


@EACH_CHECK
def test_a_check_describes_itself(check: Check) -> None:
    assert len(check.about.splitlines()[0]) <= 120
    assert check.about.count("\n") >= 2
    assert check.title[0].isupper()
    assert not check.title.endswith((".", "?"))
    assert len(check.title) <= 60
    assert check.finds
    assert 0 < check.timeout <= 45 or check.only_with


@EACH_CHECK
def test_thresholds_are_documented_in_the_runbook(check: Check) -> None:
    sections = "\n".join(RUNBOOK.sections[code.id] for code in check.finds)
    for threshold in check.thresholds:
        assert f"`{threshold.name}`" in sections
        assert threshold.name.startswith(f"{check.id}.")
        assert threshold.help


@EACH_CHECK
def test_summaries_and_causes_of_its_codes_are_well_formed(check: Check) -> None:
    for code in check.finds:
        assert not code.summary.endswith(".")
        assert code.id not in code.caused_by
        assert all(cause in REGISTRY.codes for cause in code.caused_by)


def test_known_errors_point_to_codes_of_the_path() -> None:
    assert all(entry.cause is None or entry.cause in REGISTRY.codes for entry in KNOWN.entries)


@EACH_CHECK
def test_a_check_reads_exactly_what_it_declares(check: Check) -> None:
    asked = frozenset[str]().union(*(walked(scenario.id).asked.get(check.id, frozenset()) for scenario in scenarios()))
    probes = {read.name for need in check.needs for read in need.source.probes}
    declared = {read.name for read in check.reads}
    assert asked - probes == declared - probes
