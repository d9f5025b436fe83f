"""The report on a terminal: the verdict can be read from two metres, everything else in two minutes."""

from collections.abc import Sequence

from diagnostics.report import path
from diagnostics.report.model import Action, CheckResult, Report, Status
from diagnostics.report.options import RenderOptions
from diagnostics.report.outline import Outline, Reason, Unseen, outline
from diagnostics.report.signs import STAGE_NAMES
from diagnostics.report.terminal_page import STYLES, Page, Part
from diagnostics.report.terminal_problems import BOLD, DIM, WITH_CLAIM, action, backing, notes, problems
from diagnostics.report.wording import cost, more, redacted, seconds, spent, stamp, window


def render(report: Report, options: RenderOptions) -> str:
    """The report in `options.width` columns. Commands and queries are never wrapped: they are there to be copied."""
    page, parts = Page(options), outline(report)
    _verdict(page, report, parts, quiet=options.quiet)
    if not options.quiet:
        _path(page, report, parts)
    _next(page, parts.next)
    page.gap()
    page.line(page.clean(report.completeness.statement), indent=1)
    if not options.quiet:
        problems(page, report, parts.problems, verbose=options.verbose)
        notes(page, report, parts.notes, verbose=options.verbose)
        _steps(page, report, parts)
        _unseen(page, parts.unseen)
        _support(page, report, parts)
        if options.verbose:
            _checks(page, report)
        _footer(page, report, parts)
    return page.finish()


def _verdict(page: Page, report: Report, parts: Outline, *, quiet: bool) -> None:
    if parts.notice:
        page.line((page.clean(parts.notice), STYLES[Status.WARN]), indent=1)
    if not quiet:
        about = page.joined(parts.place, window(report), stamp(report.started_at))
        page.line((about, DIM), indent=1)
    page.gap()
    page.bar(parts.status, page.clean(parts.headline))
    page.gap()
    for reason in parts.why:
        page.line(*_quoted(page, reason), indent=3)
    doubts = " ".join(page.clean(doubt) for doubt in parts.doubts)
    page.line((f"Confidence: {report.verdict.confidence}.", DIM), f" {doubts}", indent=3)
    if report.verdict.also:
        page.line(f"Failing too, and not explained by this: {page.clean(', '.join(report.verdict.also))}.", indent=3)


def _quoted(page: Page, reason: Reason) -> list[Part]:
    """The sentence with the code of the finding that it quotes."""
    if not reason.code:
        return [page.clean(reason.sentence)]
    return [page.clean(reason.sentence.rstrip(".")), (f" ({page.clean(reason.code)})", DIM), "."]


def _path(page: Page, report: Report, parts: Outline) -> None:
    page.gap()
    for line in path.path(report, width=page.width - 3, unicode=page.unicode):
        page.line(*((piece.text, STYLES[piece.status] if piece.status else "") for piece in line), indent=3)
    for state in parts.troubled:
        page.line(f"{STAGE_NAMES[state.id]}: {page.clean(state.note)}", indent=3, lead=page.sign(state.status))


def _next(page: Page, actions: Sequence[Action]) -> None:
    if actions:
        page.heading("Next")
    for number, wanted in enumerate(actions, 1):
        action(page, f"{number}", wanted, indent=2)


def _steps(page: Page, report: Report, parts: Outline) -> None:
    if parts.steps:
        page.heading(f"Runbook {page.clean(report.runbook)}")
    for number, step in enumerate(parts.steps, 1):
        page.line(
            (f"{number} {page.clean(step.title)}", BOLD), f"  {page.clean(step.text)}", indent=2, lead=page.sign(step.status)
        )


def _unseen(page: Page, unseen: Sequence[Unseen]) -> None:
    if unseen:
        page.heading("Not seen")
    for spot in unseen[:WITH_CLAIM]:
        page.line((page.clean(spot.subject), BOLD), f"  {page.clean(spot.reason)}", indent=2, lead=page.sign(spot.status))
        for wanted in spot.actions:
            action(page, "-", wanted, indent=4)
    if rest := more(len(unseen) - WITH_CLAIM, "blind spot"):
        page.line((f"and {rest}", DIM), indent=2)


def _support(page: Page, report: Report, parts: Outline) -> None:
    page.heading("For support")
    escalate = report.triage.escalate_reason if report.triage.escalate else "no"
    page.line(page.clean(f"Tag: {report.triage.category}. Escalate: {escalate}."), indent=2)
    for question in parts.ask:
        page.line(page.clean(question), indent=2, lead="Ask: ")


def _checks(page: Page, report: Report) -> None:
    page.heading("Checks")
    for check in report.checks:
        _check(page, report, check)


def _check(page: Page, report: Report, check: CheckResult) -> None:
    took = f"  {seconds(check.duration_s)}, {spent(check.cost)}" if check.status.looked else ""
    page.line((page.clean(check.id), BOLD), f"  {page.clean(check.title)}", (took, DIM), indent=2, lead=page.sign(check.status))
    for finding in check.findings:
        if finding.status is Status.OK:
            page.line(page.clean(finding.claim), indent=4)
            backing(page, report, finding, cause="", verbose=True)


def _footer(page: Page, report: Report, parts: Outline) -> None:
    page.gap()
    page.line((f"{cost(report.cost)} {redacted(report.privacy.redacted)}", DIM), indent=1)
    tool = f"{report.tool.name} {report.tool.version}"
    page.line((page.joined(tool, *parts.versions, f"report {report.id}", f"took {seconds(report.duration_s)}"), DIM), indent=1)
    page.line(("More about a code: diag explain CODE", DIM), indent=1)
