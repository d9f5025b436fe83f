"""A headless Chromium that reaches nothing: what it shows of a page, what it complains about, what it asks of the network."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct
from playwright.sync_api import Browser, Page, Route, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")

# Its sandbox needs rights that a container has not; the rest keeps it from calling home.
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)

DESK, PHONE = 1280, 390


class Complaints(Struct):
    """What a page said on the console, and what it wanted to load beside itself."""

    console: list[str]
    requests: list[str]


@contextmanager
def browser() -> Iterator[Browser]:
    """One for many pages: it takes a second to start."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield started
        started.close()


@contextmanager
def opened(browser: Browser, source: str, **context: Any) -> Iterator[tuple[Page, Complaints]]:
    """`source` as a browser shows it that comes to https://report.invalid, where nothing else is."""
    context.setdefault("viewport", {"width": DESK, "height": 900})
    complaints = Complaints(console=[], requests=[])

    def answer(route: Route) -> None:
        if route.request.is_navigation_request() and route.request.url == "https://report.invalid/":
            route.fulfill(body=source, content_type="text/html")
        else:
            complaints.requests.append(route.request.url)
            route.abort()

    fresh = browser.new_context(**context)
    page = fresh.new_page()
    page.route("**/*", answer)
    page.on("console", lambda message: complaints.console.append(message.text))
    page.on("pageerror", lambda error: complaints.console.append(str(error)))
    page.goto("https://report.invalid/")
    yield page, complaints
    fresh.close()
