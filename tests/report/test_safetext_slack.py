"""Text for Slack is judged by a reader that knows Slack's rules, text for XML by a parser."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.report.safetext import plain, slack, slack_block, slack_code, xml
from tests.report.hostile_text import HOSTILE, texts
from tests.report.slack import rules as slack_rules

few = settings(max_examples=200, deadline=None)

IN_SLACK = (
    "<!channel> <!here> <@U1> <#C1|general> <!subteam^S1> <http://evil.example|click>",
    "@here @channel @everyone @Group @ana",
    "&lt;!channel&gt; &amp;lt; &copy; &",
    "*bold* _italic_ ~struck~ `code` *_~x~_*",
    "> quoted",
    "&gt; quoted",
    "evil.example ingestion.md www.evil.example ftp://x mailto:a@b.c",
    ":rocket: :+1: :100: 09:12:03",
    "#general #123",
    "``` ```` `",
)


@pytest.mark.parametrize(
    "text",
    [
        "1,204 events were dead-lettered in 24 h, the last 12 s ago (3 teams)",
        "plugin_server_ingest_event:processPersonsStep in events_dead_letter_queue",
        "2026-11-23T09:12:45Z, 09:12:45 and 0.3 s, 24.8.7.41, 80 % of 5",
        "capture ✓ → kafka ? → plugin server ✗",
    ],
)
def test_what_a_report_says_stays_as_it_is(text: str) -> None:
    assert slack(text) == text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("<!channel> go & see", "&lt;!channel&gt; go &amp; see"),
        ("ask <@U1> or @here", "ask `&lt;@U1&gt;` or `＠here`"),
        ("table `events` is gone", "table 'events' is gone"),
        ("read ingestion.md, then go", "read `ingestion.md`, then go"),
        (
            "with app.postgres-down: it is (see clickhouse.events-stale)",
            "with `app.postgres-down`: it is (see `clickhouse.events-stale`)",
        ),
        ("> said", "`&gt;` said"),
        ("5 < 6", "5 &lt; 6"),
        ("one\ntwo", "one ⏎ two"),
        ("\x1b[31mred", "␛[31mred"),
    ],
)
def test_what_slack_would_take_for_markup_goes_into_code(text: str, written: str) -> None:
    assert slack(text) == written


@pytest.mark.parametrize("text", [*HOSTILE, *IN_SLACK])
def test_hostile_text_is_only_text(text: str) -> None:
    check(text)


@few
@given(st.one_of(texts, st.lists(st.sampled_from(IN_SLACK), max_size=3).map(" ".join)))
def test_any_text_is_only_text(text: str) -> None:
    check(text)


def check(text: str) -> None:
    for written in (slack(text), slack_code(text), slack_block(text)):
        message = f"{written} said"
        assert slack_rules.CONTROL.findall(message) == []
        assert slack_rules.CALLS.findall(message) == []
        outside = slack_rules.text(message)
        assert "`" not in outside
        for meaning in (slack_rules.LINKED, slack_rules.EMOJI, slack_rules.QUOTED, slack_rules.FORMATTED):
            assert meaning.findall(outside) == []


def same(text: str) -> str:
    """What Slack cannot show as it is: its own quotes of code, and calls."""
    return "".join(re.sub("@|\N{FULLWIDTH COMMERCIAL AT}", "@", text.replace("`", "'")).split())


@few
@given(texts)
def test_the_reader_sees_what_was_written(text: str) -> None:
    assert same(slack_rules.shown(slack(text))) == same(plain(text))
    assert same(slack_rules.shown(slack_code(text))) == same(plain(text))


@few
@given(texts)
def test_a_block_is_one_block(text: str) -> None:
    before, block, after = slack_rules.parts(f"a {slack_block(text)} b")
    assert (before.text, block.kind, after.text) == ("a ", "block", " b")


@few
@given(st.one_of(texts, st.text(), st.text(st.characters(categories=["Cs", "Cn", "Co", "Cc"]))))
def test_any_text_can_stand_in_xml(text: str) -> None:
    element = ElementTree.Element("x")
    element.text = xml(text)
    assert ElementTree.fromstring(ElementTree.tostring(element)).text == (xml(text) or None)


def test_what_xml_cannot_hold_is_shown() -> None:
    assert xml("a\x00b\ufffec\uffffd\ud800e\x0bf") == "a␀b\\ufffec\\uffffd\\ud800e␋f"
