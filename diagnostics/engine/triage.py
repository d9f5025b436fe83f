"""The support hero's part of a report: the handbook's tag, whether to call the secondary on-call, what to ask next."""

from diagnostics.engine.verdict import Evidence
from diagnostics.report.model import Category, Status, Triage, Verdict


def triage(verdict: Verdict, evidence: Evidence) -> Triage:
    """Escalate what loses events for a reason that nobody knows; the rest the customer can mend with the report."""
    unseen = next((finding.code for finding in evidence.of_status(Status.UNKNOWN)), "")
    code = evidence.codes.get(verdict.code or unseen)
    category = code.category if code else Category.USER_EXPERIENCE
    failing = evidence.of_status(Status.FAIL)
    unexplained = [
        f for f in failing if f.code == verdict.code and code and code.category is Category.DATA_INTEGRITY and not f.cause
    ]
    if unexplained:
        reason = f"{unexplained[0].claim}, and no known error explains it"
    elif len(verdict.also) > 1:
        reason = "several things are broken that do not explain each other"
    else:
        reason = ""
    return Triage(category=category, escalate=bool(reason), escalate_reason=reason, ask=_questions(verdict, evidence))


def _questions(verdict: Verdict, evidence: Evidence) -> tuple[str, ...]:
    """What would close the blind spots, and what to ask when nothing was found."""
    asked = [
        f"Could you run it again so that {result.id} can look? It could not: {result.reason}." for result in evidence.blind
    ]
    if verdict.status == "healthy":
        asked += [
            "Does an event that you send with curl to your capture address show up? Which answer do you get?",
            "Which SDK and version sends the events, and are they blocked in the browser's network tab?",
            "Which project and which filters are you looking at?",
        ]
    elif verdict.status == "problem":
        asked.append("When did it begin, and what was changed shortly before (upgrade, configuration, more traffic)?")
    return tuple(asked)
