"""Running the installed command as a user does."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

DIAG = Path(sys.executable).with_name("diag")


def clean(environment: Mapping[str, str]) -> dict[str, str]:
    """Without what could configure diag by accident."""
    own = ("DIAG_", "SENTRY_", "CLICKHOUSE_", "KAFKA_", "SITE_URL", "CDP_API_URL", "CI", "NO_COLOR", "FORCE_COLOR")
    return {name: value for name, value in environment.items() if not name.startswith(own)}


def diag(*arguments: str | Path, cwd: Path, environment: Mapping[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    """Runs `diag` in `cwd` with nothing configured but what `environment` adds."""
    return subprocess.run(
        [DIAG, *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**clean(os.environ), "XDG_CONFIG_HOME": str(cwd), **(environment or {})},
        check=False,
        timeout=60,
    )
