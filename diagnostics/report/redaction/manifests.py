"""Secrets in what Kubernetes and compose print of themselves: environments, and the data of a Secret."""

import re
from collections.abc import Iterator

from diagnostics.report.redaction.credentials import field_kind
from diagnostics.report.redaction.spans import Rule, Span
from diagnostics.report.redaction.values import SEPARATOR, says_nothing, value_behind

# `- name: SECRET_KEY` and its `value:` on the next line or on the same one, in YAML, in JSON and in what logs make of them.
_ENTRY = re.compile(
    r"""\b(?:name|key)\\*["']?+\s*+[:=]\s*+\\*["']?([\w.-]{1,128}+)\\*["']?+,?+(?:\s|\\+[nrt](?!\w))*+(?:\\+n)?+\\*["']?value(?=\\*["']?\s*+[:=])""",
    re.IGNORECASE | re.VERBOSE,
)
_SECRET = re.compile(r"""\bkind\\*["']?\s*+[:=]\s*+\\*["']?Secret(?!\w)""")
_DATA = re.compile(r"""\b(?:stringData|data)\\*["']?+\s*+[:=]\s*+\{([^{}]++)""")
_DATA_BLOCK = re.compile(r"^([ \t]*+)(?:stringData|data):[ \t]*+\r?\n((?:\1[ \t]++[^\r\n]*+\r?\n?)++)", re.MULTILINE)
_FIELD = re.compile(r"""(?:\\*["']|\b)[\w.-]++(?=\\*["']?\s*+:)""")


def _entries(text: str) -> Iterator[Span]:
    for match in _ENTRY.finditer(text):
        separator = SEPARATOR.match(text, match.end())
        value = value_behind(text, separator) if separator else None
        kind = field_kind(match[1], text[value.start : value.end]) if value else None
        if value and kind:
            yield Span(value.start, value.end, kind)


def _data(text: str) -> Iterator[Span]:
    """Every value in the data of a Secret, whatever its name. `data` may come before `kind`: kubectl sorts."""
    if not _SECRET.search(text):
        return
    for match in _DATA.finditer(text):
        yield from _values(text, *match.span(1))
    for match in _DATA_BLOCK.finditer(text):
        yield from _values(text, *match.span(2))


def _values(text: str, start: int, end: int) -> Iterator[Span]:
    while (name := _FIELD.search(text, start, end)) is not None:
        start = name.end()
        separator = SEPARATOR.match(text, start)
        value = value_behind(text, separator) if separator and separator[1] else None
        if value and value.start < end:
            start = value.after
            if not says_nothing(text[value.start : value.end]):
                yield Span(value.start, value.end, "secret")


MANIFEST_RULES = (
    Rule("an entry of an environment", ("value",), _entries),
    Rule("the data of a Kubernetes secret", ("secret",), _data),
)
