"""librdkafka's clients, so that nothing about them can hold the process or write to the terminal.

To let go of a client waits for its threads, which wait for a name server or a broker. So a daemon thread keeps the clients and
lets go of them, and everything that may wait is called in a daemon thread.
"""

import logging
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from diagnostics.sources.background import in_background
from diagnostics.sources.errors import TimedOut

if TYPE_CHECKING:
    from concurrent.futures import Future

    from confluent_kafka import Consumer
    from confluent_kafka.admin import AdminClient

T = TypeVar("T")

GRACE_S = 0.4
"""A name may have several addresses (`localhost` is ::1 first): librdkafka says "down" after the first and tries the next."""

WARMING_S = 8.0

LINES = 200
"""Log lines kept: each broker's first says it, and a client tries again several times a second."""


class Unfinished(TimedOut):
    """librdkafka is still at it."""


class _Log(logging.Handler):
    """Keeps what librdkafka says of failed connections."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        line = record.getMessage()
        if line.startswith("FAIL") and len(self.lines) < LINES:
            self.lines.append(line)


class _Clients:
    """What the keeping thread owns."""

    def __init__(self, configuration: Mapping[str, Any], reading: Mapping[str, Any]) -> None:
        self.configuration = dict(configuration)
        self.reading = dict(reading)
        self.lock = threading.Lock()
        self.reading_one = threading.Lock()
        self.over = threading.Event()
        self.log = _Log()
        self.down_since: float | None = None
        self._admin: AdminClient | None = None
        self._consumer: Consumer | None = None
        self._kept = False

    def admin(self) -> "AdminClient":
        from confluent_kafka.admin import AdminClient

        with self.lock:
            self._be_kept()
            if self._admin is None:
                configuration: dict[str, Any] = {**self.configuration, "error_cb": self._heard}
                self._admin = AdminClient(configuration, logger=self._logger())
            return self._admin

    def consumer(self) -> "Consumer":
        """Never for two at a time: call it with `reading_one` held."""
        from confluent_kafka import Consumer

        with self.lock:
            self._be_kept()
        if self._consumer is None:
            with self.lock:
                self._consumer = Consumer({**self.configuration, **self.reading}, logger=self._logger())
            # It looks for the leader of a topic that it does not know yet only once a second.
            self._consumer.list_topics(timeout=WARMING_S)
        return self._consumer

    def _be_kept(self) -> None:
        if not self._kept:
            self._kept = True
            threading.Thread(target=self._keep, daemon=True, name="diag-kafka-keeper").start()

    def _keep(self) -> None:
        """Serves librdkafka's calls back until it is over, then lets go of the clients."""
        while not self.over.is_set():
            if self._admin is None:
                self.over.wait(0.01)
            else:
                self._admin.poll(0.05)
        with self.lock:
            if self._consumer is not None:
                self._consumer.close()
            self._admin = self._consumer = None

    def _heard(self, error: Any) -> None:
        if error.name() == "_ALL_BROKERS_DOWN" and self.down_since is None:
            self.down_since = time.monotonic()

    def _logger(self) -> logging.Logger:
        # A logger that nobody else knows: the default one writes to stderr.
        logger = logging.Logger("librdkafka")
        logger.addHandler(self.log)
        return logger


class Handle:
    """The clients of one cluster, made when they are first needed. When the handle goes, so do they, in the background."""

    def __init__(self, configuration: Mapping[str, Any], reading: Mapping[str, Any]) -> None:
        self._clients = _Clients(configuration, reading)
        # Not at exit: the process then ends without waiting for anybody.
        weakref.finalize(self, self._clients.over.set).atexit = False

    def administer(self, call: "Callable[[AdminClient], T]", seconds: float) -> T:
        """The result of `call`, made in a thread of its own. Raises Unfinished, and what it raises."""
        clients = self._clients
        return waited(started(lambda: call(clients.admin())), seconds)

    def get_ready_to_read(self) -> None:
        """Connects the client that reads messages in the background: that takes as long as the first answer."""
        clients = self._clients

        def connect() -> None:
            with clients.reading_one:
                clients.consumer()

        started(connect)

    def read(self, call: "Callable[[Consumer], T]", seconds: float) -> T:
        """The same with the client that reads messages, for one `call` after another."""
        clients = self._clients

        def alone() -> T:
            with clients.reading_one:
                return call(clients.consumer())

        return waited(started(alone), seconds)

    def first_answer(self, call: "Callable[[AdminClient], T]", seconds: float) -> T | None:
        """The result of the first `call`; None as soon as it is certain that no broker will answer, or after `seconds`."""
        clients = self._clients
        ends = time.monotonic() + seconds
        answer = started(lambda: call(clients.admin()))
        while time.monotonic() < ends:
            try:
                return waited(answer, 0.02)
            except Unfinished:
                if clients.down_since is not None and time.monotonic() - clients.down_since > GRACE_S:
                    return None
        return None

    @property
    def failures(self) -> list[str]:
        """librdkafka's log lines about failed connections, oldest first."""
        return list(self._clients.log.lines)


def started(call: Callable[[], T]) -> "Future[T]":
    """Makes `call` in a daemon thread: one that hangs holds nobody."""
    return in_background(call, thread="diag-kafka")


def waited(future: "Future[T]", seconds: float) -> T:
    """Its result. Raises Unfinished when that takes longer."""
    try:
        return future.result(timeout=seconds)
    except TimeoutError:
        raise Unfinished("Kafka gave no answer in time", hint="give it more time with --deadline") from None
