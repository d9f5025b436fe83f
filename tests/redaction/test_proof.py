"""The proof: over every scenario and every format, nothing that was planted comes out."""

import base64
from collections.abc import Sequence
from urllib.parse import quote

import pytest

from diagnostics.lab import scenarios
from diagnostics.report.formats import FORMATS, render
from diagnostics.report.json import dump
from diagnostics.report.options import RenderOptions
from diagnostics.report.redact import Redactor
from tests.redaction.seeds import KINDS, Seed, as_read
from tests.redaction.tainting import NOT_IN, PLACES
from tests.scenarios.walking import walked

EACH_SCENARIO = pytest.mark.parametrize("id", [scenario.id for scenario in scenarios()])
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


def test_enough_was_tried() -> None:
    """Every kind at every input, and more than 3,000 combinations of a seed that would have been seen and a format."""
    walks = [walked(scenario.id) for scenario in scenarios()]
    seen = [seed for scenario in scenarios() for seed in tried(scenario.id)]
    planted = sum(len(walk.seeds.planted) for walk in walks)
    print(f"{planted} seeds planted, {len(seen)} would have been shown, {len(seen) * len(FORMATS)} combinations with a format")
    assert len(seen) * len(FORMATS) >= 3_000
    possible = {(place, seed.kind) for place in PLACES for seed in EXAMPLES if not set(seed.text) & set(NOT_IN.get(place, ""))}
    assert {(seed.place, seed.kind) for seed in seen} == possible
