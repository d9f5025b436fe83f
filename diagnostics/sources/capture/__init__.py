"""Capture as diag asks it."""

from diagnostics.sources.capture.canary import SEND
from diagnostics.sources.capture.counts import Counts
from diagnostics.sources.capture.routes import Route, Taker
from diagnostics.sources.capture.source import EVENT_PATHS, INDEX, LIVENESS, METRICS, READYZ, ROUTES, Capture, CaptureState

__all__ = [
    "EVENT_PATHS",
    "INDEX",
    "LIVENESS",
    "METRICS",
    "READYZ",
    "ROUTES",
    "SEND",
    "Capture",
    "CaptureState",
    "Counts",
    "Route",
    "Taker",
]
