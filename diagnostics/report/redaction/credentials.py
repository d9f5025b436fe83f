"""Credentials that nobody configured here: recognised by their own shape, by the header they stand in, or by their name."""

import base64
import binascii
import re
from collections.abc import Iterator

from diagnostics.report.redaction.spans import TOKEN_MARKS, Rule, Span, pattern
from diagnostics.report.redaction.values import Value, says_nothing, value_at, values_after

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
_COOKIE = re.compile(r"""\b(?:set-)?cookie(?:\\*["'])?+[ \t]*+:[ \t]*+""", re.IGNORECASE)
_LINE = re.compile(r"[^\r\n]++")
_PASSWORD_NAME = re.compile(
    r"(?:password|passwd|passphrase|pwd|_pass|x-clickhouse-key)(?:_(?:sha256|double_sha1)_hex|_hash)?(?![\w-])|\bpass(?==)",
    re.IGNORECASE,
)
_SECRET_NAME = re.compile(
    r"(?:secret(?:[_-]?(?:access[_-]?)?key)?|(?:api|access|account|private|signing|encryption|sentry)[_-]?key(?:[_-]?id)?"
    r"|salt[_-]keys?|token|sessionid|signature|credentials?)(?![\w-])",
    re.IGNORECASE,
)
_OPTION = re.compile(
    r"""(?<!-)--[\w-]{0,40}?(?:(password|requirepass)|token|secret|api-key)(?:["'],\s*+|["']?[ \t=]++)(?!["']?-)""",
    re.IGNORECASE,
)
_CURL_USER = re.compile(r"""(?:\s-u|--user)[ =]["']?[^\s:"'/]*+:([^\s"']++)""")
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
            yield Span(*match.span(2), scheme if scheme in ("bearer", "basic") else "secret")


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


def _curl_user(text: str) -> Iterator[Span]:
    for match in _CURL_USER.finditer(text):
        # `docker run -u 1000:1000` names a user and a group.
        if not match[1].isdigit() and not says_nothing(match[1]):
            yield Span(*match.span(1), "password")


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


# The literal that each of them has, in lower case, and its shape.
_CLOUD_KEYS = {
    "akia": r"\bAKIA[A-Z0-9]{8,16}\b",  # a limit may have cut it
    "asia": r"\bASIA[A-Z0-9]{8,16}\b",
    "aiza": r"\bAIza[\w-]{30,}",
    "ya29.": r"\bya29\.[\w-]{10,}",
    "xox": r"\bxox[abeoprs]-[\w-]{8,}",
    "xapp-": r"\bxapp-[\w-]{8,}",
    "hooks.slack.com": r"hooks\.slack\.com/services/([\w/-]+)",
    "gh": r"\bgh[opsur]_\w{16,}",
    "github_pat_": r"\bgithub_pat_\w{16,}",
    "glpat-": r"\bglpat-[\w-]{16,}",
    "sntry": r"\bsntry[a-z]_[\w+/=-]{16,}",
    "k_live_": r"\b[prs]k_live_\w{8,}",
    "k_test_": r"\b[prs]k_test_\w{8,}",
    "whsec_": r"\bwhsec_[\w+/=-]{16,}",
    "sk-": r"\bsk-[\w-]{20,}",
    "npm_": r"\bnpm_\w{30,}",
    "dop_v1_": r"\bdop_v1_\w{32,}",
}

CREDENTIAL_RULES = (
    Rule("a PostHog token", tuple(f"{sort}_" for sort in TOKEN_MARKS), _posthog_tokens),
    *(pattern("another service's key", "cloud-key", shape, needs=(literal,)) for literal, shape in _CLOUD_KEYS.items()),
    pattern(
        "the secret of an AWS key",
        "cloud-key",
        r"\bA[KS]IA[A-Z0-9]{16}[\"',: ]{1,6}([\w/+]{40})(?![\w/+])",
        needs=("akia", "asia"),
    ),
    # Older Sentry tokens are 64 hexadecimal digits and nothing else: as a digest is, so the word before has to tell.
    pattern(
        "an older Sentry token",
        "cloud-key",
        r"(?i:token|secret|api[_ -]?key)\W{1,4}(?:is\W)?([0-9a-f]{64})\b",
        needs=("token", "secret", "key"),
    ),
    pattern(
        "a private key",
        "private-key",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)",
        needs=("private key",),
        flags=re.DOTALL,
    ),
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
    Rule("a cookie", ("cookie",), _cookies),
    Rule("a password in SQL", ("identified", "password"), _sql_passwords),
    pattern("a password in XML", "password", r"(?i:<\w*(?:password|secret|token)\w*>)\s*+([^<>\s]++)\s*+</", needs=("</",)),
    Rule("what is called a password", ("passw", "passphrase", "pwd", "pass=", "_pass", "x-clickhouse-key"), _named_passwords),
    Rule(
        "what is called a secret, key or token",
        ("secret", "key", "token", "sessionid", "signature", "credential"),
        _named_secrets,
    ),
    Rule("an option of a command", ("--",), _options),
    Rule("the user of a curl command", (" -u", "--user"), _curl_user),
)
