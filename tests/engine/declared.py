"""A source and a few ways to build checks and results, for the engine's own tests."""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from diagnostics.engine.check import Check, Code, check
from diagnostics.report.model import CheckResult, Finding, Stage, Status
from diagnostics.sources.source import Asker, Connected, Connection, Endpoint, NotConnected, Read, Source

PROBE = Endpoint(name="oracle.probe", source="oracle", path="/", why="whether it answers")
ASK = Endpoint(name="oracle.ask", source="oracle", path="/ask", why="anything")


class Oracle(Source):
    """A source that is up or down as told."""

    id: ClassVar[str] = "oracle"
    label: ClassVar[str] = "the oracle"
    probes: ClassVar[tuple[Read, ...]] = (PROBE,)

    def __init__(self, *, up: bool = True) -> None:
        self.up = up
        self.asker = Asker("nobody", 0.0, frozenset())

    def connection(self) -> Connection:
        if self.up:
            return Connected(seconds=0.0)
        return NotConnected(code="oracle.unreachable", message="the oracle does not answer", hint="wake it")

    def address(self) -> str:
        return "oracle.invalid"

    def learned(self) -> dict[str, str]:
        return {"oracle_version": "1"}


UNREACHABLE = Code(id="oracle.unreachable", worst=Status.FAIL, summary="the oracle is silent", stage=Stage.KAFKA)
BAD = Code(id="oracle.bad", worst=Status.FAIL, summary="it speaks ill", caused_by=("oracle.unreachable", "app.down"))
ODD = Code(id="oracle.odd", worst=Status.WARN, summary="it stutters")
APP_DOWN = Code(id="app.down", worst=Status.FAIL, summary="the app is down", stage=Stage.APP)


def declare(function: Callable[..., Iterator[Finding]], id: str = "omen", **declared: Any) -> Check:
    """A check that runs `function`, with defaults for what the test does not care about."""
    arguments: dict[str, Any] = {"stage": Stage.KAFKA, "title": "The omen is good", "finds": [BAD, ODD], **declared}
    return check(id, **arguments)(function)


def result(
    id: str, *findings: Finding, status: Status = Status.OK, stage: Stage = Stage.KAFKA, reason: str = ""
) -> CheckResult:
    worst = min([status, *(finding.status for finding in findings)], key=lambda each: each.rank)
    return CheckResult(id=id, title=f"{id} is well", stage=stage, status=worst, reason=reason, findings=findings)
