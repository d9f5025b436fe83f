"""The page in a real browser: that it can be read and used by everybody, and that a stranger's text gets nothing done in it."""

import itertools
from collections.abc import Iterator
from datetime import timedelta

import pytest
from msgspec import structs

from diagnostics.report.formats import render
from diagnostics.report.html.chart import MOST_BARS
from diagnostics.report.json import canonical
from diagnostics.report.model import Column, Report, Series, Status, Table
from diagnostics.report.options import RenderOptions
from tests.report import reports

pytest.importorskip("playwright")
pytest.importorskip("axe_playwright_python")

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Error, Page, expect

from diagnostics.report import markdown, slack
from tests.report.html.browser import CHROMIUM, DESK, PHONE, browser, opened

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser: {CHROMIUM} is not installed")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as started:
        yield started


def shown(report: Report) -> str:
    return render(report, "html", RenderOptions())


def with_rows() -> Report:
    """The problem with a table of seven rows, in no order."""
    rows = ((3, "c", "2026-11-23T09:00:00Z"), (12, "A", None), (1, "b", "2026-11-22T23:00:00Z"))
    rows += ((40, "dead letter", "2026-11-23T08:00:00Z"), (5, "e", "last night"), (0, "f", None), (7, "letter", None))
    columns = (Column(name="events", kind="count"), Column(name="error", kind="source-text"), Column(name="seen", kind="time"))
    evidence = Table(title="Rows", columns=columns, rows=rows)
    finding = structs.replace(reports.POSTGRES_DOWN, evidence=(evidence,), claim="Seven rows")
    checks = (
        reports.check("app-health", Status.FAIL, finding),
        reports.check("dead-letters", Status.FAIL, reports.DEAD_LETTERS),
    )
    return structs.replace(reports.problem(), checks=checks)


EVERY = {**reports.ALL, "many": lambda: reports.huge(40), "rows": with_rows}


UNFOLD = "document.querySelectorAll('details').forEach((fold) => { fold.open = true; })"


@pytest.mark.parametrize("name", EVERY)
def test_it_fits_every_width_asks_nothing_of_the_network_and_complains_about_nothing(chromium: Browser, name: str) -> None:
    with opened(chromium, shown(EVERY[name]())) as (page, complaints):
        page.evaluate(UNFOLD)
        for width in (320, PHONE, 700, 800, DESK):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert (complaints.console, complaints.requests) == ([], [])


NUMBERS = "[...document.querySelectorAll('td.number')].map((cell) => cell.getBoundingClientRect().height)"


@pytest.mark.parametrize("width", [320, PHONE, 600])
def test_a_number_stands_on_one_line_of_a_narrow_page(chromium: Browser, width: int) -> None:
    with opened(chromium, shown(with_rows()), viewport={"width": width, "height": 900}) as (page, _):
        page.evaluate(UNFOLD)
        heights = page.evaluate(NUMBERS)
        assert len(heights) > 5
        assert max(heights) < 40


LOOKS = [*itertools.product(["problem", "rows"], ["light", "dark"], [DESK, PHONE])]
LOOKS += [(name, "light", PHONE) for name in ("healthy", "hostile")] + [
    (name, "dark", DESK) for name in ("warning", "cut_short")
]


@pytest.mark.parametrize(("name", "scheme", "width"), LOOKS)
def test_it_is_accessible(chromium: Browser, name: str, scheme: str, width: int) -> None:
    # The policy of the page would keep the judge's script out as well.
    look = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme, "bypass_csp": True}
    with opened(chromium, shown(EVERY[name]()), **look) as (page, _):
        page.evaluate(UNFOLD)
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("name", ["problem", "hostile"])
def test_without_its_script_everything_can_be_read(chromium: Browser, name: str) -> None:
    report = reports.ALL[name]()
    with opened(chromium, shown(report), java_script_enabled=False) as (page, _):
        assert page.locator("button").count() == 0
        assert page.locator("main tbody tr").count() > 3
        assert page.locator("details").count() > 3


INJECTED = """<script>document.title = "gone"</script><style>h1 {display: none}</style>
<img src=x onerror="document.title = 'gone'">
<form action="https://evil.invalid"><button id="send">Send</button></form>"""


def test_what_is_injected_cannot_run_load_or_send(chromium: Browser) -> None:
    source = shown(reports.problem()).replace("<main>", f"<main>{INJECTED}", 1)
    with opened(chromium, source) as (page, complaints):
        with page.expect_console_message(lambda message: "form-action 'none'" in message.text):
            page.evaluate("document.getElementById('send').click()")
        assert page.evaluate("document.title").startswith("✗ Events stop")
        assert page.locator("h1").is_visible()
        assert complaints.requests == []
        assert len(complaints.console) == 5  # the script, its like in an attribute, the style, the image, the form
        assert all("violates the following Content Security Policy directive" in told for told in complaints.console)
        with pytest.raises(Error, match="TrustedHTML"):
            page.evaluate("document.body.innerHTML = '<b>text as markup</b>'")


# Not how often a report for Slack is to be copied, nor whether a table is so wide that the keyboard has to scroll it.
INVENTORY = """() => [...document.querySelectorAll("body :not(wbr)")]
    .filter((element) => !element.closest(".copies, #tools"))
    .map((element) => [element.localName, ...element.getAttributeNames().filter((name) => name !== "tabindex")].join(" "))"""


def test_hostile_text_makes_no_element_and_no_attribute(chromium: Browser) -> None:
    seen = []
    for report in (reports.hostile(), reports.hostile("some plain words")):
        with opened(chromium, shown(report)) as (page, _):
            seen.append(page.evaluate(INVENTORY))
    assert len(seen[0]) > 200
    assert seen[0] == seen[1]


def cells(page: Page, column: int) -> list[str]:
    return page.locator(f"#problem-1 tbody tr:visible td:nth-child({column})").all_inner_texts()


def test_a_table_sorts_by_keyboard(chromium: Browser) -> None:
    with opened(chromium, shown(with_rows())) as (page, _):
        heading = page.locator("#problem-1 th").nth(0)
        heading.get_by_role("button").press("Enter")
        assert cells(page, 1) == ["40", "12", "7", "5", "3", "1", "0"]
        assert heading.get_attribute("aria-sort") == "descending"
        page.keyboard.press("Space")
        assert cells(page, 1) == ["0", "1", "3", "5", "7", "12", "40"]
        assert heading.get_attribute("aria-sort") == "ascending"
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert cells(page, 2) == ["A", "b", "c", "dead letter", "e", "f", "letter"]
        assert heading.get_attribute("aria-sort") is None
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert [cell[:5] for cell in cells(page, 3)] == ["09:00", "08:00", "2026-", "–", "last ", "–", "–"]


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_a_table_filters_by_keyboard_and_tells_how_much_is_left(chromium: Browser, width: int) -> None:
    with opened(chromium, shown(with_rows()), viewport={"width": width, "height": 900}) as (page, _):
        wanted = page.get_by_role("searchbox", name="Filter").first
        wanted.press_sequentially("Letter")
        assert cells(page, 2) == ["dead letter", "letter"]
        assert page.get_by_role("status").inner_text() == "2 of 7 rows"
        wanted.press_sequentially(" dead")
        assert cells(page, 2) == ["dead letter"]
        wanted.fill("")
        assert len(cells(page, 2)) == 7


def test_a_table_of_one_row_has_no_buttons(chromium: Browser) -> None:
    with opened(chromium, shown(reports.problem())) as (page, _):
        assert page.locator("table").filter(has_text="POSTHOG-4X1").locator("button, input").count() == 0


IN_CLIPBOARD = "(text) => navigator.clipboard.readText().then((copy) => copy === text)"
COPIES = {"permissions": ["clipboard-read", "clipboard-write"]}


def test_a_command_is_copied_by_keyboard_as_it_is(chromium: Browser) -> None:
    with opened(chromium, shown(reports.problem()), **COPIES) as (page, _):
        page.locator(".next .code").first.get_by_role("button", name="Copy").press("Enter")
        expect(page.get_by_role("status")).to_have_text("Copied.")
        assert page.evaluate("navigator.clipboard.readText()") == reports.SEE_CONNECTIONS.commands[0]


def test_the_report_is_copied_for_github_and_message_by_message_for_slack(chromium: Browser) -> None:
    report = canonical(reports.problem())
    messages = slack.messages(report, RenderOptions())
    with opened(chromium, shown(report), **COPIES) as (page, _):
        page.get_by_role("button", name="Copy for GitHub").press("Enter")
        page.wait_for_function(IN_CLIPBOARD, arg=markdown.render(report, RenderOptions()))
        for number, message in enumerate(messages, 1):
            name = f"Copy for Slack, {number} of {len(messages)}" if len(messages) > 1 else "Copy for Slack"
            page.get_by_role("button", name=name).press("Enter")
            page.wait_for_function(IN_CLIPBOARD, arg=message)


def test_where_there_is_no_clipboard_the_text_is_selected(chromium: Browser) -> None:
    with opened(chromium, shown(reports.problem())) as (page, _):
        page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
        page.get_by_role("button", name="Copy for GitHub").press("Enter")
        expect(page.get_by_role("status")).to_have_text("Selected. Press Ctrl and C to copy.")
        assert page.evaluate("getSelection().toString()").startswith("### ❌ Events stop at the plugin server")


def test_a_link_to_a_problem_unfolds_it(chromium: Browser) -> None:
    with opened(chromium, shown(reports.problem())) as (page, _):
        fold = page.locator("#problem-2 > details")
        assert fold.get_attribute("open") is None
        page.get_by_role("link", name="dead-letters.active").press("Enter")
        page.wait_for_selector("#problem-2 > details[open]")
        assert page.get_by_text("plugin_server_ingest_event:processPersonsStep").first.is_visible()


def test_all_problems_unfold_and_fold_at_once(chromium: Browser) -> None:
    with opened(chromium, shown(reports.problem())) as (page, _):
        page.get_by_role("button", name="Unfold all").press("Enter")
        page.wait_for_function("document.querySelectorAll('.problems > .card > details:not([open])').length === 0")
        page.get_by_role("button", name="Fold all").press("Enter")
        page.wait_for_function("document.querySelectorAll('.problems > .card > details[open]').length === 0")


def test_whatever_has_the_focus_shows_it(chromium: Browser) -> None:
    with opened(chromium, shown(with_rows())) as (page, _):
        for _ in range(12):
            page.keyboard.press("Tab")
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline == "solid", page.evaluate("document.activeElement.outerHTML")


@pytest.mark.parametrize("scripted", [True, False])
def test_paper_shows_everything_unfolded_and_no_button(chromium: Browser, scripted: bool) -> None:
    with opened(chromium, shown(reports.problem()), java_script_enabled=scripted, color_scheme="dark") as (page, _):
        page.emulate_media(media="print")
        assert page.get_by_text("GROUP BY error_location, error").first.is_visible()
        assert (
            page.locator("button:visible, input:visible").filter(visible=True).and_(page.locator(":not(th > button)")).count()
            == 0
        )


def test_the_path_stands_upright_on_a_phone(chromium: Browser) -> None:
    for width, direction in ((DESK, "across"), (PHONE, "down")):
        with opened(chromium, shown(reports.problem()), viewport={"width": width, "height": 900}) as (page, _):
            visible = page.locator("svg.path:visible")
            assert visible.count() == 1
            assert direction in (visible.get_attribute("class") or "").split()
            box = visible.bounding_box()
            assert box
            assert box["width"] <= width


def charted(*values: float) -> Report:
    series = Series(title="Arrivals", start=reports.STARTED - timedelta(hours=1), step_s=60, values=values, unit="events")
    finding = structs.replace(reports.DEAD_LETTERS, evidence=(series,))
    return structs.replace(reports.problem(), checks=(reports.check("dead-letters", Status.FAIL, finding),))


def test_a_bar_is_as_high_as_its_share_of_the_axis(chromium: Browser) -> None:
    with opened(chromium, shown(charted(0, 5, 10, 0.001))) as (page, _):
        plot = page.locator(".plot svg").bounding_box()
        heights = [page.locator(".plot rect").nth(index).bounding_box() for index in range(page.locator(".plot rect").count())]
        assert plot
        assert [round(bar["height"] / plot["height"], 3) for bar in heights if bar] == [0.5, 1.0, 0.015]
        assert page.locator(".ticks li").all_inner_texts() == ["10", "5", "0"]
        assert page.locator(".plot rect title").first.text_content() == "09:01: 5 events"
        assert page.get_by_role("img", name="09:00 to 09:04, peak 10 events at 09:02").is_visible()


DRAWN = [((), 0, ["1", "0"]), ((0, 0), 0, ["1", "0"]), ((1,), 1, ["1", "0"]), ((-3, 3), 1, ["4", "2", "0"])]
DRAWN += [
    ((0.003,), 1, ["0.004", "0.002", "0"]),
    ((16_000,), 1, ["20 k", "10 k", "0"]),
    ((1e308, 1), 2, []),
    ((5e-324,), 1, []),
]


@pytest.mark.parametrize(("values", "bars", "ticks"), DRAWN)
def test_any_number_can_be_drawn(chromium: Browser, values: tuple[float, ...], bars: int, ticks: list[str]) -> None:
    with opened(chromium, shown(charted(*values))) as (page, complaints):
        assert page.locator(".plot rect").count() == bars
        assert not ticks or page.locator(".ticks li").all_inner_texts() == ticks
        assert complaints.console == []


def test_a_burst_of_one_minute_in_a_month_is_seen() -> None:
    source = shown(charted(*(5 if minute == 30_000 else 0 for minute in range(43_200))))
    assert source.count("<rect") == 1
    assert f'viewBox="0 0 {MOST_BARS} 100"' in source
    assert "events, peaks of 43,200 values, every 60 s" in source


def test_a_page_without_the_network_is_a_page(chromium: Browser) -> None:
    with opened(chromium, shown(reports.problem()), offline=True) as (page, _):
        assert page.locator("h1").is_visible()
