"""The lab: an install that is embedded in diag and broken in a known way.

The real ClickHouse engine behind its HTTP interface, in a process of its own, and stand-ins for the plugin server, the app and
Sentry. What is broken is data: the files in `scenarios/`. It needs the extra `lab`, and only once it starts.
"""

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from diagnostics.lab.install import Lab
    from diagnostics.lab.scenario import Scenario

__all__ = ["scenarios", "start"]


def scenarios() -> "tuple[Scenario, ...]":
    """Every scenario that comes with diag: the healthy ones first, then along the path."""
    from diagnostics.lab import scenario

    return scenario.scenarios()


def start(scenario: "Scenario") -> "AbstractContextManager[Lab]":
    """Starts the scenario for a `with` block; `Lab.environment` is what `diag run` needs. Raises LabMissing without chdb."""
    from diagnostics.lab import install

    return install.start(scenario)
