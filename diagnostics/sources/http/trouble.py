"""Why nobody answered over HTTP, told apart and in plain words.

An HTTP client reports in three layers (httpx, httpcore, the socket's own error); the innermost one knows what happened. The
sentences are ours: the client's texts can hold a URL with its credentials.
"""

from collections.abc import Iterator
from enum import StrEnum
from urllib.parse import urlsplit

from msgspec import Struct


class Trouble(StrEnum):
    """What went wrong."""

    ADDRESS = "address"
    CREDENTIALS = "credentials"
    NAME = "name"
    REFUSED = "refused"
    NO_ROUTE = "no-route"
    NO_CONNECTION = "no-connection"
    TIMED_OUT = "timed-out"
    TLS = "tls"
    PROTOCOL = "protocol"
    CLOSED = "closed"
    PROXY = "proxy"


class NoAnswer(Struct, frozen=True, kw_only=True):
    """Nobody answered. `message` continues a sentence ("http://plugins:6738 does not answer: ..."); `hint` is an imperative."""

    trouble: Trouble
    message: str
    seconds: float
    hint: str = ""


def explain(error: Exception, *, url: str, limit: float, seconds: float, proxy: str = "") -> NoAnswer:
    """What `error` of httpx means for somebody who asked `url` for at most `limit` seconds. `proxy` is without credentials."""
    trouble, message, hint = _told_apart(error, proxy or url, limit)
    if proxy and trouble in _BEFORE_A_CONNECTION:
        trouble, message, hint = Trouble.PROXY, f"the proxy {proxy} cannot be reached: {message}", _HINT_PROXY
    elif proxy:
        message += f" (asked through the proxy {proxy})"
    return NoAnswer(trouble=trouble, message=message, seconds=seconds, hint=hint)


def _told_apart(error: Exception, url: str, limit: float) -> tuple[Trouble, str, str]:
    if isinstance(error, OSError):  # httpx wraps its own: this one came before it, when the certificates were loaded
        return Trouble.TLS, "the certificates in the file of http.ca cannot be read", "check its path, and that it is PEM"
    for cause in _causes(error):
        if told := _by_the_system(cause, url):
            return told
    return _by_the_client(error, limit)


def _by_the_system(cause: BaseException, url: str) -> tuple[Trouble, str, str] | None:
    import socket
    import ssl

    if isinstance(cause, ssl.SSLError):
        return Trouble.TLS, *_tls(cause)
    if isinstance(cause, socket.gaierror):
        return Trouble.NAME, f"the name {urlsplit(url).hostname} does not resolve here", _HINT_NAME
    if isinstance(cause, ConnectionRefusedError):
        return Trouble.REFUSED, "nothing listens there (connection refused)", ""
    return None


def _by_the_client(error: Exception, limit: float) -> tuple[Trouble, str, str]:
    import httpx

    if isinstance(error, httpx.ProxyError | ImportError):
        return Trouble.PROXY, "the proxy does not let the request through", _HINT_PROXY
    if isinstance(error, httpx.ConnectTimeout):
        return Trouble.NO_CONNECTION, f"no connection within {limit:.3g} s: the host is down, or a firewall drops it", ""
    if isinstance(error, httpx.TimeoutException):
        return Trouble.TIMED_OUT, f"it takes the connection but gives no complete answer within {limit:.3g} s", ""
    if isinstance(error, httpx.ConnectError):
        return Trouble.NO_ROUTE, "the host cannot be reached from here", ""
    if isinstance(error, httpx.NetworkError) or "disconnected" in str(error):
        return Trouble.CLOSED, "the connection was closed before an answer came: it crashes, or is no HTTP server", ""
    if isinstance(error, httpx.LocalProtocolError | UnicodeEncodeError):
        return (
            Trouble.CREDENTIALS,
            "its key or password has characters that cannot be sent",
            "look for a stray line end or quote",
        )
    if isinstance(error, httpx.ProtocolError):
        return Trouble.PROTOCOL, "what answers there does not speak HTTP", "check the port, and http against https"
    return Trouble.ADDRESS, "that is not an address that can be asked", "write it like http://plugins:6738"


_BEFORE_A_CONNECTION = frozenset({Trouble.NAME, Trouble.REFUSED, Trouble.NO_ROUTE, Trouble.NO_CONNECTION})

_HINT_PROXY = "set http.proxy to an HTTP proxy that works, or NO_PROXY to the hosts that need none"

_HINT_NAME = "if the name exists only inside PostHog's network, run diag there, or give an address that is reachable from here"


def _tls(error: Exception) -> tuple[str, str]:
    import ssl

    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})", "give the certificate of its authority with http.ca"
    if "WRONG_VERSION_NUMBER" in str(error) or "RECORD_LAYER_FAILURE" in str(error):
        return "it does not speak TLS", "write the address with http:// instead of https://"
    return (
        f"TLS failed ({getattr(error, 'reason', None) or 'no reason given'})",
        "check the certificate and the TLS versions there",
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
