"""A check that does more than look runs only when it is asked for, and is no blind spot when it is not."""

from collections.abc import Iterator
from pathlib import Path

from diagnostics.engine.check import Check, Thresholds
from diagnostics.engine.diagnosis import Order, diagnose
from diagnostics.engine.known_errors import KnownErrors
from diagnostics.engine.registry import Registry
from diagnostics.engine.runbook import parse
from diagnostics.report.model import Finding, Report, Stage, Status
from diagnostics.sources.source import Recorder
from tests.engine.declared import BAD, Oracle, declare

BOOK = parse(Path("small.md"), "---\nid: small\ntitle: t\nsteps:\n  - title: Is it up?\n    checks: [look]\n---\n")


def nothing(oracle: Oracle) -> Iterator[Finding]:
    yield from ()


def bad(oracle: Oracle) -> Iterator[Finding]:
    yield BAD.found("it is bad")


LOOKS = [declare(nothing, f"look{'' if stage is Stage.CAPTURE else '-' + stage}", stage=stage) for stage in Stage]
SENDS = declare(bad, "send", stage=Stage.CAPTURE, only_with="--send")


def report(*checks: Check, **order: object) -> Report:
    return diagnose(
        Registry(checks, {BAD.id: BAD}, {}, KnownErrors(), ()),
        Order(runbook=BOOK, **order),  # type: ignore[arg-type]
        sources={Oracle: Oracle()},
        recorder=Recorder(),
        thresholds=Thresholds(),
    )


def test_without_the_option_it_is_skipped_and_says_with_what_it_is_not() -> None:
    send = report(*LOOKS, SENDS).checks[-1]
    assert (send.id, send.status, send.reason) == ("send", Status.SKIPPED, "only with --send")


def test_it_is_no_blind_spot() -> None:
    with_it, without = report(*LOOKS, SENDS), report(*LOOKS)
    assert with_it.verdict == without.verdict
    assert (with_it.verdict.status, with_it.verdict.confidence) == ("healthy", "high")
    assert with_it.completeness == without.completeness
    assert with_it.completeness.statement == "Looked with 5 of 5 checks."
    assert with_it.stages == without.stages


def test_with_the_option_it_counts_as_any_other() -> None:
    made = report(*LOOKS, SENDS, options=frozenset({"--send"}))
    assert made.verdict.code == "oracle.bad"
    assert made.completeness.statement == "Looked with 6 of 6 checks."


def test_another_option_is_not_enough() -> None:
    assert report(*LOOKS, SENDS, options=frozenset({"--other"})).checks[-1].status is Status.SKIPPED


def test_left_out_on_request_is_said_first() -> None:
    send = report(*LOOKS, SENDS, skip=("send",), options=frozenset({"--send"})).checks[-1]
    assert send.reason == "left out by --skip send"
    assert report(*LOOKS, SENDS, skip=("send",)).checks[-1].reason == "left out by --skip send"
