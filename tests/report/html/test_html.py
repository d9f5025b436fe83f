"""The page as text: its structure, its policy, its bounds. What it does in a browser is in test_browser.py."""

import re
import time
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given, settings
from msgspec import structs

from diagnostics.report import digest, markdown, slack
from diagnostics.report.formats import render
from diagnostics.report.json import canonical
from diagnostics.report.model import Action, Column, Report, Status, Table
from diagnostics.report.options import RenderOptions
from tests.report import hostile_text, reports
from tests.report.markdown.test_markdown import many_of_all

EMPTY_TAGS = ("meta", "input", "wbr")
REFERENCES = ("href", "src", "srcset", "action", "formaction", "data", "poster", "background", "xlink:href")


class Page(HTMLParser):
    """A page as a browser would read it: tags with the names of their attributes, and the text within each kind of tag."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: dict[str, list[str]] = {}
        self.left_open: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._seen(tag, attrs)
        if tag not in EMPTY_TAGS:
            self.left_open.append(tag)
            self.texts.setdefault(tag, []).append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._seen(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.left_open.pop() == tag
        self.tags.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        for tag in set(self.left_open):
            self.texts[tag][-1] += data

    def handle_comment(self, data: str) -> None:
        self.tags.append("!")

    def _seen(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # Where a long word may break is all that a text decides about the structure.
        self.tags += [] if tag == "wbr" else [" ".join([tag, *(name for name, _ in attrs)])]
        self.attributes += [(tag, name, value or "") for name, value in attrs]


def shown(report: Report, **options: object) -> str:
    return render(report, "html", RenderOptions(**options))


def page(report: Report, **options: object) -> Page:
    return Page(shown(report, **options))


def structure(report: Report) -> list[str]:
    """The tags before the report for Slack, whose number of messages depends on how long the texts are."""
    tags = page(report).tags
    return tags[: len(tags) - tags[::-1].index("details class data-name")]


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("name", reports.ALL)
def test_every_tag_is_closed(name: str) -> None:
    assert page(reports.ALL[name]()).left_open == []


@pytest.mark.parametrize("name", reports.ALL)
def test_nothing_outside_the_page_is_referred_to(name: str) -> None:
    seen = page(reports.ALL[name]())
    references = [value for _, name, value in seen.attributes if name in REFERENCES]
    assert references
    assert all(re.fullmatch(r"#[a-z0-9-]+", value) for value in references)
    assert "url(" not in seen.texts["style"][0]
    assert "@import" not in seen.texts["style"][0]


@pytest.mark.parametrize("name", reports.ALL)
def test_there_is_one_script_and_one_style_and_no_attribute_that_is_either(name: str) -> None:
    seen = page(reports.ALL[name]())
    assert [tag for tag in seen.tags if tag.split()[0] in ("script", "style", "link", "iframe", "img", "base", "form")] == [
        "style",
        "script",
    ]
    assert not [name for _, name, _ in seen.attributes if name == "style" or name.startswith("on")]


def test_the_policy_allows_exactly_the_style_and_the_script_of_the_page() -> None:
    seen = page(reports.hostile())

    def digest_of(tag: str) -> str:
        (text,) = seen.texts[tag]
        return b64encode(sha256(text.encode()).digest()).decode()

    policies = [value for tag, name, value in seen.attributes if (tag, name) == ("meta", "content")]
    assert policies[0] == (
        f"default-src 'none'; style-src 'sha256-{digest_of('style')}'; script-src 'sha256-{digest_of('script')}'; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
    )
    assert seen.tags.index("meta http-equiv content") < seen.tags.index("style")


def test_the_style_and_the_script_are_the_same_for_every_report() -> None:
    ours, theirs = page(reports.healthy()), page(reports.hostile())
    assert ours.texts["script"] == theirs.texts["script"]
    assert ours.texts["style"] == theirs.texts["style"]


@pytest.fixture(scope="module")
def quiet_structure() -> list[str]:
    """That of a report of plain words."""
    return structure(reports.hostile("some plain words"))


def test_hostile_text_changes_nothing_of_the_structure(quiet_structure: list[str]) -> None:
    assert structure(reports.hostile()) == quiet_structure


@settings(max_examples=100, deadline=None)
@given(hostile_text.texts)
def test_no_text_changes_the_structure(quiet_structure: list[str], text: str) -> None:
    text = f"{text}x"  # a text that is nothing but blanks is left out, which is another structure
    assert structure(reports.hostile(text)) == quiet_structure


@pytest.mark.parametrize("text", hostile_text.HOSTILE)
def test_what_cannot_be_seen_is_shown_or_gone(text: str) -> None:
    assert not re.search(
        r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", shown(reports.hostile(text))
    )


def test_what_is_neutralised_can_still_be_read() -> None:
    text = page(reports.hostile()).texts["main"][0]
    assert "</details><script>alert(1)</script>" in text
    assert "␛[31mred" in text
    assert "\\u202egnp.exe" in text


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("problem", "✗ Events stop at the plugin server: Postgres refuses its connections."),
        ("warning", "! 43 events were dead-lettered in 24 h, the last 5 h ago: they were not reprocessed."),
        ("healthy", "✓ Nothing is wrong where events could be lost."),
        ("cut_short", "? Nothing is known to be broken, but too little could be looked at to call this install healthy."),
    ],
)
def test_the_title_is_the_verdict(name: str, title: str) -> None:
    seen = page(reports.ALL[name]())
    assert seen.texts["title"][0] == title
    assert seen.texts["h1"] == [title[2:]]


@pytest.mark.parametrize("name", reports.ALL)
def test_no_heading_is_skipped(name: str) -> None:
    levels = [int(tag[1]) for tag in (tag.split()[0] for tag in page(reports.ALL[name]()).tags) if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


@pytest.mark.parametrize("name", reports.ALL)
def test_every_id_is_there_once_and_every_link_leads_to_one(name: str) -> None:
    seen = page(reports.ALL[name]())
    ids = [value for _, name, value in seen.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert {value for _, name, value in seen.attributes if name in ("href", "aria-labelledby")} <= {
        f"#{id}" for id in ids
    } | set(ids)


def test_the_parts_come_in_the_order_of_the_other_formats() -> None:
    seen = page(reports.inconclusive())
    text = seen.texts["main"][0].split("For GitHub")[0] + seen.texts["footer"][0]
    order = [
        "Nothing is known to be broken",
        "Confidence: low.",
        "kafka",
        "Next",
        "GRANT SELECT",
        "Looked with 3 of 7",
        "Runbook ingestion",
        "Not seen",
        "For support",
        "What was looked at",
        "Pass it on",
        "Asked:",
        "report 7f3a-c2",
        "Digest",
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)


def without_copies(report: Report) -> str:
    """What a reader sees who looks at no table of checks and no copy in another format."""
    return words(page(report).texts["main"][0].split("What was looked at")[0])


def test_nothing_is_said_twice() -> None:
    text = without_copies(reports.problem())
    for once in (
        reports.LETTERS_CLAIM,
        "says that Postgres does not answer",
        "Postgres refuses its connections",
        "docker compose restart plugins",
        reports.HEARTBEAT.claim[:40],
        "3 of 3 checks are ok",
    ):
        assert text.count(once) == 1, once


def test_a_check_that_could_not_look_is_explained_once() -> None:
    text = without_copies(reports.inconclusive())
    assert text.count("Sentry refuses the token") == 1
    assert text.count("no plugin server is configured") == 1


def test_an_incomplete_run_says_so_before_the_verdict() -> None:
    main = words(page(reports.cut_short()).texts["main"][0])
    assert main.startswith("warning: Incomplete: the run was cut short after 5 s (its deadline ended it).")


def test_quiet_is_the_verdict_what_to_do_and_how_complete_the_look_was() -> None:
    text = page(reports.problem(), quiet=True).texts["body"][0]
    assert "Events stop at the plugin server: Postgres refuses its connections" in text
    assert "docker compose restart plugins" in text
    assert "Looked with 7 of 7 checks." in text
    for left_out in ("Runbook", "Problems", "POSTHOG-4X1", "capture"):
        assert left_out not in text.split("<script>")[0].replace("Nothing was seen of: capture", "")


def test_the_support_hero_gets_what_to_answer_with() -> None:
    assert "Tell the customer: Events stop at the plugin server" in page(reports.problem(), audience="hero").texts["main"][0]


def test_the_path_says_in_words_what_it_shows() -> None:
    described = {value for tag, name, value in page(reports.problem()).attributes if (tag, name) == ("svg", "aria-label")}
    assert (
        "The path of an event. capture: not looked at, kafka: not looked at, plugin server: events stop here, "
        "clickhouse: ok, app: fails." in described
    )


def test_events_that_a_warning_is_about_do_not_stop() -> None:
    assert "events stop here" not in shown(reports.warning())


def test_a_sentence_of_the_verdict_leads_to_the_problem_that_it_quotes() -> None:
    source = shown(reports.problem())
    linked = re.findall(r'<a href="#(problem-\d)"><code>([^<]+)</code></a>', source)
    assert linked == [("problem-2", "dead-letters.active"), ("problem-1", "app.postgres-down")]
    assert re.search(r'id="problem-2".*?<h3>.*?<code>dead-letters.active</code>', source, re.DOTALL)


def test_what_an_action_does_stands_beside_it() -> None:
    tags = re.findall(r'<span class="tag (\w+)">([^<]+)</span>', shown(reports.problem()))
    assert tags == [("calm", "read-only"), ("care", "changes something, safe")]
    unsafe = Action(text="Drop it", commands=("DROP TABLE x",), changes_something=True, safe=False)
    base = reports.problem()
    changed = structs.replace(base, verdict=structs.replace(base.verdict, actions=(unsafe,)))
    assert '<span class="tag danger">changes something, NOT safe</span>' in shown(changed)


@pytest.mark.parametrize("name", ["problem", "hostile"])
def test_the_page_holds_the_report_for_github_and_slack(name: str) -> None:
    report = canonical(reports.ALL[name]())
    messages = slack.messages(report, RenderOptions())
    assert page(report).texts["code"][-1 - len(messages) :] == [markdown.render(report, RenderOptions()), *messages]


def table(*rows: tuple[str | int | float | bool | None, ...], **kinds: str) -> Report:
    """The problem with a table of these columns as its evidence."""
    evidence = Table(title="Rows", columns=tuple(Column(name=name, kind=kind) for name, kind in kinds.items()), rows=rows)
    finding = structs.replace(reports.DEAD_LETTERS, evidence=(evidence,))
    return structs.replace(reports.problem(), checks=(reports.check("dead-letters", Status.FAIL, finding),))


def test_cells_sort_by_their_number_or_their_time_and_not_by_how_it_is_written() -> None:
    source = shown(
        table(
            (1161, 0.5, "2026-11-23T09:59:48Z", "1161", None, True),
            a="count",
            b="number",
            c="time",
            d="text",
            e="count",
            f="text",
        )
    )
    cells = re.findall(r'<td class="[\w-]+" data-name="([a-f])"(?: data-order="([^"]*)")?>([^<]*)', source)
    assert cells == [
        ("a", "1161.0", "1,161"),
        ("b", "0.5", "0.5"),
        ("c", "1795427988.0", "09:59:48 (12\xa0s\xa0ago)"),
        ("d", "", "1161"),
        ("e", "", "–"),
        ("f", "1.0", "yes"),
    ]


@pytest.mark.parametrize("value", ["last night", "T", 10**400])
def test_a_time_that_is_none_is_shown_as_it_is(value: str | int) -> None:
    assert f'data-name="seen">{value}' in shown(table((value,), seen="time")).replace("<wbr>", "")


def test_a_row_that_is_too_short_is_filled_up() -> None:
    assert '<td class="kind-text" data-name="b">–</td>' in shown(table(("x",), a="text", b="text"))


def test_long_words_may_break_where_they_are_made_of_words() -> None:
    source = shown(table(("plugin_server_ingest_event:processPersonsStep",), place="source-text"))
    assert "plugin_<wbr>server_<wbr>ingest_<wbr>event:<wbr>processPersonsStep" in source


def test_rows_and_columns_that_are_left_out_are_counted() -> None:
    rows = tuple((n,) * 13 for n in range(201))
    assert "and 1 more row, 1 more column" in shown(table(*rows, **dict.fromkeys("abcdefghijklm", "count")))


@pytest.mark.parametrize("name", reports.ALL)
def test_ascii_only_where_asked_for_shows_the_same(name: str) -> None:
    source = shown(reports.ALL[name](), unicode=False)
    assert source.isascii()
    assert Page(source).texts["main"] == page(reports.ALL[name]()).texts["main"]


@pytest.mark.parametrize("unicode", [True, False])
def test_the_digest_tells_whether_the_file_was_edited(unicode: bool) -> None:
    source = shown(reports.problem(), unicode=unicode)
    assert digest.verify(source).state is digest.State.INTACT
    assert digest.verify(source.replace("1,204 events", "1,205 events", 1)).state is digest.State.EDITED


def test_ten_thousand_findings_make_no_page_that_nobody_can_open() -> None:
    report = reports.huge()
    started = time.process_time()
    source = shown(report)
    assert time.process_time() - started < 20
    assert len(source) < 2_000_000
    assert re.search(
        r"Left out to keep this page small: 9,\d\d\d problems and evidence of \d+ problems\. The report as JSON holds ",
        source,
    )
    assert ">Runbook ingestion</h2>" in source


@pytest.mark.parametrize("text", ["a" * 1_000_000, "<" * 1_000_000, "'\"&" * 300_000, "\n" * 500_000, "a_" * 500_000])
def test_a_megabyte_in_every_place_makes_no_page_that_nobody_can_open(text: str) -> None:
    assert len(shown(reports.hostile(text))) < 2_000_000


def test_a_hundred_of_everything_is_bounded_and_has_every_part_in_it() -> None:
    source = shown(many_of_all(100))
    assert len(source) < 8_000_000
    for part in ("Next", "Problems", "Worth knowing", "Not seen", "For support", "What was looked at", "Pass it on"):
        assert f">{part}</h2>" in source


def test_what_has_no_room_is_counted() -> None:
    base = reports.problem()
    steps = tuple(Action(text=f"Step {number}", commands=("x" * 4_000,) * 20) for number in range(50))
    text = words(page(structs.replace(base, verdict=structs.replace(base.verdict, actions=steps))).texts["main"][0])
    assert re.search(r"and 4\d more steps", text)
    commands = (Action(text="Many", commands=("true",) * 25),)
    text = words(page(structs.replace(base, verdict=structs.replace(base.verdict, actions=commands))).texts["main"][0])
    assert "and 5 more commands" in text
