"""Secrets in commands, told by their place: options of tools, Redis's AUTH, ClickHouse's table functions.

What is a password to one tool (`mysql -p`) is a port to another, so every option belongs to its tools.
"""

import re
from collections.abc import Iterator
from itertools import zip_longest

from diagnostics.report.redaction.spans import Rule, Span
from diagnostics.report.redaction.values import Value, says_nothing, tells_a_secret, value_at, values_at

# The tools that take a secret as an option; the last ones take none, but theirs are not the options of the tool before.
_TOOL = re.compile(
    r"""(?<![\w./-])(?:[\w.-]*+/)*+(?:(mysql(?:admin|dump|check|import|show|slap|sh)?|mariadb[\w-]*)|(psql)|((?:redis|valkey)-cli)|(sshpass)
    |((?:docker|podman|helm[ ]registry)[ ]login|mongo(?:sh|dump|restore)?)
    |(ldap(?:search|modify|add|delete|passwd|whoami))|(curl)|docker|helm|kubectl|ssh|pg_dump)(?![\w.:/-])""",
    re.VERBOSE,
)
_OPTIONS = (
    re.compile(r"(?<=\s)-p(?=[^\s])(?![0-9]{1,5}(?:\s|\Z))"),
    re.compile(r"(?<=\s)-W[ ]+(?=[^\s-])"),
    re.compile(r"(?<=\s)(?:-a|--pass)[ ]+"),
    re.compile(r"(?<=\s)-p[ ]*"),
    re.compile(r"(?<=\s)-p[ ]+"),
    re.compile(r"(?<=\s)-w[ ]+"),
    re.compile(r"(?<=\s)(?:-u|--user|-U|--proxy-user|-b|--cookie)(?:[ ]+|=)?(?=[^\s=-])"),
)
_PSQL, _CURL = 1, 6
# A command ends with its line, or where its output goes to the next.
_COMMAND = re.compile(r"[^\r\n|]{0,1000}")

_LITERAL = re.compile(r"""--from-literal(?:=|[ ]+)(\\*["']?)[\w.-]+=(\\*["']?)""")

# ioredis and node-redis tell the command that failed: { name: 'auth', args: [ 'default', 'hunter2' ] }
_REDIS_CALL = re.compile(
    r"""\bname\\*["']?+\s*+:\s*+\\*["'](auth|hello)\\*["']\s*+,\s*+\\*["']?args\\*["']?+\s*+:\s*+(?=\[)""", re.IGNORECASE
)
_AUTH = re.compile(r"(?<![\w-])AUTH[ \t]++")
_USER = re.compile(r"""\\*["']?[A-Za-z][\w-]*+\\*["']?[ \t]++""")
_SETTING = re.compile(r"""(?<![\w-])(?:requirepass|masterauth)\\*["']?[ \t:=]++""", re.IGNORECASE)
_LINE_BEFORE = re.compile(r"""(?:^|\\n|config set[ ]+["']?)[ \t]*\Z""", re.IGNORECASE | re.MULTILINE)
_END_OF_LINE = re.compile(r"""\\*["']?[ \t]*+(?:[\r\n]|\\|\Z)""")

_FUNCTION = re.compile(
    r"""(?<![\w.])(?:(postgresql|mysql|mongodb)|(remote(?:secure)?)|(s3(?:cluster)?|gcs|oss|cosn|iceberg\w*|deltalake\w*|hudi)|(redis))
    [ ]?\(""",
    re.IGNORECASE | re.VERBOSE,
)
_ARGUMENT = re.compile(r"\s*+(?:\\*'((?:[^'\\]|\\[^']|'')*+)\\*'|([^\s,()'\"]++))\s*+(,|\)|\Z|…)")
_KEY = re.compile(r"(?=[^\s]*[0-9])(?=[^\s]*[A-Za-z])[A-Za-z0-9+/=_-]{16,}")


def _tools(text: str) -> Iterator[Span]:
    """Options of the tools above. Their arguments may be quoted whole."""
    tools = list(_TOOL.finditer(text))
    for tool, following in zip_longest(tools, tools[1:]):
        if not tool.lastindex:
            continue
        command = _COMMAND.match(text, tool.end(), following.start() if following else len(text))
        end = command.end() if command else tool.end()
        for option in _OPTIONS[tool.lastindex - 1].finditer(text, tool.end(), end):
            value = value_at(text, option.end())
            if value and (span := _of_option(text, tool.lastindex - 1, option[0], value)):
                yield span


def _of_option(text: str, tool: int, option: str, value: Value) -> Span | None:
    content = text[value.start : value.end]
    if tool == _CURL:
        cookies = option.startswith(("-b", "--c"))
        name, separator, secret = content.partition("=" if cookies else ":")
        # `-b jar.txt` names a file.
        if not separator or not secret or secret.isdigit() or says_nothing(secret) or " " in name:
            return None
        return Span(value.end - len(secret), value.end, "secret" if cookies else "password")
    if says_nothing(content) or (tool == _PSQL and not tells_a_secret(content)):  # `psql -W posthog` names a database
        return None
    return Span(value.start, value.end, "password")


def _literals(text: str) -> Iterator[Span]:
    """`kubectl create secret generic x --from-literal=any-name=hunter2`, quoted as a whole or not."""
    position = 0
    while match := _LITERAL.search(text, position):
        position = match.end()
        opened = match[1] or match[2]
        value = value_at(text, match.start(1 if match[1] else 2)) if opened else value_at(text, match.end())
        if value and not says_nothing(text[match.end() : value.end]):
            yield Span(match.end(), value.end, "secret")
            position = max(position, value.end)


def _redis_calls(text: str) -> Iterator[Span]:
    for match in _REDIS_CALL.finditer(text):
        values = [value for value in values_at(text, match.end()) if value.quoted]
        said = [text[value.start : value.end] for value in values]
        if values and (match[1].lower() == "auth" or "AUTH" in map(str.upper, said)) and not says_nothing(said[-1]):
            yield Span(values[-1].start, values[-1].end, "password")


def _redis_auth(text: str) -> Iterator[Span]:
    """`AUTH hunter2` and `AUTH default hunter2`; "AUTH failed: WRONGPASS" has none."""
    for match in _AUTH.finditer(text):
        user = _USER.match(text, match.end())
        for start in (match.end(), user.end() if user else match.end()):
            value = value_at(text, start)
            if value and tells_a_secret(text[value.start : value.end]):
                yield Span(value.start, value.end, "password")
                break
    for match in _SETTING.finditer(text):
        value = value_at(text, match.end())
        if value and not says_nothing(content := text[value.start : value.end]):
            before = text[max(0, match.start() - 40) : match.start()]
            alone = _LINE_BEFORE.search(before) and _END_OF_LINE.match(text, value.after)
            if alone or value.quoted or tells_a_secret(content):
                yield Span(value.start, value.end, "password")


def _table_functions(text: str) -> Iterator[Span]:
    """PostgreSQL('host:5432', 'database', 'table', 'user', 'hunter2'), and what else takes its credentials by their place."""
    for match in _FUNCTION.finditer(text):
        spans = list(_arguments(text, match.end()))
        said = [text[start:end] for start, end in spans]
        for place in _secret_places(match.lastindex or 0, said):
            if place < len(spans) and not says_nothing(said[place]):
                yield Span(*spans[place], "password" if match.lastindex != 3 else "cloud-key")


def _secret_places(kind: int, said: list[str]) -> list[int]:
    match kind:
        case 1:
            return [4]
        case 2:  # remote('host', database.table, …) or remote('host', 'database', 'table', …)
            return [3 if len(said) > 1 and "." in said[1] else 4]
        case 3:  # what follows the URL may also be a format
            return [place for place, argument in enumerate(said) if place and _KEY.fullmatch(argument)]
    return [2, 4]


def _arguments(text: str, start: int) -> Iterator[tuple[int, int]]:
    for _ in range(12):
        match = _ARGUMENT.match(text, start)
        if not match:
            return
        yield match.span(1 if match[1] is not None else 2)
        if match[3] != ",":
            return
        start = match.end()


COMMAND_RULES = (
    Rule(
        "an option of a tool",
        ("mysql", "mariadb", "psql", "-cli", "sshpass", " login", "mongo", "ldap", "curl"),
        _tools,
    ),
    Rule("a literal of a Kubernetes secret", ("--from-literal",), _literals),
    Rule("a call of Redis's AUTH", ("args",), _redis_calls),
    Rule("a password for Redis", ("auth", "requirepass"), _redis_auth),
    Rule(
        "a password in a table function",
        ("sql", "mongodb", "remote", "s3", "gcs", "oss", "cosn", "iceberg", "deltalake", "hudi", "redis"),
        _table_functions,
    ),
)
