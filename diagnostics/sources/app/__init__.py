"""The app as diag asks it."""

from diagnostics.sources.app.source import HEALTH, INSTANCE_STATUS, LIVEZ, PREFLIGHT, READYZ, App
from diagnostics.sources.app.state import AppState, Page, Standing, SystemStatus

__all__ = ["HEALTH", "INSTANCE_STATUS", "LIVEZ", "PREFLIGHT", "READYZ", "App", "AppState", "Page", "Standing", "SystemStatus"]
