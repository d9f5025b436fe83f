"""Discovery: what the install itself says about where it is. Reads the environment and the current directory, asks nobody."""

from collections.abc import Mapping
from pathlib import Path

from diagnostics.config import from_compose, from_environment
from diagnostics.config.discovery import Discovery


def discover(environ: Mapping[str, str], cwd: Path) -> tuple[Discovery, ...]:
    """What each place told, the more trustworthy first: the environment that PostHog runs in, then a compose install here."""
    return (from_environment.discover(environ), from_compose.discover(cwd))
