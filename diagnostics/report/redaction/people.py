"""People: distinct ids and names by the words that stand before them, accounts in paths, telephone numbers, payment cards."""

import re
from collections.abc import Iterator

from diagnostics.report.redaction.addresses import person_span
from diagnostics.report.redaction.spans import Rule, Span
from diagnostics.report.redaction.values import SEPARATOR, Value, says_nothing, values_at

# `missing_distinct_id: 43` and the like are counters of ingestion, not ids.
_NAME = re.compile(
    r"""(?<!missing[_ ])(?<!invalid[_ ])(?<!illegal[_ ])(?<!without[_ ])(?<!no[_ ])
    (?:distinct[_\ -]?ids?|\banon(?:ymous)?[_-]?id|\bdevice_?id|person_?id|\buser_?id
    |(?:first|last|full|given|family|middle|display)_?name|phone(?:_?number)?|\buser\.(?:id|name|username))(?!\w)""",
    re.IGNORECASE | re.VERBOSE,
)
# "distinct id is too long" has no id in it; `distinct_id is "x"` and `distinct_id in ('x', 'y')` do.
_VERB = re.compile(r"(?:is|in|was)[ \t]++", re.IGNORECASE)
# Types, columns and expressions, where the text is SQL.
_SQL = re.compile(
    r"(?:Nullable|LowCardinality|Array)\b.*|String|VARCHAR|UUID|U?Int\d+|[a-z_]\w*\.\w*id|.*(?:distinct|person)_id.*", re.DOTALL
)
# DETAIL of Postgres: Key (team_id, distinct_id)=(2, alice) already exists.
# What a limit cut before its end reaches to the end of the line.
_UNIQUE_KEY = re.compile(
    r"""Key[ ]\(([^()=]*+)\)=\(
    ((?:[^)\r\n]++|\)(?![ ](?:already[ ]exists|is[ ]not[ ]present|is[ ]still|conflicts)|[\r\n.\\"']|\Z))*+)""",
    re.VERBOSE,
)
# What an event says of its person.
_SET = re.compile(r"""\$set(?:_once)?+(?:\\*["'])?+\s*+[:=]\s*+\{((?:[^{}]++|\{[^{}]*+\}?+)++)""")
_ID = re.compile(r"(?=.*[A-Za-z])[\w.+|-]+")
_PERSONAL_COLUMN = re.compile(r"distinct_id|person_id|user_id|email|name|username|key", re.IGNORECASE)
_HOME = re.compile(r"(?:/home/|/Users/|\\+Users\\+)([^/\\\s:\"']++)")
# Distinct ids that clients send by mistake; PostHog refuses to merge persons by them. They identify nobody.
_NOBODY = re.compile(
    r"0|\??|anonymous|distinct_?id|email|false|guest|id|nan|nil|none|not_authenticated|null|\[object object\]|true|undefined",
    re.IGNORECASE,
)
_SERVICE_ACCOUNT = re.compile("app|clickhouse|kafka|node|posthog")
# As E.164 has it, in groups or not. Without the plus it might be any count, offset or id.
_TELEPHONE = re.compile(r"(?<![\w+.-])\+[1-9](?:[ .()-]{0,2}[0-9]){8,14}(?![\w-]|\.[0-9])")
_CARD = re.compile(
    r"(?<![A-Za-z0-9.-])[2-6][0-9]{3}([ .+_-]?)(?:[0-9]{4}\1[0-9]{4}\1[0-9]{1,7}|[0-9]{6}\1[0-9]{4,5})(?![\w-]|\.[0-9])"
)
_CARD_NETWORK = re.compile(r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]|2[2-7]|6[05])\d{14}|3[47]\d{13}|35\d{14}|3[068]\d{12}")


def _named_people(text: str) -> Iterator[Span]:
    position = 0
    while match := _NAME.search(text, position):
        position = match.end()
        separator = SEPARATOR.match(text, position)
        if separator:
            for value in _identities(text, separator):
                yield person_span(text, value.start, value.end)
                position = value.after


def _identities(text: str, separator: re.Match[str]) -> Iterator[Value]:
    verb = None if separator[1] else _VERB.match(text, separator.end())
    for value in values_at(text, verb.end() if verb else separator.end()):
        content = text[value.start : value.end]
        if not value.quoted and (_is_sql(content) or _is_prose(text, separator) or not (separator[1] or _is_id(content))):
            return
        if not says_nothing(content) and not is_nobody(content):
            yield value


def _is_id(content: str) -> bool:
    """Whether a bare word behind a name is no word: "distinct_id 018f2f3e-7c1a merge failed"."""
    digits = sum(character.isdigit() for character in content)
    return len(content) >= 8 and digits >= 3 and bool(_ID.fullmatch(content))


def _is_prose(text: str, separator: re.Match[str]) -> bool:
    """Whether a sentence goes on: "These lines hold distinct ids: read them first"."""
    return text[separator.start() - 1] in "sS" and separator[0].startswith(": ")


def _is_sql(content: str) -> bool:
    return len(content) < 200 and bool(_SQL.fullmatch(content))


def _unique_keys(text: str) -> Iterator[Span]:
    """Of a violated unique key the values of its personal columns; all of them where they cannot be told apart."""
    for match in _UNIQUE_KEY.finditer(text):
        columns, values = match[1].split(", "), match[2].split(", ")
        personal = [bool(_PERSONAL_COLUMN.search(column)) for column in columns]
        if any(personal) and len(columns) != len(values):
            yield person_span(text, *match.span(2))
            continue
        start = match.start(2)
        for is_personal, value in zip(personal, values, strict=False):
            if is_personal and value:
                yield person_span(text, start, start + len(value))
            start += len(value) + len(", ")


def _properties(text: str) -> Iterator[Span]:
    for match in _SET.finditer(text):
        if not says_nothing(match[1]):
            yield Span(*match.span(1), "text")


def _accounts(text: str) -> Iterator[Span]:
    for match in _HOME.finditer(text):
        if not _SERVICE_ACCOUNT.fullmatch(match[1]):
            yield Span(*match.span(1), "person", identity=match[1])


def _telephones(text: str) -> Iterator[Span]:
    for match in _TELEPHONE.finditer(text):
        yield Span(*match.span(), "person", identity=re.sub(r"\D", "", match[0]))


def _cards(text: str) -> Iterator[Span]:
    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if _CARD_NETWORK.fullmatch(digits) and _luhn(digits):
            yield Span(match.start(), match.end(), "card")


def _luhn(digits: str) -> bool:
    doubled = [int(digit) * 2 if place % 2 else int(digit) for place, digit in enumerate(reversed(digits))]
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0


PEOPLE_RULES = (
    Rule("what is called a distinct id or a name", ("id", "name", "phone"), _named_people),
    Rule("a personal value of a unique key", ("key (",), _unique_keys),
    Rule("properties of a person", ("$set",), _properties),
    Rule("a home directory", ("/home/", "/users/", "\\users\\"), _accounts),
    Rule("a telephone number", ("+",), _telephones),
    Rule("a payment card", (), _cards),
)


def is_person_field(name: str) -> bool:
    """Whether a field called `name` holds whom an event is about."""
    return any(match.end() == len(name) for match in _NAME.finditer(name))


def is_nobody(identity: str) -> bool:
    """Whether a distinct id is one of those that stand for no person."""
    return bool(_NOBODY.fullmatch(identity.strip()))
