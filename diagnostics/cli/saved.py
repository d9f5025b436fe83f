"""Reading a saved report, for the commands that take one."""

import codecs
import sys
from pathlib import Path
from typing import NoReturn

from diagnostics.cli.output import stop
from diagnostics.report.json import NotAReport, load
from diagnostics.report.model import Report
from diagnostics.report.safetext import shorten, terminal


def saved(file: str) -> Report:
    """The report in a file, in stdin for `-`. Ends the command when there is none that can be read."""
    return loaded(file, read(file))


def loaded(file: str, data: bytes) -> Report:
    """The same when it has been read already."""
    try:
        return load(data)
    except NotAReport as error:
        refuse(file, error)


def read(file: str) -> bytes:
    """What is in a file, in stdin for `-`, as UTF-8. Ends the command when it cannot be read."""
    try:
        return _as_utf8(sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes())
    except (OSError, ValueError) as error:  # ValueError: a name with NUL in it
        why = error.strerror if isinstance(error, OSError) else str(error)
        stop(f"{_told(file)}: cannot be read ({why}). Save a report first: diag run -o report.json")


def _as_utf8(data: bytes) -> bytes:
    """Editors put a byte order mark in front, and PowerShell's `>` writes UTF-16."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace").encode()
    return data.removeprefix(codecs.BOM_UTF8)


def refuse(file: str, error: NotAReport) -> NoReturn:
    """Ends the command because the file holds no report."""
    stop(f"{'stdin' if file == '-' else _told(file)}: {_told(str(error))}")


def _told(text: str) -> str:
    """A saved report is anybody's text: so is what is wrong with it."""
    return terminal(shorten(text, 500))
