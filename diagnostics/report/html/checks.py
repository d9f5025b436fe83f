"""Every check on the page: what became of it, how long it took and what it asked."""

from functools import partial

from diagnostics.report.html.evidence import FULL, grid
from diagnostics.report.html.page import Section, part, section
from diagnostics.report.html.picture import STATUS_WORDS
from diagnostics.report.html.problems import note
from diagnostics.report.model import CheckResult, Column, Report, Scalar, Status, Table
from diagnostics.report.wording import spent

_COLUMNS = (
    Column(name="check", kind="code"),
    Column(name="status"),
    Column(name="well when"),
    Column(name="took (s)", kind="number"),
    Column(name="asked, or why not"),
)


def checks(report: Report) -> Section:
    """A table of them, folded away, and what is well and can show it."""
    every = Table(title="", columns=_COLUMNS, rows=tuple(_row(check) for check in report.checks))
    table = part("grid", grid(every, at=report.started_at, form=FULL))
    well = [finding for finding in report.findings if finding.status is Status.OK and finding.evidence]
    rest = section("note", well, partial(note, report))
    return Section(blocks=(part("fold", f"Every check ({len(report.checks)})", table), *rest.blocks), left_out=rest.left_out)


def _row(check: CheckResult) -> tuple[Scalar, ...]:
    took = round(check.duration_s, 2) if check.status.looked else None
    return check.id, STATUS_WORDS[check.status], check.title, took, check.reason or spent(check.cost)
