import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from rich.cells import cell_len

from diagnostics.report.formats import render
from diagnostics.report.model import Action, Column, Finding, Report, Stage, StageState, Status, Table
from diagnostics.report.options import RenderOptions
from diagnostics.report.safetext import block, terminal
from tests.report import reports

SGR = re.compile(r"\x1b\[[0-9;]*m")
OBEYED = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def shown(report: Report, **options: bool | int) -> str:
    return render(report, "terminal", RenderOptions(**options))  # type: ignore[arg-type]


def prose(report: Report, text: str) -> list[str]:
    """The lines that are not there to be copied."""
    findings = [finding for check in report.checks for finding in check.findings]
    actions = [*report.verdict.actions, *(action for finding in findings for action in finding.actions)]
    queries = [piece.text for finding in findings for piece in finding.evidence if hasattr(piece, "language")]
    commands = [command for action in actions for command in action.commands]
    copied = {terminal(line).strip() for each in commands + queries for line in block(each).split("\n")}
    return [line for line in text.splitlines() if line.strip() not in copied]


@pytest.mark.parametrize("name", reports.ALL)
@pytest.mark.parametrize("width", [60, 71, 72, 80, 120, 200])
@pytest.mark.parametrize("verbose", [False, True])
def test_no_line_is_wider_than_asked_for(name: str, width: int, verbose: bool) -> None:
    report = reports.ALL[name]()
    assert max(cell_len(line) for line in prose(report, shown(report, width=width, verbose=verbose))) <= width


@pytest.mark.parametrize(("asked", "given"), [(1, 60), (60, 60), (10_000, 200)])
def test_the_width_is_held_between_60_and_200(asked: int, given: int) -> None:
    assert shown(reports.problem(), width=asked) == shown(reports.problem(), width=given)


def test_a_command_is_one_line_that_can_be_copied() -> None:
    for width in (60, 80, 200):
        assert f"      {reports.SEE_CONNECTIONS.commands[0]}\n" in shown(reports.problem(), width=width)


@pytest.mark.parametrize("name", reports.ALL)
def test_without_colour_there_is_not_one_escape(name: str) -> None:
    assert "\x1b" not in shown(reports.ALL[name](), verbose=True)


@pytest.mark.parametrize("name", reports.ALL)
def test_colour_changes_nothing_but_colour(name: str) -> None:
    colored = SGR.sub("", shown(reports.ALL[name](), color=True))
    assert [line.rstrip() for line in colored.splitlines()] == shown(reports.ALL[name]()).splitlines()


@pytest.mark.parametrize("name", reports.ALL)
def test_a_console_that_only_knows_ascii_can_print_it(name: str) -> None:
    assert shown(reports.ALL[name](), unicode=False, verbose=True).isascii()


def test_statuses_have_signs() -> None:
    text = shown(reports.inconclusive(), verbose=True)
    assert "  – plugin-server-health  " in text
    assert "  ? sentry-issues  " in text
    assert "  ✓ clickhouse-connection  " in text
    assert "  ⊘ dead-letters, events-arriving  blocked by clickhouse-connection" in shown(reports.cut_short())
    assert "  # dead-letters, events-arriving  blocked by clickhouse-connection" in shown(reports.cut_short(), unicode=False)


@pytest.mark.parametrize(
    ("name", "colour", "word", "headline"),
    [
        ("problem", "1;37;41", " ✗ PROBLEM", "   Events stop at the plugin server: Postgres refuses its connections."),
        ("warning", "1;30;43", " ! WARNING", "   43 events were dead-lettered in 24 h, the last 5 h ago: they were not"),
        ("healthy", "1;30;42", " ✓ HEALTHY", "   Nothing is wrong where events could be lost."),
        (
            "inconclusive",
            "1;37;45",
            " ? INCONCLUSIVE",
            "   Nothing is known to be broken, but too little could be looked at to call",
        ),
        (
            "cut_short",
            "1;37;45",
            " ? INCONCLUSIVE",
            "   Nothing is known to be broken, but too little could be looked at to call",
        ),
    ],
)
def test_the_verdict_is_a_block_in_its_colour(name: str, colour: str, word: str, headline: str) -> None:
    lines = shown(reports.ALL[name](), color=True).splitlines()
    block = [line for line in lines if line.startswith(f"\x1b[{colour}m")]
    assert [SGR.sub("", line).rstrip() for line in (block[0], *block[1:3], block[-1])] == ["", word, headline, ""]
    assert {cell_len(SGR.sub("", line)) for line in block} == {80}
    assert [line for line in lines if ";42m" in line] == (block if name == "healthy" else [])


FINE = ("   capture ✓", "kafka ✓", "plugin server ✗", "clickhouse ✓", "app ✓")


@pytest.mark.parametrize(
    ("stage", "width", "mark"),
    [
        (Stage.CAPTURE, 80, "   └ events stop here"),
        (Stage.PLUGIN_SERVER, 80, f"{' ───▶ '.join(FINE)}\n                               └ events stop here\n"),
        (Stage.PLUGIN_SERVER, 72, f"{' ─▶ '.join(FINE)}\n                           └ events stop here\n"),
        (Stage.APP, 80, "                                                         events stop here ┘\n"),
        (Stage.KAFKA, 60, "   ✓ capture\n   ✗ kafka  events stop here\n   ✓ plugin server\n   ✓ clickhouse\n   ✓ app\n"),
    ],
)
def test_the_path_marks_where_events_stop(stage: Stage, width: int, mark: str) -> None:
    base = reports.problem()
    stages = tuple(StageState(id=each, status=Status.FAIL if each is stage else Status.OK) for each in Stage)
    report = structs.replace(base, stages=stages, verdict=structs.replace(base.verdict, stage=stage))
    assert mark in shown(report, width=width)


def test_a_warning_lets_events_pass() -> None:
    assert "events stop here" not in shown(reports.warning())


def test_a_trouble_that_the_top_does_not_tell_stands_below_the_path() -> None:
    base = reports.problem()
    verdict = structs.replace(base.verdict, code="dead-letters.active", why=base.verdict.why[:1])
    report = structs.replace(base, verdict=verdict)
    assert "   ✗ app: Postgres does not answer\n" in shown(report)
    assert "app: Postgres does not answer" not in shown(base)


def wide_table(columns: int, rows: int) -> Finding:
    names = tuple(Column(name=f"column {n}") for n in range(columns))
    table = Table(
        title="Wide", columns=names, rows=tuple(tuple(f"r{r}c{c}" for c in range(columns)) for r in range(rows)), omitted=2
    )
    return structs.replace(reports.DEAD_LETTERS, evidence=(table,))


def test_what_is_left_out_of_a_table_is_counted() -> None:
    report = structs.replace(reports.problem(), checks=(reports.check("dead-letters", Status.FAIL, wide_table(10, 9)),))
    assert "and 6 more rows, 2 more columns" in shown(report, width=200)
    assert "r4c0" in shown(report, width=200)
    assert "r5c0" not in shown(report, width=200)
    assert "and 2 more rows, 2 more columns" in shown(report, width=200, verbose=True)


def test_a_name_is_not_cut_in_two_where_columns_do_not_fit() -> None:
    for width in (60, 80, 120):
        assert "plugin_server_ingest_event:processPersonsStep" in shown(reports.problem(), width=width)


def test_cells_that_are_no_prose_share_a_line_where_columns_do_not_fit() -> None:
    row = "    1,161  plugin_server_ingest_event:processPersonsStep\n           sorry, too many clients already\n"
    assert f"{row}           last seen 09:59:48 (12 s ago)\n" in shown(reports.problem())


@pytest.mark.parametrize("format", ["terminal", "slack"])
def test_an_empty_cell_takes_no_room(format: str) -> None:
    columns = (Column(name="events", kind="count"), Column(name="error", kind="source-text"), Column(name="known as"))
    rows = ((3, "no_such_step_" * 7, ""), (2, "another_step_" * 7, "a known one"), (1, "", ""))
    finding = structs.replace(reports.DEAD_LETTERS, evidence=(Table(title="Rows", columns=columns, rows=rows),))
    report = structs.replace(reports.problem(), checks=(reports.check("dead-letters", Status.FAIL, finding),))
    text = render(report, format, RenderOptions())
    table = text.partition("Rows\n")[2].partition("\n\n")[0]
    assert "a known one" in table
    assert table.rstrip()[-1] == "1"
    assert not any(line.rstrip().endswith("·") for line in table.splitlines())


def test_what_several_checks_found_of_a_code_stands_together() -> None:
    seen = structs.replace(
        reports.POSTGRES_DOWN, stage=Stage.PLUGIN_SERVER, claim="The error texts say so", evidence=(), actions=()
    )
    base = reports.problem()
    checks = (*base.checks[:3], reports.check("dead-letters", Status.FAIL, reports.DEAD_LETTERS, seen), *base.checks[4:])
    text = shown(structs.replace(base, checks=checks))
    assert "  ✗ app.postgres-down  The error texts say so\n    /_readyz  http: up, postgres: no, " in text
    assert text.count("✗ app.postgres-down") == 1


def test_many_findings_of_one_code_are_counted() -> None:
    base = reports.problem()
    many = tuple(structs.replace(reports.DEAD_LETTERS, claim=f"claim {n}", evidence=()) for n in range(9))
    report = structs.replace(base, checks=(reports.check("dead-letters", Status.FAIL, *many),))
    assert "claim 4\n    and 4 more findings of this code; --verbose shows more\n" in shown(report)
    assert "claim 8" not in shown(report)
    assert "claim 8" in shown(report, verbose=True)


def test_an_unsafe_action_says_so() -> None:
    action = Action(text="Drop it", commands=("DROP TABLE x",), changes_something=True, safe=False)
    base = reports.problem()
    report = structs.replace(base, verdict=structs.replace(base.verdict, actions=(action,)))
    assert "  1 Drop it (changes something, NOT safe)\n      DROP TABLE x\n" in shown(report)


def test_a_code_without_actions_is_explained_at_least() -> None:
    base = reports.problem()
    report = structs.replace(base, verdict=structs.replace(base.verdict, actions=()))
    assert "  1 Read what this means and how to mend it (read-only)\n      diag explain app.postgres-down\n" in shown(report)


def test_a_healthy_report_is_short() -> None:
    assert len(shown(reports.healthy()).splitlines()) <= 32


def test_verbose_shows_every_check_its_time_and_the_queries() -> None:
    text = shown(reports.problem(), verbose=True, width=120)
    assert (
        "  ✓ events-arriving  Events arrive in ClickHouse  0.1 s, 2 queries (74 k rows, 1.9 MB, 40 ms of ClickHouse)\n" in text
    )
    assert "      GROUP BY error_location, error\n" in text
    assert "GROUP BY" not in shown(reports.problem(), width=120)


def test_verbose_is_all_that_a_person_can_read_and_says_where_the_rest_is() -> None:
    text = shown(reports.huge(1_000), verbose=True)
    assert "and 602 more problems; --format json holds all" in text
    assert len(text) < 500_000


def test_ten_thousand_findings_and_a_megabyte_are_quickly_told_and_counted() -> None:
    started = time.process_time()
    text = shown(reports.huge())
    assert time.process_time() - started < 10
    assert "and 9,962 more problems; --verbose shows more" in text
    assert len(text) < 40_000


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1), st.sampled_from([60, 80, 200]), st.booleans(), st.booleans())
def test_no_text_gets_a_terminal_to_obey_or_breaks_the_page(text: str, width: int, unicode: bool, verbose: bool) -> None:
    report = reports.hostile(f"{text}.")  # no heading of ours ends with a dot
    written = shown(report, width=width, unicode=unicode, verbose=verbose)
    assert not OBEYED.search(written)
    assert unicode or written.isascii()
    assert SGR.sub("", shown(report, width=width, color=True)).count("\x1b") == 0
    headings = ["Next", "Problems", "Worth knowing", "Not seen", "For support"]
    assert [line[1:] for line in written.splitlines() if line in [f" {heading}" for heading in headings]] == headings


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300), st.sampled_from([60, 61, 80]))
def test_no_text_makes_a_line_wider(text: str, width: int) -> None:
    report = reports.hostile(text)
    assert max(cell_len(line) for line in prose(report, shown(report, width=width))) <= width
