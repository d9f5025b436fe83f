"""Every format keeps its budget, whatever a report holds, and takes no time that anybody would notice."""

import time
from collections.abc import Callable

import pytest
from msgspec import structs

from diagnostics.report.formats import FORMATS
from diagnostics.report.json import canonical
from diagnostics.report.model import Report
from diagnostics.report.options import RenderOptions
from diagnostics.report.slack.renderer import SEPARATOR
from tests.report import reports

FITS: dict[str, Callable[[str], bool]] = {
    "terminal": lambda text: len(text) < 1_000_000,
    "markdown": lambda text: len(text) <= 65_536,
    "slack": lambda text: max(len(part.strip()) for part in text.split(SEPARATOR)) <= 4_000 and text.count(SEPARATOR) < 12,
    "email": lambda text: text.count("\n") <= 200,
    "junit": lambda text: len(text) < 10_000_000,
}

LONG = "sorry, too many clients already; " * 31_000


def many_of_all(number: int) -> Report:
    """Long lists of everything, each of a long text."""
    base = reports.hostile("<word> " * 80)
    verdict = structs.replace(
        base.verdict,
        why=base.verdict.why * number,
        against=base.verdict.against * number,
        also=base.verdict.also * number,
        actions=tuple(structs.replace(action, commands=action.commands * number) for action in base.verdict.actions * number),
    )
    checks = tuple(
        structs.replace(check, id=f"{check.id}{n}", findings=check.findings * 3) for n in range(number) for check in base.checks
    )
    return structs.replace(
        base,
        verdict=verdict,
        checks=checks,
        steps=base.steps * number,
        triage=structs.replace(base.triage, ask=tuple(f"{question}{n}" for n in range(number) for question in base.triage.ask)),
        completeness=reports.completeness(checks),
    )


REPORTS = {
    "ten thousand findings": lambda: reports.huge(),
    "a megabyte in every place": lambda: reports.hostile(LONG),
    "forty of everything": lambda: many_of_all(40),
}


@pytest.fixture(scope="module", params=REPORTS)
def report(request: pytest.FixtureRequest) -> Report:
    return canonical(REPORTS[request.param]())


@pytest.mark.parametrize("verbose", [False, True])
@pytest.mark.parametrize("format", FITS)
def test_every_budget_holds(report: Report, format: str, verbose: bool) -> None:
    started = time.process_time()
    text = FORMATS[format].load()(report, RenderOptions(verbose=verbose))
    assert FITS[format](text)
    # Two seconds on a machine of its own; what runs beside it must not decide.
    assert time.process_time() - started < 20


def test_no_format_for_people_is_without_a_budget() -> None:
    assert set(FORMATS) - set(FITS) == {"json", "html"}  # JSON holds everything; HTML has tests of its own
