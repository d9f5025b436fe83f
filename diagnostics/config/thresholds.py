"""`[thresholds]`: the numbers that checks compare with, by the names that the checks declare."""

from collections.abc import Sequence
from typing import Any

from diagnostics.config.durations import HOW_TO_WRITE, quoted, seconds_of
from diagnostics.config.errors import Invalid, Problem
from diagnostics.config.file import THRESHOLDS, ConfigFile, unknown
from diagnostics.engine.check import Threshold

HOW = {
    "count": "write a whole number, not less than 0",
    "ratio": "write a number that is not less than 0; 0.5 is half",
    "bytes": "write a whole number of bytes, not less than 0",
    "s": HOW_TO_WRITE,
}


def read_thresholds(file: ConfigFile, declared: Sequence[Threshold[Any]], problems: list[Problem]) -> dict[str, float]:
    """The thresholds that the file sets, in the unit of their declaration. A name may be quoted or written as nested tables."""
    if not isinstance(file.thresholds, dict):
        do = 'write [thresholds] and then lines like "dead-letters.active-within" = "15m"'
        problems.append(Problem(what="thresholds is a table", where=file.where(THRESHOLDS), do=do))
        return {}
    known = {threshold.name: threshold for threshold in declared}
    values: dict[str, float] = {}
    for name, written in _flat(file.thresholds):
        where = file.where(f"{THRESHOLDS}.{name}")
        if name not in known:
            problems.append(unknown("threshold", name, where, known))
            continue
        try:
            values[name] = _read(known[name], written)
        except Invalid as invalid:
            problems.append(Problem(what=f"the threshold {name} {invalid.what}", where=where, do=invalid.do))
    return values


def _flat(table: dict[str, Any]) -> list[tuple[str, Any]]:
    """Not recursive: dotted keys may nest deeper than Python's stack."""
    found: list[tuple[str, Any]] = []
    waiting = [("", table)]
    while waiting:
        prefix, inner = waiting.pop()
        for name, value in inner.items():
            if isinstance(value, dict):
                waiting.append((f"{prefix}{name}.", value))
            else:
                found.append((prefix + name, value))
    return found


def _read(threshold: Threshold[Any], written: Any) -> float:
    if threshold.unit == "s":
        seconds = seconds_of(written) if isinstance(written, str | int | float) and not isinstance(written, bool) else None
        if seconds is None:
            raise Invalid(f"is {quoted(written)}, which is not a duration", HOW_TO_WRITE)
        return seconds
    if isinstance(written, bool) or not isinstance(written, int | float):
        raise Invalid("is not a number", HOW[threshold.unit])
    # Above this a float is no longer exact, and no count or size comes near. False for "not a number", too.
    if not 0 <= written < 2**53:
        raise Invalid(f"is {quoted(written)}, which is out of range", HOW[threshold.unit])
    if threshold.unit != "ratio" and written != int(written):
        raise Invalid(f"is {quoted(written)}, which is not a whole number", HOW[threshold.unit])
    return float(written)
