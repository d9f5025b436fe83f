import email
import re
from email.policy import default

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from rich.cells import cell_len

from diagnostics.report.email.renderer import LINES, SUBJECT, WIDTH
from diagnostics.report.formats import render
from diagnostics.report.model import Action, Report
from diagnostics.report.options import RenderOptions
from tests.report import reports
from tests.report.hostile_text import HOSTILE, texts

OBEYED = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def shown(report: Report, **options: bool | int) -> str:
    return render(report, "email", RenderOptions(**options))  # type: ignore[arg-type]


def fits(text: str) -> bool:
    lines = text.splitlines()
    return len(lines) <= LINES and cell_len(lines[0]) <= SUBJECT and all(cell_len(line) <= WIDTH for line in lines[1:])


@pytest.mark.parametrize("name", set(reports.ALL) - {"hostile"})
@pytest.mark.parametrize(
    "options", [{}, {"verbose": True}, {"quiet": True}, {"verbose": True, "unicode": False}, {"width": 200}]
)
def test_it_fits_and_has_no_colour(name: str, options: dict[str, bool | int]) -> None:
    text = shown(reports.ALL[name](), **options)
    assert fits(text)
    assert text == shown(reports.ALL[name](), **options, color=True)
    assert text.isascii() or options.get("unicode", True)


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("problem", "Subject: [diag 7f3a-c2] Events stop at the plugin server: Postgres ..."),
        ("healthy", "Subject: [diag 7f3a-c2] Nothing is wrong where events could be lost"),
        ("inconclusive", "Subject: [diag 7f3a-c2] Nothing is known to be broken, but too little ..."),
    ],
)
def test_it_begins_with_a_subject_and_an_empty_line(name: str, subject: str) -> None:
    assert shown(reports.ALL[name]()).startswith(f"{subject}\n\n ")


def test_a_mail_program_reads_subject_and_body_and_no_other_header() -> None:
    message = email.message_from_string(shown(reports.hostile("x\r\nBcc: everybody@example.com\r\n\r\nhello")), policy=default)
    assert message.keys() == ["Subject"]
    assert "PROBLEM" in message.get_content()


def test_commands_stand_at_the_margin_folded_so_that_a_shell_joins_them() -> None:
    text = shown(reports.problem())
    folded = (
        '\ndocker compose exec db psql -U posthog -c "select count(*), \\\n'
        "current_setting('max_connections') from pg_stat_activity\"\n"
    )
    assert folded in text
    assert folded.replace("\\\n", "").strip() == reports.SEE_CONNECTIONS.commands[0]
    assert "\ndocker compose restart plugins\n" in text


def test_there_is_no_markup() -> None:
    text = shown(reports.problem(), verbose=True)
    assert not re.search(r"\*\*|```|</|^#|^\|", text, re.MULTILINE)


def test_thousands_of_findings_fit_and_say_what_is_missing() -> None:
    text = shown(reports.huge(2_000), verbose=True)
    assert fits(text)
    assert re.search(r"Left out to fit 200 lines: 1,9\d\d problems and evidence of \d+ problems\.", " ".join(text.split()))
    for part in (" Next", " Problems", " Worth knowing", " Runbook ingestion", " For support", " Checks"):
        assert f"\n{part}" in text


def test_the_steps_that_do_not_fit_are_counted() -> None:
    base = reports.problem()
    steps = tuple(Action(text=f"Step {n}", commands=("echo a\n" * 9,)) for n in range(9))
    text = shown(structs.replace(base, verdict=structs.replace(base.verdict, actions=steps)))
    assert fits(text)
    assert "  4 Step 3 (read-only)\n" in text
    assert "\n\n and 5 more steps\n\n" in text


@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize("long", ["a" * 300_000, "word " * 60_000, "\n" * 50_000, "'" * 50_000, "日本" * 50_000])
def test_a_long_text_in_every_place_still_fits(long: str, unicode: bool) -> None:
    assert fits(shown(reports.hostile(long), verbose=True, unicode=unicode))


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_is_only_text(hostile: str) -> None:
    check(hostile)


@settings(max_examples=40, deadline=None)
@given(st.one_of(texts, st.text()))
def test_any_text_is_only_text(text: str) -> None:
    check(text)


def check(hostile: str) -> None:
    text = shown(reports.hostile(f"{hostile}."), verbose=True)
    assert fits(text)
    assert not OBEYED.search(text)
    headings = ["Next", "Problems", "Worth knowing", "Not seen", "For support", "Checks"]
    assert [line[1:] for line in text.splitlines() if line[1:] in headings] == headings
