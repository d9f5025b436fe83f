"""The catalogue of known error texts: what they mean, which code's cause they point to, and how to fix it.

It is data (`known-errors.toml` beside the runbooks); adding an entry needs no code.
"""

import re
from collections.abc import Iterable

from msgspec import Struct


class KnownError(Struct, frozen=True, kw_only=True):
    """One signature. `pattern` is a regular expression, matched anywhere in the text, whatever its case."""

    id: str
    pattern: str
    meaning: str
    fix: str
    seen_in: str
    cause: str | None = None
    loses_events: bool = True
    ingestion: bool = True


class KnownErrors:
    """The catalogue in the order of its file: the first match wins, so specific entries stand before general ones."""

    def __init__(self, entries: Iterable[KnownError] = ()) -> None:
        self.entries = tuple(entries)
        self._compiled = [(re.compile(entry.pattern, re.IGNORECASE), entry) for entry in self.entries]

    def match(self, text: str) -> KnownError | None:
        """The first entry whose pattern is found in the first 4,000 characters of `text`."""
        head = text[:4000]
        return next((entry for pattern, entry in self._compiled if pattern.search(head)), None)
