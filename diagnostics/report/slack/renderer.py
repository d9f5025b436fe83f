"""The report as messages of Slack's mrkdwn: the first says it all in short, the others are replies in its thread.

A separator that is no part of the messages stands between them, and every message ends with a digest of its own. Slack splits
what is longer than 4,000 characters wherever that comes out, in the middle of code as well.
"""

from collections.abc import Iterable, Iterator, Sequence

from diagnostics.report import digest
from diagnostics.report.budget import fitting
from diagnostics.report.hero import hero
from diagnostics.report.model import Report
from diagnostics.report.options import RenderOptions
from diagnostics.report.outline import Outline, outline
from diagnostics.report.slack.opening import opening
from diagnostics.report.slack.problems import ROOM, action, headed, problems
from diagnostics.report.slack.text import Dress
from diagnostics.report.wording import cost, more, redacted, seconds, spent, stamp, window

LIMIT = 4_000
"""Characters of a message."""
MESSAGES = 12
"""More than this a report never takes."""

SEPARATOR = "--- 8< --- end of this message; paste the next one as a reply in its thread --- 8< ---"

# Characters that a part may take in all.
NEXT, PROBLEMS, NOTES, STEPS, UNSEEN, SUPPORT, CHECKS = 3_500, 8_000, 1_200, 1_500, 2_500, 2_000, 2_500


def render(report: Report, options: RenderOptions) -> str:
    """All messages, with SEPARATOR between."""
    return f"\n\n{SEPARATOR}\n\n".join(messages(report, options)) + "\n"


def messages(report: Report, options: RenderOptions) -> list[str]:
    """At most MESSAGES, each of at most LIMIT characters."""
    dress, parts = Dress(options), outline(report)
    first, waiting = opening(dress, report, parts, quiet=options.quiet)
    thread = [] if options.quiet else _thread(dress, report, parts, options, waiting)
    texts = [first, *_packed(thread)]
    return [_sealed(dress, report, text, number, len(texts)) for number, text in enumerate(texts, 1)]


def _sealed(dress: Dress, report: Report, text: str, number: int, of: int) -> str:
    name = dress.inline(f"Report {report.id}", 60)
    text = f"{text}\n\n{name}, message {number} of {of}." if of > 1 else f"{text}\n\n{name}."
    tell = digest.explained if number == of else digest.sentence
    return f"{text} {tell(text, dress.code)}"


def _packed(blocks: Iterable[str]) -> Iterator[str]:
    """As few messages as whole blocks allow: none is cut in two, so no code is left open."""
    kept: list[str] = []
    for block in blocks:
        if kept and len("\n\n".join([*kept, block])) > ROOM:
            yield "\n\n".join(kept)
            kept = []
        kept.append(block)
    if kept:
        yield "\n\n".join(kept)


def _thread(dress: Dress, report: Report, parts: Outline, options: RenderOptions, waiting: Sequence[str]) -> Iterator[str]:
    """The blocks of all further messages."""
    yield from _section("*Next, continued*", waiting, NEXT)
    yield from filter(None, problems(dress, report, parts.problems, PROBLEMS, verbose=options.verbose))
    yield from _section("*Worth knowing*", [headed(dress, note.status, note.code, note.claim) for note in parts.notes], NOTES)
    yield from _section(dress.bold(f"Runbook {report.runbook}"), list(_steps(dress, parts)), STEPS)
    yield from _section("*Not seen*", list(_unseen(dress, parts)), UNSEEN)
    if options.audience == "hero":
        yield from _section(
            "*For the support hero*", [f"{dress.bullet} {dress.inline(line)}" for line in hero(report)], SUPPORT
        )
    else:
        yield from _section("*For support*", list(_support(dress, report, parts)), SUPPORT)
    if options.verbose:
        yield from _section("*Checks*", list(_checks(dress, report)), CHECKS)
    yield _footer(dress, report, parts)


def _steps(dress: Dress, parts: Outline) -> Iterator[str]:
    for number, step in enumerate(parts.steps, 1):
        yield f"{dress.sign(step.status)} {number}. {dress.bold(step.title)} {dress.inline(step.text)}"


def _unseen(dress: Dress, parts: Outline) -> Iterator[str]:
    for spot in parts.unseen:
        yield f"{dress.sign(spot.status)} {dress.code(spot.subject)} {dress.inline(spot.reason)}"
        for wanted in spot.actions[:3]:
            yield action(dress, dress.bullet, wanted)


def _support(dress: Dress, report: Report, parts: Outline) -> Iterator[str]:
    escalate = dress.inline(report.triage.escalate_reason) if report.triage.escalate else "no"
    yield f"{dress.bullet} Tag: {report.triage.category}. Escalate: {escalate}."
    for question in parts.ask:
        yield f"{dress.bullet} Ask: {dress.inline(question)}"


def _checks(dress: Dress, report: Report) -> Iterator[str]:
    for check in report.checks:
        told = f"{seconds(check.duration_s)}: {dress.inline(check.reason, 160) or spent(check.cost)}"
        yield f"{dress.sign(check.status)} {dress.code(check.id)} {dress.inline(check.title)}, {told}"


def _section(title: str, lines: Sequence[str], room: int) -> Iterator[str]:
    """One block: the heading and the lines; what has no room is counted."""
    if lines:
        kept, missing = fitting(lines, room)
        yield "\n".join([title, *kept, *([f"and {rest}"] if (rest := more(missing, "line")) else [])])


def _footer(dress: Dress, report: Report, parts: Outline) -> str:
    tool = f"{report.tool.name} {report.tool.version}"
    about = [tool, *parts.versions, parts.place, window(report), stamp(report.started_at), f"took {seconds(report.duration_s)}"]
    told = f" {dress.dot} ".join(dress.inline(text, 60) for text in about if text)
    return f"{told}\n{cost(report.cost)} {redacted(report.privacy.redacted)} `diag explain CODE` tells more about a code."
