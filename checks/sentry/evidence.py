"""What is shown of Sentry's issues."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from checks.sentry.judged import Judged
from diagnostics import Column, Table
from diagnostics.sources.sentry import Sentry
from diagnostics.sources.sentry.link import path

SHOWN = 15


def reasons(others: Sequence[Judged]) -> list[str]:
    """`2 of browsers`, `1 known to mean nothing for it` ..., the most first."""
    counted = Counter(_reason(judged) for judged in others)
    return [f"{number} {reason}" for reason, number in counted.most_common()]


def _reason(judged: Judged) -> str:
    if judged.known and not judged.known.ingestion:
        return "known to mean nothing for it"
    return f"of {judged.whose}" if judged.alarming else "below an error"


def table(title: str, sentry: Sentry, ranked: Sequence[Judged]) -> Table:
    """The issues with their texts, as many as are worth showing."""
    columns = (
        Column(name="issue", kind="code"),
        Column(name="events", kind="count"),
        Column(name="error", kind="source-text"),
        Column(name="first seen", kind="time"),
        Column(name="last seen", kind="time"),
        Column(name="known as"),
        Column(name="in Sentry"),
    )
    return Table(
        title=title,
        columns=columns,
        rows=tuple(_row(sentry, judged) for judged in ranked[:SHOWN]),
        omitted=max(0, len(ranked) - SHOWN),
    )


def _row(sentry: Sentry, judged: Judged) -> tuple[str | int | None, ...]:
    issue = judged.issue
    known = judged.known.meaning if judged.known else ""
    seen = (_time(issue.first_seen), _time(issue.last_seen))
    return (issue.short_id or issue.id, issue.count, issue.title, *seen, known, path(sentry.organization, issue.id))


def _time(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if at else None
