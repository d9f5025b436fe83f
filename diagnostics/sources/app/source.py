"""The PostHog app: what it says of itself and of what it depends on.

Its pages are older and newer than each other: `/_preflight/` and `/_health` exist everywhere, `/_readyz` and `/_livez` came
later (before, the app answered them with its login), the System Status needs a personal API key.
"""

import time
from functools import partial
from typing import ClassVar

from diagnostics.sources.app.state import AppState, SystemStatus, read_state, read_system_status
from diagnostics.sources.http import Http, HttpOptions, concurrently
from diagnostics.sources.source import Connected, Connection, Endpoint, Memo, NotConnected, Read, Recorder, Source

PREFLIGHT = Endpoint(name="app.preflight", source="app", path="/_preflight/", why="which services the app says are up")
READYZ = Endpoint(name="app.readyz", source="app", path="/_readyz", why="which of its dependencies the app can reach")
HEALTH = Endpoint(name="app.health", source="app", path="/_health", why="whether the app's migrations are up to date")
LIVEZ = Endpoint(name="app.livez", source="app", path="/_livez", why="whether the app's process runs")
INSTANCE_STATUS = Endpoint(
    name="app.instance-status", source="app", path="/api/instance_status", why="the System Status page: versions, what is alive"
)


class App(Source):
    """The app at `url`. The personal API key is sent to the System Status only, and only as a header."""

    id: ClassVar[str] = "app"
    label: ClassVar[str] = "app"
    probes: ClassVar[tuple[Read, ...]] = (PREFLIGHT, READYZ, HEALTH, LIVEZ)

    def __init__(self, url: str, *, recorder: Recorder, options: HttpOptions, personal_api_key: str | None = None) -> None:
        self._public = Http(url, source=self.id, recorder=recorder, options=options)
        self._private = (
            Http(url, source=self.id, recorder=recorder, options=options, bearer=personal_api_key) if personal_api_key else None
        )
        self._learned: dict[str, str] = {}
        self._memo = Memo()

    def state(self) -> AppState:
        """What its public pages say; they are asked at the same time, once a run."""
        return self._memo.get("state", self._ask)

    def system_status(self) -> SystemStatus | None:
        """What `/api/instance_status` says; None without a personal API key."""
        if self._private is None:
            return None
        self.asker.may(INSTANCE_STATUS)
        status = read_system_status(self._private.get(self.asker, INSTANCE_STATUS))
        self._learn("posthog_version", status.posthog_version)
        return status

    def connection(self) -> Connection:
        started = time.monotonic()
        state = self.state()
        if state.reached and state.is_posthog:
            return Connected(seconds=time.monotonic() - started)
        what = "The app does not answer" if not state.reached else "What answers is not PostHog's app"
        hint = state.hint or "see whether it runs: docker compose ps web"
        return NotConnected(code="app.unreachable", message=f"{what} at {self.address()}: {state.message}", hint=hint)

    def learned(self) -> dict[str, str]:
        return dict(self._learned)

    def address(self) -> str:
        return self._public.address

    def _ask(self) -> AppState:
        calls = [partial(self._public.get, self.asker, page) for page in (PREFLIGHT, READYZ, HEALTH, LIVEZ)]
        preflight, readyz, health, livez = concurrently(calls)
        state = read_state(preflight=preflight, readyz=readyz, health=health, livez=livez)
        if state.preflight:
            self._learn("posthog_version", state.preflight.posthog_version)
            self._learn("deployment", state.preflight.deployment or state.preflight.realm)
        return state

    def _learn(self, key: str, value: str | None) -> None:
        if value:
            self._learned[key] = value
