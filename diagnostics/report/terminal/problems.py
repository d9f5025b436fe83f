"""What was found, on the terminal: problems with their evidence, and what to do about them."""

from collections.abc import Sequence

from diagnostics.report.model import Action, Finding, Report, Status
from diagnostics.report.outline import Problem
from diagnostics.report.terminal.evidence import show
from diagnostics.report.terminal.extent import Extent
from diagnostics.report.terminal.page import STYLES, Page
from diagnostics.report.wording import consequence, more

MANY = 20
"""Of actions, commands, questions and the like: more than anybody follows."""

DIM = "dim"
BOLD = "bold"


def problems(page: Page, report: Report, found: Sequence[Problem], extent: Extent) -> None:
    """A code each, with what was found of it."""
    if found:
        page.heading("Problems")
    listed = found[: extent.claims]
    for index, problem in enumerate(listed):
        if index < extent.evidence and page.size < extent.room:
            if index and listed[index - 1].points:
                page.gap()
            full(page, report, problem, extent)
        else:
            brief(page, problem)
    if rest := more(len(found) - len(listed), "problem"):
        page.line((f"and {rest}; {extent.rest}", DIM), indent=2)


def brief(page: Page, problem: Problem) -> None:
    """A problem by its claim."""
    _headed(page, problem.status, problem.code, problem.points[0].claim if problem.points else "")


def full(page: Page, report: Report, problem: Problem, extent: Extent) -> None:
    """A problem with its evidence and what to do about it."""
    brief(page, problem)
    told = 0
    for point in problem.points[: extent.points]:
        if page.size >= extent.room:
            break
        if told and point.claim:
            page.line(page.clean(point.claim), indent=4)
        backing(page, report, point.finding, extent, cause=point.cause)
        told += 1
    if rest := more(len(problem.points) - told, "finding"):
        page.line((f"and {rest} of this code; {extent.rest}", DIM), indent=4)
    for wanted in problem.actions[:MANY]:
        action(page, "-", wanted, indent=4)


def notes(page: Page, report: Report, found: Sequence[Finding], extent: Extent) -> None:
    """What is good to know and no problem: a claim each."""
    if found:
        page.heading("Worth knowing")
    listed = found[: extent.evidence]
    for finding in listed:
        _headed(page, finding.status, finding.code, finding.claim)
        if extent.all and page.size < extent.room:
            backing(page, report, finding, extent, cause=finding.cause)
    if rest := more(len(found) - len(listed), "note"):
        page.line((f"and {rest}; {extent.rest}", DIM), indent=2)


def action(page: Page, bullet: str, wanted: Action, *, indent: int) -> None:
    """What to do, what that does, and the commands for it."""
    what = consequence(wanted)
    marked = (f" ({what})" if what else "", DIM if wanted.safe else STYLES[Status.FAIL])
    page.line(page.clean(wanted.text), marked, indent=indent, lead=(f"{bullet} ", BOLD))
    for command in wanted.commands[:MANY]:
        page.verbatim(command, indent=indent + 4)
    if rest := more(len(wanted.commands) - MANY, "command"):
        page.line((f"and {rest}", DIM), indent=indent + 4)


def backing(page: Page, report: Report, finding: Finding, extent: Extent, *, cause: str) -> None:
    """Everything under a claim but what to do."""
    if cause:
        pointed = f" ({page.clean(', '.join(finding.cause_codes))})" if finding.cause_codes else ""
        page.line(f"Known: {page.clean(cause)}{pointed}", indent=4)
    if finding.detail:
        page.line(page.clean(finding.detail), indent=4)
    if extent.all and finding.affects:
        page.line((f"Affects {page.clean(', '.join(finding.affects))}", DIM), indent=4)
    for evidence in finding.evidence[:MANY]:
        show(page, evidence, extent, at=report.started_at, indent=4)


def _headed(page: Page, status: Status, code: str, claim: str) -> None:
    said = f"  {page.clean(claim)}" if claim else ""
    page.line((page.clean(code), BOLD), said, indent=2, lead=page.sign(status))
