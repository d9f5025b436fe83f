"""The path of an event in text: every stage with its sign, and a mark where events stop."""

from collections.abc import Sequence
from itertools import takewhile

from msgspec import Struct

from diagnostics.report.model import Report, Stage, StageState, Status
from diagnostics.report.signs import STAGE_NAMES, sign

STOP = "events stop here"

_ARROWS = {True: (" ───▶ ", " ─▶ "), False: (" ---> ", " -> ")}
_CORNERS = {True: ("└ ", " ┘"), False: ("^ ", " ^")}


class Piece(Struct, frozen=True):
    """A piece of a line in the colour of a status; None is plain."""

    text: str
    status: Status | None = None


Line = list[Piece]


def path(report: Report, *, width: int, unicode: bool) -> list[Line]:
    """Two lines at most, no wider than `width`, when there is room for the stages side by side; else a line a stage."""
    for arrow in _ARROWS[unicode]:
        across = _across(report.stages, arrow, unicode=unicode)
        if _length(across) <= width:
            return [across, *_mark(report, arrow, width, unicode=unicode)]
    return [_down(report, state, unicode=unicode) for state in report.stages]


def _stop(report: Report) -> Stage | None:
    """Where events stop; a warning's stage lets them pass."""
    return report.verdict.stage if report.verdict.status == "problem" else None


def _across(stages: Sequence[StageState], arrow: str, *, unicode: bool) -> Line:
    line: Line = []
    for state in stages:
        line += [Piece(arrow)] if line else []
        line += [Piece(f"{STAGE_NAMES[state.id]} "), Piece(sign(state.status, unicode=unicode), state.status)]
    return line


def _mark(report: Report, arrow: str, width: int, *, unicode: bool) -> list[Line]:
    """Below the stage where events stop: beginning under its name, or ending under its sign when there is no room."""
    before = list(takewhile(lambda state: state.id is not _stop(report), report.stages))
    if len(before) == len(report.stages):
        return []
    opening, closing = _CORNERS[unicode]
    column = sum(len(STAGE_NAMES[state.id]) + 2 + len(arrow) for state in before)
    stop = report.stages[len(before)]
    if column + len(opening + STOP) <= width:
        return [[Piece(" " * column), Piece(opening + STOP, stop.status)]]
    end = column + len(STAGE_NAMES[stop.id]) + 2
    return [[Piece((STOP + closing).rjust(end), stop.status)]]


def _down(report: Report, state: StageState, *, unicode: bool) -> Line:
    mark = f"  {STOP}" if state.id is _stop(report) else ""
    signed = Piece(sign(state.status, unicode=unicode), state.status)
    return [signed, Piece(f" {STAGE_NAMES[state.id]}"), Piece(mark, state.status)]


def _length(line: Line) -> int:
    return sum(len(piece.text) for piece in line)
