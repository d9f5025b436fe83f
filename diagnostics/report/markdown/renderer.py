"""The report as Markdown, to be pasted into an issue or a support thread: whole in one comment, detail folded away."""

from collections.abc import Sequence

from diagnostics.report import digest
from diagnostics.report.budget import fitting
from diagnostics.report.hero import hero
from diagnostics.report.markdown.problems import LIMIT, action, headed, problems
from diagnostics.report.markdown.text import Dress
from diagnostics.report.model import Action, Report
from diagnostics.report.options import RenderOptions
from diagnostics.report.outline import Outline, Unseen, outline
from diagnostics.report.signs import STAGE_NAMES
from diagnostics.report.wording import cost, more, redacted, seconds, spent, stamp, window

# Characters that a part may take, so that every part has its place however much another has to say; problems get the rest.
VERDICT, NEXT, STEPS, NOTES, UNSEEN, SUPPORT, CHECKS = 8_000, 12_000, 4_000, 4_000, 6_000, 4_000, 6_000


def render(report: Report, options: RenderOptions) -> str:
    """The report in at most LIMIT characters."""
    dress, parts = Dress(options), outline(report)
    top = [*_verdict(dress, report, parts), *([] if options.quiet else _path(dress, report, parts)), *_next(dress, parts.next)]
    top.append(dress.inline(report.completeness.statement))
    if options.quiet:
        return _sealed(dress, [*top, f"<sub>{dress.inline(f'report {report.id}', 200)}"])
    end = [
        *_section(dress, "Worth knowing", [headed(dress, note.status, note.code, note.claim) for note in parts.notes], NOTES),
        *_section(dress, f"Runbook {report.runbook}", _steps(dress, parts), STEPS),
        *_section(dress, "Not seen", [line for spot in parts.unseen for line in _blind(dress, spot)], UNSEEN),
        *_support(dress, report, parts, options),
        *(_section(dress, "Checks", _checks(dress, report), CHECKS) if options.verbose else []),
        _footer(dress, report, parts),
    ]
    room = LIMIT - len("\n\n".join([*top, *end])) - 600  # for the heading, the digest, and what is said of things left out
    return _sealed(dress, [*top, *problems(dress, report, parts.problems, room), *end])


def _sealed(dress: Dress, blocks: Sequence[str]) -> str:
    """The last block is small print that is still open."""
    text = "\n\n".join(block for block in blocks if block)
    return f"{text}<br>{digest.explained(text, dress.code)}</sub>\n"


def _verdict(dress: Dress, report: Report, parts: Outline) -> list[str]:
    reasons = [
        f"{dress.inline(reason.sentence.rstrip('.'))} ({dress.code(reason.code)})."
        if reason.code
        else dress.inline(reason.sentence)
        for reason in parts.why
    ]
    also = ", ".join(dress.code(code) for code in report.verdict.also)
    doubts = [dress.inline(doubt) for doubt in parts.doubts]
    sentences = [*reasons, f"Confidence: {report.verdict.confidence}.", *doubts]
    sentences += [f"Failing too, and not explained by this: {also}."] if also else []
    kept, missing = fitting(sentences, VERDICT)
    return [
        f"> {dress.bold(parts.notice)}" if parts.notice else "",
        f"### {dress.emoji(parts.status)} {dress.inline(parts.headline.rstrip('.'))}",
        " ".join([*kept, *([f"And {rest}."] if (rest := more(missing, "sentence")) else [])]),
    ]


def _path(dress: Dress, report: Report, parts: Outline) -> list[str]:
    stops = []
    for state in report.stages:
        stop = dress.code(f"{STAGE_NAMES[state.id]} {dress.sign(state.status)}")
        here = report.verdict.status == "problem" and state.id is report.verdict.stage
        stops.append(f"**{stop}**" if here else stop)
    troubled = [f"{STAGE_NAMES[state.id]}: {dress.inline(state.note, 200)}" for state in parts.troubled]
    return [f" {dress.arrow} ".join(stops), "\n".join(f"- {line}" for line in troubled)]


def _next(dress: Dress, actions: Sequence[Action]) -> list[str]:
    # Not a list of Markdown: who copies what a browser shows of one loses the numbers.
    blocks = [action(dress, f"**{number}.**", wanted, listed=False) for number, wanted in enumerate(actions, 1)]
    return _section(dress, "Next", blocks, NEXT, between="\n\n")


def _steps(dress: Dress, parts: Outline) -> list[str]:
    return [
        f"- {dress.sign(step.status)} **{number}.** {dress.bold(step.title)} {dress.inline(step.text, 300)}"
        for number, step in enumerate(parts.steps, 1)
    ]


def _blind(dress: Dress, spot: Unseen) -> list[str]:
    line = f"- {dress.sign(spot.status)} {dress.code(spot.subject)} {dress.inline(spot.reason)}"
    return [line, *(action(dress, "  -", wanted) for wanted in spot.actions)]


def _support(dress: Dress, report: Report, parts: Outline, options: RenderOptions) -> list[str]:
    if options.audience == "hero":
        return _section(dress, "For the support hero", [f"- {dress.inline(line)}" for line in hero(report)], SUPPORT)
    escalate = dress.inline(report.triage.escalate_reason) if report.triage.escalate else "no"
    lines = [f"- Tag: {report.triage.category}. Escalate: {escalate}.", *(f"- Ask: {dress.inline(ask)}" for ask in parts.ask)]
    return _section(dress, "For support", lines, SUPPORT)


def _checks(dress: Dress, report: Report) -> list[str]:
    return [
        f"- {dress.sign(check.status)} {dress.code(check.id)} {dress.inline(check.title)}, "
        f"{seconds(check.duration_s)}: {dress.inline(check.reason) or spent(check.cost)}"
        for check in report.checks
    ]


def _section(dress: Dress, title: str, blocks: Sequence[str], room: int, between: str = "\n") -> list[str]:
    """The heading and the lines of a list; what has no room is counted."""
    if not blocks:
        return []
    kept, missing = fitting(blocks, room)
    return [dress.bold(title), between.join(kept), f"and {rest}" if (rest := more(missing, "line")) else ""]


def _footer(dress: Dress, report: Report, parts: Outline) -> str:
    """The small print, still open: the digest is its last line."""
    tool = f"{report.tool.name} {report.tool.version}"
    about = [tool, *parts.versions, parts.place, window(report), stamp(report.started_at), f"took {seconds(report.duration_s)}"]
    told = f" {dress.dot} ".join(dress.inline(text, 200) for text in [f"report {report.id}", *about] if text)
    spent_all = f"{cost(report.cost)} {redacted(report.privacy.redacted)}"
    return f"<sub>{told}<br>{spent_all} `diag explain CODE` tells more about a code."
