"""A small HTTP server on the loopback: the front of the ClickHouse engine and of the services that the lab stands in for.

Every handler is a function from a request to a response. Real sockets, keep-alive and threads, so that clients meet what
they meet in an install; nothing but the standard library, so that it starts at once.
"""

import contextlib
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import msgspec
from msgspec import Struct

HOST = "127.0.0.1"


class Request(Struct, frozen=True, kw_only=True):
    """What arrived. `target` is the path and query as sent; header names are lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> list[tuple[str, str]]:
        """The parameters in the order in which they were sent; a name may come several times."""
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)

    def parameter(self, name: str) -> str | None:
        """The first value of a query parameter."""
        return next((value for key, value in self.query if key == name), None)


class Response(Struct, frozen=True, kw_only=True):
    """What is sent back, after `delay_s` seconds."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    delay_s: float = 0.0

    @classmethod
    def json(cls, value: Any, *, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> "Response":
        return cls(status=status, headers=(("Content-Type", "application/json"), *headers), body=msgspec.json.encode(value))

    @classmethod
    def text(cls, text: str, *, status: int = 200, kind: str = "text/plain") -> "Response":
        return cls(status=status, headers=(("Content-Type", f"{kind}; charset=utf-8"),), body=text.encode())


Handler = Callable[[Request], Response]

NOT_FOUND = Response.text("<!DOCTYPE html><html><body>Not found</body></html>", status=404, kind="text/html")


class Server:
    """Serves `handler` on a free port of the loopback until it is closed. `requests` are those received, in order."""

    def __init__(self, handler: Handler) -> None:
        self.requests: list[Request] = []
        self._closing = threading.Event()
        self._listener = _Listener((HOST, 0), _answering(handler, self.requests, self._closing))
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.01,), daemon=True, name="lab-http")
        self._thread.start()

    @property
    def port(self) -> int:
        return self._listener.server_port

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def close(self) -> None:
        """Stops listening, ends delays, and cuts the connections that are still open."""
        self._closing.set()
        self._listener.shutdown()
        self._thread.join()
        self._listener.server_close()
        self._listener.cut_connections()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class ClosedPort:
    """An address on which nothing listens, kept from everybody else until it is closed."""

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.bind((HOST, 0))

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._socket.getsockname()[1]}"

    def close(self) -> None:
        self._socket.close()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def cut_connections(self) -> None:
        for connection in tuple(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # a client that went away in the middle of an answer is no news
            super().handle_error(request, client_address)


def _answering(handler: Handler, received: list[Request], closing: threading.Event) -> type[BaseHTTPRequestHandler]:
    class Connection(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1  # headers and body leave in one packet: two would wait for a delayed acknowledgement

        def answer(self) -> None:
            request = Request(
                method=self.command,
                target=self.path,
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self._body(),
            )
            received.append(request)
            response = handler(request)
            closing.wait(response.delay_s)
            self.send_response_only(response.status)  # without the name of this server: some say theirs
            self.send_header("Date", self.date_time_string())
            for name, value in response.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(response.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(response.body)

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
                return b"".join(iter(self._chunk, b""))
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))

        def _chunk(self) -> bytes:
            size = int(self.rfile.readline().split(b";")[0], 16)
            chunk = self.rfile.read(size)
            self.rfile.readline()
            return chunk

        do_GET = do_POST = do_HEAD = do_PUT = do_DELETE = answer  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            """The lab keeps stderr for people."""

    return Connection
