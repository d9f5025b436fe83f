"""What a check author imports, and nothing else.

    from diagnostics import Code, Finding, Stage, Status, Window, check
    from diagnostics.sources.clickhouse import ClickHouse, Query

Names are loaded when they are first used, so that `diag --help` costs no more than click.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diagnostics.engine.check import Check, Code, Scope, Threshold, Thresholds, Window, check
    from diagnostics.engine.known_errors import KnownError, KnownErrors, leading_cause
    from diagnostics.report.model import (
        Action,
        Category,
        Column,
        Evidence,
        Finding,
        Measure,
        QueryText,
        Series,
        Stage,
        Status,
        Table,
        Text,
        Values,
    )
    from diagnostics.report.wording import span, span_s

_HOMES = {
    "diagnostics.engine.check": ("Check", "Code", "Scope", "Threshold", "Thresholds", "Window", "check"),
    "diagnostics.engine.known_errors": ("KnownError", "KnownErrors", "leading_cause"),
    "diagnostics.report.model": (
        "Action",
        "Category",
        "Column",
        "Evidence",
        "Finding",
        "Measure",
        "QueryText",
        "Series",
        "Stage",
        "Status",
        "Table",
        "Text",
        "Values",
    ),
    "diagnostics.report.wording": ("span", "span_s"),
}

__all__ = [
    "Action",
    "Category",
    "Check",
    "Code",
    "Column",
    "Evidence",
    "Finding",
    "KnownError",
    "KnownErrors",
    "Measure",
    "QueryText",
    "Scope",
    "Series",
    "Stage",
    "Status",
    "Table",
    "Text",
    "Threshold",
    "Thresholds",
    "Values",
    "Window",
    "check",
    "leading_cause",
    "span",
    "span_s",
]


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            import importlib

            return getattr(importlib.import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
