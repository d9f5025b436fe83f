"""Finds the configured secrets: in all their spellings, cut short, and masked in the middle (`phx_...9f2c`)."""

import re
import string
from collections.abc import Iterable, Iterator

from diagnostics.report.redaction.reading import readings
from diagnostics.report.redaction.spans import KINDS, MARKS, Span
from diagnostics.report.redaction.spellings import Spelling, spellings

# With five characters a port, a year or a word of the report ("kafka", "table") is as likely as the secret: replacing it
# everywhere would destroy the report, and what is missing from it would tell the secret.
SHORTEST = 6
# A secret shorter than this is not masked by showing a part of it.
SHORTEST_MASKED = 12
# Passwords that installs are shipped with, and words that every report says anyway.
EVERYDAY = re.compile(
    r"""admin|administrator|app|changeme|clickhouse|database|db|default|docker|events|example|ingestion|kafka|localhost|password
    |plugin-server|plugins|posthog|postgres|postgresql|project|public|redis|root|sentry|server|system|test|token|user|web
    |zookeeper""",
    re.IGNORECASE | re.VERBOSE,
)

# What tells the type of a token tells nothing of the token: phx_, sntrys_, sk-.
_TYPE = re.compile(r"[A-Za-z]{2,12}[_-]")
_END_OF_CUT = re.compile(r"\s*\Z")
_MASK = re.compile(r" ?(?:\*{2,}|\.{2,}|…|•{2,}|x{4,}|X{4,})")
_MASK_BEFORE = re.compile(r"(?:\*{2,}|\.{2,}|…|•{2,}|x{4,}|X{4,}) ?\Z")
_BASE64 = string.ascii_letters + string.digits + "+/-_="
_BASE64_AFTER = re.compile(r"(?:[0-9A-Za-z+/_=-]|%(?:2[BbFf]|3[Dd])){0,512}")
_WIDEST = 512


class Secret:
    """One configured secret that is long and rare enough to be looked for everywhere."""

    def __init__(self, value: str) -> None:
        self._value = value
        self._spellings = tuple(spellings(value))
        prefix = _TYPE.match(value)
        self._type_length = prefix.end() if prefix else 0

    def whole(self, text: str, lowered: str) -> Iterator[Span]:
        """Where all of it stands. `lowered` is the text in lower case."""
        for spelling in self._spellings:
            if spelling.needle in lowered:
                for match in spelling.pattern.finditer(text):
                    yield _widened(text, spelling, *match.span())

    def partly(self, text: str) -> Iterator[Span]:
        """Where a part of it stands beside a mask, or at the end of a text that was cut there."""
        if len(self._value) >= SHORTEST_MASKED:
            yield from self._beginnings(text)
            yield from self._endings(text)

    def _beginnings(self, text: str) -> Iterator[Span]:
        for start in _occurrences(text, self._value[:4]):
            end = start + _shared(text[start : start + len(self._value)], self._value)
            told = text[start + self._type_length : end]
            mask = _MASK.match(text, end)
            tail = next((n for n in range(8, 2, -1) if mask and text.startswith(self._value[-n:], mask.end())), 0)
            if mask and (_tells(told) or len(told) + tail >= 8):
                yield Span(start, mask.end() + tail, "secret")
            # Letters alone at the end are as likely a word ("clickhouse") as the beginning of a secret.
            elif len(told) >= 8 and not told.isalpha() and _END_OF_CUT.match(text, end):
                yield Span(start, end, "secret")

    def _endings(self, text: str) -> Iterator[Span]:
        backwards = self._value[::-1]
        for last in _occurrences(text, self._value[-4:]):
            end = last + 4
            start = end - _shared(text[max(0, end - len(self._value)) : end][::-1], backwards)
            mask = _MASK_BEFORE.search(text, max(0, start - 12), start)
            if mask and _tells(text[start:end]):
                yield Span(mask.start(), end, "secret")


class Secrets:
    """All configured secrets. Those too short or too common to be looked for everywhere are `weak`."""

    def __init__(self, values: Iterable[str], common: Iterable[str] = ()) -> None:
        """`common`: secrets that the report says anyway, in its codes, times and numbers."""
        distinct = dict.fromkeys(stripped for value in values if (stripped := value.strip()))
        self._values = tuple(distinct)
        self.weak = tuple(value for value in distinct if _everyday(value) or value in set(common))
        self._strong = {value: Secret(value) for value in distinct if value not in self.weak}
        short = [re.escape(value) for value in self.weak if len(value) < SHORTEST and not value.isdigit() and not _word(value)]
        self._alone = re.compile(rf"[:=]\s{{0,3}}[\"']?({'|'.join(short)})(?!\w)") if short else None

    def spans(self, text: str) -> Iterator[Span]:
        """Every place where a secret stands, wholly or partly."""
        lowered = text.lower()
        for secret in self._strong.values():
            yield from secret.whole(text, lowered)
            yield from secret.partly(text)
        if self._alone:
            yield from (Span(*match.span(1), "secret") for match in self._alone.finditer(text))

    def standing_in(self, text: str) -> list[str]:
        """The secrets that stand wholly in `text`, in whatever spelling."""
        read = [(each, each.lower()) for each in readings(text)]
        return [value for value, secret in self._strong.items() if any(any(secret.whole(*each)) for each in read)]

    def without(self, common: list[str]) -> "Secrets":
        """The same with `common` among the weak."""
        return Secrets(self._values, common) if common else self


def _everyday(value: str) -> bool:
    return len(value) < SHORTEST or _word(value)


def _word(value: str) -> bool:
    """A word that reports use, or a part of what stands in place of secrets."""
    lowered = value.lower()
    return bool(EVERYDAY.fullmatch(value)) or any(lowered in own for own in (*KINDS, *MARKS.values()))


def _tells(shown: str) -> bool:
    """Four characters beside a mask tell a part of the secret, but four letters may be any word before an ellipsis."""
    return len(shown) >= 8 or (len(shown) >= 4 and not shown.isalpha())


def _shared(one: str, other: str) -> int:
    """How many characters both begin with."""
    return next(
        (place for place, (ours, theirs) in enumerate(zip(one, other, strict=False)) if ours != theirs),
        min(len(one), len(other)),
    )


def _occurrences(text: str, piece: str) -> Iterator[int]:
    start = text.find(piece)
    while start >= 0:
        yield start
        start = text.find(piece, start + 1)


def _widened(text: str, spelling: Spelling, start: int, end: int) -> Span:
    """All of the base64 word around the match: its ends hold bits of the secret, the rest the user's name."""
    if spelling.base64:
        before, after = text[max(0, start - _WIDEST) : start], _BASE64_AFTER.match(text, end)
        start -= len(before) - len(before.rstrip(_BASE64))
        end = after.end() if after else end
    return Span(start, end, "secret")
