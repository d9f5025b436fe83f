import json
import math
import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from diagnostics.report.formats import render
from diagnostics.report.json import NotAReport, dump, intact, load
from diagnostics.report.model import Report, Values
from diagnostics.report.options import RenderOptions
from tests.report import reports

UTC_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def leaves(value: Any) -> Iterator[str]:
    """Every string of a decoded report, the names of members included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)


@pytest.mark.parametrize("name", set(reports.ALL) - {"hostile"})
def test_a_report_comes_back_as_it_was(name: str) -> None:
    report = reports.ALL[name]()
    assert load(dump(report)) == report


def test_the_members_are_those_of_the_contract_in_its_order() -> None:
    def members(value: dict[str, Any]) -> str:
        return " ".join(value)

    report = json.loads(dump(reports.problem()))
    finding = report["checks"][3]["findings"][0]
    assert members(report) == (
        "schema_version id tool started_at duration_s complete cut_short runbook window install verdict triage stages "
        "completeness steps checks cost privacy digest"
    )
    assert members(report["verdict"]) == "status code stage confidence headline why against actions also"
    assert members(report["checks"][0]) == "id title stage status reason blocked_by duration_s findings cost"
    assert members(finding) == (
        "code status stage claim detail affects evidence actions runbook source_text cause cause_codes measure"
    )
    assert [evidence["kind"] for evidence in finding["evidence"]] == ["table", "series", "query"]
    assert report["verdict"]["status"] == "problem"
    assert finding["stage"] == "plugin-server"


def test_times_are_utc_with_a_z_wherever_they_came_from() -> None:
    base = reports.problem()
    tokyo = structs.replace(base, started_at=base.started_at.astimezone(timezone(timedelta(hours=9))))
    bare = structs.replace(base, started_at=base.started_at.replace(tzinfo=None))
    for report in (base, tokyo, bare):
        assert json.loads(dump(report))["started_at"] == "2026-11-23T10:00:00.250000Z"
    assert json.loads(dump(base))["window"] == {"since": "2026-11-22T10:00:00.250000Z", "until": "2026-11-23T10:00:00.250000Z"}


def test_it_is_indented_by_two_and_nothing_about_the_screen_changes_it() -> None:
    text = render(reports.problem(), "json", RenderOptions())
    assert text.startswith('{\n  "schema_version": 1,\n  "id": "7f3a-c2",\n')
    assert text == render(
        reports.problem(), "json", RenderOptions(width=200, color=True, unicode=False, quiet=True, verbose=True)
    )


def test_what_is_no_number_is_null_where_it_is_a_value() -> None:
    finding = structs.replace(
        reports.DEAD_LETTERS, evidence=(Values(title="x", values={"average": math.nan, "top": math.inf}),)
    )
    report = structs.replace(reports.problem(), checks=(reports.check("dead-letters", finding.status, finding),))
    evidence = json.loads(dump(report))["checks"][0]["findings"][0]["evidence"]
    assert evidence == [{"kind": "values", "title": "x", "values": {"average": None, "top": None}}]


@settings(max_examples=100, deadline=None)
@given(st.text())
def test_no_text_breaks_it_or_keeps_a_control_character(text: str) -> None:
    saved = dump(reports.hostile(text))
    assert dump(load(saved)) == saved
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", "".join(leaves(json.loads(saved))))


def document(**changes: Any) -> bytes:
    return json.dumps(json.loads(dump(reports.healthy())) | changes).encode()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "it is not JSON: Input data was truncated. Make one with: diag run --format json"),
        (b"### a headline", "it is not JSON: "),
        (b"\xff\xfe\x00", "it is not JSON: "),
        (b'{"schema_version": 1, "id": ' + b"[" * 100_000, "it is not JSON: "),
        (b"[]", "it is JSON, but not a report of diag: Expected `object`, got `array`. Make one with: diag run --format json"),
        (b"{}", "it is JSON, but not a report of diag: Object missing required field `schema_version`."),
        (b'{"schema_version": 1}', "it is JSON, but not a report of diag: Object missing required field `id`."),
        (b'{"schema_version": 0}', "it is JSON, but not a report of diag: Expected `int` >= 1 - at `$.schema_version`."),
        (b'{"schema_version": "one"}', "it is JSON, but not a report of diag: Expected `int`, got `str`"),
        (document(verdict={"status": "fine"}), "it is JSON, but not a report of diag: Invalid enum value 'fine'"),
        (document(schema_version=2), "(its schema_version is 2, this one reads up to 1). Update posthog-diag and try again."),
        (b'{"schema_version": 99, "shape": "unheard of"}', "a newer posthog-diag made it (its schema_version is 99, "),
    ],
)  # fmt: skip
def test_what_is_no_report_is_refused_with_a_reason(data: bytes, message: str) -> None:
    with pytest.raises(NotAReport) as refused:
        load(data)
    assert message in str(refused.value)


def test_members_that_a_later_release_added_are_no_obstacle() -> None:
    assert load(document(mood="sunny")) == reports.healthy()


def test_members_with_a_default_may_be_missing() -> None:
    saved = json.loads(dump(reports.healthy()))
    del saved["privacy"]
    assert isinstance(load(json.dumps(saved).encode()), Report)


def test_a_time_at_the_very_beginning_is_no_obstacle() -> None:
    early = load(document(started_at="0001-01-01T00:00:00+10:00"))
    assert early.started_at.replace(tzinfo=None) == datetime(1, 1, 1)
    for format in ("terminal", "markdown", "json"):
        assert render(early, format, RenderOptions(verbose=True))


def test_the_digest_is_of_all_other_members_whatever_their_order_and_spelling() -> None:
    saved = dump(reports.problem())
    again = json.loads(saved)
    assert re.fullmatch(r"[0-9a-f]{16}", again["digest"])
    assert intact(saved) is True
    backwards = json.dumps(dict(reversed(again.items())), separators=(",", ":"))
    assert intact(backwards.encode()) is True
    assert intact(backwards.replace("1800.0", "1800").replace("0.41", "4.1e-1").encode()) is True


def changed(value: Any) -> Iterator[Any]:
    """The same with one leaf changed, for every leaf."""
    if isinstance(value, dict):
        for key, item in value.items():
            for other in changed(item):
                yield value | {key: other}
    elif isinstance(value, list):
        for index, item in enumerate(value):
            for other in changed(item):
                yield [*value[:index], other, *value[index + 1 :]]
    elif isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield value + 1


def test_no_number_can_be_changed_unseen() -> None:
    saved = json.loads(dump(reports.problem()))
    judged = [intact(json.dumps(other).encode()) for other in changed(saved) if other["schema_version"] == 1]
    assert len(judged) > 80
    assert set(judged) == {False}


def test_a_word_changed_or_a_member_added_or_taken_out_is_seen() -> None:
    saved = dump(reports.problem())
    assert intact(saved.replace(b"many clients", b"few clients")) is False
    assert intact(document(mood="sunny")) is False
    without = json.loads(saved)
    del without["triage"]["ask"]
    assert intact(json.dumps(without).encode()) is False


def test_a_report_of_a_release_without_digests_is_neither() -> None:
    assert intact(document(digest="")) is None
    with pytest.raises(NotAReport):
        intact(b"[]")
