"""Loading a configuration in one line, and its problems as plain tuples."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from diagnostics.config.configuration import Configuration
from diagnostics.config.load import ConfigurationError, load
from diagnostics.engine.check import Threshold

THRESHOLDS: tuple[Threshold[Any], ...] = (
    Threshold("dead-letters.active-within", 900.0, "s", "how recent the newest dead letter is for the loss to be going on"),
    Threshold("dead-letters.groups", 10, "count", "how many groups are shown"),
    Threshold("events.drop-ratio", 0.5, "ratio", "how far below the usual rate"),
    Threshold("disk.free", 1_000_000, "bytes", "how much space is enough"),
)


def loaded(
    cwd: Path,
    *,
    options: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    toml: str | None = None,
    file: Path | None = None,
    thresholds: Sequence[Threshold[Any]] = THRESHOLDS,
) -> Configuration:
    """`toml` becomes `diag.toml` in `cwd`."""
    if toml is not None:
        (cwd / "diag.toml").write_text(toml, encoding="utf-8")
    return load(options=options or {}, environ=environ or {}, cwd=cwd, file=file, thresholds=thresholds)


def problems(cwd: Path, **how: Any) -> list[tuple[str, str, str]]:
    """(what, where, do) of everything that is wrong, with the directory written as `CWD`."""
    with pytest.raises(ConfigurationError) as raised:
        loaded(cwd, **how)
    return [(each.what, each.where.replace(str(cwd), "CWD"), each.do) for each in raised.value.problems]


def problem(cwd: Path, **how: Any) -> tuple[str, str, str]:
    """The only thing that is wrong."""
    (only,) = problems(cwd, **how)
    return only
