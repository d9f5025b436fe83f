import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from diagnostics.lab.http import Request, Response
from diagnostics.lab.scripted import ScriptedServer
from diagnostics.sources.http.trouble import Trouble
from tests.sources.peer import PAGE, Peer, answer, asker, client, get, no_answer, peers, sends

CERTIFICATE = Path(__file__).with_name("loopback.pem")


@pytest.fixture
def peer() -> Iterator[Callable[[Peer], str]]:
    """Starts a server that does as it is told with each connection; its address."""
    with peers() as start:
        yield start


def test_a_refused_connection(closed_port: Callable[[], str]) -> None:
    got = no_answer(get(closed_port()))
    assert (got.trouble, got.message) == (Trouble.REFUSED, "nothing listens there (connection refused)")


def test_a_name_that_does_not_resolve() -> None:
    got = no_answer(get("http://plugins.invalid:6738"))
    assert (got.trouble, got.message) == (Trouble.NAME, "the name plugins.invalid does not resolve here")
    assert got.hint.startswith("if the name exists only inside PostHog's network")


def test_something_else_than_http(peer: Callable[[Peer], str]) -> None:
    got = no_answer(get(peer(sends(b"-ERR unknown command 'GET'\r\n\r\n"))))
    assert (got.trouble, got.message) == (Trouble.PROTOCOL, "what answers there does not speak HTTP")


@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 200 OK\r\nContent-Le"])
def test_a_connection_that_is_closed_too_early(peer: Callable[[Peer], str], reply: bytes) -> None:
    got = no_answer(get(peer(sends(reply))))
    assert (got.trouble, got.message) == (
        Trouble.CLOSED,
        "the connection was closed before an answer came: it crashes, or is no HTTP server",
    )


@pytest.fixture
def tls_url(peer: Callable[[Peer], str]) -> str:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)

    def behave(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as encrypted:
            encrypted.recv(4096)
            encrypted.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    return peer(behave).replace("http:", "https:")


def test_a_certificate_that_nobody_trusts(tls_url: str) -> None:
    got = no_answer(get(tls_url))
    assert (got.trouble, got.message) == (Trouble.TLS, "its certificate is not trusted (self-signed certificate)")
    assert got.hint == "give the certificate of its authority with http.ca"


def test_a_certificate_that_the_user_trusts(tls_url: str) -> None:
    assert answer(get(tls_url, ca=str(CERTIFICATE))).body == "ok"


def test_a_certificate_file_that_is_not_there_or_not_one(tls_url: str, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    for path in ("/does/not/exist.pem", str(tmp_path), str(tmp_path / "ca.pem")):
        got = no_answer(get(tls_url, ca=path))
        assert (got.trouble, got.message) == (Trouble.TLS, "the certificates in the file of http.ca cannot be read")


@pytest.mark.parametrize("key", ["phx_key\n", "phx_kéy"])
def test_a_key_that_cannot_be_sent_is_not_shown(http_server: ScriptedServer, key: str) -> None:
    got = no_answer(client(http_server.url, bearer=key).get(asker(), PAGE))
    assert (got.trouble, got.message) == (Trouble.CREDENTIALS, "its key or password has characters that cannot be sent")
    assert http_server.requests == []


def test_https_where_plain_http_is_spoken(http_server: ScriptedServer) -> None:
    got = no_answer(get(http_server.url.replace("http:", "https:")))
    assert (got.trouble, got.message) == (Trouble.TLS, "it does not speak TLS")


@pytest.mark.parametrize(
    "url", ["http://", "http://[::1", "http://host:99999", "http://host:port", "http://127.0.0.1:0", "ftp://127.0.0.1"]
)
def test_what_is_no_address(url: str) -> None:
    got = no_answer(get(url))
    assert (got.trouble, got.message) == (Trouble.ADDRESS, "that is not an address that can be asked")


def test_a_configured_proxy_is_used_but_not_for_this_machine(
    http_server: ScriptedServer, closed_port: Callable[[], str]
) -> None:
    proxied: list[Request] = []

    def relay(request: Request) -> Response:
        proxied.append(request)
        return Response.text("from the proxy")

    http_server.route("/page", relay)
    proxy = http_server.url.replace("//", "//me:secret@")
    assert answer(get("http://posthog.invalid", proxy=proxy)).body == "from the proxy"
    assert proxied[0].target == "http://posthog.invalid/page"
    assert answer(get(http_server.url, proxy=closed_port())).body == "from the proxy"
    assert proxied[1].target == "/page"


def test_the_environments_proxy_and_its_exceptions(http_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    http_server.route("/page", text="from the proxy")
    monkeypatch.setenv("http_proxy", http_server.url.removeprefix("http://"))
    assert answer(get("http://posthog.invalid")).body == "from the proxy"
    monkeypatch.setenv("no_proxy", "posthog.invalid")
    assert no_answer(get("http://posthog.invalid")).trouble is Trouble.NAME


def test_a_proxy_that_does_not_answer_is_named_without_its_password(closed_port: Callable[[], str]) -> None:
    proxy = closed_port()
    got = no_answer(get("http://posthog.invalid", proxy=proxy.replace("//", "//me:secret@")))
    assert got.trouble is Trouble.PROXY
    assert got.message == f"the proxy {proxy} cannot be reached: nothing listens there (connection refused)"


def test_a_proxy_that_refuses_the_tunnel(http_server: ScriptedServer) -> None:
    got = no_answer(get("https://posthog.invalid", proxy=http_server.url))
    assert (got.trouble, got.message) == (
        Trouble.PROXY,
        f"the proxy does not let the request through (asked through the proxy {http_server.url})",
    )


def test_a_kind_of_proxy_that_cannot_be_used() -> None:
    assert no_answer(get("http://posthog.invalid", proxy="socks5://127.0.0.1:1")).trouble is Trouble.PROXY
