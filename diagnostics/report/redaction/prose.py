"""Secrets in sentences: "the password is hunter2". Most sentences about secrets have none in them, so the value has to tell."""

import re
from collections.abc import Iterator

from diagnostics.report.redaction.spans import Rule, Span
from diagnostics.report.redaction.values import says_nothing, tells_a_secret, value_at

_NAMES = (
    r"password|passphrase|passwort|kennwort|pwd|secret[_ -]?key|(?:api|access|license|auth)[_ -]?key"
    r"|(?:api|access|auth)[_ -]token|token|secret"
)
# "the password is x", "SECRET_KEY was x", "Password for user posthog: x".
_SAID = re.compile(
    rf"""(?:{_NAMES})["']?
    (?:[ \t]++(?:for|of)[ \t]++(?:user|role|account|the[ ]user)?[ \t]*+["']?[\w.@-]{{1,80}}+["']?(?::(?=[ ]))?+)?+
    (?:[ \t]++(?:is|was|ist|lautet)(?:[ \t]*+[:=])?+|(?<=:))[ \t]++(?=\S)""",
    re.IGNORECASE | re.VERBOSE,
)
# `wrong password "x" for user`, `token 'x' is not of a project`. Parsers, too, speak of the token they did not expect.
_QUOTED = re.compile(
    r"""(?<!unexpected[ ])(?<!unrecognized[ ])(?<!near[ ])(?<!invalid[ ])(?<!:)
    (?:(password|passphrase|passwort|kennwort)|secret[_ -]?key|(?:api|license|access)[_ -]?key|(?<![\w-])token)
    [ \t]++(?=\\*["'`])""",
    re.IGNORECASE | re.VERBOSE,
)
# What stands behind such a name and is no word at all: `api_key Zq8RtsWmN04 invalid`.
_BARE = re.compile(
    r"""(?<![\w-])(?:(?:\w*_)?(password|passwd)|[\w]*secret_key|[\w]*(?:api|license|access)[_ -]?key|(?:\w*_)?token)[ \t]++
    ([A-Za-z0-9_+/=-]++)(?![\w.:(])""",
    re.IGNORECASE | re.VERBOSE,
)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-.*", re.IGNORECASE)


def _said(text: str) -> Iterator[Span]:
    for match in _SAID.finditer(text):
        value = value_at(text, match.end())
        if value and tells_a_secret(text[value.start : value.end]) and " " not in text[value.start : value.end]:
            yield Span(value.start, value.end, _kind(match[0]))


def _quoted(text: str) -> Iterator[Span]:
    for match in _QUOTED.finditer(text):
        value = value_at(text, match.end())
        if value:
            content = text[value.start : value.end]
            certain = match[1] and len(content) >= 6 and not content.islower() and " " not in content
            if "://" in content:
                continue  # curl --user USER:PASSWORD "http://…"
            if tells_a_secret(content) or (certain and not says_nothing(content)):
                yield Span(value.start, value.end, _kind(match[0]))


def _bare(text: str) -> Iterator[Span]:
    for match in _BARE.finditer(text):
        value = match[2]
        if _no_word(value, 8 if match[1] else 12) and tells_a_secret(value) and not _UUID.fullmatch(value):
            yield Span(*match.span(2), _kind(match[0]))


def _no_word(value: str, length: int) -> bool:
    """Digits among letters of both cases, or so many of them that it is no name: `events_plugin_ingestion2` is one."""
    digits = sum(character.isdigit() for character in value)
    mixed = any(map(str.isupper, value)) and any(map(str.islower, value))
    return len(value) >= length and digits > 0 and "_" not in value and (mixed or digits >= 4)


def _kind(name: str) -> str:
    lowered = name.lower()
    return "password" if "pass" in lowered or "kennwort" in lowered or "pwd" in lowered else "secret"


_NEEDS = ("passw", "passphrase", "kennwort", "pwd", "secret", "key", "token")
PROSE_RULES = (
    Rule("a secret that a sentence tells", _NEEDS, _said),
    Rule("a secret that a sentence quotes", _NEEDS, _quoted),
    Rule("a secret behind its name", _NEEDS, _bare),
)
