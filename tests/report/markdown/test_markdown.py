import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from msgspec import structs

from diagnostics.report.formats import render
from diagnostics.report.markdown.renderer import LIMIT
from diagnostics.report.model import Action, Report, Status
from diagnostics.report.options import RenderOptions
from tests.report import reports

PARSER = MarkdownIt("commonmark").enable("table").enable("strikethrough")


def shown(report: Report, **options: bool) -> str:
    return render(report, "markdown", RenderOptions(**options))


def tokens(text: str) -> list[Token]:
    """All tokens, those within paragraphs included."""
    flat = []
    for token in PARSER.parse(text):
        flat += [token, *(token.children or [])]
    return flat


def shape(text: str) -> list[str]:
    """The structure alone: what kinds of things follow each other. Code spans are left out: they make text harmless."""
    quiet = ("text", "text_special", "code_inline")
    return [f"{token.type}:{token.tag}" for token in tokens(text) if token.type not in quiet]


class Tags(HTMLParser):
    """The HTML that a browser would see, as a sequence of tags. Not of code, which is how text is made harmless."""

    unpaired_or_harmless = ("br", "hr", "code")

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.unpaired_or_harmless:
            self.seen.append(f"<{tag}{''.join(f' {name}' for name, _ in attrs)}>")

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.unpaired_or_harmless:
            self.seen.append(f"</{tag}>")

    def handle_comment(self, data: str) -> None:
        self.seen.append("<!---->")


def tags(text: str) -> list[str]:
    parser = Tags()
    parser.feed(PARSER.render(text))
    return parser.seen


@pytest.mark.parametrize("name", reports.ALL)
@pytest.mark.parametrize("verbose", [False, True])
def test_every_fold_table_and_list_is_closed(name: str, verbose: bool) -> None:
    open_tags: list[str] = []
    for tag in tags(shown(reports.ALL[name](), verbose=verbose)):
        if tag.startswith("</"):
            assert open_tags.pop() == tag[2:-1]
        else:
            open_tags.append(tag[1:-1].split()[0])
    assert open_tags == []


def test_a_problem_is_folded_with_its_table_its_sparkline_and_its_query() -> None:
    text = shown(reports.problem())
    fold = text[text.index("#### ❌ `dead-letters.active` By place and error, Every 30 min\n") :].split("</details>")[0]
    kinds = [token.type for token in PARSER.parse(fold.split("</summary>")[1])]
    assert kinds.count("table_open") == 1
    assert kinds.count("th_open") == 4
    assert kinds.count("tr_open") == 3
    assert [token.info for token in PARSER.parse(fold.split("</summary>")[1]) if token.type == "fence"] == ["sql"]
    assert "`▁▁▁▁▁▁▁▂▇█▅▄`" in fold


def test_the_actions_are_numbered_paragraphs_and_their_commands_are_fenced() -> None:
    parsed = PARSER.parse(shown(reports.problem(), quiet=True))
    commands = [token.content for token in parsed if token.type == "fence"]
    assert commands == [f"{reports.SEE_CONNECTIONS.commands[0]}\n", "docker compose restart plugins\n"]
    texts = [token.content for token in parsed if token.type == "inline"]
    steps = [text for text in texts if re.match(r"\*\*[0-9]+\.\*\* ", text)]
    assert [step[:5] for step in steps] == ["**1.*", "**2.*", "**3.*"]
    assert steps[0].endswith("(read-only)")
    assert steps[2].endswith("(changes something, safe)")


def test_commands_that_are_left_out_are_counted() -> None:
    base = reports.problem()
    action = Action(text="Look", commands=tuple(f"echo {n}" for n in range(13)))
    text = shown(structs.replace(base, verdict=structs.replace(base.verdict, actions=(action,))), quiet=True)
    assert "\necho 9\n```\nand 3 more commands\n" in text


def test_commands_of_one_line_share_a_fence_and_others_do_not() -> None:
    def fences(*commands: str) -> list[str]:
        base = reports.problem()
        action = Action(text="Look", commands=commands)
        text = shown(structs.replace(base, verdict=structs.replace(base.verdict, actions=(action,))), quiet=True)
        return [token.content for token in PARSER.parse(text) if token.type == "fence"]

    assert fences("docker compose ps", "kubectl get pods") == ["docker compose ps\nkubectl get pods\n"]
    assert fences("SELECT 1\nFROM x", "SELECT 2") == ["SELECT 1\nFROM x\n", "SELECT 2\n"]


@pytest.mark.parametrize(
    ("name", "start"),
    [
        (
            "problem",
            "### ❌ Events stop at the plugin server: Postgres refuses its connections\n\n1,204 events were dead-lettered",
        ),
        (
            "warning",
            "### ⚠️ 43 events were dead-lettered in 24 h, the last 5 h ago: they were not reprocessed\n\nConfidence: medium.",
        ),
        ("healthy", "### ✅ Nothing is wrong where events could be lost\n\nConfidence: high. This does not prove"),
        ("inconclusive", "### ❓ Nothing is known to be broken, but too little could be looked at"),
        ("cut_short", "> **Incomplete: the run was cut short after 5 s"),
    ],
)
def test_it_begins_with_the_verdict(name: str, start: str) -> None:
    assert shown(reports.ALL[name]()).replace("\\", "").startswith(start)


def test_only_a_healthy_report_looks_healthy() -> None:
    assert [name for name in reports.ALL if "✅" in shown(reports.ALL[name]())] == ["healthy"]


def test_a_healthy_report_is_short() -> None:
    text = shown(reports.healthy())
    assert len(text) < 1800
    assert "<details>" not in text


def test_the_place_where_events_stop_stands_out_on_the_path() -> None:
    assert "`capture –` → `kafka –` → **`plugin server ✗`** → `clickhouse ✓` → `app ✗`\n" in shown(reports.problem())
    assert "**`" not in shown(reports.warning()).split("**Next**")[0]


@pytest.mark.parametrize("name", reports.ALL)
def test_ascii_only_where_asked_for(name: str) -> None:
    assert shown(reports.ALL[name](), unicode=False, verbose=True).isascii()


def test_ten_thousand_findings_fit_one_comment_and_say_what_is_missing() -> None:
    report = reports.huge()
    started = time.process_time()
    text = shown(report, verbose=True)
    assert time.process_time() - started < 10
    assert 30_000 < len(text) <= LIMIT
    assert "sorry, too many clients already" in text
    assert re.search(
        r"Left out to fit one comment \(65,536 characters\): 9,9\d\d problems and evidence of \d+ problems\. "
        r"`--format json` holds everything\.",
        text,
    )
    assert "**Runbook ingestion**" in text
    assert text.rstrip().endswith("</sub>")
    assert tags(text).count("<details>") == tags(text).count("</details>") > 1


def test_the_foremost_problem_keeps_its_evidence_longest() -> None:
    folds = shown(reports.huge(200)).split("<details>")[1:]
    rows = [fold.count("\n| ") for fold in folds if "`dead-letters." in fold]
    assert rows == sorted(rows, reverse=True)
    assert rows[0] == 27  # 25 of the table, its heading and the line below
    assert rows[-1] == 7


@pytest.mark.parametrize("escaped", ["a" * 1_000_000, "<" * 100_000, "|`@#*_ " * 10_000, "\n" * 50_000, "é\n```\n" * 10_000])
@pytest.mark.parametrize("unicode", [True, False])
def test_a_megabyte_in_every_place_still_fits_one_comment(escaped: str, unicode: bool) -> None:
    assert len(shown(reports.hostile(escaped), verbose=True, unicode=unicode)) <= LIMIT


def many_of_all(number: int) -> Report:
    """A report whose every list is long."""
    base = reports.hostile("<word> " * 80)
    verdict = structs.replace(
        base.verdict,
        why=base.verdict.why * number,
        against=base.verdict.against * number,
        also=base.verdict.also * number,
        actions=tuple(structs.replace(action, commands=action.commands * number) for action in base.verdict.actions * number),
    )
    checks = tuple(
        structs.replace(check, id=f"{check.id}{n}", findings=check.findings * 3) for n in range(number) for check in base.checks
    )
    return structs.replace(
        base,
        verdict=verdict,
        checks=checks,
        steps=base.steps * number,
        triage=structs.replace(base.triage, ask=tuple(f"{question}{n}" for n in range(number) for question in base.triage.ask)),
        install={f"{key}{n}": value for n in range(number) for key, value in base.install.items()} | base.install,
        completeness=reports.completeness(checks),
    )


def test_a_hundred_of_everything_still_fits_one_comment_with_every_part_in_it() -> None:
    text = shown(many_of_all(100), verbose=True)
    assert len(text) <= LIMIT
    for part in (
        "**Next**",
        "**Problems**",
        "**Worth knowing**",
        "**Not seen**",
        "**For support**",
        "**Checks**",
        "Nothing was written.",
    ):
        assert part in text
    assert tags(text).count("<details>") == tags(text).count("</details>")


def test_what_is_left_out_of_a_section_is_counted() -> None:
    assert re.search(r"\n\nand \d+ more lines\n\n\*\*For support\*\*", shown(many_of_all(100)))


WORDS = "some plain words"


def test_hostile_text_changes_nothing_of_the_structure() -> None:
    assert shape(shown(reports.hostile())) == shape(shown(reports.hostile(WORDS)))
    assert tags(shown(reports.hostile())) == tags(shown(reports.hostile(WORDS)))


MARKUP = st.sampled_from(
    [
        *("`", "```", "~~~", "~", "|", "<", ">", "</details>", "<!--", "<sub>", "&", "\\", "*", "_", "[", "](", "!", "$"),
        *("#", "-", "+", "1.", "=", "\n", "\r", "\t", "    ", "@x", "http://x.y"),
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(min_size=1), st.lists(st.one_of(MARKUP, st.text(max_size=3)), min_size=1, max_size=12).map("".join)))
def test_no_text_changes_the_structure(text: str) -> None:
    text = f"{text}x"  # a text that is nothing but blanks is left out, which is another structure
    written = shown(reports.hostile(text), verbose=True)
    assert shape(written) == shape(shown(reports.hostile(WORDS), verbose=True))
    assert tags(written) == tags(shown(reports.hostile(WORDS), verbose=True))


@settings(max_examples=50, deadline=None)
@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    written = shown(reports.hostile(text))
    assert len(written) <= LIMIT
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", written)


def test_nobody_is_called_and_nothing_is_linked() -> None:
    report = structs.replace(reports.hostile("@posthog #123 www.evil.example"), id="7f3a-c2")
    outside_code = re.sub(r"```.*?```|`[^`]*`|<code>.*?</code>", "", shown(report), flags=re.DOTALL)
    assert not re.search(r"@posthog|#123", outside_code)
    assert "](" not in outside_code


def test_the_status_of_a_step_stands_before_its_question() -> None:
    text = shown(reports.warning())
    assert "- – **2.** **Does Sentry show errors?** not asked: sentry-issues" in text
    assert Status.SKIPPED in [step.status for step in reports.warning().steps]
