"""Whether a finding that both reports have became worse: by its status, else by the number that it is about."""

from typing import Literal

from msgspec import Struct

from diagnostics.report.diff.subjects import Subject
from diagnostics.report.model import Finding, Measure, Table
from diagnostics.report.wording import scalar, span_s

MEASURED = 1.25
"""A measure that changed by less than this factor is the same: traffic breathes."""

COUNTED = 2.0
"""The same for counts of a table, of which nobody said that they measure the trouble."""

Trend = Literal["worse", "better", "unchanged"]


class Judgement(Struct, frozen=True):
    """The trend, and what it was judged by; empty when nothing changed."""

    trend: Trend
    note: str = ""


class Pair(Struct, frozen=True):
    """A number then and now, said in words; `per_hour` tells that they are rates."""

    then: float
    now: float
    unit: str
    per_hour: bool = False

    def __str__(self) -> str:
        return f"{self._said(self.then)} → {self._said(self.now)}"

    def _said(self, number: float) -> str:
        if self.unit == "s" and not self.per_hour:
            return span_s(number)
        rounded = float(f"{number:.3g}") if self.per_hour else number
        return f"{scalar(rounded)} {self.unit}{' an hour' if self.per_hour else ''}"


def judge(old: Subject, new: Subject, *, same_window: bool) -> Judgement:
    """`same_window`: both reports looked back equally long, so what they merely counted can be compared."""
    if old.status is not new.status:
        trend: Trend = "worse" if new.status.rank < old.status.rank else "better"
        return Judgement(trend, f"{old.status} → {new.status}")
    if old.measure and new.measure:
        numbers = _measured(old.measure, new.measure)
        return _by(numbers, MEASURED, higher_is_worse=new.measure.worse == "higher") if numbers else Judgement("unchanged")
    counted = _counted(old.foremost, new.foremost) if same_window else None
    return _by(counted, COUNTED, higher_is_worse=True) if counted else Judgement("unchanged")


def _by(numbers: Pair, factor: float, *, higher_is_worse: bool) -> Judgement:
    grew, shrank = numbers.now > factor * numbers.then, numbers.then > factor * numbers.now
    if not (grew or shrank):
        return Judgement("unchanged")
    return Judgement("worse" if grew is higher_is_worse else "better", str(numbers))


def _measured(old: Measure, new: Measure) -> Pair | None:
    """None when the two do not measure the same."""
    if (old.unit, old.worse) != (new.unit, new.worse):
        return None
    if old.counted_s == new.counted_s:
        return Pair(old.value, new.value, new.unit)
    if not (old.counted_s and new.counted_s):
        return None
    return Pair(old.value * 3600 / old.counted_s, new.value * 3600 / new.counted_s, new.unit, per_hour=True)


def _counted(old: Finding, new: Finding) -> Pair | None:
    """The sums of the first column that counts in the first table of both, if those are whole and of one kind."""
    before, after = _first_table(old), _first_table(new)
    if not (before and after) or (before.title, before.columns) != (after.title, after.columns):
        return None
    place = next((place for place, column in enumerate(after.columns) if column.kind == "count"), None)
    if place is None or before.omitted or after.omitted:
        return None
    return Pair(_sum(before, place), _sum(after, place), after.columns[place].name)


def _first_table(finding: Finding) -> Table | None:
    return next((evidence for evidence in finding.evidence if isinstance(evidence, Table)), None)


def _sum(table: Table, place: int) -> float:
    cells = [row[place] for row in table.rows if place < len(row)]
    return sum(cell for cell in cells if isinstance(cell, int | float))
