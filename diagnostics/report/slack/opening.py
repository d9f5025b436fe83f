"""The first message in Slack, which says it all in short: the verdict, the path, what to do next, how complete the look was."""

from diagnostics.report.budget import fitting
from diagnostics.report.model import Report
from diagnostics.report.outline import Outline
from diagnostics.report.signs import STAGE_NAMES
from diagnostics.report.slack.problems import ROOM, action
from diagnostics.report.slack.text import Dress
from diagnostics.report.wording import more

# Characters that a part may take in all.
WHY, DOUBTS, WAY = 900, 600, 600


def opening(dress: Dress, report: Report, parts: Outline, *, quiet: bool) -> tuple[str, list[str]]:
    """The message that says it all in short, and the steps that it has no room for."""
    before = [*_verdict(dress, report, parts), *([] if quiet else [_way(dress, report, parts)])]
    after = dress.inline(report.completeness.statement)
    steps = [action(dress, f"{number}.", wanted) for number, wanted in enumerate(parts.next, 1)]
    kept, missing = fitting(steps, ROOM - len("\n\n".join([*before, after])) - 60)
    rest = [f"The thread has {more(missing, 'step')}."] if missing else []
    following = "\n".join(["*Next*", *kept, *rest]) if steps else ""
    return "\n\n".join(filter(None, [*before, following, after])), steps[len(kept) :]


def _verdict(dress: Dress, report: Report, parts: Outline) -> list[str]:
    reasons = [
        f"{dress.inline(reason.sentence.rstrip('.'))} ({dress.code(reason.code)})."
        if reason.code
        else dress.inline(reason.sentence)
        for reason in parts.why
    ]
    also = [f"Failing too, and not explained by this: {', '.join(report.verdict.also)}."] if report.verdict.also else []
    doubts, _ = fitting([dress.inline(doubt) for doubt in (*parts.doubts, *also)], DOUBTS)
    kept, _ = fitting(reasons, WHY)
    return [
        dress.bold(parts.notice),
        f"{dress.emoji(parts.status)} {dress.bold(parts.headline)}",
        " ".join([*kept, f"Confidence: {report.verdict.confidence}.", *doubts]),
    ]


def _way(dress: Dress, report: Report, parts: Outline) -> str:
    stops = []
    for state in report.stages:
        here = report.verdict.status == "problem" and state.id is report.verdict.stage
        stop = f"{STAGE_NAMES[state.id]} {dress.sign(state.status)}"
        stops.append(f"*{stop} events stop here*" if here else stop)
    troubled = [f"{dress.bullet} {STAGE_NAMES[state.id]}: {dress.inline(state.note, 100)}" for state in parts.troubled]
    return "\n".join([f" {dress.arrow} ".join(stops), *fitting(troubled, WAY)[0]])
