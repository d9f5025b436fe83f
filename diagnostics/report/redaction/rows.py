"""Rows of the install's own tables, as databases quote them in their errors."""

import re
from bisect import bisect_right
from collections.abc import Iterator

from diagnostics.report.redaction.addresses import person_span
from diagnostics.report.redaction.spans import Rule, Span
from diagnostics.report.redaction.values import says_nothing, value_at

# DETAIL of Postgres: Key (team_id, distinct_id)=(2, alice) already exists.
# What a limit cut before its end reaches to the end of the line.
_UNIQUE_KEY = re.compile(
    r"""Key[ ]\(([^()=]*+)\)=\(
    ((?:[^)\r\n]++|\)(?![ ](?:already[ ]exists|is[ ]not[ ]present|is[ ]still|conflicts)|[\r\n.\\"']|\Z))*+)""",
    re.VERBOSE,
)
# DETAIL: Failing row contains (12, {"name": "Jane"}, t, alice).
_FAILING_ROW = re.compile(r"""Failing row contains \(((?:[^)\r\n]++|\)(?![.\\"'\r\n]|\Z))*+)""", re.IGNORECASE)
_CELL = re.compile(r"(?=[^, ])(?:\{(?:[^{}\r\n]|\{[^{}\r\n]*+\}){0,20000}+\}|[^,{]++|\{)")
# What tells nothing of anybody.
_PLAIN = re.compile(r"-?[0-9]+(?:\.[0-9]+)?|t|f|true|false|null|[\W_]*|\.\.\.", re.IGNORECASE)
# A time is no name: it gets no pseudonym.
_NO_NAME = re.compile(r"[{\[].*|[0-9-]+[ T]?[0-9:.+Z-]*")
_TOO_LONG = re.compile(r"value too long for type character varying\([0-9]+\): ")
# ClickHouse: Column 2, name: distinct_id, type: String, parsed text: "alice"
_PARSED = re.compile(r"""\bname:[ ]([$\w]{1,128}+),\s{1,8}type:[ ][^"\r\n]{1,120}?parsed text:[ ](?=\\*")""")
_READING_KEY = re.compile(r"while reading the value of key ([$\w]{1,128}+)")
_BEFORE = re.compile(r"\bbefore: (?=\\*')")
_PERSONAL = re.compile(r"distinct_id|person_?\w*|\w*properties|elements_chain|\$\w+|e?mail|(?:\w+_)?name|ip|data|user_id")
_LISTED = re.compile(r"properties|elements_chain|data")
# How far ClickHouse goes on about a row it could not read.
_DUMP = 2000
# WHERE (team_id, distinct_id) IN ((1, 'alice'), (1, 'bob'))
_TUPLES = re.compile(
    r"\([\w., \"`]{0,200}\b(?:distinct_id|person_id)\b[\w., \"`]{0,200}\)\s{0,8}(?:NOT\s{1,8})?IN\s{0,8}"
    r"\(((?:\s*+,?+\s*+\([^()]*+\)?+)++)",
    re.IGNORECASE,
)
_STRING = re.compile(r"(?<!\\)\\*+'((?:[^'\\]|''|\\[^'])++)\\*'")


def _unique_keys(text: str) -> Iterator[Span]:
    """Of a violated key all values but plain numbers; all that stands there where they cannot be told apart."""
    for match in _UNIQUE_KEY.finditer(text):
        columns, values = match[1].split(", "), match[2].split(", ")
        if len(columns) != len(values):
            if not _PLAIN.fullmatch(match[2]):
                yield person_span(text, *match.span(2))
            continue
        start = match.start(2)
        for value in values:
            if value and not _PLAIN.fullmatch(value):
                yield person_span(text, start, start + len(value))
            start += len(value) + len(", ")


def _failing_rows(text: str) -> Iterator[Span]:
    for match in _FAILING_ROW.finditer(text):
        for cell in _CELL.finditer(text, *match.span(1)):
            value = cell[0].rstrip()
            if _NO_NAME.fullmatch(value) and not _PLAIN.fullmatch(value):
                yield Span(cell.start(), cell.start() + len(value), "text")
            elif not _PLAIN.fullmatch(value):
                yield person_span(text, cell.start(), cell.start() + len(value))
    for match in _TOO_LONG.finditer(text):
        value_there = value_at(text, match.end())
        if value_there:
            yield person_span(text, value_there.start, value_there.end)


def _parsed(text: str) -> Iterator[Span]:
    """What ClickHouse could not parse, where it is a column that tells of a person."""
    personal: list[int] = []
    for match in _PARSED.finditer(text):
        value = value_at(text, match.end()) if _PERSONAL.fullmatch(match[1]) else None
        if value:
            personal.append(match.start())
            content = text[value.start : value.end]
            if not says_nothing(content):
                listed = _LISTED.search(match[1])
                yield Span(value.start, value.end, "text") if listed else person_span(text, value.start, value.end)
    personal += [match.start() for match in _READING_KEY.finditer(text) if _PERSONAL.fullmatch(match[1])]
    personal.sort()
    for match in _BEFORE.finditer(text) if personal else ():
        value = value_at(text, match.end())
        following = bisect_right(personal, match.start())
        near = following < len(personal) and personal[following] - match.start() < _DUMP
        if value and near and not says_nothing(text[value.start : value.end]):
            yield Span(value.start, value.end, "text")


def _tuples(text: str) -> Iterator[Span]:
    for match in _TUPLES.finditer(text):
        for string in _STRING.finditer(text, *match.span(1)):
            yield person_span(text, *string.span(1))


ROW_RULES = (
    Rule("a value of a unique key", ("key (",), _unique_keys),
    Rule("a row that the database refused", ("failing row", "value too long"), _failing_rows),
    Rule("a value that ClickHouse could not parse", ("parsed text", "reading the value"), _parsed),
    Rule("a person in a list of rows", ("distinct_id", "person_id"), _tuples),
)
