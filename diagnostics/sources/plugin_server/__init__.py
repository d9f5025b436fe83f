"""The plugin server as diag asks it."""

from diagnostics.sources.plugin_server.health import Health, HealthStatus, Readiness
from diagnostics.sources.plugin_server.metrics import Readings
from diagnostics.sources.plugin_server.source import HEALTH, METRICS, METRICS_ELSEWHERE, READY, PluginServer

__all__ = ["HEALTH", "METRICS", "METRICS_ELSEWHERE", "READY", "Health", "HealthStatus", "PluginServer", "Readiness", "Readings"]
