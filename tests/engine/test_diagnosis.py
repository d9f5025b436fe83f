from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from diagnostics.engine.check import Check, Scope, Thresholds
from diagnostics.engine.diagnosis import Order, diagnose
from diagnostics.engine.known_errors import KnownErrors
from diagnostics.engine.registry import Broken, Registry
from diagnostics.engine.runbook import parse
from diagnostics.engine.runner import CRASHED, TIMED_OUT
from diagnostics.report.model import Finding, Report, Stage, Status
from diagnostics.sources.errors import Denied
from diagnostics.sources.source import Recorder
from tests.engine.declared import BAD, ODD, UNREACHABLE, Oracle, declare

BOOK = parse(
    Path("small.md"),
    "---\nid: small\ntitle: t\nsteps:\n  - title: Is it up?\n    checks: [oracle-connection]\n"
    "ask:\n  healthy:\n    - Which SDK?\n---\n## oracle.bad\n\nBad.\n\n**Ask.** Next:\n\n- How bad?\n",
)


def look(*findings: Finding) -> Callable[[Oracle], Iterator[Finding]]:
    def function(oracle: Oracle) -> Iterator[Finding]:
        yield from findings

    return function


def connection(*findings: Finding) -> Check:
    return declare(look(*findings), "oracle-connection", finds=[UNREACHABLE, ODD], probes=Oracle)


def report(
    *checks: Check, broken: tuple[Broken, ...] = (), up: bool = True, configured: bool = True, **order: object
) -> Report:
    codes = {code.id: code for code in (BAD, ODD, UNREACHABLE, CRASHED, TIMED_OUT)}
    sources = {Oracle: Oracle(up=up) if configured else "no oracle is configured"}
    return diagnose(
        Registry(checks, codes, {}, KnownErrors(), broken),
        Order(runbook=BOOK, **order),  # type: ignore[arg-type]
        sources=sources,
        recorder=Recorder(),
        thresholds=Thresholds(),
    )


def test_a_report_has_every_check_step_and_stage_and_what_was_learned() -> None:
    made = report(connection(), declare(look(BAD.found("it is bad"))))
    assert [check.id for check in made.checks] == ["oracle-connection", "omen"]
    assert [(step.title, step.status, step.checks) for step in made.steps] == [("Is it up?", Status.OK, ("oracle-connection",))]
    assert [(stage.id, stage.status) for stage in made.stages] == [
        (Stage.CAPTURE, Status.SKIPPED),
        (Stage.KAFKA, Status.FAIL),
        (Stage.PLUGIN_SERVER, Status.SKIPPED),
        (Stage.CLICKHOUSE, Status.SKIPPED),
        (Stage.APP, Status.SKIPPED),
    ]
    assert made.install == {"oracle_address": "oracle.invalid", "oracle_version": "1"}
    assert made.runbook == "small"
    assert made.complete


def test_a_connection_that_answers_does_not_contradict_who_looks_through_it() -> None:
    made = report(connection(), declare(look(UNREACHABLE.found("it fell silent")), finds=[UNREACHABLE]))
    assert made.verdict.code == "oracle.unreachable"
    assert not any("oracle-connection looked" in sentence for sentence in made.verdict.against)


def test_findings_name_their_runbook_section_where_there_is_one() -> None:
    made = report(connection(ODD.found("odd")), declare(look(BAD.found("bad"))))
    assert {finding.code: finding.runbook for finding in made.findings} == {
        "oracle.bad": "small.md#oracle.bad",
        "oracle.odd": "",
    }


def test_a_stage_is_well_only_if_somebody_saw_that_it_is() -> None:
    knows = declare(look(ODD.found("no oracle is needed", status=Status.INFO)), "knows")
    kafka = report(connection(), knows).stages[1]
    assert (kafka.status, kafka.note) == (Status.OK, "")
    kafka = report(knows, declare(look()), configured=False).stages[1]
    assert (kafka.status, kafka.note) == (Status.SKIPPED, "no oracle is configured")


def test_a_stage_is_not_well_when_the_system_itself_was_not_asked() -> None:
    class Kafka(Oracle):
        id = "kafka"

    def ask(kafka: Kafka) -> Iterator[Finding]:
        yield from ()

    reporter = declare(ask, "kafka-connection", finds=[UNREACHABLE], probes=Kafka)
    kafka = report(connection(), reporter).stages[1]
    assert (kafka.status, kafka.note) == (Status.SKIPPED, "no the oracle is configured")


def test_a_stage_is_not_well_when_a_check_of_it_could_not_look() -> None:
    def refused(oracle: Oracle) -> Iterator[Finding]:
        raise Denied("may not read it")
        yield

    kafka = report(connection(), declare(look(), "sees"), declare(refused, "refused")).stages[1]
    assert (kafka.status, kafka.note) == (Status.UNKNOWN, "1 of 3 checks could not look")


def test_completeness_says_what_was_not_seen_and_what_that_means() -> None:
    made = report(connection(UNREACHABLE.found("silent")), declare(look()), up=False)
    assert (made.completeness.looked, made.completeness.total) == (1, 2)
    assert [(blind.check, blind.status, blind.reason) for blind in made.completeness.blind] == [
        ("omen", Status.BLOCKED, "the oracle does not answer")
    ]
    assert made.completeness.statement == (
        "Looked with 1 of 2 checks. Could not look at everything in: kafka. "
        "Nothing was seen of: capture, plugin-server, clickhouse, app; a problem there is not ruled out."
    )


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ({"only": ("oracle-*",)}, "left out by --only oracle-*"),
        ({"skip": ("om*", "x")}, "left out by --skip om* x"),
    ],
)
def test_what_the_reader_left_out_says_so(order: dict[str, object], reason: str) -> None:
    made = report(connection(), declare(look(BAD.found("never"))), **order)
    assert [(check.status, check.reason) for check in made.checks] == [(Status.OK, ""), (Status.SKIPPED, reason)]
    assert made.verdict.status == "healthy"


def test_checks_that_could_not_be_loaded_are_in_the_report() -> None:
    made = report(connection(), broken=(Broken("acme", "acme-checks", "ImportError: no"),))
    broken = made.checks[-1]
    assert (broken.id, broken.status, broken.stage) == ("acme", Status.UNKNOWN, None)
    assert broken.reason == "could not be loaded from acme-checks: ImportError: no"
    assert made.completeness.looked == 1


def test_every_report_has_an_id_of_its_own() -> None:
    assert len({report(connection()).id for _ in range(20)}) == 20


def test_what_to_ask_comes_from_the_runbook_that_is_walked() -> None:
    assert report(connection(), declare(look(BAD.found("bad")))).triage.ask == ("How bad?",)
    assert report(connection()).triage.ask == ("Which SDK?",)


def test_a_report_about_one_team_or_user_does_not_read_like_one_about_the_install() -> None:
    made = report(connection(), scope=Scope(team=7, sentry_user="bob"))
    team = "dead letters, ingestion warnings and visible events only of team 7"
    said = f"Looked with 1 of 1 checks, {team}, Sentry's issues only of one user. "
    assert made.completeness.statement.startswith(said)
    assert made.completeness.narrowed == (team, "Sentry's issues only of one user")
