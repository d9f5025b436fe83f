"""The proof: over every scenario and every format, nothing that was planted comes out."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

import pytest

from diagnostics.config.connect import connect
from diagnostics.config.load import load
from diagnostics.engine.check import Thresholds
from diagnostics.engine.diagnosis import Order, diagnose
from diagnostics.lab import scenarios, start
from diagnostics.report.formats import FORMATS, render
from diagnostics.report.json import dump
from diagnostics.report.model import Report
from diagnostics.report.options import RenderOptions
from diagnostics.report.redaction import Redactor
from diagnostics.sources.source import Recorder
from tests.redaction.seeds import KINDS, Seed, Seeds, as_read
from tests.redaction.tainting import NOT_IN, QUOTED, UNQUOTED, tainted
from tests.scenarios.walking import BY_ID, REGISTRY, walked

EACH_SCENARIO = pytest.mark.parametrize("id", [scenario.id for scenario in scenarios()])
CANARY = "answer to the canary"
EXAMPLES = [kind(1) for kind in KINDS]
EVERYTHING = RenderOptions(verbose=True, audience="hero", width=120)


def tried(id: str) -> list[Seed]:
    """The seeds that a report without redaction would have shown."""
    walk = walked(id)
    return walk.seeds.standing_in(dump(walk.tainted).decode())


def secrets_in(text: str, secrets: Sequence[str]) -> list[str]:
    """Those that `text` shows, as they are, percent-encoded or in base64."""
    bare = as_read(text)
    spelled = {secret: (secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode()[:-4]) for secret in secrets}
    return [secret for secret, forms in spelled.items() if len(secret) > 5 and any(form in bare for form in forms)]


@EACH_SCENARIO
def test_nothing_that_was_planted_in_an_answer_comes_out(id: str) -> None:
    walk = walked(id)
    clean = Redactor(walk.secrets).report(walk.tainted)
    for format in FORMATS:
        assert walk.seeds.standing_in(render(clean, format, EVERYTHING)) == [], format


@EACH_SCENARIO
def test_no_configured_secret_comes_out(id: str) -> None:
    walk = walked(id)
    clean = Redactor(walk.secrets).report(walk.report)
    assert walk.secrets
    for format in FORMATS:
        assert secrets_in(render(clean, format, EVERYTHING), walk.secrets) == [], format
    assert secrets_in(walk.output + walk.errors, walk.secrets) == []


def test_nothing_that_capture_says_of_the_canary_comes_out() -> None:
    """It may say little, so it takes a few canaries until every kind has been said."""
    seen: set[str] = set()
    with start(BY_ID["capture-rejects-canary"]) as lab:
        for first in range(len(KINDS)):
            seeds = Seeds(chr(first))
            with tainted(seeds):
                report = canary_sent(lab.environment)
            seen |= {seed.kind for seed in seeds.standing_in(dump(report).decode()) if seed.place == CANARY}
            assert seeds.standing_in(render(Redactor().report(report), "json", EVERYTHING)) == []
    assert {(CANARY, kind) for kind in seen} == every([CANARY])


def test_enough_was_tried() -> None:
    """Every kind, every input, nearly every kind at every input, and more than 3,000 combinations of a seed that would have
    been seen and a format."""
    walks = [walked(scenario.id) for scenario in scenarios()]
    planted = [seed for walk in walks for seed in walk.seeds.planted]
    seen = [seed for scenario in scenarios() for seed in tried(scenario.id)]
    combinations = len(seen) * len(FORMATS)
    print(f"{len(planted)} seeds planted, {len(seen)} would have been shown: {combinations} combinations with a format")
    assert combinations >= 3_000
    wanted, shown = every(QUOTED.keys() - {CANARY}), {(seed.place, seed.kind) for seed in seen}
    assert {place for place, _ in wanted} <= {place for place, _ in shown}
    assert {kind for _, kind in wanted} <= {kind for _, kind in shown}
    assert len(wanted - shown) <= len(wanted) // 20  # what few texts of an input happen to carry differs with the scenarios
    assert every(UNQUOTED) - {(seed.place, seed.kind) for seed in planted} == set()


def canary_sent(lab: Mapping[str, str]) -> Report:
    """The report of a run that does little else, before redaction."""
    recorder = Recorder()
    order = Order(runbook=REGISTRY.runbooks["ingestion"], only=("canary", "capture*"), options=frozenset(["--canary"]))
    config = load(options={}, environ=lab, cwd=Path("/"), file=None, thresholds=REGISTRY.thresholds)
    return diagnose(REGISTRY, order, sources=connect(config, recorder), recorder=recorder, thresholds=Thresholds())


def every(places: Iterable[str]) -> set[tuple[str, str]]:
    """The places, each with every kind that it can carry."""
    return {(place, seed.kind) for place in places for seed in EXAMPLES if not set(seed.text) & set(NOT_IN.get(place, ""))}
