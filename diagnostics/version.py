"""The version of posthog-diag, the only place that states it (the wheel's metadata is read from here)."""

__version__ = "0.1.0"
