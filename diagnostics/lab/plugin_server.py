"""Stands in for the plugin server: `/_health`, `/_ready` and its metrics on one port, as PostHog's answer.

Since 2023 (`plugin-server/src/main/services/http-server.ts`) `/_health` runs the checks that were registered and names each
with `ok` or `error`; since late 2025 (`nodejs/src/api/router.ts`) a check may say more, and `degraded` still answers 200.
Before that it proved only that the process ran. Metrics are on `/_metrics` since late 2022, and since 2025 on `/metrics`, too.
"""

import time
from functools import cached_property
from typing import Literal

from msgspec import Struct

from diagnostics.lab.ago import Ago, seconds
from diagnostics.lab.http import Request, Response
from diagnostics.lab.plugin_server_counters import Cause, Generation, Reading, page

Role = Literal["", "ingestion", "ingestion-overflow", "session-replay", "cdp", "jobs", "logs"]

# What each role checks in `/_health`, and the topic and group that it consumes. Without a role it is all in one.
CHECKS: dict[Role, tuple[str, ...]] = {
    "": ("analytics-ingestion", "jobs-consumer", "scheduled-tasks"),
    "ingestion": ("analytics-ingestion",),
    "ingestion-overflow": ("analytics-ingestion-overflow",),
    "session-replay": ("session-recordings-blob",),
    "cdp": ("cdp-processed-events",),
    "jobs": ("jobs-consumer", "scheduled-tasks"),
    "logs": ("logs-ingestion-consumer",),
}
EVENTS = ("events_plugin_ingestion", "clickhouse-ingestion")
TOPICS: dict[Role, tuple[tuple[str, str], ...]] = {
    "": (EVENTS, ("jobs", "jobs-inserter")),
    "ingestion": (EVENTS,),
    "ingestion-overflow": (("events_plugin_ingestion_overflow", "clickhouse-ingestion-overflow"),),
    "session-replay": (("session_recording_snapshot_item_events", "session-recordings-blob"),),
    "cdp": (("clickhouse_events_json", "cdp-processed-events-consumer"),),
    "jobs": (("jobs", "jobs-inserter"),),
    "logs": (("logs_ingestion", "ingestion-logs"),),
}

NOT_FOUND = Response.json({"error": {"message": "Not Found"}}, status=404)
LOGIN = Response.text("<!doctype html><title>Sign in</title>", kind="text/html")


class Health(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One check of a plugin server of 2026."""

    status: Literal["ok", "degraded", "error"]
    message: str = ""


class PluginServer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """One plugin server. `checks` are those of its `role` when not given; empty ones are of late 2022, whose `/_health` knows
    none. `ready` None: as healthy as it is.

    Its counters move at `per_second` events; `stalled_for` ago they stopped. The newest event that it has processed was
    written `behind` ago. `drops` are percents of the events by cause, `dead_letters` and `stalled_steps` totals.
    `metrics`: hidden behind a 404, wanting a token, or a login page in their place.
    """

    up: bool = True
    role: Role = ""
    generation: Generation = 4
    checks: dict[str, Literal["ok", "error"] | Health] | None = None
    ready: bool | None = None
    metrics: Literal["open", "hidden", "token", "login"] = "open"
    up_for: Ago = "3h"
    per_second: float = 40.0
    behind: Ago = "1s"
    stalled_for: Ago = "0s"
    partitions: int = 1
    rebalancing: bool = False
    batch_ms: float = 200.0
    slow_step: str = "processPersonsStep"
    stalled_steps: int = 0
    drops: dict[Cause, float] = {}
    dead_letters: int = 0

    @property
    def all_checks(self) -> dict[str, Literal["ok", "error"] | Health]:
        """Those given, else those of its role."""
        if self.checks is not None:
            return self.checks
        return {name: Health(status="ok") if self.generation == 6 else "ok" for name in CHECKS[self.role]}

    @property
    def healthy(self) -> bool:
        return all((check if isinstance(check, str) else check.status) != "error" for check in self.all_checks.values())

    @cached_property
    def first_asked(self) -> float:
        """When its times are relative to: when it was first asked, since scenarios are kept for longer than one run."""
        return time.time()

    def __call__(self, request: Request) -> Response:
        if request.method != "GET":
            return NOT_FOUND
        if request.path == "/_health":
            return self._state(healthy=self.healthy, checks=self.all_checks)
        if request.path == "/_ready":
            if self.ready is None:
                return self._state(healthy=self.healthy, checks=self.all_checks)
            return self._state(healthy=self.ready)
        if request.path == "/_metrics" or (request.path == "/metrics" and self.generation >= 5):
            return self._metrics()
        return NOT_FOUND

    def _state(self, *, healthy: bool, checks: dict[str, Literal["ok", "error"] | Health] | None = None) -> Response:
        body: dict[str, object] = {"status": "ok" if healthy else "error"}
        if checks:
            body["checks"] = checks
        return Response.json(body, status=200 if healthy else 503)

    def _metrics(self) -> Response:
        if self.metrics == "hidden" or self.generation == 2:
            return NOT_FOUND
        if self.metrics == "token":
            return Response.json({"error": "Unauthorized"}, status=401)
        if self.metrics == "login":
            return LOGIN
        return Response.text(page([self._reading(topic, group) for topic, group in TOPICS[self.role]]))

    def _reading(self, topic: str, group: str) -> Reading:
        since = time.time() - self.first_asked
        stalled_for = seconds(self.stalled_for)
        up_s = seconds(self.up_for) + since
        still = bool(stalled_for) or not self.per_second
        return Reading(
            generation=self.generation,
            topic=topic,
            group=group,
            now=self.first_asked + since,
            up_s=up_s,
            for_s=max(0.0, up_s - stalled_for - since) if stalled_for else up_s,
            per_second=self.per_second,
            behind_s=max(stalled_for, seconds(self.behind)) + (since if still else 0.0),
            partitions=self.partitions,
            batch_s=self.batch_ms / 1000,
            slow_step=self.slow_step,
            percent=self.drops,
            dead_letters=self.dead_letters,
            stalled_steps=self.stalled_steps,
            rebalances=int(since * 2) if self.rebalancing else 1,
        )
