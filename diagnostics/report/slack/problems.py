"""What was found, in Slack's mrkdwn: each problem fits into one message. Slack folds nothing, so little is shown."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial

from diagnostics.report.budget import allot
from diagnostics.report.model import Action, Evidence, QueryText, Report, Series, Status, Table, Text, Values
from diagnostics.report.outline import Problem
from diagnostics.report.slack.text import Dress
from diagnostics.report.sparkline import sparkline
from diagnostics.report.wording import cell, consequence, count, course, more, named

ROOM = 3_700
"""Characters of a message, apart from its digest."""
WITH_CLAIM = 40
COLUMNS = 8
PROSE = ("text", "source-text", "error")


def problems(dress: Dress, report: Report, found: Sequence[Problem], room: int, *, verbose: bool) -> list[str]:
    """Blocks of at most `room` characters in all and ROOM each."""
    full = partial(_full, dress, report, points=5, rows=10, passage=800, queries=verbose)
    brief = partial(_full, dress, report, points=2, rows=3, passage=200, queries=False)
    allotted = allot(found, room, short=partial(_line, dress), longer=(full, brief), most=WITH_CLAIM, size=_size)
    left_out = [f"{count(allotted.missing, 'problem')}"] if allotted.missing else []
    left_out += [f"evidence of {count(allotted.shortened, 'problem')}"] if allotted.shortened else []
    told = f"Left out to fit a few messages: {' and '.join(left_out)}. `--format json` holds everything."
    head, *others = allotted.texts or ("",)
    return [f"*Problems*\n{head}" if found else "", *others, told if left_out else ""]


def headed(dress: Dress, status: Status, code: str, claim: str) -> str:
    """A line of a list."""
    return f"{dress.sign(status)} {dress.code(code)} {dress.inline(claim)}".rstrip()


def action(dress: Dress, bullet: str, wanted: Action) -> str:
    """What to do, what that does, and the commands for it."""
    what = consequence(wanted)
    marked = "" if not what else f" ({what})" if wanted.safe else f" (*{what}*)"
    return "\n".join(
        filter(None, [f"{bullet} {dress.inline(wanted.text)}{marked}", dress.commands(wanted.commands, limit=1_500)])
    )


def _size(block: str) -> int:
    """What does not fit one message fits nowhere."""
    return len(block) + 2 if len(block) <= ROOM else 1_000_000


def _line(dress: Dress, problem: Problem) -> str:
    return headed(dress, problem.status, problem.code, problem.points[0].claim if problem.points else "")


def _full(dress: Dress, report: Report, problem: Problem, *, points: int, rows: int, passage: int, queries: bool) -> str:
    lines = [_line(dress, problem)]
    for index, point in enumerate(problem.points[:points]):
        lines += [dress.inline(point.claim)] if index and point.claim else []
        lines += [f"Known: {dress.inline(point.cause)}"] if point.cause else []
        lines += [dress.inline(point.finding.detail)] if point.finding.detail else []
        for piece in point.finding.evidence[:20]:
            lines += _shown(dress, piece, at=report.started_at, rows=rows, passage=passage, queries=queries)
    rest = more(len(problem.points) - points, "finding")
    lines += [f"and {rest} of this code"] if rest else []
    lines += [action(dress, dress.bullet, wanted) for wanted in problem.actions[:5]]
    return "\n".join(lines)


def _shown(dress: Dress, piece: Evidence, *, at: datetime, rows: int, passage: int, queries: bool) -> Iterator[str]:
    match piece:
        case Table():
            yield from _table(dress, piece, at=at, rows=rows)
        case Series():
            line = sparkline(piece.values, width=32, unicode=dress.unicode)
            yield f"{dress.inline(piece.title)} {dress.code(line)} {dress.inline(course(piece, at))}"
        case Values():
            pairs = [f"{name}: {named(value, at)}" for name, value in list(piece.values.items())[: 2 * rows]]
            rest = more(len(piece.values) - len(pairs), "value")
            yield f"{dress.inline(piece.title)} {dress.inline(', '.join([*pairs, *([f'and {rest}'] if rest else [])]), 400)}"
        case Text():
            yield f"{dress.inline(piece.title)}\n{dress.fence(piece.text, limit=passage)}"
        case QueryText() if queries:
            yield f"{dress.inline(piece.title)}\n{dress.fence(piece.text, limit=passage)}"


def _table(dress: Dress, table: Table, *, at: datetime, rows: int) -> Iterator[str]:
    """A line a row: Slack has no tables, and columns of code break on a phone. What is no prose keeps its column's name."""
    yield dress.inline(table.title)
    columns = table.columns[:COLUMNS]
    for row in table.rows[:rows]:
        cells = [(column, cell(column, value, at)) for column, value in zip(columns, row, strict=False)]
        told = [dress.inline(text if column.kind in PROSE else f"{column.name} {text}", 160) for column, text in cells if text]
        yield f"{dress.bullet} {f' {dress.dot} '.join(told)}"
    missing = [more(len(table.rows[rows:]) + table.omitted, "row"), more(len(table.columns) - COLUMNS, "column")]
    if rest := ", ".join(filter(None, missing)):
        yield f"and {rest}"
