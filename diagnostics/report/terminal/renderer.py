"""The report on a terminal: the verdict can be read from two metres, everything else in two minutes."""

from collections.abc import Sequence

from diagnostics.report import path
from diagnostics.report.hero import hero
from diagnostics.report.model import Action, CheckResult, Report, Status
from diagnostics.report.options import RenderOptions
from diagnostics.report.outline import Outline, Reason, Unseen, outline
from diagnostics.report.signs import STAGE_NAMES
from diagnostics.report.terminal.extent import DEFAULT, VERBOSE
from diagnostics.report.terminal.page import STYLES, Page, Part
from diagnostics.report.terminal.problems import BOLD, DIM, MANY, action, backing, notes, problems
from diagnostics.report.wording import cost, more, redacted, seconds, spent, stamp, window

CHECKS = 200  # no runbook asks as many


def render(report: Report, options: RenderOptions) -> str:
    """The report in `options.width` columns. Commands and queries are never wrapped: they are there to be copied."""
    page, parts, extent = Page(options), outline(report), VERBOSE if options.verbose else DEFAULT
    verdict(page, report, parts, quiet=options.quiet)
    if not options.quiet:
        way(page, report, parts)
    following(page, parts.next)
    looked(page, report)
    if not options.quiet:
        problems(page, report, parts.problems, extent)
        notes(page, report, parts.notes, extent)
        steps(page, report, parts)
        unseen(page, parts.unseen)
        support(page, report, parts, options)
        if options.verbose:
            checks(page, report)
    footer(page, report, parts, quiet=options.quiet)
    page.seal()
    return page.finish()


def verdict(page: Page, report: Report, parts: Outline, *, quiet: bool) -> None:
    """What it comes to, why, and how sure that is."""
    if parts.notice:
        page.line((page.clean(parts.notice), STYLES[Status.WARN]), indent=1)
    if not quiet:
        about = page.joined(parts.place, window(report), stamp(report.started_at))
        page.line((about, DIM), indent=1)
    page.bar(parts.status, report.verdict.status.upper(), page.clean(parts.headline))
    for reason in parts.why:
        page.line(*_quoted(page, reason), indent=3)
    doubts = " ".join(page.clean(doubt) for doubt in parts.doubts[:MANY])
    page.line((f"Confidence: {report.verdict.confidence}.", DIM), f" {doubts}", indent=3)
    if report.verdict.also:
        page.line(f"Failing too, and not explained by this: {page.clean(', '.join(report.verdict.also))}.", indent=3)


def way(page: Page, report: Report, parts: Outline) -> None:
    """The path, and where events stop."""
    page.gap()
    for line in path.path(report, width=page.width - 3, unicode=page.unicode):
        page.line(*((piece.text, STYLES[piece.status] if piece.status else "") for piece in line), indent=3)
    for state in parts.troubled:
        page.line(f"{STAGE_NAMES[state.id]}: {page.clean(state.note)}", indent=3, lead=page.sign(state.status))


def following(page: Page, actions: Sequence[Action]) -> None:
    """What to do next."""
    if actions:
        page.heading("Next")
    for number, wanted in enumerate(actions[:MANY], 1):
        action(page, f"{number}", wanted, indent=2)
    if rest := more(len(actions) - MANY, "step"):
        page.line((f"and {rest}", DIM), indent=2)


def looked(page: Page, report: Report) -> None:
    """How complete the look was."""
    page.gap()
    page.line(page.clean(report.completeness.statement), indent=1)


def steps(page: Page, report: Report, parts: Outline) -> None:
    """The runbook's questions and what became of them."""
    if parts.steps:
        page.heading(f"Runbook {page.clean(report.runbook)}")
    for number, step in enumerate(parts.steps, 1):
        page.line(
            (f"{number} {page.clean(step.title)}", BOLD), f"  {page.clean(step.text)}", indent=2, lead=page.sign(step.status)
        )


def unseen(page: Page, spots: Sequence[Unseen]) -> None:
    """What could not be looked at, why, and what mends that."""
    if spots:
        page.heading("Not seen")
    for spot in spots[:CHECKS]:
        page.line((page.clean(spot.subject), BOLD), f"  {page.clean(spot.reason)}", indent=2, lead=page.sign(spot.status))
        for wanted in spot.actions[:MANY]:
            action(page, "-", wanted, indent=4)
    if rest := more(len(spots) - CHECKS, "blind spot"):
        page.line((f"and {rest}", DIM), indent=2)


def support(page: Page, report: Report, parts: Outline, options: RenderOptions) -> None:
    """What whoever answers the thread needs: a few lines for everybody, more for the support hero."""
    if options.audience == "hero":
        page.heading("For the support hero")
        for sentence in hero(report):
            page.line(page.clean(sentence), indent=2)
        return
    page.heading("For support")
    escalate = report.triage.escalate_reason if report.triage.escalate else "no"
    page.line(page.clean(f"Tag: {report.triage.category}. Escalate: {escalate}."), indent=2)
    for question in parts.ask[:MANY]:
        page.line(page.clean(question), indent=2, lead="Ask: ")


def checks(page: Page, report: Report) -> None:
    """Every check, what it cost, and what is well."""
    page.heading("Checks")
    for check in report.checks[:CHECKS]:
        _check(page, report, check)
    if rest := more(len(report.checks) - CHECKS, "check"):
        page.line((f"and {rest}", DIM), indent=2)


def footer(page: Page, report: Report, parts: Outline, *, quiet: bool) -> None:
    """What the look cost, and what made it."""
    page.gap()
    if quiet:
        page.line((page.clean(f"report {report.id}"), DIM), indent=1)
    else:
        page.line((f"{cost(report.cost)} {redacted(report.privacy.redacted)}", DIM), indent=1)
        tool = f"{report.tool.name} {report.tool.version}"
        took = f"took {seconds(report.duration_s)}"
        page.line((page.joined(tool, *parts.versions, f"report {report.id}", took), DIM), indent=1)
        page.line(("More about a code: diag explain CODE", DIM), indent=1)


def _quoted(page: Page, reason: Reason) -> list[Part]:
    """The sentence with the code of the finding that it quotes."""
    if not reason.code:
        return [page.clean(reason.sentence)]
    return [page.clean(reason.sentence.rstrip(".")), (f" ({page.clean(reason.code)})", DIM), "."]


def _check(page: Page, report: Report, check: CheckResult) -> None:
    took = f"  {seconds(check.duration_s)}, {spent(check.cost)}" if check.status.looked else ""
    page.line((page.clean(check.id), BOLD), f"  {page.clean(check.title)}", (took, DIM), indent=2, lead=page.sign(check.status))
    for finding in [finding for finding in check.findings if finding.status is Status.OK][:MANY]:
        page.line(page.clean(finding.claim), indent=4)
        if page.size < VERBOSE.room:
            backing(page, report, finding, VERBOSE, cause="")
