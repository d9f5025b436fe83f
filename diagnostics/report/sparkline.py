"""A number over time in one line of text."""

from collections.abc import Sequence
from itertools import pairwise

_BLOCKS = "▁▂▃▄▅▆▇█"
_ASCII = "_.:-=+*#"


def sparkline(values: Sequence[float], *, width: int, unicode: bool = True) -> str:
    """At most `width` signs. The lowest sign is nothing at all: any other value, however small, stands above it.

    Where there are more values than signs, a sign shows the peak of its share, so that no burst disappears.
    """
    signs = _BLOCKS if unicode else _ASCII
    shown = _peaks(values, width)
    top = max(shown, default=0.0)
    return "".join(signs[_level(value, top, len(signs) - 1)] for value in shown)


def _peaks(values: Sequence[float], width: int) -> list[float]:
    shares = min(width, len(values))
    edges = [index * len(values) // shares for index in range(shares + 1)] if shares else [0]
    return [max(values[start:end]) for start, end in pairwise(edges)]


def _level(value: float, top: float, highest: int) -> int:
    """0 for nothing (or less), `highest` for `top`."""
    if value <= 0 or top <= 0:
        return 0
    return max(1, round(value / top * highest))
