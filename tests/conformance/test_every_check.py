"""What must hold of every check and code, whoever wrote it."""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from diagnostics.config.connect import connect
from diagnostics.config.load import load
from diagnostics.engine import registry
from diagnostics.engine.check import Check, Thresholds
from diagnostics.engine.diagnosis import Order, diagnose
from diagnostics.lab import scenarios, start
from diagnostics.sources.source import Asker, Read, Recorder

REGISTRY = registry.load()
RUNBOOK = REGISTRY.runbooks["ingestion"]
KNOWN = REGISTRY.known
EACH_CHECK = pytest.mark.parametrize("check", REGISTRY.checks, ids=lambda check: check.id)

# Codes of later checks that a present one may already name as its cause.
PLANNED = re.compile(r"^(capture|kafka|plugin-server|warnings|clickhouse|app)\.[a-z-]+$")


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
    assert 0 < check.timeout <= 45


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
        assert all(cause in REGISTRY.codes or PLANNED.match(cause) for cause in code.caused_by)


def test_known_errors_point_to_codes_of_the_path() -> None:
    assert all(entry.cause is None or entry.cause in REGISTRY.codes or PLANNED.match(entry.cause) for entry in KNOWN.entries)


@pytest.fixture(scope="module")
def asked() -> Iterator[dict[str, set[str]]]:
    """What every check asked for, over all scenarios (answers that another check had already got included), by check id."""
    read: dict[str, set[str]] = defaultdict(set)
    may = Asker.may

    def noting(asker: Asker, wanted: Read) -> None:
        read[asker.check].add(wanted.name)
        may(asker, wanted)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Asker, "may", noting)
        for scenario in scenarios():
            with start(scenario) as lab:
                recorder = Recorder()
                config = load(options={}, environ=lab.environment, cwd=Path("/"), file=None, thresholds=REGISTRY.thresholds)
                order = Order(runbook=RUNBOOK, deadline=30.0)
                sources = connect(config, recorder)
                diagnose(REGISTRY, order, sources=sources, recorder=recorder, thresholds=Thresholds())
        yield read


@EACH_CHECK
def test_a_check_reads_exactly_what_it_declares(check: Check, asked: dict[str, set[str]]) -> None:
    probes = {read.name for need in check.needs for read in need.source.probes}
    declared = {read.name for read in check.reads}
    assert asked[check.id] - probes == declared - probes
