"""The report as JUnit XML, for CI: a suite for each stage of the path, a case for each check.

The colour agrees with the exit code of `diag run`: failures where it is 1, errors where it is 3, neither where it is 0.
So a warning fails a case only with `--fail-on warn`; and a check that could not look is an error only where that leaves the
report inconclusive, else it is skipped, with the reason. `--fail-on never` changes the exit code, not what is known.
"""

from collections.abc import Iterator, Sequence
from io import BytesIO

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from diagnostics.report import digest
from diagnostics.report.model import CheckResult, Finding, Report, Stage, Status
from diagnostics.report.options import RenderOptions
from diagnostics.report.outline import outline
from diagnostics.report.safetext import plain, shorten, xml
from diagnostics.report.wording import consequence, more

FINDINGS = 50
"""Findings of a case that are told in full; the rest is counted."""
LINE = 500


def render(report: Report, options: RenderOptions) -> str:
    """Names and claims are one line each. Where only ASCII can be written, the rest becomes character references."""
    document = JUnitXml(_line(f"{report.tool.name} {report.runbook}"))
    errors = _errors(report)
    for stage in (*Stage, None):
        checks = [check for check in report.checks if check.stage is stage]
        if checks:
            suite = TestSuite(stage or "other")
            suite.timestamp = f"{report.started_at:%Y-%m-%dT%H:%M:%SZ}"
            for name, value in () if len(document) else _about(report):
                suite.add_property(name, value)
            suite.add_testcases([_case(report, check, options, errors) for check in checks])
            document.add_testsuite(suite)
    document.update_statistics()  # type: ignore[no-untyped-call]
    written = BytesIO()
    document.write(written, pretty=True)
    text = written.getvalue().decode()
    text = text if options.unicode else text.encode("ascii", "xmlcharrefreplace").decode()
    return f"{text.rstrip()}\n<!-- {digest.sentence(text)} -->\n"


def _about(report: Report) -> Iterator[tuple[str, str]]:
    """The verdict, as properties of the first suite."""
    verdict = report.verdict
    about = {
        "report": report.id,
        "made.by": f"{report.tool.name} {report.tool.version}",
        "verdict.status": verdict.status,
        "verdict.code": verdict.code or "",
        "verdict.stage": verdict.stage or "",
        "verdict.confidence": verdict.confidence,
        "verdict.headline": verdict.headline,
        "verdict.also": ", ".join(verdict.also),
        "incomplete": outline(report).notice,
        "completeness": report.completeness.statement,
    }
    return ((name, _line(value)) for name, value in about.items() if value)


def _case(report: Report, check: CheckResult, options: RenderOptions, errors: frozenset[str]) -> TestCase:
    case = TestCase(_line(check.id), _line(f"{report.runbook}.{check.stage or 'other'}"), round(check.duration_s, 3))
    failing = [finding for finding in check.findings if finding.status in _failing(options)]
    reason = _line(f"blocked by {check.blocked_by}" if check.blocked_by else check.reason)
    if failing:
        failure = Failure(_line(failing[0].claim), _line(failing[0].code))
        failure.text = _listed([line for finding in failing[:FINDINGS] for line in _explained(finding)], failing)
        case.result = failure
    elif check.id in errors:
        case.result = Error(reason, check.status)
    elif not check.status.looked:
        case.result = Skipped(reason, check.status)
    case.system_out = _listed([_line(check.title), *map(_claim, check.findings[:FINDINGS])], check.findings)
    return case


def _failing(options: RenderOptions) -> tuple[Status, ...]:
    return (Status.FAIL, Status.WARN) if options.warnings_fail else (Status.FAIL,)


def _errors(report: Report) -> frozenset[str]:
    """The checks that could not look, where that is why the report is inconclusive: those that broke off or were refused,
    and those that nobody configured though a question of the runbook has no other."""
    if report.verdict.status != "inconclusive" and report.cut_short != "interrupted":
        return frozenset()
    unanswered = {id for step in report.steps if not step.status.looked for id in step.checks}
    blind = [check for check in report.checks if not check.status.looked]
    serious = [check for check in blind if check.status is not Status.SKIPPED or check.id in unanswered]
    return frozenset(check.id for check in serious or blind)


def _claim(finding: Finding) -> str:
    return f"{finding.status} {_line(finding.code)}: {_line(finding.claim)}"


def _explained(finding: Finding) -> Iterator[str]:
    """The claim, with what is known of its cause and what to do."""
    yield _claim(finding)
    if finding.cause:
        yield f"  known: {_line(finding.cause)}"
    for action in finding.actions[:10]:
        what = consequence(action)
        yield f"  to do: {_line(action.text)}" + (f" ({what})" if what else "")
        yield from (f"    {_line(command, 2_000)}" for command in action.commands[:10])


def _listed(lines: Sequence[str], of: Sequence[Finding]) -> str:
    rest = more(len(of) - FINDINGS, "finding")
    return "\n".join([*lines, *([f"and {rest}"] if rest else [])])


def _line(text: str, limit: int = LINE) -> str:
    return xml(plain(shorten(text, limit)))
