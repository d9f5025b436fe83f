"""Evidence on the page: tables that sort, charts, named values, quotations, and the queries behind them."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from markupsafe import Markup
from msgspec import Struct

from diagnostics.report.html.chart import chart
from diagnostics.report.html.page import part
from diagnostics.report.model import Column, Evidence, QueryText, Scalar, Series, Table, Text, Values
from diagnostics.report.safetext import shorten
from diagnostics.report.wording import NUMERIC, cell, more, named, utc

COLUMNS = 12

_UNBROKEN = "\N{NO-BREAK SPACE}"


class Form(Struct, frozen=True, kw_only=True):
    """How much of everything is shown: findings of a code, rows of a table, characters of a cell and of a passage."""

    points: int
    rows: int
    cell: int
    passage: int


FULL = Form(points=20, rows=200, cell=1_000, passage=20_000)
BRIEF = Form(points=3, rows=5, cell=200, passage=1_000)


class Cell(Struct, frozen=True, kw_only=True):
    """`order` is what the cell sorts by, None for its text."""

    text: str
    order: float | None
    classes: str


class Heading(Struct, frozen=True, kw_only=True):
    """The name of a column."""

    name: str
    classes: str


class Grid(Struct, frozen=True, kw_only=True):
    """A table as it is drawn; `left_out` says what of it is not."""

    title: str
    headings: tuple[Heading, ...]
    rows: tuple[tuple[Cell, ...], ...]
    left_out: str


def shown(evidence: Sequence[Evidence], *, at: datetime, form: Form) -> list[Markup]:
    """A block each; what has nothing to show has none."""
    return [drawn for piece in evidence for drawn in _shown(piece, at, form)]


def grid(table: Table, *, at: datetime, form: Form) -> Grid:
    """A table of which every row has a cell for every column."""
    columns = table.columns[:COLUMNS]
    left_out = [more(len(table.rows[form.rows :]) + table.omitted, "row"), more(len(table.columns) - COLUMNS, "column")]
    return Grid(
        title=table.title,
        headings=tuple(Heading(name=column.name, classes=_classes(column)) for column in columns),
        rows=tuple(tuple(_cells(columns, row, at, form)) for row in table.rows[: form.rows]),
        left_out=", ".join(filter(None, left_out)),
    )


def _shown(piece: Evidence, at: datetime, form: Form) -> Iterator[Markup]:
    match piece:
        case Table() if piece.columns and piece.rows:
            yield part("grid", grid(piece, at=at, form=form))
        case Series():
            yield part("chart", piece.title, chart(piece, at))
        case Values():
            pairs = [(name, named(value, at)) for name, value in piece.values.items()]
            yield part("pairs", piece.title, pairs[: form.rows], more(len(pairs) - form.rows, "value"))
        case Text():
            yield part("passage", piece.title, shorten(piece.text, form.passage))
        case QueryText():
            yield part("query", piece.title, shorten(piece.text, form.passage))


def _cells(columns: Sequence[Column], row: Sequence[Scalar], at: datetime, form: Form) -> Iterator[Cell]:
    for place, column in enumerate(columns):
        value = row[place] if place < len(row) else None
        text, order = shorten(cell(column, value, at), form.cell), _order(column, value)
        if column.kind == "time" and order is not None:
            text = text.replace(" ", _UNBROKEN).replace(f"{_UNBROKEN}(", " (")
        yield Cell(text=text, order=order, classes=_classes(column))


def _order(column: Column, value: Scalar) -> float | None:
    try:
        if isinstance(value, str) and column.kind == "time":
            return utc(datetime.fromisoformat(value)).timestamp()
        return float(value) if isinstance(value, int | float) else None
    except (ValueError, OverflowError):  # a text that is no time after all, a number that no float holds
        return None


def _classes(column: Column) -> str:
    """What of its look follows from its kind."""
    return "number" if column.kind in NUMERIC else f"kind-{column.kind}"
