"""Metrics pages of plugin servers as a test writes them, and readings made of two of them."""

import time
from collections.abc import Iterable

from diagnostics.lab.scripted import ScriptedServer
from diagnostics.sources.http import HttpOptions
from diagnostics.sources.metrics import parse
from diagnostics.sources.plugin_server import METRICS, METRICS_ELSEWHERE, PluginServer
from diagnostics.sources.plugin_server.metrics import Readings
from diagnostics.sources.source import Asker, Recorder

MAY = frozenset({METRICS.name, METRICS_ELSEWHERE.name})
HEALTHY = {"status": "ok", "checks": {"analytics-ingestion": "ok"}}

TOPIC, GROUP = "events_plugin_ingestion", "clickhouse-ingestion"
CONSUMER = f'topic="{TOPIC}",groupId="{GROUP}"'


def consuming(
    *, turns: int, batches: int, newest_ms: float, batch_ms: float = 200, partitions: int | None = 1, more: str = ""
) -> str:
    """The counters of the consumer of events, as they were in 2024."""
    declared = "# TYPE kafka_absolute_partition_count gauge\n"
    held = f'kafka_absolute_partition_count{{topic="{TOPIC}"}} {partitions}\n' if partitions is not None else ""
    return (
        f"consumed_batch_size_count{{{CONSUMER}}} {turns}\n"
        f"consumed_batch_duration_ms_count{{{CONSUMER}}} {batches}\n"
        f"consumed_batch_duration_ms_sum{{{CONSUMER}}} {batches * batch_ms}\n"
        f'latest_processed_timestamp_ms{{topic="{TOPIC}",partition="0",groupId="{GROUP}"}} {newest_ms:.0f}\n'
        f"{declared}{held}{more}"
    )


def readings(before: str, after: str | None = None, *, at: float = 1000.0, seconds: float = 1.2) -> Readings:
    """Two readings of these pages; the same page twice when there is but one."""
    later = before if after is None else after
    declared = frozenset(line.split()[2] for line in later.splitlines() if line.startswith("# TYPE"))
    return Readings(address="http://a", at=at, before=parse(before), after=parse(later), seconds=seconds, declared=declared)


def serve(server: ScriptedServer, pages: Iterable[str], health: object = HEALTHY, path: str = "/_metrics") -> str:
    """Answers like a plugin server; each page of metrics once, the last for ever."""
    server.route("/_health", json=health)
    server.route("/_ready", json=health)
    for page in pages:
        server.route(path, text=page)
    return server.url


def plugin_server(*urls: str, time_left: float = 10.0, recorder: Recorder | None = None) -> PluginServer:
    source = PluginServer(urls, recorder=recorder or Recorder(), options=HttpOptions(timeout=2.0))
    return source.bind(Asker("a-check", time.monotonic() + time_left, MAY))
