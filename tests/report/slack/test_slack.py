import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from diagnostics.report.formats import render
from diagnostics.report.json import canonical
from diagnostics.report.model import Action, Report
from diagnostics.report.options import RenderOptions
from diagnostics.report.slack.renderer import LIMIT, MESSAGES, SEPARATOR, messages
from tests.report import reports
from tests.report.hostile_text import HOSTILE, texts
from tests.report.slack import rules as slack_rules

few = settings(max_examples=60, deadline=None)
WORDS = "some plain words"


def written(report: Report, **options: bool) -> list[str]:
    return messages(canonical(report), RenderOptions(**options))


def with_actions(*actions: Action) -> Report:
    base = reports.problem()
    return structs.replace(base, verdict=structs.replace(base.verdict, actions=actions))


def test_the_messages_stand_between_separators_and_are_cut_apart_there() -> None:
    text = render(reports.problem(), "slack", RenderOptions())
    assert [part.strip() for part in text.split(SEPARATOR)] == written(reports.problem())


def test_the_first_message_says_it_all_in_short_and_the_rest_is_for_the_thread() -> None:
    first, second = written(reports.problem())
    assert first.startswith("❌ *Events stop at the plugin server: Postgres refuses its connections.*\n\n1,204 events were")
    assert "capture – → kafka – → *plugin server ✗ events stop here* → clickhouse ✓ → app ✗\n" in first
    assert "\n\n*Next*\n1. See whether Postgres is out of connections (read-only)\n```\ndocker compose exec db psql" in first
    assert "\n```\ndocker compose restart plugins\n```\n\nLooked with 7 of 7 checks." in first
    assert second.startswith("*Problems*\n✗ `app.postgres-down`\n")
    assert "Report 7f3a-c2, message 1 of 2. Digest " in first
    assert "Report 7f3a-c2, message 2 of 2. Digest " in second


def test_a_quiet_report_is_one_message() -> None:
    (only,) = written(reports.problem(), quiet=True)
    assert "Problems" not in only
    assert "\n\nReport 7f3a-c2. Digest " in only


@pytest.mark.parametrize("name", reports.ALL)
@pytest.mark.parametrize("options", [{}, {"verbose": True}, {"quiet": True}, {"verbose": True, "unicode": False}])
def test_no_message_is_too_long_and_none_leaves_code_open(name: str, options: dict[str, bool]) -> None:
    for message in written(reports.ALL[name](), **options):
        assert len(message) <= LIMIT
        assert message.count("```") % 2 == 0
        assert "`" not in slack_rules.text(message)


@pytest.mark.parametrize("name", reports.ALL)
def test_ascii_only_where_asked_for(name: str) -> None:
    assert render(reports.ALL[name](), "slack", RenderOptions(unicode=False, verbose=True)).isascii()


def test_a_command_is_whole_or_left_out_and_counted() -> None:
    long = tuple(f"docker compose exec clickhouse clickhouse-client --query 'SELECT {n}{' ' * 400}'" for n in range(5))
    first = written(with_actions(Action(text="Look", commands=long)))[0]
    assert long[2] in first
    assert long[3][:70] not in first
    assert "\n```\nand 2 more commands\n" in first


def test_a_command_of_ten_thousand_characters_is_shortened_and_says_so() -> None:
    first = written(with_actions(Action(text="Look", commands=("x" * 10_000,))))[0]
    assert re.search(r"```\nx+ … 8,\d{3} characters left out … x+\n```", first)


def test_steps_that_do_not_fit_go_on_in_the_thread() -> None:
    steps = tuple(Action(text=f"Step {n}", commands=(f"echo {n} {'y' * 900}",)) for n in range(1, 7))
    first, second, *_ = written(with_actions(*steps))
    assert "The thread has 3 more steps." in first
    assert first.count("\n```\necho") == 3
    assert second.startswith("*Next, continued*\n4. Step 4 (read-only)\n```\necho 4 ")


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_is_only_text(hostile: str) -> None:
    check_rules(hostile)


@few
@given(texts)
def test_any_text_is_only_text(text: str) -> None:
    check_rules(text)


def check_rules(hostile: str) -> None:
    """No message has more to it than the same report about plain words."""
    for message in written(reports.hostile(f"{hostile}x"), verbose=True):
        assert slack_rules.CONTROL.findall(message) == []
        assert slack_rules.CALLS.findall(message) == []
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", message)
        outside = slack_rules.text(message)
        assert "`" not in outside
        assert slack_rules.LINKED.findall(outside) == []
        assert slack_rules.EMOJI.findall(outside) == []
        assert slack_rules.QUOTED.findall(outside) == []
        assert slack_rules.FORMATTED.findall(re.sub(r"\*[^*\n]*\*", "", outside)) == []
    assert bold(hostile) == bold(WORDS)


def bold(hostile: str) -> int:
    """How many times something is bold, within and outside of what strangers wrote."""
    return sum(slack_rules.text(message).count("*") for message in written(reports.hostile(f"{hostile}x"), verbose=True))


@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize(
    "escaped",
    ["a" * 1_000_000, "&" * 200_000, "`@*_~ <!channel> " * 10_000, "\n" * 100_000, "\x00" * 50_000, "\U000e0041" * 20_000],
)
def test_a_megabyte_in_every_place_still_fits(escaped: str, unicode: bool) -> None:
    texts = written(reports.hostile(escaped), verbose=True, unicode=unicode)
    assert len(texts) <= MESSAGES
    assert max(map(len, texts)) <= LIMIT


def test_thousands_of_findings_fit_a_few_messages_and_say_what_is_missing() -> None:
    texts = written(reports.huge(2_000), verbose=True)
    assert 3 <= len(texts) <= MESSAGES
    assert max(map(len, texts)) <= LIMIT
    told = r"Left out to fit a few messages: 1,9\d\d problems and evidence of \d+ problems\. `--format json` holds everything\."
    assert re.search(told, "\n".join(texts))
    assert "*Runbook ingestion*" in "\n".join(texts)


@few
@given(st.lists(st.integers(1, 60), max_size=60))
def test_blocks_are_never_cut(sizes: list[int]) -> None:
    steps = tuple(Action(text="Look", commands=(f"echo {'z' * 50 * size}",)) for size in sizes)
    for message in written(with_actions(*steps)):
        assert len(message) <= LIMIT
        assert message.count("```") % 2 == 0
