"""Over-redaction is a defect: what a reader needs comes out as it went in."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs

from diagnostics.config.settings import SETTINGS
from diagnostics.lab import scenarios
from diagnostics.report.error_template import template
from diagnostics.report.model import Action, Report
from diagnostics.report.redaction import Redactor
from tests.report.redaction.sample import CHECK, FINDING, REPORT
from tests.scenarios.walking import REGISTRY, walked

TRUE_TEXTS = Path(__file__).with_name("true_texts.txt").read_text(encoding="utf-8").splitlines()
SECRETS = ("correct-horse-battery", "phx_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789", "p@ss/w0rd")

# All that redaction changes in the reports of the lab: what it is, what stands in its place, and why it is right.
WANTED = (
    (r"[\w.+-]+@customer\.example", r"email-[0-9a-f]{4,}", "an event's person, in the text of its error"),
    (
        r"\b(?:172\.18\.0|203\.0\.113)\.[0-9]+",
        r"ip-[0-9a-f]{4,}",
        "an address in an error: the same one keeps one name",
    ),
)


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    return Redactor(SECRETS)


def test_the_corpus_is_large_and_says_nothing_twice() -> None:
    assert len(TRUE_TEXTS) >= 150
    assert len(set(TRUE_TEXTS)) == len(TRUE_TEXTS)


@pytest.mark.parametrize("text", TRUE_TEXTS)
def test_a_true_text_comes_out_unchanged(text: str, redactor: Redactor) -> None:
    assert redactor.text(text) == text


def declared() -> Iterator[str]:
    """What diag itself says of codes, checks, thresholds and settings."""
    for check in REGISTRY.checks:
        yield from (check.id, check.title, check.about)
        yield from (text for threshold in check.thresholds for text in (threshold.name, threshold.help))
        yield from (read.why for read in check.reads)
    for code in REGISTRY.codes.values():
        yield from (code.id, code.summary, code.headline)
    yield from (text for setting in SETTINGS for text in (setting.option, setting.help))


def of_runbooks(*, commands: bool) -> Iterator[str]:
    """Every line of every section, those of fenced blocks or the others."""
    for book in REGISTRY.runbooks.values():
        for section in book.sections.values():
            pieces = re.split(r"^```.*\n", section, flags=re.MULTILINE)
            yield from (line for piece in pieces[1 if commands else 0 :: 2] for line in piece.splitlines())


def test_what_diag_says_comes_out_unchanged(redactor: Redactor) -> None:
    changed = [text for text in (*declared(), *of_runbooks(commands=False)) if redactor.text(text) != text]
    assert changed == []


def test_queries_and_commands_can_still_be_run() -> None:
    commands = (*(read.text for check in REGISTRY.checks for read in check.reads), *of_runbooks(commands=True))
    finding = structs.replace(FINDING, evidence=(), actions=(Action(text="Look", commands=commands),))
    report = structs.replace(REPORT, checks=(structs.replace(CHECK, findings=(finding,)),))
    clean = Redactor(SECRETS).report(report)
    changed = [new for old, new in zip(commands, clean.findings[0].actions[0].commands, strict=True) if old != new]
    assert len(commands) > 300
    assert changed == []


@pytest.mark.parametrize("id", [scenario.id for scenario in scenarios()])
def test_a_report_loses_nothing_but_people(id: str) -> None:
    walk = walked(id)
    redactor = Redactor(walk.secrets)
    before, after = texts(walk.report), texts(redactor.report(walk.report))
    assert redactor.warnings == ()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if neutral(old) != neutral(new)]
    assert [(old, new) for old, new in changed if new != template(old)] == []  # as errors that are grouped are shown


def neutral(text: str) -> str:
    """With one word for whatever may change."""
    for was, becomes, _ in WANTED:
        text = re.sub(f"{was}|{becomes}", "SOMEBODY", text)
    return text


def texts(report: Report) -> list[str]:
    return list(_texts(msgspec.to_builtins(structs.replace(report, privacy=REPORT.privacy))))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
    else:
        yield str(value)
