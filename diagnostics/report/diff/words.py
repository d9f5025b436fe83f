"""What a difference says to people and in which order, before a format dresses it: first what it means, then why."""

from collections.abc import Iterator

from msgspec import Struct

from diagnostics.report.diff.model import KINDS, Change, Difference, Kind, Shift
from diagnostics.report.model import Status
from diagnostics.report.signs import of_verdict_status
from diagnostics.report.wording import age, stamp

MOST = 20
"""Findings shown of each kind; the JSON has them all."""

HEADINGS: dict[Kind, str] = {
    "new": "New",
    "worse": "Worse",
    "not_visible": "No longer visible: not resolved, nobody could look",
    "better": "Better",
    "resolved": "Resolved",
    "unchanged": "Unchanged",
}
_COUNTED: dict[Kind, str] = {"not_visible": "no longer visible"}


class Line(Struct, frozen=True):
    """A label of ours (`Was`), and what somebody else said."""

    label: str
    text: str


class Verdict(Struct, frozen=True):
    """A verdict under its label: `Was`, `Now`, or `Still` when it is the same."""

    label: str
    status: Status
    headline: str


def verdicts(difference: Difference) -> list[Verdict]:
    """What the reports conclude: one line when both say the same."""
    old, new = difference.old, difference.new
    now = Verdict("Now", of_verdict_status(new.status), new.headline)
    if (old.status, old.headline) == (new.status, new.headline):
        return [Verdict("Still", now.status, now.headline)]
    return [Verdict("Was", of_verdict_status(old.status), old.headline), now]


def summary(difference: Difference) -> str:
    """`1 new, 2 resolved, 1 unchanged.`"""
    parts = [f"{number:,} {_COUNTED.get(kind, kind)}" for kind in KINDS if (number := difference.counts[kind])]
    return f"{', '.join(parts)}." if parts else "Neither report has a failure or a warning."


def groups(difference: Difference) -> Iterator[tuple[Kind, list[Change]]]:
    """The changes by kind, what wants attention first."""
    for kind in KINDS:
        if changes := [change for change in difference.changes if change.kind == kind]:
            yield kind, changes


def sign_of(change: Change) -> Status:
    """How it is now; what cannot be seen is unknown, what is resolved is well."""
    if change.after:
        return change.after.status
    return Status.UNKNOWN if change.kind == "not_visible" else Status.OK


def lines(change: Change) -> Iterator[Line]:
    """Both claims, once when they are the same, and what makes the difference."""
    before, after = change.before, change.after
    if before and not (after and after.claim == before.claim):
        yield Line("Was", before.claim)
    if after:
        yield Line("Now" if before and after.claim != before.claim else "", after.claim)
    if change.note:
        yield Line("Why" if change.kind == "not_visible" else "Note" if change.kind == "new" else "By", change.note)


def told(shift: Shift) -> str:
    """`ClickHouse: 23.8 → 24.8`."""
    return f"{shift.what}: {shift.old or '–'} → {shift.new or '–'}"


def sight(difference: Difference) -> Iterator[Line]:
    """What could be looked at only once; with the reason, unless a finding that cannot be seen any more gives it."""
    given = " ".join(change.note for change in difference.changes if change.kind == "not_visible")
    for spot in difference.blinded:
        yield Line("Cannot look any more", spot.check if spot.reason in given else f"{spot.check} ({spot.reason})")
    if difference.sighted:
        yield Line("Could look for the first time", ", ".join(difference.sighted))


def compared(difference: Difference) -> str:
    """Which reports these are."""
    old, new = difference.old, difference.new
    between = age(old.started_at, new.started_at).replace(" ago", " later").replace(" ahead", " earlier")
    return f"Compared: report {old.id} of {stamp(old.started_at)} with report {new.id} of {stamp(new.started_at)}, {between}."
