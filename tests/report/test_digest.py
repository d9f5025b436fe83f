"""The digest is judged by what really happens to pasted texts: wrapped, quoted, rendered, copied, retyped, cut."""

import random
import re
import textwrap
import time
import unicodedata
from html.parser import HTMLParser

import pytest
from hypothesis import assume, given, settings
from markdown_it import MarkdownIt

from diagnostics.report.digest import State, explained, letters, sentence, verify
from diagnostics.report.formats import render
from diagnostics.report.options import RenderOptions
from diagnostics.report.slack.renderer import SEPARATOR
from tests.report import reports
from tests.report.hostile_text import texts

FORMATS = ("terminal", "markdown", "slack", "email")
CASES = [(name, format) for name in reports.ALL for format in FORMATS]

few = settings(max_examples=60, deadline=None)


def pasted(name: str, format: str, **options: bool | str) -> str:
    return render(reports.ALL[name](), format, RenderOptions(**options))  # type: ignore[arg-type]


def state(text: str) -> State:
    return verify(text).state


@pytest.mark.parametrize(("name", "format"), CASES)
@pytest.mark.parametrize(
    "options", [{}, {"quiet": True}, {"verbose": True, "unicode": False}, {"color": True}, {"audience": "hero"}]
)
def test_what_diag_wrote_is_intact(name: str, format: str, options: dict[str, bool | str]) -> None:
    assert state(pasted(name, format, **options)) is State.INTACT


@pytest.mark.parametrize(("name", "format"), CASES)
def test_a_quoted_reply_with_greetings_around_it_is_intact(name: str, format: str) -> None:
    quoted = "\n".join(f">> {line}" for line in pasted(name, format).splitlines())
    assert (
        state(f"Hi Ana,\n\nhere it is.\n\nOn Monday, 23 Nov 2026, Bo wrote:\n{quoted}\n\nThanks, 2nd line of Bo")
        is State.INTACT
    )


@pytest.mark.parametrize(("name", "format"), CASES)
@pytest.mark.parametrize("width", [20, 33, 76])
def test_other_line_breaks_are_no_change(name: str, format: str, width: int) -> None:
    text = pasted(name, format)
    lines = [wrapped for line in text.splitlines() for wrapped in textwrap.wrap(line, width, break_long_words=False) or [""]]
    assert state("\r\n".join(f"> {line}" for line in lines)) is State.INTACT
    assert state(" ".join(text.split())) is State.INTACT


@pytest.mark.parametrize(("name", "format"), CASES)
def test_smart_typography_is_no_change(name: str, format: str) -> None:
    text = pasted(name, format).replace("--", "—").replace("'", "’").replace("...", "…").replace(" ", "\u00a0")
    assert state(re.sub(r'"(\w)', "“\\1", text).replace('"', "”")) is State.INTACT
    assert state(unicodedata.normalize("NFD", text)) is State.INTACT


class Seen(HTMLParser):
    """The text that a browser shows."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.text += "\n"


@pytest.mark.parametrize("name", reports.ALL)
def test_a_copy_of_the_rendered_markdown_is_intact(name: str) -> None:
    seen = Seen()
    seen.feed(MarkdownIt("commonmark").enable("table").render(pasted(name, "markdown", verbose=True)))
    assert "**" not in seen.text or name == "hostile"
    assert state(seen.text) is State.INTACT


@pytest.mark.parametrize("name", reports.ALL)
def test_a_copy_of_what_slack_shows_is_intact(name: str) -> None:
    shown = pasted(name, "slack").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    shown = re.sub(r"```|(?<!\w)[*`]|[*`](?!\w)", "", shown)
    for emoji, short in {"❌": ":x:", "⚠️": ":warning:", "❓": ":question:", "✅": ":white_check_mark:"}.items():
        shown = shown.replace(emoji, short)
    assert state(shown.replace(SEPARATOR, "Ana  10:03 AM")) is State.INTACT


@pytest.mark.parametrize("format", FORMATS)
def test_any_letter_or_digit_that_is_changed_is_seen(format: str) -> None:
    text = pasted("problem", format)
    covered = text[: text.rindex("Digest")]
    start = covered.index("Events stop") if format != "email" else covered.index("\n\n")
    between = range(covered.find(SEPARATOR), covered.find(SEPARATOR) + len(SEPARATOR)) if SEPARATOR in covered else range(0)
    places = [place for place in range(start, len(covered)) if covered[place].isalnum() and place not in between]
    for place in random.Random(7).sample(places, 150):
        other = "7" if text[place] != "7" else "8"
        if re.search(r"```\w*$", text[max(0, place - 6) : place]):
            continue  # the language of a fence is no part of what is said
        if re.search(r"<[^>\n]*$", text[max(0, place - 10) : place]):
            continue  # and neither is a tag
        assert state(text[:place] + other + text[place + 1 :]) is not State.INTACT, text[place - 20 : place + 20]


@pytest.mark.parametrize("format", FORMATS)
def test_a_text_that_ends_too_early_is_cut_short(format: str) -> None:
    text = pasted("problem", format)
    for share in (0.1, 0.5, 0.9):
        assert state(text[: int(len(text) * share)]) is State.CUT
    assert state(text[: text.rindex("letters and digits")]) is State.CUT


@pytest.mark.parametrize("format", FORMATS)
def test_a_text_without_its_beginning_is_cut_short(format: str) -> None:
    text = pasted("problem", format)
    assert state(text[len(text) // 3 :]) is State.CUT


def test_a_part_taken_out_of_the_middle_is_seen() -> None:
    text = pasted("problem", "terminal")
    without = text[: text.index(" Problems")] + text[text.index(" Runbook") :]
    judged = verify(without)
    assert judged.state is State.CUT
    assert re.fullmatch(r"About \d{3} of its letters and digits are missing\.", judged.told)


def test_an_added_sentence_is_an_edit() -> None:
    text = pasted("problem", "terminal").replace("Confidence: high.", "Confidence: high. All is fine.")
    assert verify(text).told == "Its letters and digits are not those that diag wrote."


def test_slack_messages_are_missed_when_they_are_missing() -> None:
    first, second = pasted("problem", "slack").split(SEPARATOR)
    assert state(first + second) is State.INTACT
    told = "What is there is as diag wrote it, but of 2 messages these are missing: {}."
    assert verify(first).told == told.format(2)
    assert verify(second).told == told.format(1)
    assert state(first + second.replace("1,161", "1,162")) is State.EDITED
    assert state(first.replace("1,204", "1") + second) is State.EDITED


def test_two_reports_in_one_thread_are_both_judged() -> None:
    one, two = pasted("problem", "markdown"), pasted("healthy", "email")
    assert state(f"{one}\nand later\n{two}") is State.INTACT
    assert state(f"{one.replace('1,204', '12')}\nand later\n{two}") is State.EDITED


@pytest.mark.parametrize("text", ["", "hello", "Digest", "Digest 12345678 over the letters and digits above."])
def test_what_has_no_digest_is_never_intact(text: str) -> None:
    assert state(text) is State.CUT


def test_a_stranger_cannot_spoil_a_digest_by_writing_one() -> None:
    forged = "Report 1, message 7 of 900. Digest deadbeef over the 12 letters and digits above."
    for format in FORMATS:
        text = render(reports.hostile(forged), format, RenderOptions(verbose=True))
        assert state(text) is State.INTACT


def test_a_thousand_forged_digests_take_no_time() -> None:
    text = "x" * 100_000 + " Digest deadbeef over the 99,999 letters and digits above." * 5_000
    started = time.process_time()
    assert state(text) is State.EDITED
    assert time.process_time() - started < 10


@few
@given(texts)
def test_any_text_is_intact_behind_its_digest(text: str) -> None:
    assume(letters(text))
    assert state(f"{text} {explained(text)}") is State.INTACT
    another = "y" if set(letters(text)) == {"x"} else "x"  # the end of "xx" is "x", and intact
    assert state(f"{text}{another} {sentence(text)}") is not State.INTACT


def test_only_letters_and_digits_count() -> None:
    assert letters("\x1b[1;31m1,204 “events”\x1b[0m – ½ ﬁ é <details>x</details>&amp;lt; `a_b` :x:") == "1204events12fiéxab"


def test_the_sentence_says_what_it_is_for() -> None:
    assert explained("1,204 events", lambda text: f"`{text}`") == (
        "Digest `9a72d1b0` over the 10 letters and digits above. Was the text edited or cut? `diag render --verify FILE` tells."
    )
