"""A client for tests, and servers that misbehave on the wire as no HTTP server would."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from diagnostics.sources.http import Answer, Http, HttpOptions, Outcome
from diagnostics.sources.http.trouble import NoAnswer
from diagnostics.sources.source import Asker, Endpoint, Recorder

PAGE = Endpoint(name="test.page", source="test", path="/page", why="a test")

Peer = Callable[[socket.socket], None]
"""What a server does with a connection, which is closed afterwards."""


def asker(seconds: float = 10) -> Asker:
    return Asker("a-check", time.monotonic() + seconds, frozenset())


def client(url: str, *, bearer: str | None = None, recorder: Recorder | None = None, **options: Any) -> Http:
    settings = HttpOptions(**options)
    return Http(url, source="test", recorder=recorder or Recorder(), options=settings, bearer=bearer)


def get(url: str, **options: Any) -> Outcome:
    return client(url, **options).get(asker(), PAGE)


def answer(outcome: Outcome) -> Answer:
    assert isinstance(outcome, Answer), outcome
    return outcome


def no_answer(outcome: Outcome) -> NoAnswer:
    assert isinstance(outcome, NoAnswer), outcome
    return outcome


@contextlib.contextmanager
def peers() -> Iterator[Callable[[Peer], str]]:
    """Starts a server that does as it is told with each connection; its address."""
    listeners: list[socket.socket] = []
    threads: list[threading.Thread] = []
    connections: list[socket.socket] = []

    def start(behave: Peer) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                connections.append(connection)
                try:
                    behave(connection)
                except OSError:
                    pass
                finally:
                    connection.close()

        threads.append(threading.Thread(target=serve))
        threads[-1].start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    for connection in connections:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
    for thread in threads:
        thread.join(timeout=5)


def silent(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


def sends(*parts: bytes, every: float = 0.0, endlessly: bool = False) -> Peer:
    def behave(connection: socket.socket) -> None:
        connection.recv(4096)
        for part in parts:
            connection.sendall(part)
            time.sleep(every)
        while endlessly:
            connection.sendall(parts[-1])
            time.sleep(every)

    return behave
