"""The JUnit report is read by an XML parser and by junitparser, as a CI server would."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from junitparser import JUnitXml
from msgspec import structs

from diagnostics.cli.run import exit_code
from diagnostics.report.formats import render
from diagnostics.report.model import CheckResult, Report, Status
from diagnostics.report.options import RenderOptions
from tests.report import reports
from tests.report.hostile_text import HOSTILE, texts


def written(report: Report, **options: bool) -> str:
    return render(report, "junit", RenderOptions(**options))


def read(report: Report, **options: bool) -> JUnitXml:
    return JUnitXml.fromstring(written(report, **options).encode())


def results(document: JUnitXml) -> dict[str, tuple[str, ...]]:
    """What became of each case: the kind, the message and the type of its result."""
    return {
        case.name: (type(case.result[0]).__name__, case.result[0].message, case.result[0].type) if case.result else ()
        for suite in document
        for case in suite
    }


def test_a_suite_for_each_stage_in_the_order_of_the_path_and_a_case_for_each_check() -> None:
    document = read(reports.problem())
    assert document.name == "posthog-diag ingestion"
    assert [suite.name for suite in document] == ["plugin-server", "clickhouse", "app"]
    assert list(results(document)) == [
        *("plugin-server-health", "plugin-server-heartbeat", "sentry-issues", "dead-letters"),
        *("clickhouse-connection", "events-arriving", "app-health"),
    ]
    assert (document.tests, document.failures, document.errors, document.skipped, document.time) == (7, 2, 0, 0, 0.84)
    assert {case.classname for suite in document for case in suite} == {
        "ingestion.plugin-server",
        "ingestion.clickhouse",
        "ingestion.app",
    }


def test_a_failure_has_the_claim_the_code_and_what_to_do() -> None:
    document = read(reports.problem())
    assert results(document)["dead-letters"] == ("Failure", reports.LETTERS_CLAIM, "dead-letters.active")
    (text,) = [case.result[0].text for suite in document for case in suite if case.name == "app-health"]
    assert text == (
        "fail app.postgres-down: /_readyz says that Postgres does not answer\n"
        "  to do: See whether Postgres is out of connections (read-only)\n"
        f"    {reports.SEE_CONNECTIONS.commands[0]}"
    )


def test_what_every_check_found_stands_in_its_output() -> None:
    out = {case.name: case.system_out for suite in read(reports.problem()) for case in suite}
    assert out["events-arriving"] == "Events arrive in ClickHouse"
    assert out["plugin-server-health"].endswith("\nok plugin-server.healthy: /_health answers in 14 ms, 3 of 3 checks are ok")
    assert out["sentry-issues"].endswith("\nwarn sentry.errors: " + reports.SENTRY_ERRORS.claim)


def test_the_verdict_is_a_property_of_the_first_suite() -> None:
    first, *others = read(reports.problem())
    told = {each.name: each.value for each in first.properties()}
    assert (told["verdict.status"], told["verdict.code"], told["report"]) == ("problem", "app.postgres-down", "7f3a-c2")
    assert told["verdict.headline"] == "Events stop at the plugin server: Postgres refuses its connections."
    assert [list(suite.properties()) for suite in others] == [[], []]
    assert {each.name: each.value for each in next(iter(read(reports.cut_short()))).properties()}["incomplete"].startswith(
        "Incomplete"
    )


def test_a_warning_fails_only_where_a_warning_fails_the_run() -> None:
    assert results(read(reports.warning()))["dead-letters"] == ()
    kind, message, code = results(read(reports.warning(), warnings_fail=True))["dead-letters"]
    assert (kind, code) == ("Failure", "dead-letters.past-burst")
    assert message.startswith("43 events were dead-lettered")


def test_a_check_that_could_not_look_is_skipped_where_the_rest_is_enough() -> None:
    no_sentry = "no Sentry is configured (sentry.org or DIAG_SENTRY_ORG)"
    healthy = reports.healthy()
    checks = (*healthy.checks[:2], reports.check("sentry-issues", Status.UNKNOWN, reason=no_sentry), *healthy.checks[3:])
    assert results(read(structs.replace(healthy, checks=checks)))["sentry-issues"] == ("Skipped", no_sentry, "unknown")


def test_what_leaves_the_report_inconclusive_is_an_error() -> None:
    kinds = {name: result[:1] for name, result in results(read(reports.inconclusive())).items() if result}
    assert kinds == dict.fromkeys(
        ("plugin-server-health", "plugin-server-heartbeat", "sentry-issues", "dead-letters"), ("Error",)
    )
    blocked = results(read(reports.cut_short()))["dead-letters"]
    assert blocked == ("Error", "blocked by clickhouse-connection", "blocked")


def test_what_nobody_configured_is_an_error_only_for_a_question_without_another_check() -> None:
    base = reports.inconclusive()
    extra = structs.replace(base.checks[0], id="kafka-lag", reason="no Kafka is configured")
    assert results(read(structs.replace(base, checks=(*base.checks, extra))))["kafka-lag"][0] == "Skipped"


@pytest.mark.parametrize("name", reports.ALL)
@pytest.mark.parametrize("fail_on", ["fail", "warn"])
def test_its_colour_agrees_with_the_exit_code(name: str, fail_on: str) -> None:
    report = reports.ALL[name]()
    kinds = {result[0] for result in results(read(report, warnings_fail=fail_on == "warn")).values() if result}
    agreed = {0: set(), 1: {"Failure"}, 3: {"Error"}}[exit_code(report, fail_on)]
    assert kinds - {"Skipped"} == agreed


def test_a_check_that_could_not_be_loaded_has_a_suite_too() -> None:
    base = reports.healthy()
    lost = CheckResult(id="acme", title="Can be loaded", stage=None, status=Status.UNKNOWN, reason="could not be loaded")
    assert [suite.name for suite in read(structs.replace(base, checks=(*base.checks, lost)))][-1] == "other"


@pytest.mark.parametrize("name", reports.ALL)
def test_where_only_ascii_can_be_written_the_parser_still_reads_the_same(name: str) -> None:
    report = reports.ALL[name]()
    assert written(report, unicode=False).isascii()
    assert results(read(report, unicode=False)) == results(read(report))


def test_thousands_of_findings_are_counted() -> None:
    text = written(reports.huge(2_000))
    assert "\nand 1,950 more findings</system-out>" in text
    assert len(text) < 200_000


LEGAL = re.compile("[\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")


@pytest.mark.parametrize("hostile", [*HOSTILE, "]]>", "\ufffe\uffff", "<!DOCTYPE x [<!ENTITY a 'b'>]>&a;", "--><!--", "\r\n"])
def test_hostile_text_is_only_text(hostile: str) -> None:
    check(hostile)


@settings(max_examples=60, deadline=None)
@given(texts)
def test_any_text_is_only_text(text: str) -> None:
    check(text)


def check(hostile: str) -> None:
    text = written(reports.hostile(f"{hostile}x"))
    assert LEGAL.fullmatch(text)
    assert shape(text) == shape(written(reports.hostile("some plain words")))


def shape(text: str) -> list[str]:
    return [f"{element.tag} {sorted(element.keys())}" for element in ElementTree.fromstring(text.encode()).iter()]


@pytest.mark.parametrize("long", ["x" * 1_000_000, "\x00" * 100_000, "&" * 500_000])
def test_a_megabyte_in_every_place_is_shortened(long: str) -> None:
    assert len(written(reports.hostile(long))) < 150_000
