"""What URLs carry: credentials before the host, values in the query and the fragment, the id of a person in PostHog's paths."""

import re
from collections.abc import Iterator
from urllib.parse import unquote

from diagnostics.report.redaction.addresses import person_span
from diagnostics.report.redaction.spans import Rule, Span
from diagnostics.report.redaction.values import says_nothing

# The second form is for passwords with an unescaped slash or the like. What looks like a port is none.
_USERINFO = re.compile(
    r""":\\?/\\?/(?:([^\s/?\#"'`<>]*)@|([^\s/?\#@:\[\]"'`<>]*+:(?![0-9]{1,5}(?:[/?\#\s]|\Z))[^\s@"'`<>]{1,200}+)@)"""
)
# As in the directory names of ClickHouse's distribution queue: default:hunter2@10.0.0.5:9000
_USERINFO_ALONE = re.compile(r"""(?<![\w%.-])[\w%.-]++:([^\s@/:"'`<>()\[\]{},]{1,128}+)@[A-Za-z0-9][\w.-]*+:[0-9]{2,5}\b""")
# Without the scheme: //posthog:hunter2@db/posthog
_USERINFO_BARE = re.compile(r"""(?<![:\\\w/])//[\w.%-]++:([^\s@/:"'`<>]{1,128}+)@[A-Za-z0-9]""")
# A password with blanks in it, of a connection: a host with a port or a path follows. A sentence has no colon at its beginning.
_USERINFO_BLANKS = re.compile(
    r"""\b(?:postgres(?:ql)?|rediss?|clickhouse|mysql|amqps?|mongodb)(?:\+\w{1,20})?://[\w.%-]*+:(?![0-9]{1,5}[ ])
    ((?![\w-]*-removed\b)[^\s@/"'`<>]{1,64}(?:[ ][^\s@/"'`<>]{1,64}){1,4})@[A-Za-z0-9][\w.-]*+(?::[0-9]{2,5}\b|/)""",
    re.VERBOSE,
)
# Older Sentry had a secret key as well, and not only in hexadecimal. A project is a number.
_SENTRY_PROJECT = re.compile(r"@[\w.-]{0,60}sentry[\w.-]{0,60}(?::[0-9]{2,5})?/(?:[\w-]+/){0,3}[0-9]+\b")
# What a limit cut before the @. A host has no such port, and no such name.
_CUT = re.compile(r"""://[^\s/?\#@:\[\]"'`<>]*+:(?![0-9]{1,5}(?!\w))([^\s/?\#@:"'`<>()\[\],;]{1,200}+)(?![/?\#@:])""")
_CUT_KEY = re.compile(r"://([0-9a-f]{16,32})(?![\w.@:/-])")
_EXAMPLE = "user:password"  # how messages tell where the two go in a URL
_DSN_KEY = re.compile(r"[0-9a-f]{32}")
# Where a quote follows a backslash, or no letter follows an apostrophe, the text around goes on.
_URL = re.compile(
    r"""://(?P<place>[^\s"'`<>?\#]*+)
    (?:\?(?P<query>(?:[^\s"'`<>\\\#]++|\\(?!["'])|'(?=\w))*+))?+
    (?:\#(?P<fragment>(?:[^\s"'`<>\\]++|\\(?!["'])|'(?=\w))*+))?+""",
    re.VERBOSE,
)
# As servers log it. A bare path with a query may also be one that a check suggests.
_REQUEST_LINE = re.compile(r"\b(?:DELETE|GET|HEAD|PATCH|POST|PUT) /[^\s?]*+\?([^\s]++) HTTP/")
_PERSON = re.compile(r"/persons?/([^/]+)")
_QUERY_PART = re.compile(r"[^&;]+")
_QUERY_KEY = re.compile(r"[\w.$\[\]%-]{1,64}=")
_TRAILING = ".,;:!?)]}"
# Links that checks and runbooks give: their fragments are headings.
_DOCUMENTATION = re.compile(r"(?:www\.)?(?:posthog\.com|clickhouse\.com|github\.com|docs\.sentry\.io)(?:/|\Z)")
_HEADING = re.compile(r"[a-z][a-z0-9-]*")


def _userinfo(text: str) -> Iterator[Span]:
    for match in _USERINFO.finditer(text):
        group = 1 if match[1] is not None else 2
        start, end = match.span(group)
        user, colon, password = match[group].partition(":")
        user_end = start + len(user)
        if _DSN_KEY.fullmatch(user) or (password and _SENTRY_PROJECT.match(text, end)):
            yield Span(start, user_end, "dsn-key")
        elif "@" in unquote(user):
            yield person_span(text, start, user_end)
        elif not colon and len(user) >= 16 and any(character.isdigit() for character in user):
            yield Span(start, user_end, "secret")
        if password and match[group] != _EXAMPLE and not says_nothing(password):
            yield Span(user_end + 1, end, "dsn-key" if _DSN_KEY.fullmatch(password) else "password")


def _userinfo_alone(text: str) -> Iterator[Span]:
    for match in _USERINFO_ALONE.finditer(text):
        if not match[0].startswith(f"{_EXAMPLE}@") and not says_nothing(match[1]):
            yield Span(*match.span(1), "password")


def _userinfo_rare(text: str) -> Iterator[Span]:
    for shape in (_USERINFO_BARE, _USERINFO_BLANKS):
        for match in shape.finditer(text):
            if not says_nothing(match[1]):
                yield Span(*match.span(1), "password")


def _userinfo_cut(text: str) -> Iterator[Span]:
    for match in _CUT.finditer(text):
        if not says_nothing(match[1]) and not match[1].isupper():  # HOST:PORT
            yield Span(*match.span(1), "password")
    for match in _CUT_KEY.finditer(text):
        yield Span(*match.span(1), "dsn-key")


def _queries(text: str) -> Iterator[Span]:
    """The values go, the keys stay."""
    for match in _URL.finditer(text):
        end = match.end() - (len(match[0]) - len(match[0].rstrip(_TRAILING)))
        if match["query"]:
            yield from _query_values(text, match.start("query"), min(end, match.end("query")))
        if match["fragment"] and not (_DOCUMENTATION.match(match["place"]) and _HEADING.fullmatch(match["fragment"])):
            yield from _unless_empty(text, match.start("fragment"), end)


def _logged_queries(text: str) -> Iterator[Span]:
    for match in _REQUEST_LINE.finditer(text):
        yield from _query_values(text, *match.span(1))


def _query_values(text: str, start: int, end: int) -> Iterator[Span]:
    for part in _QUERY_PART.finditer(text, start, end):
        key = _QUERY_KEY.match(part[0])
        yield from _unless_empty(text, part.start() + (key.end() if key else 0), part.end())


def _unless_empty(text: str, start: int, end: int) -> Iterator[Span]:
    if start < end and not says_nothing(text[start:end]):
        yield Span(start, end, "url-query")


def _people(text: str) -> Iterator[Span]:
    for match in _URL.finditer(text):
        offset = match.start("place")
        person = _PERSON.search(match["place"])
        # Below /api/ the same place holds names of methods.
        if person and "/api/" not in match["place"] and not says_nothing(person[1]):
            yield person_span(text, offset + person.start(1), offset + person.end(1))


URL_RULES = (
    Rule("credentials in a URL", ("@",), _userinfo),
    Rule("credentials in a connection string", ("@",), _userinfo_alone),
    Rule("credentials in a rare form of URL", ("//",), _userinfo_rare),
    Rule("credentials in a URL that was cut", ("://",), _userinfo_cut),
    Rule("the query of a URL", ("://",), _queries),
    Rule("the query of a request", (" http/",), _logged_queries),
    Rule("a person's page in PostHog", ("/person",), _people),
)
