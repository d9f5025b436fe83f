"""What tests share: a real ClickHouse engine behind HTTP, and a scripted HTTP server. Both live on the loopback."""

from collections.abc import Callable, Iterator

import hypothesis
import pytest

from diagnostics.lab.engine import Engine
from diagnostics.lab.http import ClosedPort
from diagnostics.lab.scripted import ScriptedServer

# The same examples every time: what fails, fails because of a change. To look for more: --hypothesis-profile=default
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)
hypothesis.settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """One engine for the whole session; `engine.database()` gives each test a PostHog database of its own."""
    with Engine() as started:
        yield started


@pytest.fixture
def http_server() -> Iterator[ScriptedServer]:
    """A server without routes: `http_server.route("/_health", status=503)`."""
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def closed_port() -> Iterator[Callable[[], str]]:
    """Makes addresses on which nothing listens: connecting is refused at once."""
    ports: list[ClosedPort] = []

    def make() -> str:
        ports.append(ClosedPort())
        return ports[-1].url

    yield make
    for port in ports:
        port.close()
