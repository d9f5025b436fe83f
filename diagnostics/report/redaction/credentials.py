"""Credentials that nobody configured here: recognised by their own shape, by the header they stand in, or by their name."""

import base64
import binascii
import re
from collections.abc import Iterator

from diagnostics.report.redaction.spans import TOKEN_MARKS, Rule, Span, pattern
from diagnostics.report.redaction.values import Value, says_nothing, value_at, values_after
from diagnostics.report.redaction.vendors import VENDOR_RULES

_POSTHOG = re.compile(r"(?<![A-Za-z0-9])(ph[acrsx])_(?=[A-Za-z0-9])[A-Za-z0-9_-]++")
# What a full line cut off, if it looks like the rest of a token rather than like a word.
_REST = re.compile(r"(?:=?\r?\n|\\++n)[ \t]*+(?=[A-Za-z_-]*[0-9])(?=[0-9a-z_-]*[A-Z])(?=[0-9A-Z_-]*[a-z])[A-Za-z0-9_-]++")
_WHOLE = 40  # characters that PostHog's tokens have at least
# `{"`, `[{"` and what gzip begins with: events travel like that, several at once too.
_DATA_IN_BASE64 = re.compile(
    r"eyJ[A-Za-z0-9_-]{8,}+(?:\.[A-Za-z0-9_-]++){1,2}+|(?:eyJ|(?<![A-Za-z0-9])(?:W3si|H4sIA))[A-Za-z0-9+/_-]{16,}+={0,2}"
)
_BEARER = re.compile(r"""\bbearer[ \t:]++(?:\\*["'])?+([\w~+/.=%-]++)""", re.IGNORECASE)
_BASIC = re.compile(r"\bbasic[ \t:]++([A-Za-z0-9+/_-]{4,}+={0,2})", re.IGNORECASE)
_AUTHORIZATION = re.compile(
    r"""authorization(?:\\*["'])?+\s*+[:=]\s*+(?:\\*["'])?+
    (?:(bearer|basic|digest|sentry|token|api-?key)[ \t]++)?+([^\s"'`,;\\]++)""",
    re.IGNORECASE | re.VERBOSE,
)
# What a digest gives for the password, and what the password can be tried against.
_DIGEST = re.compile(r"""\b(?:response|c?nonce|opaque)=\\*"([^"\\\r\n]++)""")
# As dumps of headers write them, without a colon. With one, the name tells.
_HEADER = re.compile(r"(?<![\w-])x-[\w-]{0,40}?(?:key|token|secret|password)[ \t]++(?=\S)", re.IGNORECASE)
_COOKIE = re.compile(r"""\b(?:set-)?cookie(?:\\*["'])?+[ \t]*+:[ \t]*+""", re.IGNORECASE)
_LINE = re.compile(r"[^\r\n]++")
_PASSWORD_NAME = re.compile(
    r"""(?:password|passwd|passphrase|passwort|kennwort|pwd|_pass|x-clickhouse-key)
    (?:_(?:sha256|double_sha1)_hex|_hash)?(?![\w-])|\bpass(?==|\\*["'])""",
    re.IGNORECASE | re.VERBOSE,
)
_SECRET_NAME = re.compile(
    r"(?:secret(?:[_-]?(?:access[_-]?)?key)?"
    r"|(?:api|access|account|private|signing|encryption|sentry|license)[_ -]?key(?:[_-]?id)?"
    r"|salt[_-]keys?|token|sessionid|signature|credentials?)(?![\w-])",
    re.IGNORECASE,
)
_OPTION = re.compile(
    r"""(?<!-)--[\w-]{0,40}?(?:(password|requirepass|(?<=--)pass)|token|secret|api-key)(?:["'],\s*+|["']?[ \t=]++)(?!["']?-)""",
    re.IGNORECASE,
)
# `('password', 'x')` and `["x-api-key", "x"]`: what Python and Node print of a dictionary's items, or of headers.
_PAIR = re.compile(r"""[(\[]\s*+\\*["']([\w.-]{1,64})\\*["']\s*+,\s*+(?=\\*["'])""")
_PAIR_END = re.compile(r"\s*+[)\]]")
_WORD = re.compile(r"[a-z_]++")
# `auth: { user: 'x', key: 'y' }`: its own names tell too little.
_AUTH_OBJECT = re.compile(r"""\bauth\\*["']?+\s*+[:=]\s*+\{([^{}]{0,500}+)""", re.IGNORECASE)
# What SASL's PLAIN sends, as a log writes it: the user and the password, each behind a zero.
_SASL_PLAIN = re.compile(r"\x00[\w.@-]{1,64}+\x00([^\x00\s]{4,})")
_AUTH_KEY = re.compile(r"(?<![\w-])(?:key|pass|credential)(?!\w)", re.IGNORECASE)
_SQL_PASSWORD = re.compile(
    r"\b(?:identified\s+(?:with\s+\w+\s+)?by|password)\s+'((?:[^'\\]|\\.|'')*+)", re.IGNORECASE | re.DOTALL
)


def _posthog_tokens(text: str) -> Iterator[Span]:
    for match in _POSTHOG.finditer(text):
        rest = _REST.match(text, match.end()) if len(match[0]) < _WHOLE else None
        yield Span(match.start(), (rest or match).end(), "posthog-token", mark=TOKEN_MARKS[match[1]])


def _data_in_base64(text: str) -> Iterator[Span]:
    """JWTs, and other JSON in base64, or compressed: old SDKs send events that way, with the token inside."""
    for match in _DATA_IN_BASE64.finditer(text):
        yield Span(match.start(), match.end(), "jwt" if "." in match[0] else "secret")


def _bearer(text: str) -> Iterator[Span]:
    for match in _BEARER.finditer(text):
        if _random(match[1]):
            yield Span(*match.span(1), "bearer")


def _basic(text: str) -> Iterator[Span]:
    """`Basic` and base64 of `user:password`; "basic authentication" is not that."""
    for match in _BASIC.finditer(text):
        encoded = match[1].rstrip("=").replace("-", "+").replace("_", "/")
        try:
            decoded = base64.b64decode(encoded[: len(encoded) // 4 * 4])
        except binascii.Error:
            continue
        if b":" in decoded:
            yield Span(*match.span(1), "basic")


def _authorization(text: str) -> Iterator[Span]:
    for match in _AUTHORIZATION.finditer(text):
        if not says_nothing(match[2]):
            scheme = (match[1] or "").lower()
            if scheme == "digest":
                continue  # it has fields of its own
            yield Span(*match.span(2), scheme if scheme in ("bearer", "basic") else "secret")


def _digests(text: str) -> Iterator[Span]:
    for match in _DIGEST.finditer(text):
        if not says_nothing(match[1]):
            yield Span(*match.span(1), "secret")


def _headers(text: str) -> Iterator[Span]:
    for match in _HEADER.finditer(text):
        value = value_at(text, match.end())
        if value and value.end - value.start >= 8 and _random(text[value.start : value.end]):
            yield Span(value.start, value.end, "secret")


def _cookies(text: str) -> Iterator[Span]:
    position = 0
    while match := _COOKIE.search(text, position):
        value = value_at(text, match.end())
        line = _LINE.match(text, match.end())
        position = value.end if value and value.quoted else line.end() if line else match.end()
        yield Span(match.end(), position, "secret")


def _named_passwords(text: str) -> Iterator[Span]:
    for value in values_after(_PASSWORD_NAME, text, lambda content, _: not says_nothing(content)):
        yield Span(value.start, value.end, "password")


def _named_secrets(text: str) -> Iterator[Span]:
    def is_secret(content: str, value: Value) -> bool:
        return _secret_value(content, certain=value.quoted or text[value.start - 1] == "=")

    for value in values_after(_SECRET_NAME, text, is_secret):
        yield Span(value.start, value.end, "secret")


def _options(text: str) -> Iterator[Span]:
    """`--clickhouse-password x`, in a command line or in the list that `sys.argv` is."""
    for match in _OPTION.finditer(text):
        value = value_at(text, match.end())
        if value and not says_nothing(text[value.start : value.end]):
            yield Span(value.start, value.end, "password" if match[1] else "secret")


def _pairs(text: str) -> Iterator[Span]:
    for match in _PAIR.finditer(text):
        value = value_at(text, match.end())
        # A list of names, `('password', 'last_login')`, has no value in it.
        if value and _PAIR_END.match(text, value.after) and not _WORD.fullmatch(text, value.start, value.end):
            kind = field_kind(match[1], text[value.start : value.end])
            if kind:
                yield Span(value.start, value.end, kind)


def _sasl_plain(text: str) -> Iterator[Span]:
    for match in _SASL_PLAIN.finditer(text):
        yield Span(*match.span(1), "password")


def _auth_objects(text: str) -> Iterator[Span]:
    for match in _AUTH_OBJECT.finditer(text):
        for value in values_after(_AUTH_KEY, match[1], lambda content, value: value.quoted and not says_nothing(content)):
            yield Span(match.start(1) + value.start, match.start(1) + value.end, "secret")


def _sql_passwords(text: str) -> Iterator[Span]:
    for match in _SQL_PASSWORD.finditer(text):
        if not says_nothing(match[1]):
            yield Span(*match.span(1), "password")


def _secret_value(value: str, *, certain: bool) -> bool:
    """Told by the value: `token: invalid` and `invalid_token: 12` hold none; `"token": "x1y2z3"` and `token=x1y2z3` do."""
    if says_nothing(value) or any(character.isspace() for character in value):
        return False
    return len(value) >= 6 if certain else _random(value) and len(value) >= 8


def _random(value: str) -> bool:
    """Rather a token than a word."""
    return not says_nothing(value) and (any(character.isdigit() for character in value) or len(value) >= 20)


def field_kind(name: str, value: str) -> str | None:
    """The kind of secret that a field called `name` holds as `value`, None for none."""
    if _ends_with(_PASSWORD_NAME, name) and not says_nothing(value):
        return "password"
    if _ends_with(_SECRET_NAME, name) and _secret_value(value, certain=True):
        return "secret"
    return None


def _ends_with(names: re.Pattern[str], name: str) -> bool:
    return any(match.end() == len(name) for match in names.finditer(name))


CREDENTIAL_RULES = (
    Rule("a PostHog token", tuple(f"{sort}_" for sort in TOKEN_MARKS), _posthog_tokens),
    *VENDOR_RULES,
    # Node writes what it holds of a message like this, payload and all.
    pattern(
        "bytes written as numbers",
        "text",
        r"""(?:<Buffer |Buffer\\*"\s*+,\s*+\\*"data\\*"\s*+:\s*+\[)([0-9a-f, ]{8,}+)""",
        needs=("buffer",),
    ),
    Rule("a JWT, or other data in base64", ("eyj", "w3si", "h4sia"), _data_in_base64),
    Rule("what stands behind Bearer", ("bearer",), _bearer),
    Rule("what stands behind Basic", ("basic",), _basic),
    Rule("an Authorization header", ("authorization",), _authorization),
    Rule("a digest for authentication", ("digest",), _digests),
    Rule("a header without a colon", ("x-",), _headers),
    Rule("a cookie", ("cookie",), _cookies),
    Rule("a password in SQL", ("identified", "password"), _sql_passwords),
    pattern("a password in XML", "password", r"(?i:<\w*(?:password|secret|token)\w*>)\s*+([^<>\s]++)\s*+</", needs=("</",)),
    Rule("what is called a password", ("pass", "pwd", "kennwort", "x-clickhouse-key"), _named_passwords),
    Rule(
        "what is called a secret, key or token",
        ("secret", "key", "token", "sessionid", "signature", "credential"),
        _named_secrets,
    ),
    Rule("an option of a command", ("--",), _options),
    Rule("a pair of a name and a secret", ("passw", "pwd", "key", "token", "secret", "credential"), _pairs),
    Rule("what SASL sends", ("\x00",), _sasl_plain),
    Rule("a key to authenticate by", ("auth",), _auth_objects),
)
