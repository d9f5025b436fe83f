"""A number over time as bars. The plot is stretched to whatever width there is; its labels are text beside it, so that they
are as large on a phone as on a desk."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from math import floor, log10

from msgspec import Struct

from diagnostics.report.model import Series
from diagnostics.report.wording import clock, course, later, magnitude, scalar, span_s

MOST_BARS = 200

_LOWEST = 1.5  # percent: whatever is not nothing can be seen
_LARGE = 10_000


class Bar(Struct, frozen=True, kw_only=True):
    """`height` is in percent of the plot; `label` says when, and how much."""

    place: int
    height: float
    label: str


class Chart(Struct, frozen=True, kw_only=True):
    """The plot is `slots` wide; where there was nothing stands no bar. `ticks` go from the top down to zero, `times` from the
    first to the last."""

    scale: str
    course: str
    slots: int
    bars: tuple[Bar, ...]
    ticks: tuple[str, ...]
    times: tuple[str, ...]


def chart(series: Series, at: datetime) -> Chart:
    """At most MOST_BARS bars. Where there are more values than bars, a bar shows the peak of its share, so that no burst
    disappears."""
    edges = _edges(len(series.values))
    peaks = [max(series.values[start:end]) for start, end in pairwise(edges)]
    top = _ceiling(max(peaks, default=0.0))
    bars = (_bar(series, at, place, edges[place], peak, top) for place, peak in enumerate(peaks) if peak > 0)
    return Chart(
        scale=_scale(series, len(peaks)),
        course=course(series, at),
        slots=max(1, len(peaks)),
        bars=tuple(bars),
        ticks=_ticks(top),
        times=tuple(_time(series, at, len(series.values) * part / 2) for part in range(3)),
    )


def _bar(series: Series, at: datetime, place: int, first: int, value: float, top: float) -> Bar:
    height = max(_LOWEST, round(100 * (value / top), 2))
    return Bar(place=place, height=height, label=f"{_time(series, at, first)}: {scalar(value)} {series.unit}".rstrip())


def _scale(series: Series, bars: int) -> str:
    """`rows, every 60 min`: what the height of a bar is, and how much time it stands for."""
    every = span_s(series.step_s)
    rhythm = f"every {every}" if bars == len(series.values) else f"peaks of {len(series.values):,} values, every {every}"
    return f"{series.unit}, {rhythm}" if series.unit else rhythm


def _edges(values: int) -> Sequence[int]:
    bars = min(MOST_BARS, values)
    return [index * values // bars for index in range(bars + 1)] if bars else [0]


def _ceiling(peak: float) -> float:
    """The next round number whose half is round as well."""
    if peak <= 0:
        return 1.0
    power = 10.0 ** floor(log10(peak))
    return next((step * power for step in (1, 2, 4, 6, 8, 10) if step * power >= peak), peak)


def _ticks(top: float) -> tuple[str, ...]:
    levels = (top, 0.0) if top == 1 else (top, top / 2, 0.0)
    return tuple(magnitude(level) if level >= _LARGE else scalar(level) for level in levels)


def _time(series: Series, at: datetime, steps: float) -> str:
    return clock(later(series.start, series.step_s * steps), at, whole_minutes=True)
