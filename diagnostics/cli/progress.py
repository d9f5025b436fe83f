"""The progress line: how far the run is, how long it may still take, and who is being asked what."""

import os
import shutil
import sys
import threading
import time
from collections.abc import Mapping

from diagnostics.cli.screen import unicode
from diagnostics.report.model import CheckResult, Status
from diagnostics.report.safetext import terminal
from diagnostics.sources.source import Read

TICK = 0.25
BAR = 12


class Progress:
    """One line on stderr, which goes on counting down while nothing is heard. Silent without a terminal, with `quiet`, in CI
    and where lines cannot be written over (`TERM=dumb`).

    `deadline` is on the monotonic clock; `total` checks will be asked; `labels` are the sources' names for people, by id.
    """

    def __init__(self, deadline: float, total: int, labels: Mapping[str, str], *, quiet: bool) -> None:
        self._deadline, self._total, self._labels = deadline, total, labels
        self._done, self._asked = 0, "connecting"
        self._lock, self._closed = threading.Lock(), threading.Event()
        self._blocks = "█░" if unicode(sys.stderr) else "#."
        self._ticker = threading.Thread(target=self._tick, daemon=True)
        shown = sys.stderr.isatty() and not quiet and os.environ.get("TERM") != "dumb" and not os.environ.get("CI")
        if shown:
            self._ticker.start()
        else:
            self._closed.set()

    def asking(self, source: str, read: Read) -> None:
        """From any thread, before an exchange."""
        self._asked = f"asking {self._labels[source]}: {read.why}"
        self._show()

    def finished(self, result: CheckResult) -> None:
        self._done += result.status is not Status.SKIPPED
        self._show()

    def close(self) -> None:
        """Takes the line away."""
        if not self._closed.is_set():
            self._closed.set()
            self._ticker.join()
            with self._lock:
                self._write("")

    def line(self, width: int) -> str:
        """What the line says, in less than `width` columns."""
        left = max(0.0, self._deadline - time.monotonic())
        filled = BAR * self._done // max(1, self._total)
        bar = self._blocks[0] * filled + self._blocks[1] * (BAR - filled)
        text = f"{bar} {self._done} of {self._total} checks, {left:.0f} s left, {self._asked}"
        return terminal(text)[: width - 1]

    def _tick(self) -> None:
        while not self._closed.is_set():
            self._show()
            self._closed.wait(TICK)

    def _show(self) -> None:
        with self._lock:
            if not self._closed.is_set():
                self._write(self.line(shutil.get_terminal_size((80, 24)).columns))

    def _write(self, text: str) -> None:
        sys.stderr.write(f"\r\x1b[2K{text}")
        sys.stderr.flush()
