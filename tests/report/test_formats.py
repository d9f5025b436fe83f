import itertools
import math
import subprocess
import sys
from datetime import datetime, timedelta, timezone

import pytest
from msgspec import structs

from diagnostics.report.formats import FORMATS, of_file, render
from diagnostics.report.hero import hero
from diagnostics.report.json import dump, load
from diagnostics.report.model import Column, Report, Series, Status, Table, Values
from diagnostics.report.options import RenderOptions
from tests.report import reports
from tests.report.snapshots import GOLDEN, SNAPSHOTS, rendered

CASES = list(itertools.product(reports.ALL, FORMATS))
FOR_PEOPLE = ("terminal", "markdown", "slack", "email")


def words(report: Report, format: str, options: RenderOptions) -> str:
    """What is said, whatever it is wrapped and dressed in, without the subject of an e-mail."""
    text = render(report, format, options)
    body = text.partition("\n\n")[2] if format == "email" else text
    return " ".join(body.replace("\\", "").replace("`", "").replace("*", "").split())


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_the_text_is_what_it_was(name: str) -> None:
    assert rendered(name).decode() == (GOLDEN / name).read_bytes().decode()


def test_every_golden_file_is_held_to() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == set(SNAPSHOTS)


@pytest.mark.parametrize(("name", "format"), CASES)
@pytest.mark.parametrize("options", [RenderOptions(), RenderOptions(width=100, color=True, unicode=False, verbose=True)])
def test_a_saved_report_renders_byte_for_byte_as_the_run_did(name: str, format: str, options: RenderOptions) -> None:
    report = reports.ALL[name]()
    assert render(load(dump(report)), format, options) == render(report, format, options)


@pytest.mark.parametrize("format", FORMATS)
def test_numbers_that_json_writes_otherwise_render_the_same_when_saved(format: str) -> None:
    tokyo = timezone(timedelta(hours=9))
    evidence = (
        Series(title="counts", start=datetime(2026, 11, 23, 18, tzinfo=tokyo), step_s=60, values=(1, 2, math.nan, math.inf)),
        Values(title="values", values={"b": math.nan, "a": 1.0, "whole": 7}),
        Table(title="rows", columns=(Column(name="n", kind="number"),), rows=((math.inf,), (2.5,), (None,), (True,))),
    )
    finding = structs.replace(reports.DEAD_LETTERS, evidence=evidence)
    base = reports.problem()
    report = structs.replace(
        base, started_at=datetime(2026, 11, 23, 10), checks=(reports.check("dead-letters", Status.FAIL, finding),)
    )
    options = RenderOptions(verbose=True)
    assert render(load(dump(report)), format, options) == render(report, format, options)


@pytest.mark.parametrize("format", FORMATS)
def test_nothing_of_the_machine_gets_into_a_report(format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = render(reports.problem(), format, RenderOptions(color=True))
    for name, value in {"COLUMNS": "61", "NO_COLOR": "1", "TERM": "dumb", "TZ": "Asia/Tokyo", "LC_ALL": "tr_TR.UTF-8"}.items():
        monkeypatch.setenv(name, value)
    assert render(reports.problem(), format, RenderOptions(color=True)) == before


@pytest.mark.parametrize(("name", "format"), CASES)
def test_every_text_ends_with_one_newline(name: str, format: str) -> None:
    text = render(reports.ALL[name](), format, RenderOptions())
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


def test_extensions_name_one_format_each() -> None:
    extensions = [extension for format in FORMATS.values() for extension in format.extensions]
    assert len(extensions) == len(set(extensions))
    assert all(extension.startswith(".") and extension == extension.lower() for extension in extensions)


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("report.txt", "terminal"),
        ("report.slack.txt", "slack"),
        ("REPORT.EMAIL.TXT", "email"),
        ("report.eml", "email"),
        ("a.b.md", "markdown"),
        ("report.junit.xml", "junit"),
        ("report.xml", "junit"),
        (".json", "json"),
        ("report", None),
        ("txt", None),
    ],
)
def test_the_longest_extension_of_a_file_decides(name: str, format: str | None) -> None:
    assert of_file(name) == format


def test_the_formats_cost_no_import_of_a_renderer() -> None:
    heavy = ("rich", "httpx", "chdb", "jinja2", "junitparser")
    code = f"import sys, diagnostics.report.formats; print(sorted(set({heavy}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("format", FOR_PEOPLE)
def test_quiet_is_the_verdict_what_to_do_and_how_complete_the_look_was(format: str) -> None:
    text = words(reports.problem(), format, RenderOptions(quiet=True))
    assert "Events stop at the plugin server: Postgres refuses its connections" in text
    assert "docker compose restart plugins" in text
    assert "Looked with 7 of 7 checks." in text
    for left_out in ("Runbook", "Problems", "POSTHOG-4X1", "Asked:", "capture"):
        assert left_out not in text.replace("Nothing was seen of: capture", "")
    assert "report 7f3a-c2" in text.casefold()


@pytest.mark.parametrize("format", FOR_PEOPLE)
@pytest.mark.parametrize("quiet", [True, False])
def test_an_incomplete_run_says_so_at_the_very_top(format: str, quiet: bool) -> None:
    text = words(reports.cut_short(), format, RenderOptions(quiet=quiet))
    told = "Incomplete: the run was cut short after 5 s (its deadline ended it)."
    assert text.index(told) < text.index("Nothing is known to be broken")


@pytest.mark.parametrize("format", FOR_PEOPLE)
def test_nothing_is_said_twice(format: str) -> None:
    text = words(reports.problem(), format, RenderOptions(width=200))
    for once in (
        reports.LETTERS_CLAIM,
        "says that Postgres does not answer",
        "Postgres refuses its connections",
        "docker compose restart plugins",
        reports.HEARTBEAT.claim[:40],
        "3 of 3 checks are ok",
    ):
        assert text.count(once) == 1, once


@pytest.mark.parametrize("format", FOR_PEOPLE)
def test_a_check_that_could_not_look_is_explained_once(format: str) -> None:
    text = words(reports.inconclusive(), format, RenderOptions(width=200))
    assert text.count("Sentry refuses the token") == 1
    assert text.count("no plugin server is configured") == 1


@pytest.mark.parametrize("format", FOR_PEOPLE)
def test_the_parts_come_in_a_fixed_order(format: str) -> None:
    text = words(reports.inconclusive(), format, RenderOptions())
    order = [
        "Nothing is known to be broken",
        "plugin server",
        "Next",
        "Looked with 3 of 7",
        "Runbook",
        "Not seen",
        "For support",
        "Asked:",
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)


@pytest.mark.parametrize("format", FOR_PEOPLE)
def test_the_hero_gets_a_section_where_others_read_for_support(format: str) -> None:
    text = words(reports.problem(), format, RenderOptions(audience="hero"))
    assert "For the support hero" in text
    for sentence in hero(reports.problem()):
        assert sentence in text
    assert "For support" not in text.replace("For the support", "")
    assert text.index("Runbook") < text.index("For the support hero") < text.index("Asked:")
