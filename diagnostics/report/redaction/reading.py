"""A text as somebody would read it: without escapes, invisible characters and lookalikes. What is found there is taken out of
the text as it is.

Logs, chats, mails and terminals leave such things in the middle of a secret: `hunt\\x1b[0mer2`, `hunt%65r2`, `hunt&#101;r2`,
a soft hyphen, a full-width letter, a line break where a line was full. So the rules need not know any of them.
"""

import html
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator
from operator import itemgetter

from msgspec import Struct, structs

from diagnostics.report.redaction.spans import Span

# Nothing else makes a text read differently, and few texts have any of it.
_SUSPECT = re.compile(r"[^\t\n\r -~]|%[0-9A-Fa-f]{2}|\\[eux0nrt_.@/-]|&[#A-Za-z]")
_ESCAPE = re.compile(
    r"""(?:\x1b|(?<!\\)\\++(?:e|033|x1b|u001b))\[[0-?]*+[ -/]*+[@-~]
    |[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u180b-\u180f\u200b-\u200f]
    |[\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]
    |%(?:25)*+(?P<percent>[2-7][0-9A-Fa-f])
    |(?<!\\)\\++(?:(?:x|u00|u\{0{0,4})(?P<escape>[2-7][0-9A-Fa-f])\}?|(?P<mark>[_.@/-])|(?P<blank>[nrt])(?=\w))
    |&(?:amp;)*+(?P<entity>\#[0-9]{2,7}|\#x[0-9A-Fa-f]{2,6}|[A-Za-z]{2,8});""",
    re.VERBOSE,
)
# As JSON, terminals and mails break a line that is too long (those with a `=` before).
_WRAP = re.compile(r"=?(?:\r?\n|(?<!\\)\\++[nr])(?:[ \t]|\\++[nrt])*+")

_BLANKS = {"n": "\n", "r": "\r", "t": "\t"}

_ALIKE = dict(
    zip(
        "аеіјорсухѕһԁѵАВЕКМНОРСТХЅІЈονΑΒΕΖΗΙΚΜΝΟΡΤΥΧ。‐‘’‚“”„",
        "aeijopcyxshdvABEKMHOPCTXSIJovABEZHIKMNOPTYX.-'''\"\"\"",
        strict=True,
    )
)


class Reading(Struct, frozen=True):
    """What is read: `text`. Each of `edges` is a place in it, and from where to where its character was written."""

    text: str
    edges: tuple[tuple[int, int, int], ...]

    def written(self, span: Span) -> Span:
        """Where in the text as it was written `span` stands."""
        return structs.replace(span, start=self._written(span.start)[0], end=self._written(span.end - 1)[1])

    def _written(self, place: int) -> tuple[int, int]:
        edge, start, end = self.edges[bisect_right(self.edges, place, key=itemgetter(0)) - 1]
        return start + place - edge, end + place - edge


def readings(text: str) -> Iterator[str]:
    """`text` as it is written, as it is read, and as one line."""
    yield text
    reading = unfolded(text)
    if reading:
        yield reading.text
    line = unwrapped(reading.text if reading else text)
    if line:
        yield line.text


def unfolded(text: str) -> Reading | None:
    """How `text` is read; None where that is the same."""
    if not _SUSPECT.search(text):
        return None
    return _rewritten(text if text.isascii() else text.translate(_FOLDED), text, _ESCAPE, _meant)


def unwrapped(text: str) -> Reading | None:
    """`text` as one line, with nothing in place of the breaks; None where it is one."""
    return _rewritten(text, text, _WRAP, lambda _: "") if "\n" in text or "\\" in text else None


class _Folded(dict[int, int | str]):
    """For each character the ASCII one that it is a form of or looks like, or itself: always one for one."""

    def __missing__(self, code: int) -> int | str:
        form = unicodedata.normalize("NFKC", chr(code))
        like = _ALIKE.get(form, form)
        self[code] = like if len(like) == 1 and like.isascii() else code
        return self[code]


_FOLDED = _Folded()


def _meant(escape: re.Match[str]) -> str:
    """The character that an escape stands for; empty for what is not seen, more than one for what is no escape."""
    if digits := escape["percent"] or escape["escape"]:
        return chr(int(digits, 16))
    if escape["entity"]:
        character = html.unescape(f"&{escape['entity']};")
        return character if len(character) == 1 else escape[0]
    return escape["mark"] or _BLANKS.get(escape["blank"], "")


def _rewritten(text: str, written: str, pattern: re.Pattern[str], meant: Callable[[re.Match[str]], str]) -> Reading | None:
    """`text` with what every match means, if that is one character or none. None where it then reads as it was `written`,
    which is as long as `text`."""
    pieces: list[str] = []
    edges = [(0, 0, 1)]
    place = end = 0
    for match in pattern.finditer(text):
        character = meant(match)
        if len(character) > 1:
            continue
        pieces += (text[end : match.start()], character)
        place += match.start() - end
        end = match.end()
        if character:
            edges.append((place, match.start(), end))
            place += 1
        edges.append((place, end, end + 1))
    read = "".join((*pieces, text[end:]))
    return Reading(read, tuple(edges)) if read != written else None
