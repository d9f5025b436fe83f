"""The catalogue of known error texts: what they mean, which code's cause they point to, and how to fix it.

It is data (`known-errors.toml` beside the runbooks); adding an entry needs no code.
"""

import re
from collections import Counter
from collections.abc import Iterable

from msgspec import Struct

from diagnostics.report.model import Action


class KnownError(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One signature. `pattern` is a regular expression, matched anywhere in the text, whatever its case.

    `fix` is a sentence or two without commands, `commands` what to type for it, in order. `changes_something` is false
    for a fix that only looks; `safe` says that the change can lose nothing.
    """

    id: str
    pattern: str
    meaning: str
    fix: str
    seen_in: str
    commands: tuple[str, ...] = ()
    changes_something: bool = True
    safe: bool = False
    cause: str | None = None
    loses_events: bool = True
    ingestion: bool = True

    def action(self) -> Action:
        """The fix as the report shows it. Looking loses nothing, so that is safe whatever `safe` says."""
        return Action(
            text=self.fix,
            commands=self.commands,
            changes_something=self.changes_something,
            safe=self.safe or not self.changes_something,
        )


class KnownErrors:
    """The catalogue in the order of its file: the first match wins, so specific entries stand before general ones."""

    def __init__(self, entries: Iterable[KnownError] = ()) -> None:
        self.entries = tuple(entries)
        self._compiled = [(re.compile(entry.pattern, re.IGNORECASE), entry) for entry in self.entries]

    def match(self, text: str) -> KnownError | None:
        """The first entry whose pattern is found in the first 4,000 characters of `text`."""
        head = text[:4000]
        return next((entry for pattern, entry in self._compiled if pattern.search(head)), None)


def leading_cause(seen: Iterable[tuple[KnownError | None, int]]) -> tuple[str, tuple[str, ...]]:
    """What explains at least half of the errors `seen` (each with how often it came): its meaning, and its code if it has
    one. Empty when nothing known does."""
    counted = list(seen)
    times: Counter[str] = Counter()
    for known, count in counted:
        if known:
            times[known.cause or known.id] += count
    if not times:
        return "", ()
    key, explained = times.most_common(1)[0]
    if 2 * explained < sum(count for _, count in counted):
        return "", ()
    leading = next(known for known, _ in counted if known and key in (known.cause, known.id))
    return leading.meaning, (leading.cause,) if leading.cause else ()
