"""The difference on a terminal."""

from collections.abc import Sequence

from diagnostics.report.diff.model import Change, Difference, Kind
from diagnostics.report.diff.words import HEADINGS, MOST, compared, groups, lines, sight, sign_of, summary, told, verdicts
from diagnostics.report.model import Status
from diagnostics.report.options import RenderOptions
from diagnostics.report.terminal.page import STYLES, Page
from diagnostics.report.wording import more


def render(difference: Difference, options: RenderOptions) -> str:
    """In `options.width` columns, ending with a newline."""
    page = Page(options)
    for caveat in difference.caveats:
        page.line((page.clean(caveat), STYLES[Status.WARN]), indent=1)
    page.gap()
    for verdict in verdicts(difference):
        label = f"{verdict.label + ':':6} "
        page.line(page.sign(verdict.status), (page.clean(verdict.headline), "bold"), indent=1, lead=label)
    page.gap()
    page.line(summary(difference), indent=1)
    for kind, changes in groups(difference):
        _group(page, kind, changes)
    _also(page, difference)
    page.gap()
    page.line((page.clean(compared(difference)), "dim"), indent=1)
    return page.finish()


def _group(page: Page, kind: Kind, changes: Sequence[Change]) -> None:
    page.heading(HEADINGS[kind])
    for change in changes[:MOST]:
        about = f"  {page.clean(', '.join(change.affects))}" if change.affects else ""
        page.line((page.clean(change.code), "bold"), (about, "dim"), indent=2, lead=page.sign(sign_of(change)))
        for line in lines(change):
            page.line(page.clean(line.text), indent=4, lead=f"{line.label}: " if line.label else "")
    if rest := more(len(changes) - MOST, "finding"):
        page.line((f"and {rest}; --format json has them all", "dim"), indent=2)


def _also(page: Page, difference: Difference) -> None:
    shown = [told(shift) for shift in difference.shifts] + [f"{line.label}: {line.text}" for line in sight(difference)]
    if shown:
        page.heading("Also changed")
    for text in shown[:MOST]:
        page.line(page.clean(text), indent=2)
    if rest := more(len(shown) - MOST, "line"):
        page.line((f"and {rest}", "dim"), indent=2)
