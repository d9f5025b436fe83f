"""Ctrl-C and SIGTERM: the first one ends the run, and no further one takes its report away."""

import os
import signal
import time

from diagnostics.cli import INCONCLUSIVE

# A report takes a tenth of a second to be written. Whoever still waits then, say for a pager that does not read, may leave.
PATIENCE = 2.0


class Interrupts:
    """Takes over both signals until the process ends: raises KeyboardInterrupt once, while the run is under way."""

    def __init__(self) -> None:
        self._reporting_since: float | None = None
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._arrived)

    def report_follows(self) -> None:
        """The run is over: from now on nothing interrupts the report for PATIENCE seconds."""
        self._reporting_since = self._reporting_since or time.monotonic()

    def _arrived(self, *_: object) -> None:
        if self._reporting_since is None:
            self._reporting_since = time.monotonic()
            raise KeyboardInterrupt
        if time.monotonic() - self._reporting_since > PATIENCE:
            os._exit(INCONCLUSIVE)
