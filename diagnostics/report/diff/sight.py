"""Whether a report could see what another one found: what nobody looked at is neither resolved nor new."""

from collections.abc import Iterator

from diagnostics.report.diff.subjects import Subject
from diagnostics.report.model import Blind, CheckResult, Report, Status

_WORDS = {Status.UNKNOWN: "could not look", Status.BLOCKED: "was blocked", Status.SKIPPED: "was not asked"}


def unseen(subject: Subject, report: Report) -> str:
    """Why `report` may have missed `subject`, which it does not have; empty when every check that found it looked."""
    return "; ".join(_reasons(subject, report))


def _reasons(subject: Subject, report: Report) -> Iterator[str]:
    results = {result.id: result for result in report.checks}
    for id in subject.checks:
        if reason := _blindness(id, results.get(id)):
            yield reason


def _blindness(id: str, result: CheckResult | None) -> str:
    if result is None:
        return f"{id} was not part of the run"
    if not result.status.looked:
        return f"{id} {_WORDS[result.status]}" + (f": {result.reason}" if result.reason else "")
    # A failure outranks what could not be looked at: a check that looked may still have seen only a part.
    partly = next((finding for finding in result.findings if finding.status is Status.UNKNOWN), None)
    return f"{id} did not see everything: {partly.claim}" if partly else ""


def blinded(old: Report, new: Report) -> tuple[Blind, ...]:
    """The checks that looked in the old report and not in the new one, and why not."""
    looked = {result.id for result in old.checks if result.status.looked}
    return tuple(spot for spot in new.completeness.blind if spot.check in looked)


def sighted(old: Report, new: Report) -> tuple[str, ...]:
    """The ids of the checks that could look only in the new report."""
    blind = {spot.check for spot in old.completeness.blind}
    return tuple(result.id for result in new.checks if result.status.looked and result.id in blind)
