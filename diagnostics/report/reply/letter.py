"""The first reply: what was found in plain words, what to do next, what could not be seen, and a question or two."""

from collections.abc import Iterator

from diagnostics.report.hero import ended
from diagnostics.report.model import Report, Status
from diagnostics.report.outline import Outline, outline
from diagnostics.report.reply.blocks import ONE_LINE, Block, Detail, Paragraph, Points, Steps, ranked, step
from diagnostics.report.safetext import plain, shorten
from diagnostics.report.wording import more, window

BESIDES = 2
"""Problems with another cause that are told."""

_SURE = {
    "high": "The report is quite sure of this.",
    "medium": "I'm fairly sure of this, though not everything could be looked at.",
    "low": "Please take this as a first guess: much could not be looked at.",
}
_OPENED = {
    "problem": "Here is what it shows:",
    "warning": "Nothing is failing right now, but one thing stands out:",
    "healthy": "Good news first: where it could look, nothing is wrong",
    "inconclusive": "It found nothing broken, but it could not look at enough to be sure that all is well.",
}
_CLOSED = {
    "problem": "Let me know how it goes, and I'll help from there!",
    "warning": "Let me know what you find, and I'll help from there!",
    "healthy": "Once I know that, I can tell you where to look next.",
    "inconclusive": "Once diag can look, please run it again and send the new report here: I'll have another look right away.",
}


def subject(report: Report) -> str:
    """One line for an e-mail, without a name."""
    what = {"healthy": "looks fine so far", "inconclusive": "we need to look further"}
    told = what.get(report.verdict.status) or report.verdict.headline.rstrip(".")
    return plain(shorten(f"Your PostHog events: {told}", 120))


def letter(report: Report, name: str, detail: Detail | None = None) -> tuple[Block, ...]:
    """The reply to the one who sent the report."""
    room, parts = detail or Detail(), outline(report)
    blocks = (
        Paragraph((_greeting(name),)),
        _found(report, parts, room),
        *_blind(report, parts, room),
        *_steps(report, parts, room),
        *_unseen(report),
        *_questions(parts, room),
        _closing(report),
    )
    return tuple(block for block in blocks if not isinstance(block, Paragraph) or block.sentences)


def _greeting(name: str) -> str:
    called = " ".join(plain(name).split())
    return f"Hey {shorten(called, ONE_LINE)}," if called else "Hey there,"


def _found(report: Report, parts: Outline, room: Detail) -> Block:
    verdict = report.verdict
    thanks = ("Thanks for running diag and sending the report!", *([parts.notice] if parts.notice else []))
    opened = _OPENED[verdict.status]
    if verdict.status == "healthy":
        # The last of the doubts is what being healthy does not prove; those before it name checks.
        return Paragraph((*thanks, f"{opened} in the {window(report)}.", *verdict.against[-1:]))
    if verdict.status == "inconclusive":
        return Paragraph((*thanks, opened))
    codes = {finding.code for finding in report.findings}
    # The terms of the report tell nothing to somebody who does not have it at hand.
    plainly = [ended(sentence) for sentence in verdict.why if not any(code in sentence for code in codes)]
    told = [f"{opened} {ended(verdict.headline)}", *plainly[: room.sentences - 1]]
    return Paragraph((*thanks, *told, _SURE[verdict.confidence], *_besides(report)))


def _besides(report: Report) -> Iterator[str]:
    """What fails as well and has another cause."""
    foremost = {finding.code: finding.claim for finding in reversed(report.findings) if finding.status is Status.FAIL}
    claims = [foremost[code] for code in report.verdict.also if code in foremost]
    if claims:
        yield f"Besides, and not because of that: {ended('; '.join(claim.rstrip('.') for claim in claims[:BESIDES]))}"
    if rest := more(len(claims) - BESIDES, "problem"):
        yield f"The report has {rest}."


def _steps(report: Report, parts: Outline, room: Detail) -> Iterator[Block]:
    actions = ranked(parts.next)
    if not actions:
        return
    if report.verdict.status == "inconclusive":
        title = "To let it look, please do this:"
    elif len(actions) == 1:
        title = "Could you try this?"
    else:
        title = "Could you try these, in this order? What only looks comes first."
    rest = more(len(actions) - room.steps, "step")
    yield Steps(title, tuple(step(action, room) for action in actions[: room.steps]), f"The report has {rest}." if rest else "")


def _blind(report: Report, parts: Outline, room: Detail) -> Iterator[Block]:
    """What kept an inconclusive report from a conclusion."""
    if report.verdict.status == "inconclusive" and parts.unseen:
        codes = {finding.code for finding in report.findings}  # their claims say it all
        told = [spot.reason if spot.subject in codes else f"{spot.subject}: {spot.reason}" for spot in parts.unseen]
        items = tuple(told[: room.points])
        rest = more(len(parts.unseen) - room.points, "reason")
        yield Points("What it could not look at, and why:", items, f"And {rest}, see the report." if rest else "")


def _unseen(report: Report) -> Iterator[Block]:
    """What the conclusion does not cover."""
    _, _, missed = report.completeness.statement.partition(". ")
    if missed and report.verdict.status != "inconclusive":
        yield Paragraph(("Please keep in mind what could not be looked at.", missed))


def _questions(parts: Outline, room: Detail) -> Iterator[Block]:
    asked = parts.ask[: room.questions]
    if asked:
        yield Points("One question meanwhile:" if len(asked) == 1 else "Meanwhile, it would help to know:", asked)


def _closing(report: Report) -> Block:
    team = ("I'll also look into this with the team and get back to you.",) if report.triage.escalate else ()
    longer = ("Please give it more time then: diag run --deadline 180s.",) if report.cut_short == "deadline" else ()
    return Paragraph((*team, _CLOSED[report.verdict.status], *longer, f"(This is about report {report.id}.)"))
