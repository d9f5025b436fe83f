"""What two reports differ in, as one value; `diag diff --format json` is it.

Like the report's own JSON: UTF-8, snake_case, times RFC 3339 UTC, and within a `schema_version` fields are added, never
renamed or removed. `changes` holds every finding that one of the reports calls a failure or a warning, in the order of KINDS
and most serious first; `counts` how many there are of each kind.
"""

from typing import Literal

from msgspec import Struct

from diagnostics.report.model import Blind, Measure, Moment, Stage, Status, Tool, WindowSpan

DIFF_SCHEMA_VERSION = 1

Kind = Literal["new", "worse", "not_visible", "better", "resolved", "unchanged"]
KINDS: tuple[Kind, ...] = ("new", "worse", "not_visible", "better", "resolved", "unchanged")
"""What wants attention first."""


class Seen(Struct, frozen=True, kw_only=True):
    """A finding as one of the reports has it; `checks` are the ids of all that found it."""

    status: Status
    claim: str
    checks: tuple[str, ...]
    measure: Measure | None = None


class Change(Struct, frozen=True, kw_only=True):
    """What became of one finding. `before` is None when it is new, `after` when it is resolved or cannot be seen any more.

    `note` says what makes it worse or better, or why it cannot be seen.
    """

    kind: Kind
    code: str
    stage: Stage | None
    affects: tuple[str, ...]
    before: Seen | None
    after: Seen | None
    note: str = ""


class Shift(Struct, frozen=True, kw_only=True):
    """Something about the reports that is not the same in both: a version, the confidence, how long they looked back."""

    what: str
    old: str
    new: str


class Side(Struct, frozen=True, kw_only=True):
    """One of the two reports, in short."""

    id: str
    started_at: Moment
    tool: Tool
    runbook: str
    window: WindowSpan
    status: Literal["healthy", "warning", "problem", "inconclusive"]
    code: str | None
    stage: Stage | None
    confidence: Literal["high", "medium", "low"]
    headline: str


class Difference(Struct, frozen=True, kw_only=True):
    """All of it. `comparable` is False when the reports do not speak of the same thing, or not in this order: `caveats` say
    why, and what else to keep in mind. `blinded` are checks that looked only in the old report, `sighted` only in the new."""

    schema_version: int = DIFF_SCHEMA_VERSION
    old: Side
    new: Side
    comparable: bool
    caveats: tuple[str, ...]
    counts: dict[Kind, int]
    changes: tuple[Change, ...]
    shifts: tuple[Shift, ...]
    blinded: tuple[Blind, ...]
    sighted: tuple[str, ...]

    @property
    def is_worse(self) -> bool:
        """Whether something is new or worse."""
        return any(change.kind in ("new", "worse") for change in self.changes)
