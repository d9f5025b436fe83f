"""What findings are about, and which of the old report and of the new are about the same thing.

A code and what it affects identify a finding. Pseudonyms (`person-3f9a`, `host-…`) are made with a key of each report's own:
those that stand in the same place count as the same.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from msgspec import Struct

from diagnostics.report.model import Finding, Measure, Report, Status
from diagnostics.report.redaction.spans import PSEUDONYMOUS

_COMPARED = (Status.FAIL, Status.WARN, Status.INFO)
_PSEUDONYM = re.compile(rf"\b({'|'.join(PSEUDONYMOUS)})-[0-9a-f]{{4,64}}\b")


class Subject(Struct, frozen=True):
    """What a code was found of: all findings of that, most serious first, and the checks that found it."""

    findings: tuple[Finding, ...]
    checks: tuple[str, ...]

    @property
    def foremost(self) -> Finding:
        return self.findings[0]

    @property
    def key(self) -> tuple[str, tuple[str, ...]]:
        return self.foremost.code, self.foremost.affects

    @property
    def status(self) -> Status:
        return self.foremost.status

    @property
    def measure(self) -> Measure | None:
        return next((finding.measure for finding in self.findings if finding.measure), None)


def subjects(report: Report) -> list[Subject]:
    """Those of failures, warnings and notes, most serious first. Not being able to look is no finding about an install."""
    found: dict[tuple[str, tuple[str, ...]], list[tuple[Finding, str]]] = defaultdict(list)
    for check in report.checks:
        for finding in check.findings:
            if finding.status in _COMPARED:
                found[finding.code, finding.affects].append((finding, check.id))
    made = [_subject(each) for each in found.values()]
    return sorted(made, key=lambda subject: subject.status.rank)


def _subject(found: list[tuple[Finding, str]]) -> Subject:
    ranked = sorted(found, key=lambda each: each[0].status.rank)
    return Subject(tuple(finding for finding, _ in ranked), tuple(dict.fromkeys(check for _, check in ranked)))


def pairs(old: Iterable[Subject], new: Iterable[Subject]) -> Iterator[tuple[Subject | None, Subject | None]]:
    """Each subject once, with its counterpart in the other report or with None."""
    waiting = {subject.key: subject for subject in old}
    unmatched = []
    for subject in new:
        if counterpart := waiting.pop(subject.key, None):
            yield counterpart, subject
        else:
            unmatched.append(subject)
    by_shape: dict[tuple[str, ...], list[Subject]] = defaultdict(list)
    for subject in waiting.values():
        by_shape[_shape(subject)].append(subject)
    for subject in unmatched:
        alike = by_shape[_shape(subject)]
        yield (alike.pop(0) if alike else None), subject
    for left in by_shape.values():
        yield from ((subject, None) for subject in left)


def without_names(*texts: str) -> tuple[str, ...]:
    """`texts` with each pseudonym replaced by the number of its first place: `person-3f9a` becomes `person-#1`."""
    places: dict[str, str] = {}

    def place(match: re.Match[str]) -> str:
        return places.setdefault(match[0], f"{match[1]}-#{len(places) + 1}")

    return tuple(_PSEUDONYM.sub(place, text) for text in texts)


def _shape(subject: Subject) -> tuple[str, ...]:
    return (subject.foremost.code, *without_names(*subject.foremost.affects))
