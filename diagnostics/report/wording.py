"""How numbers and times are said. Nothing asks a clock or a locale: times are UTC, ages count back from the report's start."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from diagnostics.report.model import Action, Column, Cost, Report, Scalar, Series

NUMERIC = ("count", "bytes", "number")
"""Kinds of columns that are aligned right."""

_JUST_NOW_S = 300  # a window that ends within five minutes of the report's start is "the last 24 h"


def count(number: int, one: str, many: str = "") -> str:
    """`1 query`, `1,204 events`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def more(left_out: int, what: str) -> str:
    """`7 more rows`; empty when nothing was left out."""
    return count(left_out, f"more {what}") if left_out > 0 else ""


def magnitude(number: float) -> str:
    """`950`, `1.9 M`, `74 k`: two or three digits, enough to judge a cost by."""
    for size, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= size:
            return f"{number / size:.1f} {unit}" if abs(number) < 9.95 * size else f"{number / size:,.0f} {unit}"
    return f"{number:.0f}"


def size(number: float) -> str:
    """Bytes, decimal: `950 B`, `1.9 MB`, `74 kB`."""
    figure = magnitude(number)
    return f"{figure}B" if " " in figure else f"{figure} B"


def span(duration: timedelta) -> str:
    """A duration as people say it: `0.4 s`, `12 s`, `41 min`, `24 h`, `3 days`."""
    return span_s(duration.total_seconds())


def span_s(seconds: float) -> str:
    """The same for seconds."""
    if seconds < 2:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 120 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 72 * 3600:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 86400:.0f} days"


def seconds(duration: float) -> str:
    """`12 ms`, `0.4 s`, `41 min`."""
    return f"{duration * 1000:.0f} ms" if duration < 0.1 else span_s(duration)


def utc(moment: datetime) -> datetime:
    """The same moment in UTC; one without a zone already is. The ends of the calendar stay where they are."""
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return moment.replace(tzinfo=UTC)


def later(moment: datetime, duration: float) -> datetime:
    """`duration` seconds after `moment`, at most the end of the calendar."""
    try:
        return utc(moment) + timedelta(seconds=duration)
    except (OverflowError, ValueError):
        return datetime.max.replace(tzinfo=UTC)


def clock(moment: datetime, at: datetime, *, whole_minutes: bool = False) -> str:
    """`09:12:03` on the UTC day of `at`, `2026-11-22 09:12:03` on another."""
    then = utc(moment)
    text = f"{then:%H:%M}" if whole_minutes else f"{then:%H:%M:%S}"
    return text if then.date() == utc(at).date() else f"{then.date().isoformat()} {text}"


def age(moment: datetime, at: datetime) -> str:
    """`12 s ago`, counted back from `at`; `5 min ahead` for what lies after it."""
    duration = (utc(at) - utc(moment)).total_seconds()
    return f"{span_s(duration)} ago" if duration >= 0 else f"{span_s(-duration)} ahead"


def moment(text: str, at: datetime) -> str:
    """An RFC 3339 time as `09:12:03 (12 s ago)`; anything else as it is."""
    try:
        then = datetime.fromisoformat(text)
    except ValueError:
        return text
    return f"{clock(then, at)} ({age(then, at)})"


def window(report: Report) -> str:
    """`last 24 h`, or from when to when for a window in the past."""
    since, until, started = utc(report.window.since), utc(report.window.until), utc(report.started_at)
    if abs((started - until).total_seconds()) <= _JUST_NOW_S:
        return f"last {span_s(max(0.0, (until - since).total_seconds()))}"
    return f"{clock(since, started)} to {clock(until, started)}"


def stamp(moment: datetime) -> str:
    """`2026-11-23 10:00:00 UTC`."""
    return f"{utc(moment).date().isoformat()} {utc(moment):%H:%M:%S} UTC"


def scalar(value: Scalar) -> str:
    """A value that stands alone: numbers with thousands separated, nothing as a dash."""
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return _decimal(value)
        case _:
            return value


def named(value: Scalar, at: datetime) -> str:
    """A value that has a name of its own; one that is a time is said as a time."""
    return moment(value, at) if isinstance(value, str) and "T" in value else scalar(value)


def cell(column: Column, value: Scalar, at: datetime) -> str:
    """A value of a table. Only what is counted gets thousands separated: team 12345 is a name."""
    if column.kind == "time" and isinstance(value, str):
        return moment(value, at)
    if column.kind == "bytes" and isinstance(value, int | float) and not isinstance(value, bool):
        return size(value)
    if column.kind in NUMERIC or value is None or isinstance(value, bool):
        return scalar(value)
    return str(value)


def course(series: Series, at: datetime) -> str:
    """What a sparkline cannot say: `09:00 to 10:00, peak 312 events at 09:12`."""
    end = later(series.start, series.step_s * len(series.values))
    text = f"{clock(series.start, at, whole_minutes=True)} to {clock(end, at, whole_minutes=True)}"
    peak = max(series.values, default=0.0)
    if peak <= 0:
        return text
    when = later(series.start, series.step_s * series.values.index(peak))
    return f"{text}, peak {_decimal(peak)} {series.unit}".rstrip() + f" at {clock(when, at, whole_minutes=True)}"


def consequence(action: Action) -> str:
    """What following an action does: `read-only`, `changes something, safe` (nothing can be lost by it) ...; empty for
    mere words."""
    if not (action.commands or action.changes_something):
        return ""
    changes = "changes something" if action.changes_something else "read-only"
    if action.safe:
        return f"{changes}, safe" if action.changes_something else changes
    return f"{changes}, NOT safe"


def _decimal(value: float) -> str:
    if abs(value) >= 1e15:
        return f"{value:.3g}"
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.2f}" if abs(value) >= 1 else f"{value:.3g}"


def cost(total: Cost) -> str:
    """`Asked: 9 queries (1.9 M rows, 74 MB, 0.4 s of ClickHouse) and 6 requests. Nothing was written.`"""
    sent = count(total.http.sent, "event")
    return f"Asked: {spent(total)}. {f'{sent} was sent, nothing else' if total.http.sent else 'Nothing was'} written."


def spent(total: Cost) -> str:
    """`2 queries (74 k rows, 1.9 MB, 12 ms of ClickHouse) and 1 request`, or `nothing`."""
    clickhouse, asked = total.clickhouse, []
    if clickhouse.queries:
        read = f"{magnitude(clickhouse.read_rows)} rows, {size(clickhouse.read_bytes)}"
        queries = count(clickhouse.queries, "query", "queries")
        asked.append(f"{queries} ({read}, {seconds(clickhouse.elapsed_s)} of ClickHouse)")
    if total.http.requests:
        asked.append(count(total.http.requests, "request"))
    if total.kafka.requests:
        asked.append(f"{count(total.kafka.requests, 'request')} to Kafka")
    return listed(asked) or "nothing"


def listed(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))


def redacted(kinds: dict[str, int]) -> str:
    """`14 values redacted.`"""
    return f"{count(sum(kinds.values()), 'value')} redacted."
