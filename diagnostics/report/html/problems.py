"""What was found, on the page: a card for each problem, as many and as full as there is room for."""

from collections.abc import Iterator, Sequence
from functools import partial

from markupsafe import Markup

from diagnostics.report.budget import allot
from diagnostics.report.html.evidence import BRIEF, FULL, Form, shown
from diagnostics.report.html.page import Section, part
from diagnostics.report.model import Finding, QueryText, Report
from diagnostics.report.outline import Point, Problem
from diagnostics.report.wording import count, more

ROOM = 1_500_000  # characters: a page of this size still opens at once on a phone
WITH_CLAIM = 200

Numbered = tuple[int, Problem]


def problems(report: Report, found: Sequence[Problem]) -> Section:
    """The cards, in the order of `found`; the first is unfolded."""
    full, brief = partial(_card, report, FULL), partial(_card, report, BRIEF)
    allotted = allot(list(enumerate(found, 1)), ROOM, short=_line, longer=(full, brief), most=WITH_CLAIM)
    left_out = [count(allotted.missing, "problem")] if allotted.missing else []
    left_out += [f"evidence of {count(allotted.shortened, 'problem')}"] if allotted.shortened else []
    told = f"Left out to keep this page small: {' and '.join(left_out)}. The report as JSON holds everything."
    return Section(blocks=allotted.texts, left_out=told if left_out else "")


def note(report: Report, finding: Finding) -> Markup:
    """Something that is no problem: its claim, and what backs it folded away."""
    backing = _backing(report, Point(finding=finding, claim="", cause=finding.cause), BRIEF)
    return part("note", finding, list(backing))


def _line(item: Numbered) -> Markup:
    number, problem = item
    return part("problem", number, problem, _claim(problem), "", [], [])


def _card(report: Report, form: Form, item: Numbered) -> Markup:
    number, problem = item
    inside: list[Markup] = []
    for index, point in enumerate(problem.points[: form.points]):
        claim = [part("claimed", point.claim)] if index and point.claim else []
        if blocks := [*claim, *_backing(report, point, form)]:
            inside.append(part("point", blocks))
    rest = more(len(problem.points) - form.points, "finding")
    inside += [part("rest", f"{rest} of this code")] if rest else []
    return part("problem", number, problem, _claim(problem), _summary(problem), inside, problem.actions)


def _claim(problem: Problem) -> str:
    return problem.points[0].claim if problem.points else ""


def _summary(problem: Problem) -> str:
    """What unfolds, by the titles of the evidence."""
    evidence = [piece for point in problem.points[:5] for piece in point.finding.evidence]
    titles = dict.fromkeys(piece.title for piece in evidence if not isinstance(piece, QueryText))
    return ", ".join(list(titles)[:5]) or "More"


def _backing(report: Report, point: Point, form: Form) -> Iterator[Markup]:
    finding = point.finding
    if point.cause:
        yield part("cause", point.cause, finding.cause_codes[:5])
    if finding.detail:
        yield part("detail", finding.detail)
    if finding.affects:
        yield part("affects", finding.affects[:20])
    yield from shown(finding.evidence, at=report.started_at, form=form)
