"""What the support hero needs to answer with, beside the report itself (`--for hero`).

It holds everything that the section "For support" says: a format shows one of the two. The handbook asks to tag every
request, to find out as much as possible before escalating, and to be polite; the sentences here are material for that.
"""

from collections.abc import Iterator, Sequence

from diagnostics.report.model import Action, Report
from diagnostics.report.outline import outline
from diagnostics.report.wording import count

_ALL_WELL = "the path is well where diag could look, so the next place to look is what sends the events"
_TOO_DARK = "nothing is known to be broken, but diag could not look everywhere; what would let it look stands under Next"


def hero(report: Report) -> tuple[str, ...]:
    """One sentence or two a line, each with its label in front (`Tag: Data integrity.`). They quote the report: a format
    makes them safe as it does everything else."""
    return (
        f"Tag: {report.triage.category}.",
        escalation(report),
        f"Tell the customer: {_told(report)}",
        *(f"Ask: {question}" for question in outline(report).ask),
        *_proposed(report.verdict.actions),
    )


def escalation(report: Report) -> str:
    """Whether to call the secondary on-call, and why."""
    if report.triage.escalate:
        return f"Escalate to the secondary on-call: yes, because {ended(report.triage.escalate_reason)}"
    if report.verdict.status != "problem":
        return "Escalate to the secondary on-call: no, nothing is known to be failing."
    mended = any(action.changes_something for action in report.verdict.actions)
    why = "the proposed steps mend it" if mended else "the customer can find out more with the proposed steps"
    return f"Escalate to the secondary on-call: no, {why}."


def ended(sentence: str) -> str:
    """With a period where it has no end of its own."""
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."


def _told(report: Report) -> str:
    """The conclusion as it can be said to somebody who does not know the path."""
    verdict = report.verdict
    if verdict.status == "healthy":
        return ended(_ALL_WELL)
    if verdict.status == "inconclusive":
        return ended(_TOO_DARK)
    return " ".join([ended(verdict.headline), *(ended(sentence) for sentence in verdict.why[:1])])


def _proposed(actions: Sequence[Action]) -> Iterator[str]:
    """What the customer is asked to run, and what of it deserves a second look before that."""
    looking = sum(not action.changes_something for action in actions if action.commands)
    safe = sum(action.changes_something and action.safe for action in actions)
    unsafe = [action for action in actions if action.changes_something and not action.safe]
    kinds = (
        (looking, "that only looks", "that only look"),
        (safe, "that changes something and is safe", "that change something and are safe"),
        (len(unsafe), "that changes something and is NOT safe", "that change something and are NOT safe"),
    )
    if parts := [count(number, one, many) for number, one, many in kinds if number]:
        yield f"Proposed steps: {', '.join(parts)}."
    for action in unsafe:
        yield f"Not safe, go through it with them first: {ended(action.text)}"
