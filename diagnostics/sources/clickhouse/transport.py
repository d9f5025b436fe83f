"""The HTTP below the client: no retries, no redirects, and every answer bounded in time and size.

The client's own time-outs hold for all of its threads at once, a connect time-out is doubled by its retry, and a read time-out
starts anew with every byte. Here each exchange has a budget, and an answer is read whole before the client sees it.
"""

import copy
import time
from collections.abc import Callable, Iterator
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import partial
from io import BytesIO
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from msgspec import Struct
from urllib3 import BaseHTTPResponse, HTTPResponse, PoolManager, ProxyManager, Timeout
from urllib3.exceptions import HTTPError

from diagnostics.sources.background import in_background
from diagnostics.sources.clickhouse.address import Address

T = TypeVar("T")

CONNECT_S = 4.0
"""Seconds to establish a connection. More than a lost first packet takes to be sent again (3 s)."""

HEAD = 2_000
"""Bytes of the last answer that are kept to tell who answered."""


class TooLarge(HTTPError):
    """The answer is longer than the budget allows."""


class OutOfTime(HTTPError):
    """The answer was still coming when the time was over."""


class Redirected(HTTPError):
    """The answer sends us elsewhere, mostly to a login page. `str(error)` is the host it names."""


class Seen(Struct, frozen=True, kw_only=True):
    """The last answer: enough to tell ClickHouse from a web page."""

    status: int
    content_type: str
    head: str
    from_clickhouse: bool


class Budget:
    """What one exchange may take: `seconds` from now, and `max_bytes`. Keeps the answer `seen` last."""

    def __init__(self, seconds: float, max_bytes: int) -> None:
        self.seconds = seconds
        self.deadline = time.monotonic() + seconds
        self.max_bytes = max_bytes
        self.seen: Seen | None = None

    @property
    def left(self) -> float:
        return self.deadline - time.monotonic()


_budget: ContextVar[Budget] = ContextVar("budget")


@contextmanager
def within(seconds: float, max_bytes: int) -> Iterator[Budget]:
    """Exchanges of this thread are bounded by the budget meanwhile."""
    budget = Budget(seconds, max_bytes)
    token = _budget.set(budget)
    try:
        yield budget
    finally:
        _budget.reset(token)


class Beside(Generic[T]):
    """What is asked at the same time as something else, within the same budget. The answer that was seen is the one to that
    question until the result of this one is looked at."""

    def __init__(self, ask: Callable[[], T]) -> None:
        self._budget = copy.copy(_budget.get())
        context = copy_context()
        context.run(_budget.set, self._budget)
        self._answer = in_background(partial(context.run, ask), thread="diag-clickhouse")

    def result(self) -> T:
        try:
            return self._answer.result()
        finally:
            _budget.get().seen = self._budget.seen


def pool(address: Address, *, ca: str | None, verify: bool) -> PoolManager:
    """The connections to `address`, through the proxy of the environment where there is one for it."""
    options: dict[str, Any] = {"maxsize": 8, "cert_reqs": "CERT_REQUIRED" if verify else "CERT_NONE"}
    if ca:
        options["ca_certs"] = ca
    proxy = _proxy(address)
    return BoundedProxyPool(proxy, **options) if proxy else BoundedPool(**options)


def _proxy(address: Address) -> str | None:
    if address.host in ("localhost", "::1") or address.host.startswith("127."):
        return None
    proxy = getproxies().get(address.scheme)
    return None if not proxy or proxy_bypass(address.host) else proxy if "://" in proxy else f"http://{proxy}"


class _Bounded(PoolManager):
    def urlopen(self, method: str, url: str, redirect: bool = False, **request: Any) -> BaseHTTPResponse:  # type: ignore[override]  # noqa: ARG002
        budget = _budget.get()
        budget.seen = None
        if budget.left <= 0:
            raise OutOfTime(f"no time left of {budget.seconds:.1f} s")
        request["timeout"] = Timeout(connect=min(CONNECT_S, budget.left), read=budget.left)
        request["retries"] = False
        preload = request.pop("preload_content", True)

        def exchange() -> tuple[BaseHTTPResponse, bytes]:
            response = super(_Bounded, self).urlopen(method, url, redirect=False, preload_content=False, **request)
            try:
                return response, _read(response, budget)
            finally:
                response.close()

        response, body = _in_time(exchange, budget)
        budget.seen = _seen(response, body)
        if location := response.headers.get("location"):
            raise Redirected(urlsplit(location).hostname or "itself")
        # Nothing compressed was asked for: what is all the same could unpack to a thousand times the budget.
        headers = {name: value for name, value in response.headers.items() if name.lower() != "content-encoding"}
        return HTTPResponse(
            body=BytesIO(body),
            headers=headers,
            status=response.status,
            reason=response.reason,
            request_method=method,
            preload_content=preload,
        )


class BoundedPool(_Bounded):
    """Direct connections."""


class BoundedProxyPool(_Bounded, ProxyManager):
    """Connections through a proxy."""


def _in_time(exchange: Callable[[], T], budget: Budget) -> T:
    """What `exchange` gives, or OutOfTime: time-outs of sockets bound neither the look-up of a name nor headers that drip."""
    answer = in_background(exchange, thread="diag-clickhouse")
    try:
        return answer.result(timeout=max(0.0, budget.left) + 0.1)
    except FutureTimeout:
        raise OutOfTime(f"still coming after {budget.seconds:.1f} s") from None


def _read(response: BaseHTTPResponse, budget: Budget) -> bytes:
    body = bytearray()
    # Not more than what has arrived, so that a server that sends a byte a second is noticed.
    while chunk := response.read1(65_536, decode_content=False):
        body += chunk
        if len(body) > budget.max_bytes:
            raise TooLarge(f"more than {budget.max_bytes:,} bytes")
        if budget.left <= 0:
            raise OutOfTime(f"still coming after {budget.seconds:.1f} s")
    return bytes(body)


def _seen(response: BaseHTTPResponse, body: bytes) -> Seen:
    return Seen(
        status=response.status,
        content_type=response.headers.get("content-type", "").partition(";")[0].strip().lower(),
        head=body[:HEAD].decode(errors="replace"),
        from_clickhouse=any(name.lower().startswith("x-clickhouse-") for name in response.headers),
    )
