"""Declaring a check: its codes, its thresholds, what it reads, and the function that asks.

A check is a generator function whose parameters say, by type, what it needs:

    @check("dead-letters", stage=Stage.PLUGIN_SERVER, title="No events are dead-lettered", finds=[ACTIVE], reads=[GROUPS])
    def dead_letters(clickhouse: ClickHouse, window: Window, limits: Thresholds) -> Iterator[Finding]:

A parameter of a `Source` type makes the check `skipped` where that source is not configured and `blocked` where it cannot
be reached; `Source | None` lets it run without. Anything that is not a source is context: `Window`, `Scope`, `Thresholds`,
`KnownErrors`.
"""

import inspect
import types
import typing
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from msgspec import Struct, structs

from diagnostics.engine.known_errors import KnownErrors
from diagnostics.report.model import Action, Category, Evidence, Finding, Measure, Stage, Status
from diagnostics.report.wording import span
from diagnostics.sources.source import Read, Source

Number = TypeVar("Number", int, float)


class Window(Struct, frozen=True):
    """The time looked at. Queries use `seconds` back from the server's own clock, so that a skewed laptop changes nothing."""

    since: datetime
    until: datetime

    @property
    def seconds(self) -> int:
        return max(1, round((self.until - self.since).total_seconds()))

    def __str__(self) -> str:
        """`24 h`, `90 min`, `7 days`."""
        return span(self.until - self.since)


class Scope(Struct, frozen=True, kw_only=True):
    """What the reader narrowed the run to; None means everything."""

    team: int | None = None
    sentry_user: str | None = None


class Threshold(Struct, Generic[Number], frozen=True):
    """A number that a check compares with. Set as `thresholds.NAME`; durations are seconds."""

    name: str
    default: Number
    unit: Literal["s", "count", "ratio", "bytes"]
    help: str


class Thresholds:
    """The thresholds in effect: `limits(ACTIVE_WITHIN)`."""

    def __init__(self, values: dict[str, float] | None = None) -> None:
        self._values = values or {}

    def __call__(self, threshold: Threshold[Number]) -> Number:
        return type(threshold.default)(self._values.get(threshold.name, threshold.default))


class Code(Struct, frozen=True, kw_only=True):
    """A finding code, declared once and never renamed or reused.

    `worst` is the status that it is raised with at worst. `summary` continues the sentence "Events stop at <stage>: ..."
    without a capital; `headline` is said instead of "Events stop at <stage>" where that would say too much. `caused_by`
    names codes that explain this one when they are present, `contradicted_by` codes that speak against it when they are found
    beside it. `weak` says that something complains or that some events are touched, not that events stop: what stops them
    goes before it. As an effect a code tells where events stop: at its stage, at `stops_at` where it is seen elsewhere, or
    nowhere when they are only `waiting` because the next stage does not take them; `consequence` is then said beside the
    headline of its cause, because it cannot be undone. A `symptom` says that events are missing or late and not why: its
    actions look for the cause, and are not wanted once that is known. `stage` None means the check's.
    """

    id: str
    worst: Status
    summary: str
    headline: str = ""
    consequence: str = ""
    stage: Stage | None = None
    category: Category = Category.MAINTENANCE
    caused_by: tuple[str, ...] = ()
    contradicted_by: tuple[str, ...] = ()
    weak: bool = False
    waiting: bool = False
    symptom: bool = False
    stops_at: Stage | None = None

    def found(
        self,
        claim: str,
        *,
        status: Status | None = None,
        detail: str = "",
        affects: Sequence[str] = (),
        evidence: Sequence[Evidence] = (),
        actions: Sequence[Action] = (),
        cause: str = "",
        cause_codes: Sequence[str] = (),
        source_text: bool = False,
        measure: Measure | None = None,
    ) -> Finding:
        """The finding that says so. `status` only to raise it with less than the worst."""
        return Finding(
            code=self.id,
            status=status or self.worst,
            stage=self.stage,
            claim=claim,
            detail=detail,
            affects=tuple(affects),
            evidence=tuple(evidence),
            actions=tuple(actions),
            cause=cause,
            cause_codes=tuple(cause_codes),
            source_text=source_text,
            measure=measure,
        )


class Need(Struct, frozen=True):
    """A source that a check asks for, by parameter."""

    parameter: str
    source: type[Source]
    optional: bool


class Check(Struct, frozen=True, kw_only=True):
    """A declared check. Called by the runner with exactly the parameters of its function."""

    id: str
    title: str
    stage: Stage
    function: Callable[..., Iterator[Finding]]
    finds: tuple[Code, ...]
    reads: tuple[Read, ...]
    thresholds: tuple[Threshold[Any], ...]
    timeout: float
    probes: type[Source] | None
    only_with: str
    needs: tuple[Need, ...]
    context: dict[str, type]

    @property
    def about(self) -> str:
        """The docstring of the function, or of its module: what is measured, what healthy means, how to see it by hand."""
        return inspect.getdoc(self.function) or inspect.getdoc(inspect.getmodule(self.function)) or ""


CONTEXT: tuple[type, ...] = (Window, Scope, Thresholds, KnownErrors)


def check(
    id: str,
    *,
    stage: Stage,
    title: str,
    finds: Sequence[Code],
    reads: Sequence[Read] = (),
    thresholds: Sequence[Threshold[Any]] = (),
    timeout: float = 10.0,
    probes: type[Source] | None = None,
    only_with: str = "",
) -> Callable[[Callable[..., Iterator[Finding]]], Check]:
    """Declares the decorated generator as a check.

    `title` claims the healthy state. `timeout` is in seconds. `probes` names the source whose connection this check
    reports on: it runs even when the connection fails, and the checks on that source are then blocked by it. `only_with` is
    the option of `diag run` without which the check is not wanted: it does more than look.
    Raises TypeError for a parameter that the engine cannot supply.
    """

    def declare(function: Callable[..., Iterator[Finding]]) -> Check:
        needs, context = _parameters(id, function)
        return Check(
            id=id,
            title=title,
            stage=stage,
            function=function,
            finds=tuple(finds),
            reads=tuple(reads),
            thresholds=tuple(thresholds),
            timeout=timeout,
            probes=probes,
            only_with=only_with,
            needs=needs,
            context=context,
        )

    return declare


def _parameters(id: str, function: Callable[..., Any]) -> tuple[tuple[Need, ...], dict[str, type]]:
    hints = typing.get_type_hints(function)
    needs: list[Need] = []
    context: dict[str, type] = {}
    for name in inspect.signature(function).parameters:
        wanted, optional = _unwrap(hints.get(name))
        if isinstance(wanted, type) and issubclass(wanted, Source):
            needs.append(Need(name, wanted, optional))
        elif wanted in CONTEXT:
            context[name] = typing.cast(type, wanted)
        else:
            known = ", ".join(kind.__name__ for kind in CONTEXT)
            raise TypeError(f"check {id!r}: parameter {name!r} must be a Source, or one of {known}; got {hints.get(name)!r}")
    return tuple(needs), context


def _unwrap(hint: Any) -> tuple[Any, bool]:
    """`X | None` is (X, True), `X` is (X, False)."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        inner = [part for part in typing.get_args(hint) if part is not type(None)]
        if len(inner) == 1:
            return inner[0], True
    return hint, False


def at_stage(finding: Finding, stage: Stage) -> Finding:
    """The finding with the stage of its check, where its code names none."""
    return finding if finding.stage else structs.replace(finding, stage=stage)
