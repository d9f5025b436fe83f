"""Nobody's text, and no name, breaks out of a reply; and it stays one message."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from diagnostics.report.reply import CHANNELS, Channel, render
from diagnostics.report.reply.slack import LIMIT
from tests.report import reports
from tests.report.hostile_text import HOSTILE, texts

ALLOWED = {
    "paragraph_open", "paragraph_close", "inline", "bullet_list_open", "bullet_list_close", "list_item_open", "list_item_close",
    "ordered_list_open", "ordered_list_close", "fence",
}  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(texts, texts)
def test_markdown_stays_what_it_is(text: str, name: str) -> None:
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(render(reports.hostile(text), "github", name))
    inline = {child.type for token in tokens for child in token.children or []}
    assert {token.type for token in tokens} <= ALLOWED
    assert inline <= {"text", "code_inline", "strong_open", "strong_close", "softbreak"}


@settings(max_examples=80, deadline=None)
@given(texts, texts)
def test_slack_calls_nobody_and_takes_one_message(text: str, name: str) -> None:
    message = render(reports.hostile(text), "slack", name)
    assert len(message) <= LIMIT
    assert "<" not in message
    assert ">" not in message
    for call in ("@here", "@channel", "@everyone", "@group"):
        assert call not in message.lower()
    assert message.count("```") % 2 == 0


FLOODS = ("&" * 100_000, "<!channel> " * 10_000, "\U000e0041" * 5_000, "@here.example " * 5_000, "`" * 9_000)


@pytest.mark.parametrize("text", FLOODS, ids=lambda flood: ascii(flood[:10]))
@pytest.mark.parametrize("name", ["&" * 1000, "\ud800" * 1000], ids=["ampersands", "surrogates"])
def test_slack_takes_one_message_however_much_is_written(text: str, name: str) -> None:
    message = render(reports.hostile(text), "slack", name)
    assert len(message) <= LIMIT
    assert "Thanks for running diag" in message
    assert "I'll help from there!" in message


@settings(max_examples=80, deadline=None)
@given(texts, texts)
def test_plain_text_has_no_controls_and_one_subject(text: str, name: str) -> None:
    for channel in ("email", "note"):
        message = render(reports.hostile(text), channel, name)  # type: ignore[arg-type]
        assert not any(character < " " and character not in "\n\t" for character in message)
        assert not any(invisible in message for invisible in "\u202e\u200b\ufeff\u2028\x9b")
        message.encode()
    lines = render(reports.hostile(text), "email", name).split("\n")
    assert lines[0].startswith("Subject: Your PostHog events: ")
    assert len(lines[0]) < 1300
    assert lines[1] == ""


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_stays_on_the_line_of_the_greeting(channel: Channel, name: str) -> None:
    lines = render(reports.healthy(), channel, name).split("\n")
    greetings = [line for line in lines if line.startswith("Hey ")]
    assert len(greetings) == (0 if channel == "note" else 1)
    assert all(line.endswith(",") for line in greetings)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(list(CHANNELS)), st.integers(0, 400))
def test_ten_thousand_findings_make_no_long_reply(channel: Channel, number: int) -> None:
    assert len(render(reports.huge(number + 1), channel, "Ana")) < 20_000
