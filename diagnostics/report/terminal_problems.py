"""What was found, on the terminal: problems with their evidence, and what to do about them."""

from collections.abc import Sequence

from diagnostics.report.model import Action, Finding, Report, Status
from diagnostics.report.outline import Point, Problem
from diagnostics.report.terminal_evidence import show
from diagnostics.report.terminal_page import STYLES, Page
from diagnostics.report.wording import consequence, more

# Of very many problems the first are shown with their evidence, the next by their claims, the rest by their number.
WITH_EVIDENCE = 10
WITH_CLAIM = 40
POINTS = 5

DIM = "dim"
BOLD = "bold"


def problems(page: Page, report: Report, found: Sequence[Problem], *, verbose: bool) -> None:
    """A code each, with what was found of it."""
    if found:
        page.heading("Problems")
    listed = found if verbose else found[:WITH_CLAIM]
    for index, problem in enumerate(listed):
        with_evidence = verbose or index < WITH_EVIDENCE
        if index and with_evidence and listed[index - 1].points:
            page.gap()
        claim = problem.points[0].claim if problem.points else ""
        _headed(page, problem.status, problem.code, claim)
        if with_evidence:
            _points(page, report, problem, verbose=verbose)
    if rest := more(len(found) - len(listed), "problem"):
        page.line((f"and {rest}; --verbose shows all", DIM), indent=2)


def notes(page: Page, report: Report, found: Sequence[Finding], *, verbose: bool) -> None:
    """What is good to know and no problem: a claim each."""
    if found:
        page.heading("Worth knowing")
    listed = found if verbose else found[:WITH_EVIDENCE]
    for finding in listed:
        _headed(page, finding.status, finding.code, finding.claim)
        if verbose:
            backing(page, report, finding, cause=finding.cause, verbose=True)
    if rest := more(len(found) - len(listed), "note"):
        page.line((f"and {rest}; --verbose shows all", DIM), indent=2)


def action(page: Page, bullet: str, wanted: Action, *, indent: int) -> None:
    """What to do, what that does, and the commands for it."""
    what = consequence(wanted)
    marked = (f" ({what})" if what else "", DIM if wanted.safe else STYLES[Status.FAIL])
    page.line(page.clean(wanted.text), marked, indent=indent, lead=(f"{bullet} ", BOLD))
    for command in wanted.commands:
        page.verbatim(command, indent=indent + 4)


def backing(page: Page, report: Report, finding: Finding, *, cause: str, verbose: bool) -> None:
    """Everything under a claim but what to do."""
    if cause:
        pointed = f" ({page.clean(', '.join(finding.cause_codes))})" if finding.cause_codes else ""
        page.line(f"Known: {page.clean(cause)}{pointed}", indent=4)
    if finding.detail:
        page.line(page.clean(finding.detail), indent=4)
    if verbose and finding.affects:
        page.line((f"Affects {page.clean(', '.join(finding.affects))}", DIM), indent=4)
    for evidence in finding.evidence:
        show(page, evidence, at=report.started_at, indent=4, verbose=verbose)


def _points(page: Page, report: Report, problem: Problem, *, verbose: bool) -> None:
    listed: Sequence[Point] = problem.points if verbose else problem.points[:POINTS]
    for index, point in enumerate(listed):
        if index and point.claim:
            page.line(page.clean(point.claim), indent=4)
        backing(page, report, point.finding, cause=point.cause, verbose=verbose)
    if rest := more(len(problem.points) - len(listed), "finding"):
        page.line((f"and {rest} of this code; --verbose shows all", DIM), indent=4)
    for wanted in problem.actions:
        action(page, "-", wanted, indent=4)


def _headed(page: Page, status: Status, code: str, claim: str) -> None:
    said = f"  {page.clean(claim)}" if claim else ""
    page.line((page.clean(code), BOLD), said, indent=2, lead=page.sign(status))
