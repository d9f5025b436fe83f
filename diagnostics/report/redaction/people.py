"""People: distinct ids and names by the words that stand before or beside them, accounts in paths."""

import re
from collections.abc import Iterator

from diagnostics.report.redaction.addresses import person_span
from diagnostics.report.redaction.spans import Rule, Span
from diagnostics.report.redaction.values import SEPARATOR, Value, says_nothing, value_at, values_after, values_at

# `missing_distinct_id: 43` and the like are counters of ingestion, not ids.
_NAME = re.compile(
    r"""(?<!missing[_ ])(?<!invalid[_ ])(?<!illegal[_ ])(?<!without[_ ])(?<!no[_ ])
    (?:distinct[_\ -]?ids?|\banon(?:ymous)?[_-]?id|\bdevice_?id|person_?id|\buser_?id|\bsession_id
    |(?:first|last|full|given|family|middle|display)_?name|phone(?:_?number)?|\buser\.(?:id|name|username))(?!\w)""",
    re.IGNORECASE | re.VERBOSE,
)
# "distinct id is too long" has no id in it; `distinct_id is "x"` and `distinct_id in ('x', 'y')` do.
_VERB = re.compile(r"(?:is|in|was)[ \t]++", re.IGNORECASE)
# Types, columns and expressions, where the text is SQL.
_SQL = re.compile(
    r"(?:Nullable|LowCardinality|Array)\b.*|String|VARCHAR|UUID|U?Int\d+|[a-z_]\w*\.\w*id|.*(?:distinct|person)_id.*", re.DOTALL
)
# What an event says of its person.
_SET = re.compile(r"""\$set(?:_once)?+(?:\\*["'])?+\s*+[:=]\s*+\{((?:[^{}]++|\{[^{}]*+\}?+)++)""")
# Seen before all of a bare value is read: `distinct_id(distinct_id(…` would cost the square of its length.
_ID_AHEAD = re.compile(r"""(?:[\[(]\s{0,8})?(?:\\*["'`]|[\w.+|-]{1,512}(?![^\s,;:.!?)\]}'"`\\]))""")
_ID = re.compile(r"(?=.*[A-Za-z])[\w.+|-]+")
_HOME = re.compile(r"(?:/home/|/Users/|\\+Users\\+)([^/\\\s:\"']++)")
# Distinct ids that clients send by mistake; PostHog refuses to merge persons by them. They identify nobody.
_NOBODY = re.compile(
    r"0|\??|anonymous|distinct_?id|email|false|guest|id|nan|nil|none|not_authenticated|null|\[object object\]|true|undefined",
    re.IGNORECASE,
)
_SERVICE_ACCOUNT = re.compile("app|clickhouse|kafka|node|posthog")
# What belongs to the same person where an object holds one of the others: `{ name: 'Jane', city: 'Wuppertal' }`.
_OBJECT = re.compile(r"""(properties\\*["']?+\s*+[:=]?\s*+)?+\{([^{}]{1,20000}+)""", re.IGNORECASE)
_TELLING = re.compile(
    r"""(?<![\w-])(?:e-?mail|phone|(?:first|last|full)_?name|city|street|zip(?:_?code)?|postal_?code|birth(?:day|_?date)|\$ip)
    \\*["']?\s*+[:=]\s*+\\*["'](?=\w)""",
    re.IGNORECASE | re.VERBOSE,
)
_BESIDE = re.compile(
    r"(?<![\w$-])(?:name|nick_?name|username|address|street|city|zip(?:_?code)?|postal_?code|birth(?:day|_?date)|dob)(?!\w)",
    re.IGNORECASE,
)
# Node tells a machine's address in objects, too.
_MACHINE = re.compile(r"\b(?:port|syscall|errno)\b")
_PLACE = re.compile(
    r"geoip_(?:latitude|longitude|city_name|city|postal_code|subdivision_[0-9]_(?:name|code)|accuracy_radius)(?!\w)"
)
# `alias "a" to "b"`, `distinct ids a and b`
_ALIAS = re.compile(r"""\balias(?:ing|ed)?[ \t]++(?=\\*["'])""", re.IGNORECASE)
_ALSO = re.compile(r"""[ \t]++(?:and|into|to|with)[ \t]++(?=\S)""")
# `janina.roe`: a service has no such name, and what follows a second dot or an @ is a host or a table.
_LOGIN = re.compile(
    r"""(?<![\w.-])user(?:_?name)?\\*["']?[ \t]*+[:=][ \t]*+\\*["']?([a-z]{2,30}+\.[a-z]{2,30}+)(?![\w.@:/-])""",
    re.IGNORECASE,
)
_DISPLAYED = re.compile(
    r"""(?<![\w"'\\])(?:\\*"([^"<>@\r\n\\]{2,80})\\*"
    |((?:[^\W\d_a-z][^\W\d_A-Z][\w'’-]{0,30}[ ]){1,2}[^\W\d_a-z][\w'’.-]{0,30}))[ ]?
    <[\w.%+'-]{1,80}(?:@|%40)[\w.-]+>""",
    re.VERBOSE,
)


def _named_people(text: str) -> Iterator[Span]:
    position = 0
    while match := _NAME.search(text, position):
        position = match.end()
        separator = SEPARATOR.match(text, position)
        if separator:
            for value in _identities(text, separator):
                yield person_span(text, value.start, value.end)
                position = value.after
                for other in _others(text, value):
                    yield person_span(text, other.start, other.end)
                    position = other.after


def _identities(text: str, separator: re.Match[str]) -> Iterator[Value]:
    verb = None if separator[1] else _VERB.match(text, separator.end())
    if not (separator[1] or verb or _ID_AHEAD.match(text, separator.end())):
        return
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


def _properties(text: str) -> Iterator[Span]:
    for match in _SET.finditer(text):
        if not says_nothing(match[1]):
            yield Span(*match.span(1), "text")


def _accounts(text: str) -> Iterator[Span]:
    for match in _HOME.finditer(text):
        if not _SERVICE_ACCOUNT.fullmatch(match[1]):
            yield Span(*match.span(1), "person", identity=match[1])


def _others(text: str, value: Value) -> Iterator[Value]:
    """The identities that a sentence adds to `value`: "distinct ids a1b2c3d4 and e5f6a7b8"."""
    while (also := _ALSO.match(text, value.after)) and (following := value_at(text, also.end())):
        if not (following.quoted or _is_id(text[following.start : following.end])):
            return
        yield following
        value = following


def _aliases(text: str) -> Iterator[Span]:
    for match in _ALIAS.finditer(text):
        value = value_at(text, match.end())
        others = list(_others(text, value)) if value else []
        if value and others:
            yield from (person_span(text, each.start, each.end) for each in (value, *others))


def _objects(text: str) -> Iterator[Span]:
    """The name and the address of somebody in an object that tells more of them; other objects have names that are needed."""
    for match in _OBJECT.finditer(text):
        if not (match[1] or _TELLING.search(match[2])) or _MACHINE.search(match[2]):
            continue
        for value in values_after(_BESIDE, match[2], lambda content, value: value.quoted and not says_nothing(content)):
            yield person_span(text, match.start(2) + value.start, match.start(2) + value.end)


def _places(text: str) -> Iterator[Span]:
    for value in values_after(_PLACE, text, lambda content, _: not says_nothing(content) and not _is_sql(content)):
        yield Span(value.start, value.end, "text")


def _logins(text: str) -> Iterator[Span]:
    for match in _LOGIN.finditer(text):
        yield person_span(text, *match.span(1))


def _displayed(text: str) -> Iterator[Span]:
    """The name before an address: `Jane Doe <jane@x.io>`."""
    for match in _DISPLAYED.finditer(text):
        group = 1 if match[1] else 2
        yield Span(*match.span(group), "person", identity=match[group])


PEOPLE_RULES = (
    Rule("what is called a distinct id or a name", ("id", "name", "phone"), _named_people),
    Rule("properties of a person", ("$set",), _properties),
    Rule("a home directory", ("/home/", "/users/", "\\users\\"), _accounts),
    Rule("two ids of one person", ("alias",), _aliases),
    Rule("what an object tells of a person", ("name", "address", "city", "street", "zip", "postal", "birth", "dob"), _objects),
    Rule("where a person is", ("geoip_",), _places),
    Rule("the name of a user", ("user",), _logins),
    Rule("the name before an e-mail address", ("<",), _displayed),
)


def is_person_field(name: str) -> bool:
    """Whether a field called `name` holds whom an event is about."""
    return any(match.end() == len(name) for match in _NAME.finditer(name))


def is_nobody(identity: str) -> bool:
    """Whether a distinct id is one of those that stand for no person."""
    return bool(_NOBODY.fullmatch(identity.strip()))
