"""Stands in for the plugin server: `/_health`, `/_ready` and `/_metrics` on one port, as PostHog's answer.

Since 2023 (`plugin-server/src/main/services/http-server.ts`) `/_health` runs the checks that were registered and names each
with `ok` or `error`; since late 2025 (`nodejs/src/api/router.ts`) a check may say more, and `degraded` still answers 200.
Before that it proved only that the process ran.
"""

import time
from typing import Literal

from msgspec import Struct, field

from diagnostics.lab.http import Request, Response


class Health(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One check of a plugin server of 2026."""

    status: Literal["ok", "degraded", "error"]
    message: str = ""


class PluginServer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One plugin server. `checks` empty: of late 2022, whose `/_health` knows none. `ready` None: as healthy as it is.

    `dead_letters` is the total of its own counter.
    """

    up: bool = True
    checks: dict[str, Literal["ok", "error"] | Health] = field(
        default_factory=lambda: {"analytics-ingestion": "ok", "jobs-consumer": "ok", "scheduled-tasks": "ok"}
    )
    ready: bool | None = None
    dead_letters: int = 0

    @property
    def healthy(self) -> bool:
        return all((check if isinstance(check, str) else check.status) != "error" for check in self.checks.values())

    def __call__(self, request: Request) -> Response:
        if request.method != "GET":
            return Response.json({"error": {"message": "Not Found"}}, status=404)
        if request.path == "/_health":
            return self._health()
        if request.path == "/_ready":
            return self._health() if self.ready is None else self._state(healthy=self.ready)
        if request.path in ("/_metrics", "/metrics"):
            return Response.text(self._metrics())
        return Response.json({"error": {"message": "Not Found"}}, status=404)

    def _health(self) -> Response:
        return self._state(healthy=self.healthy, checks=self.checks)

    def _state(self, *, healthy: bool, checks: dict[str, Literal["ok", "error"] | Health] | None = None) -> Response:
        body: dict[str, object] = {"status": "ok" if healthy else "error"}
        if checks:
            body["checks"] = checks
        return Response.json(body, status=200 if healthy else 503)

    def _metrics(self) -> str:
        labels = '{topic="events_plugin_ingestion",partition="0",groupId="clickhouse-ingestion"}'
        behind_ms = 0 if self.healthy else 600_000
        return (
            "# HELP latest_processed_timestamp_ms Timestamp of the latest offset that has been committed.\n"
            "# TYPE latest_processed_timestamp_ms gauge\n"
            f"latest_processed_timestamp_ms{labels} {time.time() * 1000 - behind_ms:.0f}\n"
            "# HELP events_pipeline_step_dlq_total Number of events that have been sent to DLQ in this step.\n"
            "# TYPE events_pipeline_step_dlq_total counter\n"
            f'events_pipeline_step_dlq_total{{step_name="processPersonsStep"}} {self.dead_letters}\n'
            "# HELP events_pipeline_last_step_total Number of events that have entered the last step\n"
            "# TYPE events_pipeline_last_step_total counter\n"
            'events_pipeline_last_step_total{step_name="emitEventStep"} 184201\n'
        )
