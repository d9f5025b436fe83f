"""The plugin server: what each of its instances says of itself on `/_health` and `/_ready`, and what it counts."""

import os
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import ClassVar
from urllib.parse import urlsplit

from msgspec import structs

from diagnostics.sources.background import in_background
from diagnostics.sources.errors import TimedOut
from diagnostics.sources.http import Http, HttpOptions, concurrently
from diagnostics.sources.http.address import with_scheme, without_credentials
from diagnostics.sources.http.trouble import NoAnswer, Trouble
from diagnostics.sources.plugin_server.health import Health, Readiness, read_health, read_readiness
from diagnostics.sources.plugin_server.metrics import Page, Readings, read_page, unread
from diagnostics.sources.source import (
    FAIR_WAIT,
    Connected,
    Connection,
    Endpoint,
    Memo,
    NotConnected,
    Read,
    Recorder,
    Source,
    now,
)

HEALTH = Endpoint(
    name="plugin-server.health",
    source="plugin-server",
    path="/_health",
    why="whether the plugin server says that it is healthy",
)
READY = Endpoint(
    name="plugin-server.ready", source="plugin-server", path="/_ready", why="whether the plugin server's consumer is ready"
)
METRICS = Endpoint(
    name="plugin-server.metrics",
    source="plugin-server",
    path="/_metrics",
    why="what the plugin server counts, twice, to see what moves",
)
METRICS_ELSEWHERE = Endpoint(
    name="plugin-server.metrics-elsewhere",
    source="plugin-server",
    path="/metrics",
    why="the same where /_metrics does not exist",
)

# Between the two readings of the counters, in seconds. An idle consumer asks Kafka twice a second (PostHog's batch time-out is
# 500 ms), so that this shows whether it still does.
GAP = 0.8

# `/_ready` hangs where it does not exist (mid 2022): it is not worth the whole time-out. Seconds.
READY_TIMEOUT = 2.0


class PluginServer(Source):
    """The instances at `urls`, one for each role or replica.

    An http address without a port is tried on each of `ports`: by default 6738, the HTTP_SERVER_PORT of this process (diag
    may run in PostHog's own container), 8001 and 80.
    """

    id: ClassVar[str] = "plugin-server"
    label: ClassVar[str] = "plugin server"
    probes: ClassVar[tuple[Read, ...]] = (HEALTH, READY, METRICS)

    def __init__(
        self, urls: Sequence[str], *, recorder: Recorder, options: HttpOptions, ports: Sequence[int] | None = None
    ) -> None:
        guesses = ports_of(os.environ) if ports is None else tuple(ports)
        self._instances = {
            without_credentials(url): tuple(
                Http(candidate, source=self.id, recorder=recorder, options=options) for candidate in candidates(url, guesses)
            )
            for url in urls
        }
        self._memo = Memo()

    def health(self) -> tuple[Health, ...]:
        """What every instance says, in the order of the configuration. They are asked at the same time, once a run."""

        calls = [partial(self._instance, address, clients) for address, clients in self._instances.items()]
        return self._memo.get("health", lambda: tuple(concurrently(calls)))

    def readings(self) -> tuple[Readings, ...]:
        """What every instance that answers counts, read twice, at the same time for all, once a run.

        Raises TimedOut when too little time is left for two readings.
        """
        self.asker.may(METRICS)
        self.asker.may(METRICS_ELSEWHERE)
        return self._memo.get("readings", self._read_all)

    def later(self) -> tuple[Readings, ...]:
        """The readings that could be made, but up to now: for whoever waited for something else in between. Once a run."""
        return self._memo.get("later", self._read_later)

    def connection(self) -> Connection:
        """Connected when a plugin server answers: what it answers is the business of the check on it."""
        started = time.monotonic()
        instances = self.health()
        if any(health.recognised for health in instances):
            return Connected(seconds=time.monotonic() - started)
        return NotConnected(
            code="plugin-server.unreachable",
            message="; ".join(health.told for health in instances),
            hint=next((health.hint for health in instances if health.hint), "see whether it runs: docker compose ps plugins"),
        )

    def address(self) -> str:
        return ", ".join(self._instances)

    def _instance(self, address: str, clients: tuple[Http, ...]) -> Health:
        """The first of the candidates that answers like a plugin server."""
        silent: list[int | None] = []
        if len(clients) == 1:  # nothing has to be found out first: on a slow line that saves half of the time
            in_background(partial(self._readiness, clients[0]))
            in_background(partial(self._page, clients[0], METRICS))
        for client in clients:
            outcome = client.get(self.asker, HEALTH)
            health = read_health(client.address, outcome)
            if health.recognised:
                return structs.replace(health, ready=self._readiness(client))
            if not silent and not _refused(outcome):
                return health
            if isinstance(outcome, NoAnswer) and not _refused(outcome):
                break
            silent.append(urlsplit(client.address).port)
        if len(clients) == 1:
            return health
        ports = ", ".join(str(port) for port in silent)
        return Health(address=address, reached=False, message=f"no plugin server listens on its ports {ports}")

    def _read_all(self) -> tuple[Readings, ...]:
        answering = [health for health in self.health() if health.recognised]
        if self.asker.time_left < GAP + FAIR_WAIT:
            raise TimedOut("There was no time left to read the counters twice", hint="give it more time with --deadline")
        return tuple(concurrently([partial(self._read_twice, health) for health in answering]))

    def _read_later(self) -> tuple[Readings, ...]:
        found = concurrently([partial(self._read_on, each) for each in self.readings() if each.readable])
        return tuple(each for each in found if each is not None)

    def _read_on(self, earlier: Readings) -> Readings | None:
        """None where it cannot be read any more."""
        client = self._client(earlier.address)
        endpoint = METRICS_ELSEWHERE if self._page(client, METRICS)[0].missing else METRICS
        page, at = self._page(client, endpoint, attempt=3)
        if page.metrics is None:
            return None
        seconds = at - self._page(client, endpoint)[1]
        return structs.replace(earlier, at=page.at.timestamp(), after=page.metrics, seconds=seconds)

    def _client(self, address: str) -> Http:
        return next(each for clients in self._instances.values() for each in clients if each.address == address)

    def _read_twice(self, health: Health) -> Readings:
        client = self._client(health.address)
        endpoint, (before, first) = METRICS, self._page(client, METRICS)
        if before.missing:
            endpoint, (before, first) = METRICS_ELSEWHERE, self._page(client, METRICS_ELSEWHERE)
        if before.metrics is None:
            return unread(health, before)
        time.sleep(max(0.0, first + GAP - time.monotonic()))
        after, second = self._page(client, endpoint, attempt=2)
        if after.metrics is None:
            return unread(health, after)
        return Readings(
            address=health.address,
            at=after.at.timestamp(),
            before=before.metrics,
            after=after.metrics,
            seconds=second - first,
            declared=after.declared,
        )

    def _page(self, client: Http, endpoint: Endpoint, attempt: int = 1) -> tuple[Page, float]:
        """The page, and when it came (`time.monotonic()` seconds)."""

        def read() -> tuple[Page, float]:
            outcome = client.get(self.asker, endpoint, attempt=attempt)
            return read_page(outcome, now()), time.monotonic()

        return self._memo.get((client.address, endpoint.name, attempt), read)

    def _readiness(self, client: Http) -> Readiness:
        try:
            return read_readiness(client.get(self.asker, READY, timeout=READY_TIMEOUT))
        except TimedOut:  # its health is known all the same
            return Readiness.UNKNOWN


def ports_of(environment: Mapping[str, str]) -> tuple[int, ...]:
    """Where a plugin server may listen, likeliest first.

    6738 is PostHog's constant since 2021, HTTP_SERVER_PORT overrides it, hobby images of 2026 listened on 8001 for a while,
    and 80 is an ingress.
    """
    override = environment.get("HTTP_SERVER_PORT", "")
    ports = (6738, *([int(override)] if override.isdecimal() else []), 8001, 80)
    return tuple(dict.fromkeys(ports))


def candidates(url: str, ports: Sequence[int]) -> tuple[str, ...]:
    """The addresses to try for `url`: itself when it names a port or is https (an ingress), else one for each port."""
    written = with_scheme(url)
    try:
        parts = urlsplit(written)
        if parts.port is not None or parts.scheme != "http" or not parts.hostname:
            return (written,)
    except ValueError:
        return (written,)
    return tuple(parts._replace(netloc=f"{parts.netloc.rstrip(':')}:{port}").geturl() for port in ports)


def _refused(outcome: object) -> bool:
    return isinstance(outcome, NoAnswer) and outcome.trouble is Trouble.REFUSED
