"""Reads the value that stands after a name, as logs, JSON, JSON in JSON, URLs, SQL and command lines write it.

password=hunter2   "password": "hunter2"   \\"password\\":\\"hunter2\\"   PASSWORD 'hunter2'   password%3Dhunter2
"""

import re
from collections.abc import Callable, Iterator

from msgspec import Struct, structs

# What stands between a name and its value: the name's closing quote, then `=`, `:`, `=>` or `%3D`.
SEPARATOR = re.compile(r"""(?:\\*["'`])?+\s*+(=>|:=|[:=]|%3[AaDd])?+[ \t]*+""")

_QUOTE = re.compile(r"""\\*["'`]""")
_CONTENTS = {quote: re.compile(rf"(?:[^{quote}\\]|\\.)*+", re.DOTALL) for quote in '"`'}
# SQL doubles the quote; a shell continues the word behind it. An empty value is no beginning of either.
_CONTENTS["'"] = re.compile(r"(?:(?!'')(?:[^'\\]|\\.)(?:[^'\\]|\\.|'')*+)?+", re.DOTALL)
_LINE = re.compile(r"[^\r\n]*+")
# A comma or semicolon belongs to the value unless the next field seems to follow, an apostrophe if it stands in a word.
_BARE = re.compile(r"""(?:[^\s,;&"'`]++|[,;](?![ \t]*[\w.-]*+[:="']|\s|\Z)|(?<=\w)'(?=\w))*+""")
# `!!binary`, and what begins a block of YAML: its indented lines are the value; on one line, a log has joined them.
_TAG = re.compile(r"(?:!{1,2}[\w:/.-]++[ \t]++)?+(?:[|>][0-9+-]{0,2}(?:[ \t]++|(?=\\++n)))?+")
_BLOCK = re.compile(r"[|>][0-9+-]{0,2}[ \t]*+(?:\r?\n|\\++n)([ \t]++)(\S[^\r\n\\]*+(?:(?:\r?\n|\\++n)\1[^\r\n\\]++)*+)")
# Where a quoted name is followed by a line break, JSON goes on.
_NEXT_LINE = re.compile(r"""\s++(?=\\*["'])""")
_LIST = re.compile(r"[\[(]\s*")
_COMMA = re.compile(r"\s*,\s*")
_TRAILING = ".,;:!?)]}\\"

# What people and this tool write where a value would stand: $NAME, ${NAME}, <name>, {name:String}, %(name)s, env:NAME, ***
# Closing brackets are optional because bare values are read without them.
_PLACEHOLDER = re.compile(
    r"""\$[A-Z_][A-Z0-9_]*|\$[0-9]+|\$?\{[\w:]*\}?|\$\([^()]*\)?|<[\w .-]*>?|%\(\w+\)?s?|\[[A-Za-z ]*\]?|(?:env|file):[\w./~-]+
    |[A-Z]+_[A-Z_]*(?:TOKEN|PASSWORD|SECRET|KEY)|TOKEN|PASSWORD|SECRET|KEY|USERNAME|[xX]{3,}|[\W_]*""",
    re.VERBOSE,
)
# What texts say of a value instead of the value.
_SAYING = re.compile(
    r"""a|after|again|an|and|as|authentication|bad|be|before|blank|by|cannot|check|does|empty|expired|false|flag|for|from|given|has
    |hidden|if|in|incorrect|instead|invalid|is|it|missing|must|nil|no|none|not|null|of|ok|on|option|or|required|reset|see|set
    |should|that|the|to|true|try|undefined|unknown|unset|use|value|was|when|with|wrong|yes""",
    re.IGNORECASE | re.VERBOSE,
)

# Words with digits that sentences about secrets have: how they are hashed, how long they are, where they stand.
_TECHNICAL = re.compile(
    r"""(?:aes|base|hmac|md|oauth|pbkdf|scram-sha|double_sha|sha|utf)[_-]?[0-9].*|(?:es|hs|ps|rs)(?:256|384|512)|x\.?509.*
    |!{1,2}[a-z]+|[0-9][0-9,.-]*[A-Za-z-]+|.*(?:::|\().*|[\w.-]*\.[a-z]{1,4}(?::\d+)*|[A-Za-z]+-removed|[\w-]+_(?:password|token|key|secret)""",
    re.IGNORECASE | re.VERBOSE,
)


class Value(Struct, frozen=True):
    """`text[start:end]` is a value; `after` is the position behind its closing quote. Where a bare value ends is a guess."""

    start: int
    end: int
    after: int
    quoted: bool


def value_at(text: str, start: int) -> Value | None:
    """The value that begins at `start`, None where none begins. What a quote opens and nothing closes ends with its line."""
    quote = _QUOTE.match(text, start)
    if quote:
        return _quoted(text, quote.end(), quote.group())
    bare = _BARE.match(text, start)
    end = start + len(bare.group().rstrip(_TRAILING)) if bare else start
    return Value(start, end, end, False) if end > start else None


def values_at(text: str, start: int) -> Iterator[Value]:
    """The value that begins at `start`, or the items of the list that does."""
    opening = _LIST.match(text, start)
    position: int | None = opening.end() if opening else start
    while position is not None and (value := value_at(text, position)):
        yield value
        comma = _COMMA.match(text, value.after) if opening else None
        position = comma.end() if comma else None


def values_after(names: re.Pattern[str], text: str, taken: Callable[[str, Value], bool]) -> Iterator[Value]:
    """The values after every name and separator that are `taken`, given the text of the value.

    The search goes on behind what was taken, so that no text is read twice, and within what was not.
    """
    position = 0
    while name := names.search(text, position):
        position = name.end()
        between = SEPARATOR.match(text, position)
        value = value_behind(text, between) if between and between[1] else None
        if value and taken(text[value.start : value.end], value):
            yield value
            position = value.after


def value_behind(text: str, separator: re.Match[str]) -> Value | None:
    """The value behind a match of SEPARATOR; also one on the next line, if the name was quoted, or in a block of YAML."""
    block = _BLOCK.match(text, separator.end())
    if block:
        return Value(block.start(2), block.end(2), block.end(2), True)
    tag = _TAG.match(text, separator.end())
    start = tag.end() if tag else separator.end()
    between = _NEXT_LINE.match(text, start) if separator[0][:1] in "\\\"'`" else None
    value = value_at(text, between.end() if between else start)
    # A tag stands before nothing but a value.
    return structs.replace(value, quoted=True) if value and start > separator.end() else value


def tells_a_secret(value: str) -> bool:
    """Whether a word of a sentence rather is a secret: `Zq8RtsWm` is, `wrong`, `SCRAM-SHA-256` and `32-byte` are not."""
    return (
        len(value) >= 6
        and not says_nothing(value)
        and not _TECHNICAL.fullmatch(value)
        and any(character.isalpha() for character in value)
        and any(character.isdigit() or character in "!#$%^&*+" for character in value)
    )


def says_nothing(value: str) -> bool:
    """Whether `value` is a placeholder, or a word about the value rather than the value."""
    words = value.split()
    return len(words) <= 3 and (all(map(_SAYING.fullmatch, words)) or bool(_PLACEHOLDER.fullmatch(value.strip())))


def _quoted(text: str, start: int, quote: str) -> Value:
    if len(quote) == 1:
        content = _CONTENTS[quote].match(text, start)
        end = content.end() if content else start
    else:
        closing = re.compile(r"(?<!\\)" + re.escape(quote)).search(text, start)
        end = closing.start() if closing else len(text)
    if end >= len(text):
        line = _LINE.match(text, start)
        end = line.end() if line else start
        return Value(start, end, end, True)
    return Value(start, end, end + len(quote), True)
