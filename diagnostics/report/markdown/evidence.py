"""Evidence in Markdown: tables, sparklines, quoted passages and queries, in the form that GitHub shows."""

from collections.abc import Sequence
from datetime import datetime

from diagnostics.report.markdown.text import Dress
from diagnostics.report.model import Evidence, QueryText, Series, Table, Text, Values
from diagnostics.report.sparkline import sparkline
from diagnostics.report.wording import NUMERIC, cell, course, more, named

COLUMNS = 8
CELL = 300


def shown(dress: Dress, evidence: Sequence[Evidence], *, at: datetime, rows: int, passage: int, queries: bool) -> list[str]:
    """A block each. `rows` are those of a table, `passage` the characters of a quotation or query."""
    blocks = []
    for piece in evidence:
        match piece:
            case Table():
                blocks.append(_table(dress, piece, at=at, rows=rows))
            case Series():
                line = dress.code(sparkline(piece.values, width=48, unicode=dress.unicode))
                blocks.append(_titled(dress, piece.title, f"{line} {dress.inline(course(piece, at))}"))
            case Values():
                blocks.append(_values(dress, piece, at=at, rows=rows))
            case Text():
                blocks.append(_titled(dress, piece.title, f"\n\n{dress.fence(piece.text, limit=passage)}"))
            case QueryText() if queries:
                blocks.append(_titled(dress, piece.title, f"\n\n{dress.fence(piece.text, piece.language, limit=passage)}"))
    return [block for block in blocks if block]


def _table(dress: Dress, table: Table, *, at: datetime, rows: int) -> str:
    columns = table.columns[:COLUMNS]
    if not columns or not table.rows:
        return ""
    lines = [
        _row([dress.inline(column.name, CELL) for column in columns]),
        _row(["---:" if column.kind in NUMERIC else "---" for column in columns]),
    ]
    for row in table.rows[:rows]:
        cells = [dress.inline(cell(column, value, at), CELL) for column, value in zip(columns, row, strict=False)]
        lines.append(_row(cells + [""] * (len(columns) - len(cells))))
    missing = [more(len(table.rows[rows:]) + table.omitted, "row"), more(len(table.columns) - COLUMNS, "column")]
    rest = ", ".join(filter(None, missing))
    return _titled(dress, table.title, "\n\n" + "\n".join(lines) + (f"\n\nand {rest}" if rest else ""))


def _values(dress: Dress, values: Values, *, at: datetime, rows: int) -> str:
    pairs = [f"{dress.inline(name, CELL)}: {dress.inline(named(value, at), CELL)}" for name, value in values.values.items()]
    rest = more(len(pairs) - 2 * rows, "value")
    return _titled(dress, values.title, ", ".join([*pairs[: 2 * rows], *([f"and {rest}"] if rest else [])]))


def _titled(dress: Dress, title: str, text: str) -> str:
    return f"{dress.bold(title)} {text}" if not text.startswith("\n") else f"{dress.bold(title)}{text}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
