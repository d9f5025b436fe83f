"""Safe text is judged by a CommonMark parser with GitHub's tables, and by what GitHub links in the finished HTML."""

import re
import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from diagnostics.report.safetext import block, code, fence, markdown, plain, shorten, terminal
from tests.report.hostile_text import HOSTILE, texts

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])

# What GitHub makes of the text of finished HTML, outside of code.
LINKED_BY_GITHUB = re.compile(
    r"@\w|#[0-9]|\bGH-[0-9]|\bwww\.|https?://|\$\S.*\$|(?-i::(?:[a-z][a-z0-9_+-]*|\+1|-1|100):)|\b[0-9a-f]{7,40}\b|\w@\w",
    re.IGNORECASE,
)
# Format characters that are seen: Arabic and other signs that enclose the number which follows.
SEEN = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u0890\u0891\u08e2\U000110bd\U000110cd")

few = settings(max_examples=150, deadline=None)


def unseen(text: str) -> list[str]:
    """What is left in `text` of controls, surrogates and invisible format characters."""
    return [character for character in text if unicodedata.category(character) in ("Cc", "Cs", "Cf") and character not in SEEN]


def inline(tokens: list[Token]) -> list[Token]:
    return [child for token in tokens for child in token.children or []]


def shape(source: str) -> list[str]:
    return [token.type for token in PARSER.parse(source)]


def words(tokens: list[Token]) -> str:
    """What a reader sees, apart from spaces."""
    return "".join("".join(token.content for token in inline(tokens)).split())


PARAGRAPH = ["paragraph_open", "inline", "paragraph_close"]
PLACES = {
    "alone": ("{}", PARAGRAPH),
    "after a line": ("Said:\n{}", PARAGRAPH),
    "before a line": ("{}\nsaid", PARAGRAPH),
    "in a sentence": ("It says {} today.", PARAGRAPH),
    "in bold": ("**It says {} today.**", PARAGRAPH),
    "in a heading": ("### {} today", ["heading_open", "inline", "heading_close"]),
    "in a list": ("- {} today", shape("- word today")),
    "in a quote": ("> {} today", shape("> word today")),
    "in a table": ("| x | y |\n| --- | --- |\n| {} | z |", shape("| x | y |\n| --- | --- |\n| word | z |")),
}


@pytest.mark.parametrize(
    "text",
    [
        "1,204 events in 24 h",
        "1,204 events were dead-lettered in 24 h, the last 12 s ago (3 teams)",
        "events_dead_letter_queue",
        "plugin_server_ingest_event:processPersonsStep",
        "Code: 242. DB::Exception: Table is in readonly mode (TABLE_IS_READ_ONLY)",
        'Could not find person with distinct id "person-3f9a" in team "2" to update properties',
        "2026-11-23T09:12:45Z, 09:12:45 and 0.3 s",
        "24.8.7.41 -> 25.3, 80 % of 5 < 6, 2 + 2 = 4, R&D - and so on",
        "Is the plugin server alive and healthy?",
        "capture ✓ → kafka ? → plugin server ✗",
        "Größe: 3 µs, 日本語, ❤️",
    ],
)
def test_what_a_report_says_stays_as_it_is(text: str) -> None:
    assert markdown(text) == plain(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ask @alice about #12", "ask `@alice` about `#12`"),
        ("[click here](http://evil.example) now", "`[click here](http://evil.example)` now"),
        ("- item", "`-` item"),
        ("1. item - two", "`1.` item - two"),
        ("a|b", "a&#124;b"),
        ("`x` | @y", "`` `x` `` &#124; `@y`"),
        ("column _timestamp of events", "column `_timestamp` of events"),
        ("fixed in 6d2a1f0c", "fixed in `6d2a1f0c`"),
        ("see #12: known (http://plugins:6738).", "see `#12`: known (`http://plugins:6738`)."),
        (":smile: (f(#1)) @a()", "`:smile: (f(#1)) @a()`"),
        ("one\ntwo\n", "one ⏎ two"),
        ("\x1b[31mred", "`␛[31mred`"),
        ("  spread   out  ", "spread out"),
        ("", ""),
    ],
)
def test_what_markdown_would_take_for_markup_goes_into_code(text: str, shown: str) -> None:
    assert markdown(text) == shown


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("dead-letters.active", "`dead-letters.active`"),
        ("a`b", "``a`b``"),
        ("`", "`` ` ``"),
        ("``x", "``` ``x ```"),
        (" x ", "`  x  `"),
        (" ", "` `"),
        ("a|b", "`a`&#124;`b`"),
        ("|", "&#124;"),
        ("", ""),
        ("\x00", "`␀`"),
    ],
)
def test_code_spans(text: str, span: str) -> None:
    assert code(text) == span


@pytest.mark.parametrize(
    ("text", "fenced"),
    [
        ("SELECT 1", "```sql\nSELECT 1\n```"),
        ("a\n```\nb", "````sql\na\n```\nb\n````"),
        ("", "```sql\n\n```"),
    ],
)
def test_a_fence_is_longer_than_what_it_holds(text: str, fenced: str) -> None:
    assert fence(text, "sql") == fenced


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
        ("\x1b]8;;http://x\x07link", "␛]8;;http://x␇link"),
        ("\x9b2J", "\\x9b2J"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("a\u200bb", "a\\u200bb"),
        ("a\u00adb", "a\\xadb"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("a\x00b\x7f", "a␀b␡"),
        ("over\rwrite", "over␍write"),
        ("one\r\ntwo\nthree\n", "one ⏎ two ⏎ three"),
        ("a\tb", "a b"),
        ("a\u2028b\x85c", "a\\u2028b\\x85c"),
        ("ﬁ e\u0301 ❤\ufe0f", "ﬁ e\u0301 ❤\ufe0f"),
    ],
)
def test_what_is_not_seen_is_shown(text: str, shown: str) -> None:
    assert plain(text) == terminal(text) == shown


def test_a_block_keeps_its_lines_and_tabs() -> None:
    assert block("one\r\n\ttwo\n\x1b[2Jthree\rfour\u2028") == "one\n\ttwo\n␛[2Jthree␍four\\u2028"


@few
@given(texts)
def test_nothing_unseen_survives(text: str) -> None:
    for line in (plain(text), terminal(text), markdown(text), code(text)):
        assert unseen(line) == []
        assert line.splitlines() in ([], [line])
    assert set(unseen(block(text))) <= {"\n", "\t"}
    assert set(unseen(fence(text))) <= {"\n", "\t"}


@few
@given(texts)
def test_safe_text_is_safe_already(text: str) -> None:
    assert plain(plain(text)) == plain(text)
    assert block(block(text)) == block(text)
    assert markdown(plain(text)) == markdown(text)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_only_text(text: str, place: str) -> None:
    check_inline(text, place)


@few
@given(texts, st.sampled_from(sorted(PLACES)))
def test_any_text_is_only_text(text: str, place: str) -> None:
    check_inline(text, place)


def check_inline(text: str, place: str) -> None:
    template, structure = PLACES[place]
    for safe in (markdown(text), code(text)):
        if not safe.strip():
            continue
        tokens = PARSER.parse(template.format(safe))
        assert [token.type for token in tokens] == structure
        assert {token.type for token in inline(tokens)} <= {"text", "code_inline", "softbreak", "strong_open", "strong_close"}
        assert "".join(plain(text).split()) in words(tokens)
        assert LINKED_BY_GITHUB.findall(" ".join(token.content for token in inline(tokens) if token.type == "text")) == []


@few
@given(texts)
def test_a_code_span_shows_the_text_and_nothing_but_code_and_pipes(text: str) -> None:
    shown = plain(text)
    tokens = inline(PARSER.parse(code(text)))
    assert "".join(token.content for token in tokens) == shown
    assert {token.content.strip("|") for token in tokens if token.type == "text"} <= {""}


@few
@given(texts, st.sampled_from(["", "sql", "http"]))
def test_a_fence_holds_all_of_the_text(text: str, language: str) -> None:
    tokens = PARSER.parse("before\n\n" + fence(text, language) + "\n\nafter")
    assert [token.type for token in tokens] == [*PARAGRAPH, "fence", *PARAGRAPH]
    assert tokens[3].info == language
    assert tokens[3].content == block(text) + "\n"


DIGITS = "0123456789" * 30


@pytest.mark.parametrize(
    ("limit", "shown"),
    [
        (300, DIGITS),
        (299, DIGITS[:180] + " … 30 characters left out … " + DIGITS[-90:]),
        (80, DIGITS[:34] + " … 249 characters left out … " + DIGITS[-17:]),
        (79, DIGITS[:73] + "… +227"),
        (16, DIGITS[:10] + "… +290"),
    ],
)
def test_what_is_left_out_is_counted(limit: int, shown: str) -> None:
    assert shorten(DIGITS, limit) == shown


@few
@given(st.text(min_size=0, max_size=400), st.integers(min_value=16, max_value=400))
def test_a_shortened_text_fits(text: str, limit: int) -> None:
    assert len(shorten(text, limit)) <= limit
    if len(text) <= limit:
        assert shorten(text, limit) == text


def test_a_limit_too_small_to_say_anything_is_refused() -> None:
    with pytest.raises(ValueError, match="16"):
        shorten("x", 15)


def test_a_megabyte_is_no_matter() -> None:
    started = time.monotonic()
    for text in (
        ":" + "a" * 1_000_000,
        "`" * 1_000_000,
        "a_" * 500_000,
        ":" * 1_000_000,
        "| " * 100_000,
        "\x1b" * 300_000,
        "a" * 1_000_000,
    ):
        markdown(text)
        code(text)
        fence(text)
    assert time.monotonic() - started < 10
