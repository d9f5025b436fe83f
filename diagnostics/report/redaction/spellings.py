"""The spellings in which a known secret can turn up, as regular expressions.

As is, in another case, percent-encoded (once or more), backslash- or JSON-escaped (JSON in JSON too), with doubled quotes,
as HTML entities, in another form of Unicode or read as Latin-1, in hexadecimal, and in base64 at any of its three alignments
(a `Basic` header joins the user in front); both of UTF-8 and of UTF-16, which PowerShell encodes, and base64 once more.
"""

import base64
import html.entities
import re
import unicodedata
from collections.abc import Iterator
from functools import cache

from msgspec import Struct

_CONTROL = {"\n": "n", "\r": "r", "\t": "t"}
_PLAIN = re.compile(r"[0-9A-Za-z]")
_PLAIN_RUN = re.compile(r"[0-9A-Za-z]+")
_PIECES = re.compile(r"\\+|[^\\]", re.DOTALL)
_BASE64_VARIANTS = {"+": r"(?:[+-]|%2[Bb])", "/": r"(?:[/_]|\\/|%2[Ff])"}


class Spelling(Struct, frozen=True):
    """`pattern` is only worth trying in a text that contains `needle` (lower case) in whatever case."""

    needle: str
    pattern: re.Pattern[str]
    base64: bool = False


def spellings(secret: str) -> Iterator[Spelling]:
    """Every spelling of `secret`; most secrets are letters and digits, which most encodings leave alone."""
    data = secret.encode("utf-8", "surrogatepass")
    composed, compatible = unicodedata.normalize("NFC", secret), unicodedata.normalize("NFKC", secret)
    for form in dict.fromkeys((secret, composed, compatible, data.decode("latin-1"))):
        yield Spelling(_needle(form), re.compile(_escaped(form), re.IGNORECASE))
    for encoded in (data, secret.encode("utf-16-le", "surrogatepass"), secret.encode("utf-16-be", "surrogatepass")):
        yield Spelling(encoded.hex(), re.compile(encoded.hex(), re.IGNORECASE))
        yield from map(_in_base64, _base64_cores(encoded))
    for core in _base64_cores(data):
        yield from map(_in_base64, _base64_cores(core.encode()))


def _in_base64(core: str) -> Spelling:
    pattern = "".join(_BASE64_VARIANTS.get(character, character) for character in core)
    return Spelling(_needle(core), re.compile(pattern), base64=True)


def _needle(text: str) -> str:
    """The longest run of characters that no encoding changes, in lower case."""
    return max(_PLAIN_RUN.findall(text), key=len, default="").lower()


def _escaped(secret: str) -> str:
    """A regular expression for `secret` with each of its special characters escaped in any of the usual ways, or not."""
    return "".join(_backslashes(len(piece)) if piece[0] == "\\" else _character(piece) for piece in _PIECES.findall(secret))


def _backslashes(count: int) -> str:
    """A run of them is one quantifier, not one for each: those would backtrack exponentially."""
    return rf"(?:\\{{{count},{4 * count}}}|(?:%(?:25)*5c|&\#(?:92|x5c);|&bsol;|\\+(?:x|u00)5c){{{count}}})"


@cache
def _character(character: str) -> str:
    if _PLAIN.fullmatch(character):
        return character
    number = ord(character)
    data = character.encode("utf-8", "surrogatepass")
    units = character.encode("utf-16-be", "surrogatepass")
    forms = [
        "".join(rf"%(?:25)*{byte:02x}" for byte in data),
        *([rf"%(?:25)*{number:02x}"] if 0x80 <= number < 0x100 else []),
        "".join(rf"\\+u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2)),
        "".join(rf"\\+x{byte:02x}" for byte in data),
        rf"\\+[ux](?:0*{number:x}|\{{0*{number:x}\}})",
        f"&#(?:x0*{number:x}|0*{number});",
        *(f"&{name}" for name, value in html.entities.html5.items() if value == character and name.endswith(";")),
        *([rf"\\+{_CONTROL[character]}"] if character in _CONTROL else []),
        *([character * 2] if character in "'\"" else []),
        *([r"\+"] if character == " " else []),
        re.escape(unicodedata.normalize("NFD", character)),
        # Last, because some of the others begin with it.
        r"\\{0,4}" + re.escape(character),
    ]
    return "(?:" + "|".join(forms) + ")"


def _base64_cores(data: bytes) -> Iterator[str]:
    """What base64 of anything around `data` contains, for the three places in a group of three where it can begin.

    The characters at either end also hold bits of the neighbours: they are left out here.
    """
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + data).decode()
        first = -(-offset * 8 // 6)
        last = (offset + len(data)) * 8 // 6
        yield encoded[first:last]
