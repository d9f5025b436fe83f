"""What the terminal can do, and the progress line on it."""

import os
import shutil
import sys
import threading
import time
from collections.abc import Mapping
from typing import Literal, TextIO

from diagnostics.report.options import RenderOptions
from diagnostics.sources.source import Read

Color = Literal["auto", "always", "never"]


def render_options(color: Color, *, verbose: bool, quiet: bool) -> RenderOptions:
    """From what stdout is: NO_COLOR, FORCE_COLOR, TERM=dumb and CI are respected, `color` wins over all."""
    width = shutil.get_terminal_size((80, 24)).columns if sys.stdout.isatty() else 80
    return RenderOptions(
        width=max(60, min(200, width)),
        color=colored(color, sys.stdout),
        unicode=_unicode(sys.stdout),
        verbose=verbose,
        quiet=quiet,
    )


def colored(color: Color, stream: TextIO) -> bool:
    if color != "auto":
        return color == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("CI")


def _unicode(stream: TextIO) -> bool:
    try:
        "✗▁█→".encode(stream.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


class Progress:
    """One line on stderr that names what is being asked of whom, with the time left. Silent without a terminal.

    `labels` are the sources' names for people, by id.
    """

    def __init__(self, deadline: float, total: int, labels: Mapping[str, str], *, quiet: bool) -> None:
        self._shown = sys.stderr.isatty() and not quiet and os.environ.get("TERM") != "dumb" and not os.environ.get("CI")
        self._deadline = deadline
        self._total = total
        self._labels = labels
        self._done = 0
        self._lock = threading.Lock()

    def asking(self, source: str, read: Read) -> None:
        """From any thread, before an exchange."""
        self._show(f"asking {self._labels[source]}: {read.why}")

    def finished(self, _result: object) -> None:
        self._done += 1
        self._show("")

    def _show(self, text: str) -> None:
        if self._shown:
            left = max(0.0, self._deadline - time.monotonic())
            line = f"{self._done} of {self._total} checks done, {left:.0f} s left  {text}"
            width = shutil.get_terminal_size((80, 24)).columns
            with self._lock:
                sys.stderr.write(f"\r\x1b[2K{line[: width - 1]}")
                sys.stderr.flush()

    def close(self) -> None:
        """Takes the line away."""
        if self._shown:
            with self._lock:
                self._shown = False
                sys.stderr.write("\r\x1b[2K")
                sys.stderr.flush()
