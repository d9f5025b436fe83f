"""The catalogue of known error texts: what they mean, which code's cause they point to, and how to fix it.

It is data (`known-errors.toml` beside the runbooks); adding an entry needs no code.
"""

import re
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
