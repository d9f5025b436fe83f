"""Commands in an e-mail: folded by us where a shell puts them together again, before a mail program breaks them anywhere."""

import re
from collections.abc import Iterator

from rich.cells import cell_len

# Statements for ClickHouse or Postgres: a backslash would be an error to them, and a line break is a blank.
_SQL = re.compile(r"\s*(?:SELECT|GRANT|REVOKE|CREATE|ALTER|SYSTEM|SHOW|OPTIMIZE|KILL|SET|INSERT|DROP|ATTACH|DETACH|WITH)\s")

_COMMENT = "#"
TAB = 8


def folded(command: str, width: int) -> list[str]:
    """The lines of a command in a shell or of a statement in SQL, each of at most `width` columns (16 or more), which do
    the same as before. Only a word or a quotation of SQL that is longer than a line is broken for good."""
    if all(_columns(line) <= width for line in command.split("\n")):
        return command.split("\n")
    return list(_sql(command, width) if _SQL.match(command) else _shell(command, width))


def _columns(text: str) -> int:
    return cell_len(text) + TAB * text.count("\t")


def _shell(command: str, width: int) -> Iterator[str]:
    """A backslash at the end of a line joins it with the next, within double quotes as well. Single quotes are closed
    before it and opened again after it; what is left of a comment becomes another comment."""
    line, blank = "", 0
    for atom, state in _atoms(command):
        if atom.endswith("\n"):
            yield line + atom[:-1]
            line, blank = "", 0
            continue
        while _columns(line) + _columns(atom) > width - 2:
            if state == _COMMENT:
                yield line
                line = "# "
            elif blank:
                yield line[:blank] + "\\"
                line = line[blank:]
            else:
                quote = "'" if state == "'" else ""
                yield f"{line}{quote}\\"
                line = quote
            blank = 0
        line += atom
        if atom == " " and state in ("", '"'):
            blank = len(line)
    yield line


def _atoms(command: str) -> Iterator[tuple[str, str]]:
    """What must not be broken apart, and what it stands in: nothing, one of the quotes, or a comment."""
    state, previous, place = "", " ", 0
    while place < len(command):
        atom = command[place : place + 2] if command[place] == "\\" and state in ("", '"') else command[place]
        if not state and atom == "#" and previous.isspace():
            state = _COMMENT
        if state == _COMMENT and atom == "\n":
            state = ""
        yield atom, state
        if atom == state != _COMMENT:
            state = ""
        elif not state and atom in ("'", '"'):
            state = atom
        previous, place = atom, place + len(atom)


def _sql(statement: str, width: int) -> Iterator[str]:
    """Broken at blanks outside of quotes."""
    line, blank, quote = "", 0, ""
    for character in statement:
        if character == "\n":
            yield line
            line, blank = "", 0
            continue
        if character == " " and not quote and _columns(line) == width:
            yield line
            line, blank = "", 0
            continue
        while _columns(line) + _columns(character) > width:
            at = blank or len(line)
            yield line[:at].rstrip(" ")
            line, blank = line[at:], 0
        line += character
        if character == quote:
            quote = ""
        elif not quote and character in "'\"`":
            quote = character
        if character == " " and not quote:
            blank = len(line)
    yield line
