"""The comparison itself: a pure function of two reports."""

from collections.abc import Iterator

from diagnostics.report.diff.context import caveats, same_window, shifts
from diagnostics.report.diff.judge import judge
from diagnostics.report.diff.model import KINDS, Change, Difference, Kind, Seen, Side
from diagnostics.report.diff.sight import blinded, sighted, unseen
from diagnostics.report.diff.subjects import Subject, pairs, subjects
from diagnostics.report.json import canonical
from diagnostics.report.model import Report, Stage, Status

_BAD = (Status.FAIL, Status.WARN)


def compare(old: Report, new: Report) -> Difference:
    """What is different in `new`. Both are taken as they would be read back from their JSON."""
    old, new = canonical(old), canonical(new)
    told = tuple(caveats(old, new))
    changes = sorted(_changes(old, new), key=_rank)
    return Difference(
        old=_side(old),
        new=_side(new),
        comparable=not any(caveat.incomparable for caveat in told),
        caveats=tuple(caveat.sentence for caveat in told),
        counts={kind: sum(change.kind == kind for change in changes) for kind in KINDS},
        changes=tuple(changes),
        shifts=tuple(shifts(old, new)),
        blinded=blinded(old, new),
        sighted=sighted(old, new),
    )


def _changes(old: Report, new: Report) -> Iterator[Change]:
    """One for every subject that either report calls a failure or a warning."""
    for before, after in pairs(subjects(old), subjects(new)):
        if not any(subject and subject.status in _BAD for subject in (before, after)):
            continue
        if before and after:
            judged = judge(before, after, same_window=same_window(old, new))
            yield _change(judged.trend, after, before, after, judged.note)
        elif after:
            missed = unseen(after, old)
            note = f"it may be older, for the old report could not see it: {missed}" if missed else ""
            yield _change("new", after, None, after, note)
        elif before:
            missed = unseen(before, new) or _out_of_scope(old, new)
            yield _change("not_visible" if missed else "resolved", before, before, None, missed)


def _out_of_scope(old: Report, new: Report) -> str:
    """Why what only the old report has may be outside of what the new one was asked for."""
    narrowed = new.completeness.narrowed
    return f"the new run was narrowed: {' and '.join(narrowed)}" if narrowed and narrowed != old.completeness.narrowed else ""


def _change(kind: Kind, subject: Subject, before: Subject | None, after: Subject | None, note: str) -> Change:
    return Change(
        kind=kind,
        code=subject.foremost.code,
        stage=subject.foremost.stage,
        affects=subject.foremost.affects,
        before=_seen(before) if before else None,
        after=_seen(after) if after else None,
        note=note,
    )


def _seen(subject: Subject) -> Seen:
    return Seen(status=subject.status, claim=subject.foremost.claim, checks=subject.checks, measure=subject.measure)


def _rank(change: Change) -> tuple[int, int, int]:
    seen = change.after or change.before
    stages = list(Stage)
    depth = stages.index(change.stage) if change.stage else len(stages)
    return KINDS.index(change.kind), seen.status.rank if seen else 0, depth


def _side(report: Report) -> Side:
    verdict = report.verdict
    return Side(
        id=report.id,
        started_at=report.started_at,
        tool=report.tool,
        runbook=report.runbook,
        window=report.window,
        status=verdict.status,
        code=verdict.code,
        stage=verdict.stage,
        confidence=verdict.confidence,
        headline=verdict.headline,
    )
