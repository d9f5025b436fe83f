"""A difference as people and scripts read it."""

import json
from datetime import timedelta

import pytest
from hypothesis import given, settings
from markdown_it import MarkdownIt
from msgspec import structs

from diagnostics.report.diff import compare
from diagnostics.report.diff.formats import render
from diagnostics.report.model import Finding, Measure, Report, Status
from diagnostics.report.options import RenderOptions
from tests.report import reports
from tests.report.hostile_text import texts

PROBLEM = reports.problem()
LATER = PROBLEM.started_at + timedelta(hours=2)
HEALTHY = structs.replace(reports.healthy(), id="91bd-07", started_at=LATER)
BLIND = structs.replace(reports.inconclusive(), id="91bd-08", started_at=LATER)

RESOLVED = """\
 Was:   ✗ Events stop at the plugin server: Postgres refuses its connections.
 Now:   ✓ Nothing is wrong where events could be lost.

 3 resolved.

 Resolved
  ✓ dead-letters.active  events_dead_letter_queue
    Was: 1,204 events were dead-lettered in 24 h by 3 teams, the last 12 s ago
  ✓ app.postgres-down
    Was: /_readyz says that Postgres does not answer
  ✓ sentry.errors
    Was: "sorry, too many clients already" was reported 1,180 times since 09:11,
         new today

 Also changed
  root cause: app.postgres-down → –
  events stop at: plugin-server → –

 Compared: report 7f3a-c2 of 2026-11-23 10:00:00 UTC with report 91bd-07 of
 2026-11-23 12:00:00 UTC, 2 h later.
"""

BLINDED = """\
- Was: ❌ **Events stop at the plugin server: Postgres refuses its connections.**
- Now: ❓ **Nothing is known to be broken, but too little could be looked at to call this install healthy.**

2 no longer visible, 1 resolved.

#### No longer visible: not resolved, nobody could look

- ? `dead-letters.active` `events_dead_letter_queue`
  - Was: 1,204 events were dead-lettered in 24 h by 3 teams, the last 12 s ago
  - Why: dead-letters could not look: ClickHouse does not let diag read posthog.events_dead_letter_queue
- ? `sentry.errors`
  - Was: "sorry, too many clients already" was reported 1,180 times since 09:11, new today
  - Why: sentry-issues could not look: Sentry refuses the token (401)

#### Resolved

- ✓ `app.postgres-down`
  - Was: `/_readyz` says that Postgres does not answer

#### Also changed

- root cause: app.postgres-down → –
- events stop at: plugin-server → –
- confidence: high → low
- checks that looked: 7 of 7 → 3 of 7
- Cannot look any more: plugin-server-health (no plugin server is configured (plugin_server_urls or DIAG_PLUGIN_SERVER_URLS))
- Cannot look any more: plugin-server-heartbeat (no plugin server is configured (plugin_server_urls or DIAG_PLUGIN_SERVER_URLS))
- Cannot look any more: sentry-issues
- Cannot look any more: dead-letters

<sub>Compared: report 7f3a-c2 of 2026-11-23 10:00:00 UTC with report 91bd-08 of 2026-11-23 12:00:00 UTC, 2 h later.</sub>
"""


def worsened() -> Report:
    """Four times as many dead letters, nothing else changed."""
    claim = "5,310 events were dead-lettered in 24 h by 4 teams, the last 2 s ago"
    checks = tuple(
        structs.replace(
            check,
            findings=tuple(
                structs.replace(each, claim=claim, measure=Measure(value=5310, unit="events", counted_s=86_400))
                if each.code == "dead-letters.active"
                else each
                for each in check.findings
            ),
        )
        for check in PROBLEM.checks
    )
    return structs.replace(PROBLEM, id="91bd-09", started_at=LATER, checks=checks)


def measured() -> Report:
    before = worsened()
    checks = tuple(
        structs.replace(
            check,
            findings=tuple(
                structs.replace(each, claim=reports.LETTERS_CLAIM, measure=structs.replace(each.measure, value=1204))
                if each.measure
                else each
                for each in check.findings
            ),
        )
        for check in before.checks
    )
    return structs.replace(PROBLEM, checks=checks)


def test_terminal_is_as_written() -> None:
    assert render(compare(PROBLEM, HEALTHY), "terminal", RenderOptions()) == RESOLVED


def test_markdown_is_as_written() -> None:
    assert render(compare(PROBLEM, BLIND), "markdown", RenderOptions()) == BLINDED


def test_what_became_worse_shows_both_claims_and_by_how_much() -> None:
    text = render(compare(measured(), worsened()), "terminal", RenderOptions(width=120))
    assert text.startswith(
        " Still: ✗ Events stop at the plugin server: Postgres refuses its connections.\n\n 1 worse, 2 unchanged.\n\n Worse\n"
        "  ✗ dead-letters.active  events_dead_letter_queue\n"
        "    Was: 1,204 events were dead-lettered in 24 h by 3 teams, the last 12 s ago\n"
        "    Now: 5,310 events were dead-lettered in 24 h by 4 teams, the last 2 s ago\n"
        "    By: 1,204 events → 5,310 events\n"
    )


def test_two_healthy_reports_need_few_lines() -> None:
    text = render(compare(reports.healthy(), HEALTHY), "terminal", RenderOptions())
    assert text.count("\n") == 6
    assert "Still: ✓ Nothing is wrong where events could be lost." in text
    assert "Neither report has a failure or a warning." in text


def test_swapped_files_are_told_first() -> None:
    text = render(compare(HEALTHY, PROBLEM), "terminal", RenderOptions())
    assert text.startswith(" The new report is 2 h older than the old one: swap the two files.\n")


def test_ascii_is_ascii_and_color_is_only_added() -> None:
    difference = compare(PROBLEM, BLIND)
    for format in ("terminal", "markdown"):
        assert render(difference, format, RenderOptions(unicode=False)).isascii()
    assert "\x1b[" in render(difference, "terminal", RenderOptions(color=True))
    assert "\x1b" not in render(difference, "terminal", RenderOptions())


def test_json_is_for_scripts() -> None:
    told = json.loads(render(compare(measured(), worsened()), "json", RenderOptions()))
    assert list(told) == [
        "schema_version", "old", "new", "comparable", "caveats", "counts", "changes", "shifts", "blinded", "sighted",
    ]  # fmt: skip
    assert told["schema_version"] == 1
    assert told["counts"] == {"new": 0, "worse": 1, "not_visible": 0, "better": 0, "resolved": 0, "unchanged": 2}
    (worse,) = [change for change in told["changes"] if change["kind"] == "worse"]
    assert (worse["code"], worse["affects"], worse["stage"]) == (
        "dead-letters.active",
        ["events_dead_letter_queue"],
        "plugin-server",
    )
    assert (worse["before"]["measure"]["value"], worse["after"]["measure"]["value"]) == (1204, 5310)
    assert told["old"]["started_at"] == "2026-11-23T10:00:00.250000Z"


def test_of_very_many_findings_the_first_are_shown_and_the_rest_counted() -> None:
    many = tuple(
        Finding(code=f"x.c{n}", status=Status.FAIL, stage=None, claim="c" * 100_000, affects=(f"a{n}",)) for n in range(500)
    )
    checks = (structs.replace(HEALTHY.checks[0], findings=many), *HEALTHY.checks[1:])
    difference = compare(PROBLEM, structs.replace(HEALTHY, checks=checks))
    for format in ("terminal", "markdown"):
        text = render(difference, format, RenderOptions())
        assert "and 480 more findings" in text
        assert len(text) < 65_536
    assert json.loads(render(difference, "json", RenderOptions()))["counts"]["new"] == 500


@settings(max_examples=60, deadline=None)
@given(texts, texts)
def test_nobody_s_text_breaks_out(one: str, other: str) -> None:
    difference = compare(reports.hostile(one), structs.replace(reports.hostile(other), id="x"))
    terminal = render(difference, "terminal", RenderOptions())
    assert not any(character < " " and character != "\n" for character in terminal)
    assert "\u202e" not in terminal
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(render(difference, "markdown", RenderOptions()))
    inline = [child for token in tokens for child in token.children or []]
    assert {token.type for token in tokens} <= {
        "blockquote_open", "blockquote_close", "paragraph_open", "paragraph_close", "inline", "bullet_list_open",
        "bullet_list_close", "list_item_open", "list_item_close", "heading_open", "heading_close",
    }  # fmt: skip
    assert {child.type for child in inline} <= {
        "text",
        "code_inline",
        "strong_open",
        "strong_close",
        "softbreak",
        "html_inline",
    }
    assert {child.content for child in inline if child.type == "html_inline"} <= {"<sub>", "</sub>"}
    json.loads(render(difference, "json", RenderOptions()))


@pytest.mark.parametrize("format", ["terminal", "markdown", "json"])
def test_the_same_reports_give_the_same_text(format: str) -> None:
    texts = {render(compare(PROBLEM, BLIND), format, RenderOptions()) for _ in range(2)}
    assert len(texts) == 1
