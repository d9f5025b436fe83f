"""Every scenario of the lab, walked once a session: through the installed command, and in this process to see what is asked."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from diagnostics.cli.demo import PASSED_ON
from diagnostics.config.connect import connect
from diagnostics.config.load import load
from diagnostics.engine import registry
from diagnostics.engine.check import Scope, Thresholds
from diagnostics.engine.diagnosis import Order, diagnose
from diagnostics.lab import scenarios, start
from diagnostics.lab.install import Lab
from diagnostics.lab.scenario import Scenario
from diagnostics.report.model import Report
from diagnostics.sources.source import Asker, Read, Recorder
from tests.redaction.seeds import Seeds
from tests.redaction.tainting import tainted

REGISTRY = registry.load()
DIAG = Path(sys.executable).with_name("diag")
BY_ID = {scenario.id: scenario for scenario in scenarios()}


class Walk(Struct, frozen=True, kw_only=True):
    """What came of one: the command's output and exit code, the finished report before redaction, the configured secrets, and
    the names of what each check asked for (answers that another check had already got included). `tainted` is the report
    before redaction where every free text that came in had one of the `seeds` in it. `environment` is what the lab gave, and
    `letters` how many dead letters it held before anybody looked (None without their table)."""

    environment: Mapping[str, str]
    letters: int | None
    output: str
    errors: str
    exit: int
    report: Report
    secrets: tuple[str, ...]
    asked: Mapping[str, frozenset[str]]
    tainted: Report
    seeds: Seeds

    @property
    def printed(self) -> dict[str, Any]:
        """The printed report, as JSON."""
        assert self.output, self.errors
        decoded: dict[str, Any] = json.loads(self.output)
        return decoded


@cache
def walked(id: str) -> Walk:
    """The walk of the scenario of that id."""
    scenario = BY_ID[id]
    with (
        start(scenario) as lab,
        contextlib.nullcontext(_letters(lab)) as letters,
        _by_command(scenario, lab.environment) as printed,
    ):
        # What one run sends, another would count.
        alone = printed.communicate() if "--canary" in scenario.options else None
        read: dict[str, set[str]] = defaultdict(set)
        may = Asker.may

        def noting(asker: Asker, wanted: Read) -> None:
            read[asker.check].add(wanted.name)
            may(asker, wanted)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(Asker, "may", noting)
            report, secrets = _in_this_process(scenario, lab.environment)
        seeds = Seeds(id)
        with tainted(seeds):
            with_seeds, _ = _in_this_process(scenario, lab.environment)
        output, errors = alone or printed.communicate()
    return Walk(
        environment=lab.environment,
        letters=letters,
        output=output,
        errors=errors,
        exit=printed.returncode,
        report=report,
        secrets=secrets,
        asked={check: frozenset(names) for check, names in read.items()},
        tainted=with_seeds,
        seeds=seeds,
    )


def _letters(lab: Lab) -> int | None:
    if lab.database is None or "DROP TABLE IF EXISTS events_dead_letter_queue" in lab.scenario.sql:
        return None
    return int(lab.database.execute("SELECT uniqExact(id) FROM events_dead_letter_queue"))


@contextlib.contextmanager
def _by_command(scenario: Scenario, lab: Mapping[str, str]) -> Iterator["subprocess.Popen[str]"]:
    """As `diag demo` runs it, but for the lab, which is up already. It goes on beside what is done meanwhile."""
    environment = {name: value for name, value in os.environ.items() if name in PASSED_ON} | dict(lab)
    with tempfile.TemporaryDirectory() as directory:
        config = Path(directory) / "lab.toml"
        config.write_text("[thresholds]\n" + "".join(f'"{name}" = {value}\n' for name, value in scenario.thresholds.items()))
        command = [DIAG, "run", "--config", str(config), "--format", "json", *scenario.options]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True, cwd=directory) as process:
            yield process


def _in_this_process(scenario: Scenario, lab: Mapping[str, str]) -> tuple[Report, tuple[str, ...]]:
    recorder = Recorder()
    config = load(options={}, environ=lab, cwd=Path("/"), file=None, thresholds=REGISTRY.thresholds)
    team = dict(pairwise(scenario.options)).get("--team")
    order = Order(
        runbook=REGISTRY.runbooks["ingestion"],
        options=frozenset(scenario.options),
        scope=Scope(team=int(team) if team else None),
    )
    sources = connect(config, recorder)
    report = diagnose(REGISTRY, order, sources=sources, recorder=recorder, thresholds=Thresholds(scenario.thresholds))
    return report, config.secrets()
