"""Walks a report by the types of its fields: every string goes through the gate, unless its type or its field says what it is.

A string field that is added to the model is private until somebody lists it here.
"""

import re
import types
import typing
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, Protocol, TypeVar

from msgspec import Struct, structs

from diagnostics.report.model import (
    Action,
    Blind,
    CheckResult,
    Finding,
    Privacy,
    QueryText,
    Report,
    Scalar,
    Step,
    Table,
    Tool,
    Verdict,
)

T = TypeVar("T")

# What diag itself makes, whatever the install says.
STRUCTURE: dict[type[Struct], frozenset[str]] = {
    Report: frozenset({"id"}),
    Tool: frozenset({"name", "version"}),
    Privacy: frozenset({"redacted"}),
}
# Names that others refer to. They stay if they look like one: checks and runbooks may be anybody's.
IDENTIFIERS: dict[type[Struct], frozenset[str]] = {
    Report: frozenset({"runbook"}),
    CheckResult: frozenset({"id", "blocked_by"}),
    Finding: frozenset({"code", "cause_codes", "runbook"}),
    Step: frozenset({"checks"}),
    Blind: frozenset({"check"}),
    Verdict: frozenset({"code", "also"}),
}
_IDENTIFIER = re.compile(r"[a-z][a-z0-9]*+(?:[._-][a-z0-9]++)*+(?:#[a-z][a-z0-9.-]*+)?")


class Gate(Protocol):
    """What strings pass through."""

    def text(self, text: str) -> str:
        """Any text."""

    def field(self, name: str, text: str) -> str:
        """The value of a field or column whose name tells something about it."""

    def error(self, text: str) -> str:
        """An error text of which the template is shown."""

    def request(self, text: str) -> str:
        """A command, a query or a request that a check has written, to be run by hand."""

    def person(self, identity: str) -> str:
        """What identifies a person and nothing else."""

    def host(self, name: str) -> str:
        """The name of a machine, perhaps with a port, and nothing else."""


def through(value: T, gate: Gate) -> T:
    """`value`, a report or a part of one, with every string replaced by what `gate` makes of it.

    Raises TypeError for what no report should hold: it would be printed unseen.
    """
    return typing.cast(T, _through(value, gate))


def _through(value: Any, gate: Gate) -> Any:
    if isinstance(value, Struct):
        kept = _kept(type(value))
        return structs.replace(
            value, **{name: _field(value, name, gate) for name in value.__struct_fields__ if name not in kept}
        )
    if isinstance(value, Enum | int | float | datetime | None):
        return value
    if isinstance(value, str):
        return gate.text(value)
    if isinstance(value, tuple):
        return tuple(_through(item, gate) for item in value)
    if isinstance(value, dict):
        return _dict(value, gate)
    raise TypeError(f"a report holds no {type(value).__name__}")


def _field(struct: Struct, name: str, gate: Gate) -> Any:
    match struct, name:
        case Table(), "rows":
            return tuple(tuple(_cell(struct, place, cell, gate) for place, cell in enumerate(row)) for row in struct.rows)
        case Action(), "commands":
            return tuple(gate.request(command) for command in struct.commands)
        case QueryText(), "text":
            return gate.request(struct.text)
    if name in IDENTIFIERS.get(type(struct), ()):
        return _identifier(getattr(struct, name), gate)
    return _through(getattr(struct, name), gate)


def _identifier(value: str | tuple[str, ...] | None, gate: Gate) -> str | tuple[str, ...] | None:
    if isinstance(value, tuple):
        return tuple(each if _IDENTIFIER.fullmatch(each) else gate.text(each) for each in value)
    return value if value is None or _IDENTIFIER.fullmatch(value) else gate.text(value)


def _cell(table: Table, place: int, cell: Scalar, gate: Gate) -> Scalar:
    # A row that is longer than the table has columns is somebody's bug, and no reason to print what is in it.
    column = table.columns[place] if place < len(table.columns) else None
    if column and column.kind == "person" and not isinstance(cell, bool | None):
        return gate.person(str(cell))
    if column and column.kind == "host" and isinstance(cell, str):
        return gate.host(cell)
    if column and column.kind == "error" and isinstance(cell, str):
        return gate.error(cell)
    if column and isinstance(cell, str):
        return gate.field(column.name, cell)
    return typing.cast(Scalar, _through(cell, gate))


def _dict(values: dict[str, Any], gate: Gate) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, value in values.items():
        key = gate.text(name)
        while key in result:  # two names that differed only in what was taken out
            key += "'"
        result[key] = gate.field(name, value) if isinstance(value, str) else _through(value, gate)
    return result


@cache
def _kept(struct: type[Struct]) -> frozenset[str]:
    """The fields of `struct` that stay: structure, and literals that are one of the model's own words."""
    hints = typing.get_type_hints(struct)
    return STRUCTURE.get(struct, frozenset()) | {name for name, hint in hints.items() if _is_literal(hint)}


def _is_literal(hint: Any) -> bool:
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return all(_is_literal(part) for part in typing.get_args(hint))
    return hint is type(None) or typing.get_origin(hint) is typing.Literal
