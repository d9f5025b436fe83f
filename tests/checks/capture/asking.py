"""A capture that answers what a test wrote down, and a source that asks it."""

import time
from collections.abc import Mapping

from diagnostics.lab.capture import NO_DATA
from diagnostics.lab.scripted import ScriptedServer
from diagnostics.sources.capture import EVENT_PATHS, METRICS, ROUTES, SEND, Capture
from diagnostics.sources.http import HttpOptions
from diagnostics.sources.source import Asker, Recorder

READS = frozenset([SEND.name, METRICS.name, *(route.name for route in ROUTES.values())])


def capture(url: str, *reads: str, seconds: float = 20.0) -> Capture:
    source = Capture(url, recorder=Recorder(), options=HttpOptions(timeout=2.0), project_token="phc_x")
    return source.bind(Asker("a-check", time.monotonic() + seconds, READS | set(reads)))


def takes(server: ScriptedServer, *paths: str) -> ScriptedServer:
    """The Rust capture answers on these paths, or on all."""
    for path in paths or EVENT_PATHS:
        server.route(path, status=400, text=NO_DATA)
    return server


def itself(server: ScriptedServer) -> ScriptedServer:
    """At its own address, with nobody in front."""
    server.route("/", text="capture")
    return takes(server)


def counts(
    server: ScriptedServer,
    *,
    received: int,
    dropped: Mapping[str, int],
    errors: int = 0,
    brokers: tuple[int, ...] = (1,),
    queued: int = 0,
) -> None:
    """What its page of metrics says the next time; of several calls each counts once, the last for ever."""
    lines = [
        f"capture_events_received_total {received}",
        *(f'capture_events_dropped_total{{cause="{cause}"}} {events}' for cause, events in dropped.items()),
        f"capture_kafka_produce_errors_total {errors}",
        *(f'capture_kafka_broker_connected{{broker="{number}"}} {up}' for number, up in enumerate(brokers)),
        f"capture_kafka_producer_queue_depth {queued}",
        "capture_kafka_producer_queue_depth_limit 1000",
    ]
    server.route("/metrics", text="\n".join(lines) + "\n")
