"""What a report for people says and in which order, before any format dresses it. Nothing is said twice:

- a claim that stands at the top is not repeated with its evidence,
- an action that stands under "Next", or under one problem, is not repeated under another,
- a check that could not look is explained once, under "Not seen"; the runbook's steps only name it.
"""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from diagnostics.report.model import Action, Blind, CheckResult, Finding, Report, StageState, Status, Step
from diagnostics.report.signs import of_verdict
from diagnostics.report.wording import seconds

MAX_WHY = 3
MAX_IDS = 6

_BAD = (Status.FAIL, Status.WARN)
_VERSIONS = {"posthog_version": "PostHog", "clickhouse_version": "ClickHouse"}
_CUT_SHORT = {"deadline": "its deadline ended it", "interrupted": "it was interrupted"}
_NOT_LOOKED = {Status.UNKNOWN: "could not look", Status.BLOCKED: "blocked", Status.SKIPPED: "not asked"}


class Reason(Struct, frozen=True, kw_only=True):
    """A sentence of the verdict's reasoning, with the code of the finding that it quotes, if it quotes one."""

    sentence: str
    code: str = ""


class Point(Struct, frozen=True, kw_only=True):
    """A finding with its evidence. `claim` and `cause` are empty where they have been said before."""

    finding: Finding
    claim: str
    cause: str


class Problem(Struct, frozen=True, kw_only=True):
    """A code with all that was found of it, the most serious first; `actions` are those that do not stand under Next."""

    code: str
    status: Status
    points: tuple[Point, ...]
    actions: tuple[Action, ...]


class Answer(Struct, frozen=True, kw_only=True):
    """A step of the runbook and what became of it."""

    title: str
    status: Status
    text: str


class Unseen(Struct, frozen=True, kw_only=True):
    """Checks that could not look for one and the same reason; `actions` mend it."""

    status: Status
    subject: str
    reason: str
    actions: tuple[Action, ...] = ()


class Outline(Struct, frozen=True, kw_only=True):
    """The parts of a report in reading order. `notice` is empty when the run is complete; `troubled` are the stages of which
    the top does not say what is wrong there."""

    notice: str
    place: str
    status: Status
    headline: str
    why: tuple[Reason, ...]
    doubts: tuple[str, ...]
    next: tuple[Action, ...]
    troubled: tuple[StageState, ...]
    problems: tuple[Problem, ...]
    notes: tuple[Finding, ...]
    steps: tuple[Answer, ...]
    unseen: tuple[Unseen, ...]
    ask: tuple[str, ...]
    versions: tuple[str, ...]


def outline(report: Report) -> Outline:
    """The outline of a report."""
    verdict = report.verdict
    why = _why(report)
    said = {_gist(verdict.headline), *(_gist(reason.sentence) for reason in why)}
    # The root cause leads, whatever stage the others are at: its evidence is what the headline stands on.
    ranked = sorted(report.findings, key=lambda finding: (finding.status.rank, finding.code != verdict.code))
    return Outline(
        notice=_notice(report),
        place=_place(report.install),
        status=of_verdict(verdict),
        headline=verdict.headline,
        why=why,
        doubts=tuple(_not_explained_below(verdict.against, report.completeness.blind)),
        next=verdict.actions or _at_least(verdict.code),
        troubled=tuple(_troubled(report, why)),
        problems=tuple(_problems(report, [finding for finding in ranked if finding.status in _BAD], said)),
        notes=tuple(finding for finding in ranked if finding.status is Status.INFO),
        steps=tuple(_answer(step, report.checks) for step in report.steps),
        unseen=tuple(_unseen(report, ranked)),
        ask=tuple(_not_explained_below(report.triage.ask, report.completeness.blind)),
        versions=tuple(f"{name} {report.install[key]}" for key, name in _VERSIONS.items() if key in report.install),
    )


def _at_least(code: str | None) -> tuple[Action, ...]:
    """What can always be done about a code."""
    return (Action(text="Read what this means and how to mend it", commands=(f"diag explain {code}",)),) if code else ()


def _why(report: Report) -> tuple[Reason, ...]:
    """The sentences under the headline. A healthy install's are its checks' titles, which the runbook's steps show."""
    if report.verdict.status == "healthy":
        return ()
    codes = {_gist(finding.claim): finding.code for finding in report.findings}
    sentences = report.verdict.why[:MAX_WHY]
    return tuple(Reason(sentence=sentence, code=codes.get(_gist(sentence), "")) for sentence in sentences)


def _troubled(report: Report, why: Sequence[Reason]) -> Iterator[StageState]:
    codes = {report.verdict.code, *(reason.code for reason in why)}
    told = {report.verdict.stage, *(finding.stage for finding in report.findings if finding.code in codes)}
    return (state for state in report.stages if state.status in _BAD and state.note and state.id not in told)


def _problems(report: Report, ranked: Sequence[Finding], said: set[str]) -> Iterator[Problem]:
    by_code: dict[str, list[Finding]] = {}
    for finding in ranked:
        by_code.setdefault(finding.code, []).append(finding)
    told = list(report.verdict.actions)
    for code, findings in by_code.items():
        actions = _beyond(tuple(dict.fromkeys(action for finding in findings for action in finding.actions)), told)
        told.extend(actions)
        points = [_point(finding, report.verdict.headline, said) for finding in findings]
        yield Problem(
            code=code,
            status=findings[0].status,
            points=tuple(point for point in points if _says_something(point)),
            actions=actions,
        )


def _point(finding: Finding, headline: str, said: set[str]) -> Point:
    """What is left to say of a finding; its claim is added to what was `said`."""
    gist = _gist(finding.claim)
    claim = "" if gist in said else finding.claim
    said.add(gist)
    return Point(finding=finding, claim=claim, cause="" if finding.cause.casefold() in headline.casefold() else finding.cause)


def _says_something(point: Point) -> bool:
    return bool(point.claim or point.cause or point.finding.detail or point.finding.evidence)


def _notice(report: Report) -> str:
    if report.complete:
        return ""
    how = _CUT_SHORT[report.cut_short] if report.cut_short else "it did not end"
    return f"Incomplete: the run was cut short after {seconds(report.duration_s)} ({how}). This is what was known by then."


def _place(install: dict[str, str]) -> str:
    """The install as people know it: the app's address, or the first address that was used."""
    addresses = [value for key, value in install.items() if key.endswith("_address") and value]
    return install.get("app_address") or next(iter(addresses), "")


def _answer(step: Step, checks: Sequence[CheckResult]) -> Answer:
    asked = [check for check in checks if check.id in step.checks]
    blind = [check for check in asked if not check.status.looked]
    looked = [check for check in asked if check.status.looked]
    parts = [_seen(step.status, looked)] if looked else []
    for status, words in _NOT_LOOKED.items():
        if ids := [check.id for check in blind if check.status is status]:
            parts.append(f"{words}: {', '.join(ids)}")
    return Answer(title=step.title, status=step.status, text="; ".join(part for part in parts if part) or "no check answers it")


def _seen(status: Status, looked: Sequence[CheckResult]) -> str:
    """The codes when there is something to read about them elsewhere, else what is well."""
    findings = [finding for check in looked for finding in check.findings]
    well = [finding.claim for finding in findings if finding.status is Status.OK]
    codes = list(dict.fromkeys(finding.code for finding in findings if finding.status is status))
    if status is Status.OK:
        return "; ".join(well or [check.title for check in looked])
    return "; ".join([*(well if status is Status.INFO else []), ", ".join(codes)])


def _unseen(report: Report, ranked: Sequence[Finding]) -> Iterator[Unseen]:
    """One entry a finding that says why somebody could not look, one for every other reason that checks share."""
    for finding in ranked:
        if finding.status is Status.UNKNOWN:
            reason = f"{finding.claim.rstrip('.')}. {finding.detail}" if finding.detail else finding.claim
            actions = _beyond(finding.actions, report.verdict.actions)
            yield Unseen(status=finding.status, subject=finding.code, reason=reason, actions=actions)
    shared: dict[tuple[Status, str], list[str]] = {}
    by_id = {check.id: check for check in report.checks}
    for blind in report.completeness.blind:
        check = by_id.get(blind.check)
        if check and any(finding.status is Status.UNKNOWN for finding in check.findings):
            continue
        reason = f"blocked by {check.blocked_by}" if check and check.blocked_by else blind.reason
        shared.setdefault((blind.status, reason), []).append(blind.check)
    for (status, reason), ids in shared.items():
        yield Unseen(status=status, subject=_some(ids), reason=reason)


def _some(ids: Sequence[str]) -> str:
    """The JSON has all of them."""
    return ", ".join(ids) if len(ids) <= MAX_IDS else f"{', '.join(ids[: MAX_IDS - 1])} and {len(ids) - MAX_IDS + 1} more"


def _not_explained_below(sentences: Sequence[str], blind: Sequence[Blind]) -> list[str]:
    """Without those that name a check that could not look together with its reason: "Not seen" says so."""
    return [text for text in sentences if not any(spot.check in text and spot.reason in text for spot in blind)]


def _beyond(actions: Sequence[Action], told: Sequence[Action]) -> tuple[Action, ...]:
    return tuple(action for action in actions if action not in told)


def _gist(sentence: str) -> str:
    """What makes a claim and the sentence made of it equal."""
    return sentence.strip().rstrip(".").casefold()
