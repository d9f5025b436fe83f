"""The support hero's part of a report: the handbook's tag, whether to call the secondary on-call, what to ask next.

Like the verdict it knows no code by name: tags come with the codes, questions with the sections of the runbooks.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from diagnostics.engine.check import Code
from diagnostics.engine.runbook import Runbook, VerdictStatus
from diagnostics.engine.verdict import Evidence, explained_by
from diagnostics.report.model import Category, CheckResult, Finding, Status, Triage, Verdict
from diagnostics.report.wording import listed

MAX_QUESTIONS = 5
MAX_ABOUT_CODE = 3
MAX_BLIND_SPOTS = 2

# What the customer has lost or may lose; everything else is late or cannot be seen.
_LOSS = (Category.DATA_INTEGRITY, Category.BUG)
_DEPLOYMENT = (Category.SETUP, Category.UPGRADING, Category.MAINTENANCE)


class Questions(Struct, frozen=True):
    """What to ask the customer: about a code, and by the verdict's status."""

    by_code: Mapping[str, tuple[str, ...]]
    by_status: Mapping[VerdictStatus, tuple[str, ...]]


def questions(runbooks: Iterable[Runbook], walked: Runbook) -> Questions:
    """Those of all runbooks, since a code may be explained in any; of two the one in `walked` counts."""
    by_code = {code: asked for book in (*runbooks, walked) for code, asked in book.questions.items() if asked}
    return Questions(by_code, walked.front.ask)


def triage(verdict: Verdict, evidence: Evidence, asked: Questions) -> Triage:
    """Escalate what nobody knows the reason of, not what the customer can mend with the report."""
    reasons = tuple(_reasons(verdict, evidence))
    return Triage(
        category=_category(verdict, evidence),
        escalate=bool(reasons),
        escalate_reason="; ".join(reasons),
        ask=_ask(verdict, evidence, asked),
    )


def _category(verdict: Verdict, evidence: Evidence) -> Category:
    """The tag of the verdict's code; without one, of what kept diag from looking, which has lost nothing."""
    tags = [evidence.codes[id].category for id in [verdict.code or ""] if id in evidence.codes]
    unknown = [_tag(finding, evidence.codes) for finding in evidence.of_status(Status.UNKNOWN)]
    tags += [tag for tag in unknown if tag and tag is not Category.DATA_INTEGRITY]
    return next(iter(tags), Category.SETUP if verdict.status == "inconclusive" else Category.USER_EXPERIENCE)


def _reasons(verdict: Verdict, evidence: Evidence) -> Iterator[str]:
    chain = _chain(verdict, evidence)
    if chain and not _mendable(verdict, chain, evidence.codes):
        lost = next((finding for finding in chain if _tag(finding, evidence.codes) in _LOSS), None)
        doubts = [doubt for doubt in verdict.against if f"looked for {verdict.code} as well" in doubt]
        if lost:
            yield f"{lost.claim.rstrip('.')}, and no known error explains it"
        elif doubts:
            yield f"the checks contradict each other: {doubts[0].rstrip('.')}"
    others = [code for code in verdict.also if not explained_by(code, evidence.codes) & set(verdict.also)]
    if len(others) > 1:
        codes = ", ".join(filter(None, (verdict.code, *others)))
        yield f"{1 + len(others)} things are broken that do not explain each other ({codes})"
    for finding in evidence.of_status(Status.UNKNOWN):
        if _tag(finding, evidence.codes) is Category.BUG:
            yield f"a check of diag failed, which is a bug of it: {finding.claim.rstrip('.')}"
            return


def _chain(verdict: Verdict, evidence: Evidence) -> list[Finding]:
    """The failures of the root cause, then those that follow from it."""
    failing = evidence.of_status(Status.FAIL)
    own = [finding for finding in failing if finding.code == verdict.code]
    following = [finding for finding in failing if verdict.code in explained_by(finding.code, evidence.codes)]
    return [*own, *following]


def _mendable(verdict: Verdict, chain: Sequence[Finding], codes: Mapping[str, Code]) -> bool:
    """Whether the customer can mend it: the reason is known, or the report says what to change, or it is the deployment."""
    known = any(finding.cause for finding in chain)
    return known or any(action.changes_something for action in verdict.actions) or _tag(chain[0], codes) in _DEPLOYMENT


def _tag(finding: Finding, codes: Mapping[str, Code]) -> Category | None:
    return codes[finding.code].category if finding.code in codes else None


def _ask(verdict: Verdict, evidence: Evidence, asked: Questions) -> tuple[str, ...]:
    """The most valuable first: what could not be looked at when that is the whole trouble, else what the code asks for."""
    about_code = asked.by_code.get(verdict.code or "", ())[:MAX_ABOUT_CODE]
    always = asked.by_status.get(verdict.status, ())
    blind = tuple(_blind_spots(evidence.blind))
    if verdict.status == "inconclusive":
        wanted = (*blind[:MAX_ABOUT_CODE], *about_code, *always)
    else:
        wanted = (*about_code, *always, *blind[:MAX_BLIND_SPOTS])
    return tuple(dict.fromkeys(wanted))[:MAX_QUESTIONS]


def _blind_spots(blind: Sequence[CheckResult]) -> Iterator[str]:
    """A question for each reason why checks could not look. Those that another finding blocks are mended with that."""
    by_reason: dict[str, list[str]] = {}
    for result in blind:
        if not result.blocked_by:
            by_reason.setdefault(result.reason, []).append(result.id)
    for reason, ids in by_reason.items():
        them = "It" if len(ids) == 1 else "They"
        yield f"Could you run diag again so that {listed(ids)} can look? {them} could not: {reason}."
