"""Who answers where SDKs send events, told from the answer to a GET without data, which stores nothing.

Capture in Rust (2025 and later) refuses it with 400 in plain text, or 405 where a path takes POST only; Django's capture with
400 and JSON: `no_data`, in 2021 `validation`. Any other answer comes from somebody else: the app (its login, its pages, its
page on CSRF), a web server that has no such page, a proxy whose service is down, or a guard that lets nobody through.
Sources: `rust/capture/src/{router,api}.rs`, `posthog/api/capture.py` and `posthog/urls.py` of PostHog.
"""

from enum import StrEnum
from urllib.parse import urlsplit

from msgspec import Struct

from diagnostics.sources.http import Answer, Outcome
from diagnostics.sources.http.address import redirect_target
from diagnostics.sources.http.trouble import NoAnswer

# What proxies answer in place of a service that is down; 520 to 530 are Cloudflare's. 500 is a service that fails at once.
DOWN = frozenset({500, 502, 503, 504, *range(520, 528), 530})

# How the Rust capture refuses a request without data.
REFUSED_BY_RUST = frozenset({400, 401, 405, 413})

# What Django's capture answers in JSON. 404 and 403 in JSON are those of the app's API.
ANSWERED_BY_DJANGO = frozenset({200, 400, 401, 413, 503})


class Taker(StrEnum):
    """Who answers at a path. BARRED: somebody does not let diag through, so that nobody knows what a sender gets. OTHER: a
    service that speaks JSON, and is not capture."""

    RUST = "rust"
    DJANGO = "django"
    APP = "app"
    NOBODY = "nobody"
    DOWN = "down"
    SILENT = "silent"
    BARRED = "barred"
    OTHER = "other"

    @property
    def takes_events(self) -> bool:
        return self in (Taker.RUST, Taker.DJANGO)


class Route(Struct, frozen=True, kw_only=True):
    """One path and who answers there; `said` is the answer in a few words."""

    path: str
    taker: Taker
    said: str


def read_route(path: str, address: str, outcome: Outcome) -> Route:
    """What the answer of `address` to a GET of `path` without data means."""
    taker, said = _told_apart(path, address, outcome)
    return Route(path=path, taker=taker, said=said)


def _told_apart(path: str, address: str, outcome: Outcome) -> tuple[Taker, str]:
    if isinstance(outcome, NoAnswer):
        return Taker.SILENT, outcome.message
    if isinstance(outcome.json, dict):
        return _by_its_json(outcome)
    if outcome.status in DOWN:
        return Taker.DOWN, f"{outcome.status} {server(outcome)}".rstrip()
    if 300 <= outcome.status < 400:
        return _by_its_redirect(path, address, outcome)
    if outcome.is_html:
        return _by_its_page(outcome)
    if outcome.status == 404:
        return Taker.NOBODY, "404"
    if outcome.status in REFUSED_BY_RUST and "www-authenticate" not in outcome.headers:
        return Taker.RUST, f"{outcome.status}, as capture does without data"
    return Taker.BARRED, str(outcome.status)


def _by_its_json(answer: Answer) -> tuple[Taker, str]:
    body: dict[str, object] = answer.json
    if answer.status == 200 and body.get("status") == "Ok":
        return Taker.RUST, "200"
    tells = "status" in body or ("code" in body and ("detail" in body or "message" in body))
    if answer.status in ANSWERED_BY_DJANGO and tells:
        return Taker.DJANGO, f"{answer.status}, as Django's capture does without data"
    if answer.status == 404:
        return Taker.APP, "404 of the app's API"
    return Taker.OTHER, f"{answer.status} with JSON"


def _by_its_redirect(path: str, address: str, answer: Answer) -> tuple[Taker, str]:
    location = answer.headers.get("location", "")
    to = redirect_target(location) or "?"
    here, there = urlsplit(address), urlsplit(location)
    elsewhere = (there.netloc and there.netloc != here.netloc) or (there.scheme and there.scheme != here.scheme)
    if elsewhere or there.path.rstrip("/") == path.rstrip("/"):
        return Taker.BARRED, f"{answer.status} to {to}"
    return Taker.APP, f"{answer.status} to {to}"


def _by_its_page(answer: Answer) -> tuple[Taker, str]:
    if answer.status == 403 and "CSRF" in answer.body:
        return Taker.APP, "403, Django's page on CSRF"
    if answer.status == 404:
        return Taker.NOBODY, f"404 {server(answer)}".rstrip()
    if answer.status == 200:
        return Taker.APP, "200 with a web page"
    return Taker.BARRED, f"{answer.status} with a web page"


def server(answer: Answer) -> str:
    """`from nginx`: the name of the program that answers, without its version; empty when it does not say."""
    name = answer.headers.get("server", "").partition("/")[0].strip()
    return f"from {name}" if name.replace("-", "").isalnum() and len(name) <= 30 else ""
