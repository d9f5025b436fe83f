"""What may answer, or not, where ClickHouse should: real sockets on the loopback that misbehave on purpose."""

import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

Talk = Callable[[socket.socket], None]


@contextmanager
def listening(talk: Talk, *, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """A port on which every connection is handed to `talk`, over TLS with a `context`."""
    open_connections: list[socket.socket] = []
    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    open_connections.append(connection)
                    thread = threading.Thread(target=answer, args=(connection,), daemon=True)
                    threads.append(thread)
                    thread.start()

        def answer(connection: socket.socket) -> None:
            with suppress(OSError):
                if context:
                    connection = context.wrap_socket(connection, server_side=True)
                    open_connections.append(connection)
                talk(connection)

        acceptor = threading.Thread(target=accept, daemon=True)
        acceptor.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            acceptor.join()
            for connection in open_connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()
            for connection in open_connections:
                connection.close()


def silent(connection: socket.socket) -> None:
    """Reads whatever comes and says nothing."""
    while connection.recv(65_536):
        pass


def hanging_up(connection: socket.socket) -> None:
    """Ends the connection as soon as something is asked."""
    connection.recv(65_536)
    connection.shutdown(socket.SHUT_RDWR)


def saying(answer: bytes) -> Talk:
    """These bytes to a question, and nothing more."""

    def talk(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_WR)

    return talk


def endless(connection: socket.socket) -> None:
    """An answer that never ends, as fast as it is taken."""
    connection.recv(65_536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>")
    while True:
        connection.sendall(b"x" * 65_536)


def dripping(connection: socket.socket) -> None:
    """An answer that comes byte by byte, each before a read could time out."""
    connection.recv(65_536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(200):
        connection.sendall(b"2")
        time.sleep(0.05)


def dripping_headers(connection: socket.socket) -> None:
    """A head that never ends."""
    connection.recv(65_536)
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for _ in range(200):
        connection.sendall(b"X: y\r\n")
        time.sleep(0.05)


@contextmanager
def deaf() -> Iterator[int]:
    """A port that answers no attempt to connect: its queue of connections is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            with suppress(BlockingIOError):
                one.connect(listener.getsockname())
        try:
            yield listener.getsockname()[1]
        finally:
            for one in waiting:
                one.close()


class Certificate:
    """A self-signed certificate, valid for an address, and a server's TLS with it."""

    def __init__(self, directory: Path, *, valid_for: str = "IP:127.0.0.1") -> None:
        openssl = shutil.which("openssl")
        if openssl is None:
            pytest.skip("the openssl command, which makes the certificate, is not there")
        self.path, key = directory / "certificate.pem", directory / "key.pem"
        subprocess.run(
            [
                *(openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"),
                *("-subj", "/CN=clickhouse", "-addext", f"subjectAltName={valid_for}", "-keyout", key, "-out", self.path),
            ],
            check=True,
            capture_output=True,
        )
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.path, key)


def forwarding(port: int) -> Talk:
    """What a proxy that ends TLS does: everything goes to `port`, and back."""

    def talk(connection: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", port)) as behind:

            def back() -> None:
                with suppress(OSError):
                    while received := behind.recv(65_536):
                        connection.sendall(received)

            thread = threading.Thread(target=back, daemon=True)
            thread.start()
            with suppress(OSError):
                while sent := connection.recv(65_536):
                    behind.sendall(sent)
            behind.shutdown(socket.SHUT_RDWR)
            thread.join()

    return talk
