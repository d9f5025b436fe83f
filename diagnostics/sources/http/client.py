"""One small HTTP client for every source that speaks HTTP: bounded in time and size, metered and recorded. It GETs; the one
thing that it can send is a `Submission`, which a check has to declare like any read: the opt-in canary.

An answer with an error status is an answer. That nobody answered is a value too (`NoAnswer`), because for a diagnosis it is
a finding: the sources decide what it means.
"""

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

from diagnostics.report.model import Cost, HttpCost
from diagnostics.sources.background import in_background
from diagnostics.sources.errors import TimedOut
from diagnostics.sources.http.address import basic_authorization, proxy_for, without_credentials
from diagnostics.sources.http.trouble import NoAnswer, Trouble, explain
from diagnostics.sources.source import FAIR_WAIT, Asker, Endpoint, Exchange, Memo, Read, Recorder, Submission, now
from diagnostics.version import __version__

if TYPE_CHECKING:
    import ssl

    import httpx

T = TypeVar("T")

USER_AGENT = f"posthog-diag/{__version__}"

# Sentry's fullest page of 100 issues is about 400 KB; health endpoints answer with a few hundred bytes.
MAX_BODY = 2 * 1024 * 1024

# What is kept of the headers: nothing that could hold a session or a credential.
KEPT_HEADERS = frozenset(
    {
        "content-encoding",
        "content-type",
        "date",
        "link",
        "location",
        "retry-after",
        "server",
        "via",
        "www-authenticate",
        "x-sentry-rate-limit-limit",
        "x-sentry-rate-limit-remaining",
        "x-sentry-rate-limit-reset",
    }
)


class HttpOptions(Struct, frozen=True, kw_only=True):
    """`timeout`: seconds for a whole exchange. `proxy`: None takes the environment's. `ca`: a PEM file to trust as well."""

    timeout: float = 5.0
    proxy: str | None = None
    ca: str | None = None


class Answer(Struct, frozen=True, kw_only=True):
    """What was answered, whatever the status. `headers` have lower-case names, and only those of KEPT_HEADERS.

    `json` is the decoded body, None when that is not JSON. `received` counts the bytes of the body as they came; `cut` says
    that there were more than were read.
    """

    status: int
    headers: dict[str, str]
    body: str
    json: Any
    seconds: float
    received: int
    cut: bool = False

    @property
    def is_html(self) -> bool:
        """By what it looks like: Sentry calls JSON text/html, and proxies call HTML nothing at all."""
        return self.json is None and ("html" in self.headers.get("content-type", "") or self.body.lstrip().startswith("<"))


Outcome = Answer | NoAnswer


class Http:
    """The client for one base address. `bearer` and credentials in the URL are sent as a header, and shown nowhere."""

    def __init__(self, url: str, *, source: str, recorder: Recorder, options: HttpOptions, bearer: str | None = None) -> None:
        self.address = without_credentials(url)
        self._source = source
        self._recorder = recorder
        self._options = options
        self._authorization = f"Bearer {bearer}" if bearer else basic_authorization(url)
        self._memo = Memo()

    def get(
        self,
        asker: Asker,
        read: Endpoint,
        *,
        fill: Mapping[str, str] | None = None,
        params: Sequence[tuple[str, str]] = (),
        timeout: float | None = None,
        attempt: int = 1,
    ) -> Outcome:
        """GETs `read.path` with its placeholders filled, once per set of arguments (`attempt` 2 asks the same thing again).

        Never takes longer, in seconds, than the time-out of the options, `timeout`, or the time that is left to the asker.
        Raises TimedOut when that is too little to say that nobody answers.
        """
        path = read.path.format(**{name: quote(value, safe="") for name, value in (fill or {}).items()})
        query = urlencode(params)
        limit = min(self._options.timeout, timeout or self._options.timeout, asker.time_left)
        about = {"query": query} if query else {}
        url = f"{self.address}{path}{'?' if query else ''}{query}"
        return self._memo.get((path, query, attempt), lambda: self._recorded(asker, read, url, None, about, limit))

    def post(self, asker: Asker, what: Submission, path: str, body: bytes, *, about: Mapping[str, str]) -> Outcome:
        """Sends `body`, which is JSON, to `path`; never a second time. Recorded is `about`, since a body may hold secrets.

        Raises Refused when the asker did not declare it, and TimedOut as `get` does.
        """
        asker.may(what)
        limit = min(self._options.timeout, asker.time_left)
        return self._memo.get(what, lambda: self._recorded(asker, what, f"{self.address}{path}", body, dict(about), limit))

    def _recorded(self, asker: Asker, read: Read, url: str, body: bytes | None, about: dict[str, Any], limit: float) -> Outcome:
        self._recorder.about_to_ask(self._source, read)
        started_at, started = now(), time.monotonic()
        outcome = self._bounded(url, body, limit)
        hurried = limit < min(FAIR_WAIT, self._options.timeout)
        answer = outcome if isinstance(outcome, Answer) else None
        self._recorder.add(
            Exchange(
                source=self._source,
                name=read.name,
                check=asker.check,
                request=f"{_method(body)} {url.split('?')[0]}",
                params=about,
                started_at=started_at,
                duration_s=time.monotonic() - started,
                cost=Cost(http=HttpCost(requests=1, bytes=answer.received if answer else 0, sent=int(body is not None))),
                answer=_plain(answer) if answer else None,
                error=outcome.message if isinstance(outcome, NoAnswer) else "",
            )
        )
        if hurried and isinstance(outcome, NoAnswer) and outcome.trouble in (Trouble.TIMED_OUT, Trouble.NO_CONNECTION):
            raise TimedOut(f"There was no time left to ask {self.address}", hint="give it more time with --deadline")
        return outcome

    def _bounded(self, url: str, body: bytes | None, limit: float) -> Outcome:
        if limit <= 0:
            return NoAnswer(trouble=Trouble.TIMED_OUT, message="no time was left to ask", seconds=0.0)
        try:
            # In a thread because socket time-outs bound neither the resolution of a name nor a server that drips its headers.
            return in_background(lambda: self._exchange(url, body, limit)).result(timeout=limit + 0.1)
        except TimeoutError:
            return NoAnswer(trouble=Trouble.TIMED_OUT, message=f"no complete answer within {limit:.3g} s", seconds=limit)

    def _exchange(self, url: str, body: bytes | None, limit: float) -> Outcome:
        import httpx

        started = time.monotonic()
        proxy = None
        try:
            proxy = proxy_for(url, self._options.proxy)
            with (
                _client(url, proxy, self._options.ca, limit) as client,
                client.stream(_method(body), url, content=body, headers=self._headers(body)) as response,
            ):
                raw, cut = _read(response, until=started + limit)
                return _answer(response, raw, cut, time.monotonic() - started)
        except (httpx.HTTPError, httpx.InvalidURL, ImportError, OSError, ValueError) as error:
            shown = without_credentials(proxy) if proxy else ""
            return explain(error, url=url, limit=limit, seconds=time.monotonic() - started, proxy=shown)

    def _headers(self, body: bytes | None) -> dict[str, str]:
        headers = {"User-Agent": USER_AGENT, "Accept": "application/json, text/plain, */*", "Accept-Encoding": "gzip"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self._authorization:
            headers["Authorization"] = self._authorization
        return headers


def _method(body: bytes | None) -> str:
    return "GET" if body is None else "POST"


def concurrently(calls: Sequence[Callable[[], T]]) -> list[T]:
    """The results of all `calls`, made at the same time, in their order; the first exception is raised."""
    return [future.result() for future in [in_background(call) for call in calls]]


def _client(url: str, proxy: str | None, ca: str | None, limit: float) -> "httpx.Client":
    # A client an exchange: nothing stays open on the install, and a connection whose body was cut is of no use anyway.
    import httpx

    encrypted = url.startswith("https:") or (proxy or "").startswith("https:")
    transport = httpx.HTTPTransport(
        verify=_trust(ca) if encrypted else _no_trust(), proxy=httpx.Proxy(proxy) if proxy else None
    )
    return httpx.Client(transport=transport, timeout=limit, trust_env=False, follow_redirects=False)


def _trust(ca: str | None) -> "ssl.SSLContext":
    """The system's certificates, those that come with httpx (slim images have none), and the user's own."""
    import ssl

    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    if ca:
        context.load_verify_locations(ca)
    return context


def _no_trust() -> "ssl.SSLContext":
    """For plain HTTP: loading certificates takes 20 ms, so none are loaded, and any certificate would be refused."""
    import ssl

    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _read(response: "httpx.Response", until: float) -> tuple[bytes, bool]:
    """At most MAX_BODY bytes, as they come over the wire, and whether there were more. Raises ReadTimeout after `until`."""
    import httpx

    raw = bytearray()
    for chunk in response.iter_raw():
        raw += chunk
        if len(raw) > MAX_BODY:
            return bytes(raw[:MAX_BODY]), True
        if time.monotonic() > until:
            raise httpx.ReadTimeout("the body does not end")
    return bytes(raw), False


def _answer(response: "httpx.Response", raw: bytes, cut: bool, seconds: float) -> Answer:
    headers = {name: value for name, value in response.headers.items() if name in KEPT_HEADERS}
    body, bomb = _unpacked(raw, headers.get("content-encoding", ""))
    return Answer(
        status=response.status_code,
        headers=headers,
        body=body.decode("utf-8", "replace"),
        json=None if cut or bomb else _json(body),
        seconds=seconds,
        received=len(raw),
        cut=cut or bomb,
    )


def _unpacked(raw: bytes, encoding: str) -> tuple[bytes, bool]:
    """The body without its gzip, and whether that is longer than MAX_BODY: a few KB can unpack to gigabytes."""
    import zlib

    if encoding != "gzip":
        return raw, False
    unpack = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        body = unpack.decompress(raw, MAX_BODY)
    except zlib.error:
        return b"", False
    return body, bool(unpack.unconsumed_tail)


def _json(body: bytes) -> Any:
    """None for what is none. One character that is broken does not make the rest less true."""
    try:
        return msgspec.json.decode(body)
    except UnicodeDecodeError:
        return _json(body.decode("utf-8", "replace").encode())
    except (msgspec.DecodeError, RecursionError):
        return _with_half_characters(body)


def _with_half_characters(body: bytes) -> Any:
    """JavaScript writes a text that it cut in the middle of an emoji with one half of it, `\\ud83d`, which is no character."""
    if b"\\ud" not in body.lower():
        return None
    import json

    with contextlib.suppress(ValueError, RecursionError, msgspec.DecodeError):
        return msgspec.json.decode(json.dumps(json.loads(body), ensure_ascii=False).encode("utf-8", "replace"))
    return None


def _plain(answer: Answer) -> dict[str, Any]:
    return {"status": answer.status, "headers": answer.headers, "body": answer.body, "cut": answer.cut}
