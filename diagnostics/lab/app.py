"""Stands in for the PostHog app (Django): its preflight, health and readiness, and the System Status.

Sources: `posthog/views.py`, `posthog/health.py`, `posthog/api/instance_status.py` of PostHog. What is down is said once, and
every endpoint reports it in its own words.
"""

from typing import Literal

from msgspec import Struct

from diagnostics.lab.http import Request, Response

Dependency = Literal["postgres", "redis", "celery", "clickhouse", "kafka", "migrations", "plugin-server"]

# Which dependencies a check of `/_readyz` stands on, and which checks a role of it needs.
READINESS: dict[str, tuple[Dependency, ...]] = {
    "http": (),
    "clickhouse": ("clickhouse",),
    "postgres": ("postgres",),
    "postgres_flags": ("postgres",),
    "postgres_migrations_uptodate": ("postgres", "migrations"),
    "kafka_connected": ("kafka",),
    "celery_broker": ("redis",),
    "cache": ("redis",),
}
ROLES = {
    "events": ("http", "kafka_connected"),
    "web": tuple(READINESS),
    "worker": tuple(READINESS),
    "decide": ("http",),
}


def _page(status: int, title: str) -> Response:
    text = f'<!doctype html>\n<html lang="en"><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n'
    return Response.text(text, status=status, kind="text/html")


SERVER_ERROR = _page(500, "Server Error (500)")
NOT_FOUND = _page(404, "Not Found")
FORBIDDEN = _page(403, "403 Forbidden")


class App(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The app. `down` is what it cannot use; `plugin-server` there means that the heartbeat is missing, not that it is down.

    `forbidden` are paths for which a proxy in front shows a page of its own; `failing` are those that the app breaks on.
    """

    up: bool = True
    down: tuple[Dependency, ...] = ()
    forbidden: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()
    version: str = "1.43.0"
    personal_api_key: str | None = "phx_1abS4fFtkEc9ZrM0cFcMRpvEwGqkfQk2uB8HnJ7sYtLxWd3"

    def __call__(self, request: Request) -> Response:
        path = request.path.rstrip("/")
        if path in self.forbidden:
            return FORBIDDEN
        if path in self.failing:
            return SERVER_ERROR
        match path:
            case "/_livez":
                return Response.json({"http": True})
            case "/_readyz":
                return self._readyz(request)
            case "/_health":
                return self._health()
            case "/_preflight":
                return Response.json(self._preflight())
            case "/api/instance_status":
                return self._instance_status(request)
        return NOT_FOUND

    def _up(self, *dependencies: Dependency) -> bool:
        return not any(dependency in self.down for dependency in dependencies)

    def _readyz(self, request: Request) -> Response:
        role = request.parameter("role")
        if role is not None and role not in ROLES:
            return Response.json({"error": "InvalidRole"}, status=400)
        excluded = {value for name, value in request.query if name == "exclude"}
        answers = {check: self._up(*needs) for check, needs in READINESS.items()}
        needed = set(ROLES[role] if role else READINESS) - excluded
        return Response.json(answers, status=200 if all(answers[check] for check in needed) else 503)

    def _health(self) -> Response:
        if not self._up("postgres"):
            return SERVER_ERROR
        return Response.text("ok") if self._up("migrations") else Response.text("Migrations are not up to date", status=503)

    def _preflight(self) -> dict[str, object]:
        return {
            "django": True,
            "redis": self._up("redis"),
            "plugins": self._up("plugin-server", "redis"),
            "celery": self._up("celery", "redis"),
            "clickhouse": self._up("clickhouse"),
            "kafka": self._up("kafka"),
            "db": self._up("postgres"),
            "initiated": True,
            "cloud": False,
            "demo": False,
            "realm": "hosted-clickhouse",
            "region": None,
            "available_social_auth_providers": {"google-oauth2": False, "github": False, "gitlab": False},
            "can_create_org": False,
            "email_service_available": False,
            "slack_service": {"available": False, "client_id": None},
            "object_storage": True,
        }

    def _instance_status(self, request: Request) -> Response:
        if not self._up("postgres"):  # whoever asks cannot even be looked up
            return SERVER_ERROR
        authorization = request.headers.get("authorization", "")
        if not authorization:
            return _unauthenticated("not_authenticated", "Authentication credentials were not provided.")
        if self.personal_api_key is None or authorization != f"Bearer {self.personal_api_key}":
            return _unauthenticated(
                "authentication_failed", "Personal API key found in request Authorization header is invalid."
            )
        return Response.json({"results": {"overview": self._overview()}})

    def _overview(self) -> list[dict[str, object]]:
        rows: list[tuple[str, str, object]] = [
            ("posthog_version", "PostHog version", self.version),
            ("posthog_git_sha", "PostHog Git SHA", "9f0d3c1b7a"),
            ("analytics_database", "Analytics database in use", "ClickHouse"),
            # "sever" is PostHog's own spelling of these keys
            ("plugin_sever_alive", "Plugin server alive", self._up("plugin-server", "redis")),
            ("plugin_sever_version", "Plugin server version", self.version if self._up("redis") else "unknown"),
            ("plugin_sever_job_queues", "Job queues enabled in plugin server", "Graphile" if self._up("redis") else "unknown"),
            ("db_alive", "Postgres database alive", True),
            ("pg_version", "Postgres version", "12.13.0"),
            ("redis_alive", "Redis alive", self._up("redis")),
            ("clickhouse_alive", "Clickhouse database alive", self._up("clickhouse")),
        ]
        return [{"key": key, "metric": metric, "value": value} for key, metric, value in rows]


def _unauthenticated(code: str, detail: str) -> Response:
    return Response.json({"type": "authentication_error", "code": code, "detail": detail, "attr": None}, status=401)
