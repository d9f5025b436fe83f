"""Stands in for capture, where SDKs send events: the Rust service of 2025 and later, or Django's endpoints before it.

Sources: `rust/capture/src/{router,api,prometheus,sinks/kafka}.rs`, `rust/common/health` and `posthog/api/capture.py` of
PostHog. A GET without data is answered as an event without data: 400, in plain text by the one and in JSON by the other.
"""

import time
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

from diagnostics.lab.http import Request, Response

PATHS = ("/e", "/i/v0/e", "/batch", "/capture", "/track", "/engage")
"""Where events are taken, with or without a slash at the end."""

STARTED = time.monotonic()

NO_DATA = "failed to parse request: EOF while parsing a value at line 1 column 0"
NOISE = {"token_shape_invalid": 31, "event_too_big": 2}
"""What any capture drops: scanners without a token, now and then an event that is too big."""

LOGIN = Response(status=302, headers=(("Location", "/login?next=/"), ("Content-Type", "text/html; charset=utf-8")))
CSRF = "<h1>Forbidden <span>(403)</span></h1>\n  <p>CSRF verification failed. Request aborted.</p>"


def _page(status: int, title: str, body: str = "", server: str = "nginx/1.25.3") -> Response:
    shown = body or f"<center><h1>{title}</h1></center>"
    text = f"<html>\n<head><title>{title}</title></head>\n<body>\n{shown}\n</body>\n</html>\n"
    return Response(status=status, headers=(("Content-Type", "text/html"), ("Server", server)), body=text.encode())


GATEWAY = {502: "502 Bad Gateway", 503: "503 Service Temporarily Unavailable", 504: "504 Gateway Time-out"}


class Capture(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Capture. `public`: asked through the proxy, so that its own pages belong to the app. `gateway`: the proxy's answer in its
    place, for it is down; or only behind the paths `down`, with 502. `to_app` and `missing` are paths that the proxy sends to
    the app, or nowhere; `circles`: it redirects each request to itself.

    `brokers_up` of `brokers` can be reached: with none, half of what it received is lost already, and all that still comes; who
    does not wait for Kafka takes it all the same. The totals grow by what is received and dropped each second. `refuses`: what
    it holds against events that are sent to it; `sent`: what becomes of one that it takes, after `delay_s`.
    """

    up: bool = True
    kind: Literal["rust", "django"] = "rust"
    public: bool = False
    gateway: Literal[0, 502, 503, 504] = 0
    down: tuple[str, ...] = ()
    to_app: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    circles: bool = False
    flags: bool = True
    metrics: bool = True
    brokers: int = 1
    brokers_up: int = 1
    waits_for_kafka: bool = True
    received: int = 184_201
    received_per_s: float = 4.0
    dropped: dict[str, int] = field(default_factory=NOISE.copy)
    dropped_per_s: dict[str, float] = {}
    refuses: Literal["", "token", "quota", "size", "team"] = ""
    sent: Literal["arrives", "lost", "dead-letter"] = "arrives"
    delay_s: float = 0.2

    def __call__(self, request: Request) -> Response:
        path = request.path.rstrip("/")
        if self.circles:
            return Response(status=301, headers=(("Location", f"http://{request.headers.get('host', '')}{request.path}"),))
        if path in self.missing:
            return _page(404, "404 Not Found")
        if path in self.to_app:
            return LOGIN if request.method == "GET" else _page(403, "403 Forbidden", CSRF, server="")
        if path in PATHS:
            if self.gateway or path in self.down:
                return _page(self.gateway or 502, GATEWAY[self.gateway or 502])
            return self._event(request) if request.method == "POST" else self._refusal(400, "no_data", NO_DATA)
        if path == "/flags":
            return Response.json({"config": {"enable_collect_everything": True}}) if self.flags else LOGIN
        return LOGIN if self.public or self.gateway else self._own_page(path)

    @property
    def produces(self) -> bool:
        """Whether an event that it takes gets into Kafka."""
        return self.brokers_up > 0

    def _own_page(self, path: str) -> Response:
        if self.kind == "django":
            return self._django(path)
        match path:
            case "" | "/_readiness":
                return Response.text("capture")
            case "/_liveness":
                return self._liveness()
            case "/metrics" if self.metrics:
                return Response.text(self._metrics())
        return Response(status=404)

    def _django(self, path: str) -> Response:
        if path == "/_livez":
            return Response.json({"http": True})
        if path == "/_readyz":
            return Response.json({"http": True, "kafka_connected": self.produces}, status=200 if self.produces else 503)
        return LOGIN

    def _liveness(self) -> Response:
        state = "HealthyUntil(2024-05-14 9:12:31.048772 +00:00:00)" if self.produces else "Stalled"
        healthy = str(self.produces).lower()
        text = f'HealthStatus {{ healthy: {healthy}, components: {{"rdkafka": {state}}} }}'
        return Response.text(text, status=200 if self.produces else 500)

    def _event(self, request: Request) -> Response:
        if not _token(request.body):
            return self._refusal(401, "missing_api_key", "event submitted without an api_key")
        match self.refuses:
            case "token":
                return self._refusal(401, "invalid_api_key", "API key is not valid: project_key_not_found")
            case "quota":
                return self._refusal(429, "quota", "billing limit reached")
            case "size":
                return self._refusal(413, "too_large", "maximum event size exceeded")
            case "team":
                return self._refusal(503, "fetch_team_fail", "transient error, please retry")
        if not self.produces and self.waits_for_kafka:
            return self._refusal(503, "server_error", "transient error, please retry")
        return Response.json({"status": 1 if self.kind == "django" else "Ok"})

    def _refusal(self, status: int, code: str, text: str) -> Response:
        if self.kind == "rust":
            return Response.text(text, status=status)
        kind = "authentication_error" if status == 401 else "server_error" if status == 503 else "validation_error"
        return Response.json({"type": kind, "code": code, "detail": text, "attr": None}, status=status)

    def _metrics(self) -> str:
        seconds = time.monotonic() - STARTED
        received = self.received + int(self.received_per_s * seconds)
        dropped = dict(self.dropped)
        refused_by_kafka = {} if self.produces else {"retryable_sink": self.received_per_s}
        if not self.produces:
            dropped["retryable_sink"] = self.received // 2
        for cause, rate in (self.dropped_per_s | refused_by_kafka).items():
            dropped[cause] = dropped.get(cause, 0) + int(rate * seconds)
        errors = dropped.get("retryable_sink", 0)
        lines = [
            "# TYPE capture_events_received_total counter",
            f"capture_events_received_total {received}",
            "# TYPE capture_events_dropped_total counter",
            *(f'capture_events_dropped_total{{cause="{cause}"}} {count}' for cause, count in dropped.items()),
            "# TYPE capture_events_ingested_total counter",
            f"capture_events_ingested_total {max(0, received - sum(dropped.values()))}",
            "# TYPE capture_kafka_any_brokers_down gauge",
            f"capture_kafka_any_brokers_down {int(self.brokers_up < self.brokers)}",
            "# TYPE capture_kafka_broker_connected gauge",
            *(
                f'capture_kafka_broker_connected{{broker="{number}"}} {int(number <= self.brokers_up)}'
                for number in range(1, self.brokers + 1)
            ),
            "# TYPE capture_kafka_produce_errors_total counter",
            f"capture_kafka_produce_errors_total {errors}",
            "# TYPE capture_kafka_producer_queue_depth gauge",
            f"capture_kafka_producer_queue_depth {12 if self.produces else 98_304}",
            "# TYPE capture_kafka_producer_queue_depth_limit gauge",
            "capture_kafka_producer_queue_depth_limit 100000",
        ]
        return "\n".join(lines) + "\n"


def _token(body: bytes) -> str:
    event = decoded(body)
    return str(event.get("api_key") or event.get("token") or "")


def decoded(body: bytes) -> dict[str, Any]:
    """The event that was sent; empty for what is none."""
    try:
        event = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {}
    return event if isinstance(event, dict) else {}
