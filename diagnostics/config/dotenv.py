"""A compose install's `.env`, and the `${VARIABLES}` in its compose files."""

import re
from collections.abc import Mapping

ASSIGNMENT = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=[ \t]*(.*)")
# `$$`, `$NAME`, or `${NAME` with whatever stands up to the closing brace.
VARIABLE = re.compile(r"\$(?:(\$)|([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*))")


def parse_dotenv(text: str) -> dict[str, str]:
    """The assignments of a `.env`. As compose reads it: quotes are removed, ` #` begins a comment, and values that are not in
    single quotes may use what was assigned before them. Lines that are no assignment are passed over."""
    variables: dict[str, str] = {}
    for line in text.splitlines():
        if match := ASSIGNMENT.fullmatch(line):
            variables[match[1]] = _value(match[2].strip(), variables)
    return variables


def _value(written: str, variables: Mapping[str, str]) -> str:
    if written[:1] in ("'", '"') and (end := written.find(written[0], 1)) > 0:
        inner = written[1:end]
        return inner if written[0] == "'" else interpolated(inner, variables)
    return interpolated(re.split(r"(?:^|\s)#", written, maxsplit=1)[0].rstrip(), variables)


def interpolated(text: str, variables: Mapping[str, str]) -> str:
    """The text with `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME:+other}` and so on replaced, nested ones too.

    `${NAME:?message}` of a variable that is not set is empty: compose would refuse to start.
    """
    done: list[str] = []
    at = 0
    while match := VARIABLE.search(text, at):
        done.append(text[at : match.start()])
        at = match.end()
        if match[1]:
            done.append("$")
        elif match[2]:
            done.append(variables.get(match[2], ""))
        else:
            end = _closing_brace(text, at)
            if end < 0:
                return "".join([*done, text[match.start() :]])
            done.append(_expression(match[3], text[at:end], variables))
            at = end + 1
    return "".join([*done, text[at:]])


def _closing_brace(text: str, at: int) -> int:
    depth = 1
    for match in re.finditer(r"\$\{|\}", text[at:]):
        depth += 1 if match[0] == "${" else -1
        if not depth:
            return at + match.start()
    return -1


def _expression(name: str, rest: str, variables: Mapping[str, str]) -> str:
    operator, otherwise = (rest[:2], rest[2:]) if rest[:1] == ":" else (rest[:1], rest[1:])
    value = variables.get(name)
    there = bool(value) if operator.startswith(":") else value is not None
    if operator.endswith("+"):
        return interpolated(otherwise, variables) if there else ""
    if operator.endswith("-") and not there:
        return interpolated(otherwise, variables)
    return value or ""
