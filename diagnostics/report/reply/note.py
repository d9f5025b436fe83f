"""The private hand-off note: everything that the next person on duty needs to go on without asking again."""

from collections.abc import Iterator, Sequence

from diagnostics.report.hero import ended, escalation
from diagnostics.report.model import Report, Status
from diagnostics.report.outline import Outline, outline
from diagnostics.report.reply.blocks import Block, Detail, Paragraph, Points, Steps, ranked, step
from diagnostics.report.wording import more, stamp, window

_BAD = (Status.FAIL, Status.WARN)
_ROOM = Detail()
_FINDINGS = 8


def note(report: Report) -> tuple[Block, ...]:
    """The note, by report alone: whoever sends it adds what the customer answered."""
    parts = outline(report)
    return (
        Paragraph(("Private hand-off note.", f"Tag: {report.triage.category}.", escalation(report))),
        Points("Verdict", tuple(_verdict(report))),
        *_listed("Evidence", _evidence(report), _FINDINGS),
        *_listed("Speaks against it, or is not covered", [*parts.doubts, *_unseen(report, parts)], _ROOM.points + 1),
        *_listed("Asked in the first reply", parts.ask[: _ROOM.questions], _ROOM.questions),
        *_listed("Still to ask", parts.ask[_ROOM.questions :], _ROOM.points),
        *_proposed(report),
        Points("What next", tuple(_next(report))),
    )


def _verdict(report: Report) -> Iterator[str]:
    verdict = report.verdict
    yield f"{ended(verdict.headline)} Confidence: {verdict.confidence}."
    known = [f"code {verdict.code}" if verdict.code else "", f"events stop at {verdict.stage}" if verdict.stage else ""]
    if any(known):
        yield f"Root cause: {', '.join(part for part in known if part)}."
    if verdict.also:
        yield f"Fails too and is not explained by it: {', '.join(verdict.also)}."
    facts = [f"{name.replace('_', ' ')} {value}" for name, value in report.install.items() if value]
    made = f"report {report.id} by {report.tool.name} {report.tool.version}, {stamp(report.started_at)}, {window(report)}"
    yield f"Looked at: {'; '.join([made, *facts])}."


def _evidence(report: Report) -> list[str]:
    """The claims hold the numbers; those of the root cause first."""
    found = [finding for finding in report.findings if finding.status in _BAD]
    found.sort(key=lambda finding: (finding.code != report.verdict.code, finding.status.rank))
    return [
        f"{finding.status}: {finding.code}: {ended(finding.claim)}{f' Known: {finding.cause}.' if finding.cause else ''}"
        for finding in found
    ]


def _unseen(report: Report, parts: Outline) -> list[str]:
    return [report.completeness.statement, *(f"{spot.subject}: {spot.reason}" for spot in parts.unseen)]


def _listed(title: str, items: Sequence[str], most: int) -> Iterator[Block]:
    if items:
        rest = more(len(items) - most, "line")
        yield Points(title, tuple(items[:most]), f"And {rest}, see the report." if rest else "")


def _proposed(report: Report) -> Iterator[Block]:
    actions = ranked(report.verdict.actions)
    if actions:
        rest = more(len(actions) - _ROOM.steps, "step")
        steps = tuple(step(action, _ROOM) for action in actions[: _ROOM.steps])
        yield Steps("Proposed to the customer", steps, f"And {rest}, see the report." if rest else "")


def _next(report: Report) -> Iterator[str]:
    if report.triage.escalate:
        yield "Call the secondary on-call and give them this note and the report."
    if report.verdict.code:
        yield f"Read what is known of it: diag explain {report.verdict.code}"
    yield "When the customer has done something, ask for a new report and compare: diag diff OLD.json NEW.json"
