"""Finding checks and runbooks: the built-in ones come in through the same entry points as anybody's.

A distribution offers checks under `posthog_diag.checks` (a module that declares them) and runbooks under
`posthog_diag.runbooks` (a package holding `*.md` and perhaps a `known-errors.toml`). One that cannot be loaded is
reported in `broken` and stops nobody.
"""

import contextlib
import importlib.util
import sys
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

from msgspec import Struct

from diagnostics.engine import runbook
from diagnostics.engine.check import Check, Code, Threshold
from diagnostics.engine.known_errors import KnownError, KnownErrors
from diagnostics.engine.runbook import Runbook, RunbookError
from diagnostics.engine.runner import CRASHED, TIMED_OUT
from diagnostics.report.model import Stage

CHECKS = "posthog_diag.checks"
RUNBOOKS = "posthog_diag.runbooks"


class Broken(Struct, frozen=True):
    """An entry point that could not be used: `name` of `distribution`, and why."""

    name: str
    distribution: str
    error: str


class Registry(Struct, frozen=True):
    """Every check, in path order; every code; the runbooks by id; the known errors; and what could not be loaded."""

    checks: tuple[Check, ...]
    codes: dict[str, Code]
    runbooks: dict[str, Runbook]
    known: KnownErrors
    broken: tuple[Broken, ...]

    @property
    def thresholds(self) -> tuple[Threshold[float], ...]:
        """Every threshold that a check declares, by name."""
        named = {threshold.name: threshold for check in self.checks for threshold in check.thresholds}
        return tuple(named[name] for name in sorted(named))


def load(points: Iterable[EntryPoint] | None = None) -> Registry:
    """Loads whatever is installed, or just `points`. Never raises for a check that is broken."""
    offered = list(points) if points is not None else [*entry_points(group=CHECKS), *entry_points(group=RUNBOOKS)]
    checks: dict[str, Check] = {}
    codes = {code.id: code for code in (CRASHED, TIMED_OUT)}
    runbooks: dict[str, Runbook] = {}
    known: list[KnownError] = []
    broken: list[Broken] = []
    for point in sorted(offered, key=lambda point: (_distribution(point) != "posthog-diag", point.group, point.name)):
        try:
            if point.group == RUNBOOKS:
                _add_runbooks(_directories(point), runbooks, known)
            else:
                _add(_declared(point), checks, codes)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a stranger's module may raise anything on import
            broken.append(Broken(point.name, _distribution(point), f"{type(error).__name__}: {error}"))
    stages = list(Stage)
    ordered = sorted(checks.values(), key=lambda check: (stages.index(check.stage), check.id))
    return Registry(tuple(ordered), codes, runbooks, KnownErrors(known), tuple(broken))


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "unknown"


def _declared(point: EntryPoint) -> list[Check]:
    with contextlib.redirect_stdout(sys.stderr):  # stdout is the report's
        loaded = point.load()
    found = [loaded] if isinstance(loaded, Check) else list(vars(loaded).values()) if isinstance(loaded, ModuleType) else []
    checks = [value for value in found if isinstance(value, Check)]
    if not checks:
        raise TypeError(f"{point.value} declares no check: decorate a function with diagnostics.check")
    return checks


def _add(found: list[Check], checks: dict[str, Check], codes: dict[str, Code]) -> None:
    """All of an entry point's checks or none: half a topic would look like a whole one."""
    new_checks, new_codes = dict(checks), dict(codes)
    for check in found:
        if check.id in new_checks:
            raise ValueError(f"the check id {check.id} is taken already")
        new_checks[check.id] = check
        for code in check.finds:
            if new_codes.setdefault(code.id, code) != code:
                raise ValueError(f"the code {code.id} is declared differently by another check")
    checks.update(new_checks)
    codes.update(new_codes)


def _directories(point: EntryPoint) -> list[Path]:
    spec = importlib.util.find_spec(point.value)
    places = [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
    if not any(place.is_dir() for place in places):
        raise FileNotFoundError(f"{point.value} is not a folder of runbooks")
    return [place for place in places if place.is_dir()]


def _add_runbooks(folders: list[Path], runbooks: dict[str, Runbook], known: list[KnownError]) -> None:
    """All that an entry point offers or nothing. Raises RunbookError."""
    found, errors = runbook.load(folders), runbook.known_errors(folders)
    if taken := found.keys() & runbooks.keys():
        raise RunbookError(f"the runbook id {min(taken)} is taken already")
    runbooks.update(found)
    known.extend(errors.entries)
