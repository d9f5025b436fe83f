"""Which findings of two reports are the same, and what became of them."""

from datetime import timedelta

import msgspec
import pytest
from msgspec import structs

from diagnostics.report.diff import Change, Difference, compare
from diagnostics.report.json import dump, load
from diagnostics.report.model import (
    CheckResult,
    Column,
    Finding,
    Measure,
    Report,
    Stage,
    Status,
    Table,
    WindowSpan,
)
from diagnostics.report.redaction import Redactor
from tests.report import reports

LATER = timedelta(hours=2)


def finding(
    code: str = "kafka.lag", *affects: str, status: Status = Status.FAIL, claim: str = "it lags", measure: Measure | None = None
) -> Finding:
    return Finding(code=code, status=status, stage=Stage.KAFKA, claim=claim, affects=affects, measure=measure)


def looked(id: str, *findings: Finding, status: Status = Status.OK, reason: str = "") -> CheckResult:
    worst = min([status, *(each.status for each in findings)], key=lambda each: each.rank)
    return CheckResult(id=id, title=id, stage=Stage.KAFKA, status=worst, reason=reason, findings=findings)


def old(*checks: CheckResult) -> Report:
    return structs.replace(reports.healthy(), id="0000-01", checks=checks, completeness=reports.completeness(checks))


def new(*checks: CheckResult) -> Report:
    """The same install two hours later."""
    base = old(*checks)
    span = WindowSpan(since=base.window.since + LATER, until=base.window.until + LATER)
    return structs.replace(base, id="0000-02", started_at=base.started_at + LATER, window=span)


def kinds(difference: Difference) -> list[tuple[str, str]]:
    return [(change.kind, change.code) for change in difference.changes]


def only(difference: Difference) -> Change:
    (change,) = difference.changes
    return change


def test_findings_are_new_resolved_or_unchanged_by_code_and_by_what_they_affect() -> None:
    before = old(
        looked("lag", finding("kafka.lag", "group-a"), finding("kafka.lag", "group-b"), finding("kafka.hot-partition"))
    )
    after = new(looked("lag", finding("kafka.lag", "group-b"), finding("kafka.lag", "group-c"), finding("kafka.hot-partition")))
    difference = compare(before, after)
    assert [(change.kind, change.affects) for change in difference.changes if change.code == "kafka.lag"] == [
        ("new", ("group-c",)),
        ("resolved", ("group-a",)),
        ("unchanged", ("group-b",)),
    ]
    assert difference.counts == {"new": 1, "worse": 0, "not_visible": 0, "better": 0, "resolved": 1, "unchanged": 2}
    assert difference.is_worse
    assert difference.comparable
    assert difference.caveats == ()


def test_two_equal_reports_differ_in_nothing() -> None:
    problem = reports.problem()
    difference = compare(problem, structs.replace(problem, id="0000-02", started_at=problem.started_at + LATER))
    assert {change.kind for change in difference.changes} == {"unchanged"}
    assert not difference.is_worse
    assert (difference.shifts, difference.blinded, difference.sighted) == ((), (), ())


@pytest.mark.parametrize(
    ("result", "why"),
    [
        (looked("lag", status=Status.UNKNOWN, reason="no permission"), "lag could not look: no permission"),
        (looked("lag", status=Status.BLOCKED, reason="Kafka is down"), "lag was blocked: Kafka is down"),
        (looked("lag", status=Status.SKIPPED, reason="left out by --skip lag"), "lag was not asked: left out by --skip lag"),
        (looked("other"), "lag was not part of the run"),
        (
            looked(
                "lag", finding("kafka.hot-partition"), finding("x.denied", status=Status.UNKNOWN, claim="one broker is mute")
            ),
            "lag did not see everything: one broker is mute",
        ),
    ],
)
def test_what_nobody_could_look_at_is_not_resolved(result: CheckResult, why: str) -> None:
    difference = compare(old(looked("lag", finding())), new(result))
    change = next(change for change in difference.changes if change.code == "kafka.lag")
    assert (change.kind, change.after, change.note) == ("not_visible", None, why)
    assert difference.counts["resolved"] == 0


def test_what_two_checks_found_is_resolved_only_when_both_looked_again() -> None:
    before = old(looked("lag", finding()), looked("errors", finding()))
    assert only(compare(before, new(looked("lag"), looked("errors")))).kind == "resolved"
    half = only(compare(before, new(looked("lag"), looked("errors", status=Status.BLOCKED, reason="no answer"))))
    assert (half.kind, half.note) == ("not_visible", "errors was blocked: no answer")
    assert half.before is not None
    assert half.before.checks == ("lag", "errors")


def test_what_the_old_report_could_not_see_is_new_and_says_so() -> None:
    blind = old(looked("lag", status=Status.SKIPPED, reason="no brokers are configured"))
    change = only(compare(blind, new(looked("lag", finding()))))
    assert (change.kind, change.note) == (
        "new",
        "it may be older, for the old report could not see it: lag was not asked: no brokers are configured",
    )
    assert only(compare(old(looked("lag")), new(looked("lag", finding())))).note == ""


@pytest.mark.parametrize(
    ("before", "after", "kind", "note"),
    [
        (Status.WARN, Status.FAIL, "worse", "warn → fail"),
        (Status.FAIL, Status.WARN, "better", "fail → warn"),
        (Status.FAIL, Status.INFO, "better", "fail → info"),
        (Status.INFO, Status.WARN, "worse", "info → warn"),
        (Status.WARN, Status.WARN, "unchanged", ""),
    ],
)
def test_the_status_decides_first(before: Status, after: Status, kind: str, note: str) -> None:
    less = Measure(value=1, unit="messages")
    more = Measure(value=100, unit="messages")
    fallen = compare(
        old(looked("lag", finding(status=before, measure=more if before is not after else less))),
        new(looked("lag", finding(status=after, measure=less))),
    )
    assert (only(fallen).kind, only(fallen).note) == (kind, note)


def test_notes_and_blind_spots_are_no_changes() -> None:
    before = old(looked("lag", finding(status=Status.INFO), finding("x.denied", status=Status.UNKNOWN)))
    after = new(looked("lag", finding("kafka.noted", status=Status.INFO), finding("y.denied", status=Status.UNKNOWN)))
    assert compare(before, after).changes == ()


@pytest.mark.parametrize(
    ("then", "now", "worse", "kind", "note"),
    [
        (1000, 1250, "higher", "unchanged", ""),
        (1000, 1251, "higher", "worse", "1,000 messages → 1,251 messages"),
        (1250, 1000, "higher", "unchanged", ""),
        (1251, 1000, "higher", "better", "1,251 messages → 1,000 messages"),
        (1251, 1000, "lower", "worse", "1,251 messages → 1,000 messages"),
        (0, 1, "higher", "worse", "0 messages → 1 messages"),
        (0, 0, "higher", "unchanged", ""),
    ],
)
def test_a_measure_decides_when_the_status_is_the_same(then: float, now: float, worse: str, kind: str, note: str) -> None:
    before, after = (
        finding(measure=Measure(value=value, unit="messages", worse=worse))  # type: ignore[arg-type]
        for value in (then, now)
    )
    change = only(compare(old(looked("lag", before)), new(looked("lag", after))))
    assert (change.kind, change.note) == (kind, note)


def test_counts_over_different_times_are_compared_by_the_hour() -> None:
    day = finding(measure=Measure(value=1200, unit="events", counted_s=86_400))
    steady = finding(measure=Measure(value=50, unit="events", counted_s=3600))
    more = finding(measure=Measure(value=200, unit="events", counted_s=3600))
    assert only(compare(old(looked("lag", day)), new(looked("lag", steady)))).kind == "unchanged"
    change = only(compare(old(looked("lag", day)), new(looked("lag", more))))
    assert (change.kind, change.note) == ("worse", "50 events an hour → 200 events an hour")


@pytest.mark.parametrize(
    "other",
    [
        Measure(value=9000, unit="s"),
        Measure(value=9000, unit="messages", worse="lower"),
        Measure(value=9000, unit="messages", counted_s=60),
        None,
    ],
)
def test_measures_of_different_things_tell_nothing(other: Measure | None) -> None:
    before = finding(measure=Measure(value=1, unit="messages"))
    assert only(compare(old(looked("lag", before)), new(looked("lag", finding(measure=other))))).kind == "unchanged"


def tabled(*counts: int, omitted: int = 0, title: str = "By error") -> Finding:
    columns = (Column(name="error"), Column(name="events", kind="count"))
    rows = tuple((f"error {place}", count) for place, count in enumerate(counts))
    return structs.replace(finding(), evidence=(Table(title=title, columns=columns, rows=rows, omitted=omitted),))


@pytest.mark.parametrize(
    ("before", "after", "kind", "note"),
    [
        (tabled(30, 20), tabled(60, 41), "worse", "50 events → 101 events"),
        (tabled(30, 20), tabled(60, 40), "unchanged", ""),
        (tabled(60, 41), tabled(50), "better", "101 events → 50 events"),
        (tabled(1, omitted=1), tabled(100), "unchanged", ""),
        (tabled(1), tabled(100, omitted=1), "unchanged", ""),
        (tabled(1), tabled(100, title="By team"), "unchanged", ""),
        (tabled(1), finding(), "unchanged", ""),
    ],
)
def test_without_a_measure_the_sum_of_a_whole_table_tells_when_it_doubled(
    before: Finding, after: Finding, kind: str, note: str
) -> None:
    change = only(compare(old(looked("lag", before)), new(looked("lag", after))))
    assert (change.kind, change.note) == (kind, note)


def test_the_counts_of_tables_are_not_compared_over_different_times() -> None:
    after = new(looked("lag", tabled(100)))
    shorter = structs.replace(after, window=WindowSpan(since=after.window.until - timedelta(hours=1), until=after.window.until))
    assert only(compare(old(looked("lag", tabled(1))), shorter)).kind == "unchanged"


def test_reports_redacted_with_different_keys_are_matched_by_place() -> None:
    def redacted(report: Report, key: bytes) -> Report:
        hosts = Redactor(key=key, hide_hosts=["kafka-0.internal.example", "kafka-1.internal.example"])
        return hosts.report(report)

    affected = (
        finding("kafka.lag", "http://kafka-0.internal.example:9092", "group-a"),
        finding("kafka.lag", "http://kafka-1.internal.example:9092", "group-a"),
        finding("kafka.lag", "10.1.2.3"),
    )
    before = redacted(old(looked("lag", *affected)), b"one")
    after = redacted(new(looked("lag", *affected[:2], finding("kafka.lag", "jane@acme.example"))), b"two")
    assert before.findings[0].affects != after.findings[0].affects
    difference = compare(before, after)
    assert [change.kind for change in difference.changes] == ["new", "resolved", "unchanged", "unchanged"]
    assert difference.comparable


def test_one_pseudonym_twice_is_not_the_same_as_two() -> None:
    before = old(looked("lag", finding("kafka.lag", "host-aaaa to host-aaaa")))
    after = new(looked("lag", finding("kafka.lag", "host-bbbb to host-cccc")))
    assert kinds(compare(before, after)) == [("new", "kafka.lag"), ("resolved", "kafka.lag")]
    renamed = new(looked("lag", finding("kafka.lag", "host-bbbb to host-bbbb")))
    assert kinds(compare(before, renamed)) == [("unchanged", "kafka.lag")]


def test_what_wants_attention_comes_first() -> None:
    before = old(looked("lag", finding("a.resolved"), finding("b.same"), finding("c.worse", status=Status.WARN)))
    fresh = (finding("d.new", status=Status.WARN), finding("e.new"))
    after = new(looked("lag", finding("b.same"), finding("c.worse"), *fresh))
    assert kinds(compare(before, after)) == [
        ("new", "e.new"),
        ("new", "d.new"),
        ("worse", "c.worse"),
        ("resolved", "a.resolved"),
        ("unchanged", "b.same"),
    ]


def test_a_saved_report_without_the_newer_fields_and_with_unknown_ones_is_compared() -> None:
    raw = msgspec.json.decode(dump(reports.problem()))
    for check in raw["checks"]:
        for each in check["findings"]:
            del each["measure"]
            each["added_later"] = {"x": 1}
    del raw["completeness"]["narrowed"]
    raw["added_later"] = [1]
    older = load(msgspec.json.encode(raw))
    assert {change.kind for change in compare(older, reports.problem()).changes} == {"unchanged"}
