"""Where a report goes: to stdout, or to the files of `-o`; and what a command that fails early says."""

import errno
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click
from msgspec import Struct, structs

from diagnostics.report.formats import FORMATS, of_file, render
from diagnostics.report.model import Report
from diagnostics.report.options import RenderOptions

USAGE = 2
FAIL_ON = ("fail", "warn", "never")
DEFAULT = "markdown"
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Destination(Struct, frozen=True):
    """A format, and the file it goes to; stdout when there is none."""

    format: str
    path: Path | None = None


def stop(problem: str, exit_code: int = USAGE) -> NoReturn:
    """Ends the command with one clear message on stderr."""
    click.echo(f"diag: {problem}", err=True)
    raise SystemExit(exit_code)


def destinations(files: Sequence[Path], format: str | None, *, terminal: bool) -> list[Destination]:
    """What to write where. A file's format follows its extension, `format` helps where that says nothing.

    Ends the command when a file cannot be written to: better before the run than after it.
    """
    if not files:
        return [Destination(format or ("terminal" if terminal else DEFAULT))]
    return [Destination(_format_of(writable(path), format), path) for path in files]


def _format_of(path: Path, format: str | None) -> str:
    named = of_file(path.name) or format
    if named is None and path.exists() and not path.is_file():  # /dev/stdout and the like: as without -o
        return DEFAULT
    if named is None:
        known = ", ".join(sorted(extension for each in FORMATS.values() for extension in each.extensions))
        stop(f"-o {path}: the extension says no format. Use one of {known}, or add --format.")
    return named


def writable(path: Path) -> Path:
    """The path; ends the command when it cannot be written to."""
    folder = path.parent
    try:
        if not folder.is_dir():
            stop(f"-o {path}: the folder {folder} does not exist. Create it: mkdir -p {folder}")
        if path.is_dir() or not os.access(path if path.exists() else folder, os.W_OK):
            stop(f"-o {path}: cannot be written to. Choose a file in a folder that you own.")
    except OSError as error:  # a name that is too long
        stop(f"-o {path}: cannot be written to ({error.strerror}). Choose another name.")
    return path


def write(report: Report, wanted: Sequence[Destination], options: RenderOptions) -> int:
    """Renders and writes all; `options` are those of stdout, files are plain UTF-8.

    A file that cannot be written after all goes to stdout: the report is not lost. The exit code is then USAGE, else 0.
    """
    to_file = structs.replace(options, color=False, unicode=True)
    texts = [(render(report, each.format, to_file if each.path else options), each.path) for each in wanted]
    return max(deliver(text, path) for text, path in texts)


def deliver(text: str, path: Path | None) -> int:
    """Writes a text to a file, or to stdout when there is none or when the file cannot be written after all.

    The exit code: USAGE when it did not get where it was wanted, which whoever waits for the file must see; else 0.
    """
    if path is None:
        return _print(text)
    try:
        _replace(path, text)
    except OSError as error:
        click.echo(f"diag: {path} could not be written ({error.strerror}); here is the report instead:", err=True)
        _print(text)
        return USAGE
    return 0


def _replace(path: Path, text: str) -> None:
    """Whole or not at all: a reader never sees half a report. A special file such as /dev/stdout is written to as it is."""
    if path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8")
        return
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        Path(temporary).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)  # it is made to be passed on
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _print(text: str) -> int:
    """To stdout in its own encoding; what that cannot hold is replaced, never an error. To stderr where stdout is full."""
    encoding = sys.stdout.encoding or "utf-8"
    shown = text.encode(encoding, "replace").decode(encoding)
    try:
        click.echo(shown, nl=not shown.endswith("\n"), color=True)  # colors were decided on when it was rendered
        sys.stdout.flush()
    except OSError as error:
        _give_up_stdout()
        if not isinstance(error, BrokenPipeError):  # then the reader has seen enough: `| head`
            click.echo(f"diag: stdout could not be written ({error.strerror}); here is the report instead:\n{text}", err=True)
            return USAGE
    return 0


def no_room(error: Exception) -> int:
    """The exit code when `error` is that stdout has no room for what a command prints, which is no bug; else 0."""
    if not isinstance(error, OSError) or error.filename is not None or error.errno not in NO_ROOM:
        return 0
    _give_up_stdout()
    click.echo(f"diag: stdout could not be written ({error.strerror})", err=True)
    return USAGE


def _give_up_stdout() -> None:
    """What is still in its buffer would fail again at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
