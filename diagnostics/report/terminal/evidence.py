"""Evidence on the terminal: a few rows by default, as many as a person reads when asked for."""

from collections.abc import Sequence
from datetime import datetime

from rich.cells import cell_len
from rich.table import Table as Grid
from rich.text import Text as Cell

from diagnostics.report.model import Column, Evidence, QueryText, Series, Table, Text, Values
from diagnostics.report.sparkline import sparkline
from diagnostics.report.terminal.extent import Extent
from diagnostics.report.terminal.page import Page
from diagnostics.report.wording import NUMERIC, cell, course, more, named

COLUMNS = 8
GAP = 2
MARGIN = 20

PROSE = ("text", "source-text", "error")

DIM = "dim"


def show(page: Page, evidence: Evidence, extent: Extent, *, at: datetime, indent: int) -> None:
    """One piece of evidence. Queries are for those who ask for everything."""
    match evidence:
        case Table():
            _table(page, evidence, extent, at=at, indent=indent)
        case Series():
            _series(page, evidence, at=at, indent=indent)
        case Values():
            _values(page, evidence, extent, at=at, indent=indent)
        case Text():
            _passage(page, evidence, extent, indent=indent)
        case QueryText() if extent.all:
            _titled(page, evidence.title, "", indent=indent)
            page.verbatim(evidence.text, indent=indent + 2, style=DIM)


def _table(page: Page, table: Table, extent: Extent, *, at: datetime, indent: int) -> None:
    columns = table.columns[:COLUMNS]
    rows = [row for row in table.rows[: extent.rows] if len(row) == len(table.columns)]
    if not (columns and rows):
        return
    names = [page.clean(column.name, extent.cell) for column in columns]
    cells = [
        [page.clean(cell(column, value, at), extent.cell) for column, value in zip(columns, row, strict=False)] for row in rows
    ]
    _titled(page, table.title, "", indent=indent)
    if _words_fit([names, *cells], page.width - indent):
        _grid(page, columns, names, cells, indent=indent)
    else:
        _stack(page, columns, names, cells, indent=indent)
    missing = [more(len(table.rows) - len(rows) + table.omitted, "row"), more(len(table.columns) - len(columns), "column")]
    _left_out(page, ", ".join(filter(None, missing)), indent=indent)


def _words_fit(rows: Sequence[Sequence[str]], width: int) -> bool:
    """Whether the columns stand side by side without a word, such as the name of a step, being cut in two."""
    widest: dict[int, int] = {}
    for row in rows:
        for index, text in enumerate(row):
            widest[index] = max([widest.get(index, 0), *(cell_len(word) for word in text.split())])
    return sum(widest.values()) + GAP * (len(widest) - 1) <= width


def _grid(page: Page, columns: Sequence[Column], names: Sequence[str], rows: Sequence[Sequence[str]], *, indent: int) -> None:
    grid = Grid(box=None, padding=(0, GAP, 0, 0), pad_edge=False, header_style=DIM)
    for column, name in zip(columns, names, strict=True):
        numeric = column.kind in NUMERIC
        grid.add_column(Cell(name), justify="right" if numeric else "left", no_wrap=numeric, overflow="fold")
    for row in rows:
        grid.add_row(*(Cell(text) for text in row))
    page.put(grid, indent=indent)


def _stack(page: Page, columns: Sequence[Column], names: Sequence[str], rows: Sequence[Sequence[str]], *, indent: int) -> None:
    """A line for each cell of prose, one for the others, which keep the names of their columns. A first column of numbers
    is the margin."""
    widest = max(cell_len(row[0]) for row in rows)
    margin = widest + GAP if columns[0].kind in NUMERIC and widest <= MARGIN else 0
    for row in rows:
        rest = [index for index in range(1 if margin else 0, len(row)) if row[index]]
        lines = [row[index] for index in rest if columns[index].kind in PROSE]
        labelled = ", ".join(f"{names[index]} {row[index]}" for index in rest if columns[index].kind not in PROSE)
        for place, line in enumerate([*lines, labelled] if labelled else lines or [""]):
            lead = row[0].rjust(widest) if margin and not place else ""
            page.line(line, indent=indent + (0 if margin or not place else GAP), lead=lead.ljust(margin))


def _series(page: Page, series: Series, *, at: datetime, indent: int) -> None:
    line = sparkline(series.values, width=(page.width - indent) // 2, unicode=page.unicode)
    _titled(page, series.title, f"{line}  {page.clean(course(series, at))}", indent=indent)


def _values(page: Page, values: Values, extent: Extent, *, at: datetime, indent: int) -> None:
    pairs = list(values.values.items())[: 2 * extent.rows]
    shown = [f"{page.clean(name)}: {page.clean(named(value, at))}" for name, value in pairs]
    _titled(page, values.title, ", ".join(shown), indent=indent)
    _left_out(page, more(len(values.values) - len(shown), "value"), indent=indent + 2)


def _passage(page: Page, passage: Text, extent: Extent, *, indent: int) -> None:
    lines = passage.text.splitlines()
    shown = lines[: extent.lines]
    _titled(page, passage.title, "", indent=indent)
    for line in shown:
        page.line(page.clean(line, extent.passage), indent=indent + 2)
    _left_out(page, more(len(lines) - len(shown), "line"), indent=indent + 2)


def _titled(page: Page, title: str, text: str, *, indent: int) -> None:
    page.line((page.clean(title), DIM), "  " if text else "", text, indent=indent)


def _left_out(page: Page, what: str, *, indent: int) -> None:
    if what:
        page.line((f"and {what}", DIM), indent=indent)
