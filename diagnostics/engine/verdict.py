"""The conclusion: a pure function of what the checks found. It is deterministic and explains itself.

The root cause is the failing code that no other failing code present explains (by `Code.caused_by`, or by what the error
texts behind it point to); of several, one that says that events stop before one that says that something complains, then the
one furthest up the path, then the one that more checks saw. Confidence falls with every blind spot on the path to it and with
what contradicts it, and rises when a second check saw the same.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct, structs

from diagnostics.engine.check import Code
from diagnostics.report.model import Action, CheckResult, Finding, Stage, Status, Step, Verdict

MAX_ACTIONS = 5
OF_THE_ROOT = 3  # actions at least, however much else is broken

STAGE_NAMES = {
    Stage.CAPTURE: "capture",
    Stage.KAFKA: "Kafka",
    Stage.PLUGIN_SERVER: "the plugin server",
    Stage.CLICKHOUSE: "ClickHouse",
    Stage.APP: "the app",
}

Confidence = Literal["high", "medium", "low"]
_CONFIDENCES: tuple[Confidence, ...] = ("low", "medium", "high")


class Evidence(Struct, frozen=True):
    """What the verdict is drawn from. `finds` are the codes that each check could have raised; `deselected` the ids of
    those that the reader asked to leave out; `opened_by` the checks of the connections that each check looks through."""

    results: tuple[CheckResult, ...]
    finds: Mapping[str, frozenset[str]]
    steps: tuple[Step, ...]
    codes: Mapping[str, Code]
    deselected: frozenset[str]
    cut_short: bool
    opened_by: Mapping[str, frozenset[str]] = {}

    def of_status(self, status: Status) -> list[Finding]:
        """The findings of one status, upstream first, then in the order of the checks."""
        found = [finding for result in self.results for finding in result.findings if finding.status is status]
        return sorted(found, key=lambda finding: depth(finding.stage))

    @property
    def blind(self) -> list[CheckResult]:
        """The checks that could not look though nobody asked to leave them out."""
        return [result for result in self.results if not result.status.looked and result.id not in self.deselected]

    @property
    def dark(self) -> list[Stage]:
        """The stages that no check at all looks at."""
        return [stage for stage in Stage if not any(result.stage is stage for result in self.results)]

    @property
    def too_little(self) -> bool:
        """Whether a step of the runbook, or the whole run, had no check that could look, or the run was cut short."""
        nothing_seen = not any(result.status.looked for result in self.results)
        return self.cut_short or nothing_seen or bool(self.unanswered)

    @property
    def unanswered(self) -> list[Step]:
        """The steps that had no check that could look, but for those that were left out on request."""
        return [step for step in self.steps if self._unanswered(step)]

    def _unanswered(self, step: Step) -> bool:
        by_id = {result.id: result for result in self.results}
        asked = [by_id[id] for id in step.checks if id in by_id and id not in self.deselected]
        left_out = bool(step.checks) and all(id in self.deselected for id in step.checks)
        return not left_out and not any(result.status.looked for result in asked)


def judge(evidence: Evidence) -> Verdict:
    """The verdict on an install."""
    failing = evidence.of_status(Status.FAIL)
    if failing:
        return _problem(evidence, failing)
    warnings = evidence.of_status(Status.WARN)
    if evidence.too_little:
        return _inconclusive(evidence, warnings)
    if warnings:
        return _warning(evidence, warnings)
    return _healthy(evidence)


def depth(stage: Stage | None) -> int:
    """How far down the path a stage is; without one, behind all."""
    return list(Stage).index(stage) if stage else len(Stage)


def explained_by(code: str, codes: Mapping[str, Code]) -> frozenset[str]:
    """Every code that can cause `code`, directly or through others."""
    causes: set[str] = set()
    waiting = [code]
    while waiting:
        declared = codes.get(waiting.pop())
        new = [cause for cause in declared.caused_by if cause not in causes] if declared else []
        causes.update(new)
        waiting.extend(new)
    return frozenset(causes - {code})


def _told(failing: Sequence[Finding], codes: Mapping[str, Code]) -> dict[str, Code]:
    """The codes, each with what the error texts behind it point to among its causes: a catalogue needs no code."""
    told = dict(codes)
    for finding in failing:
        code = told[finding.code]
        told[finding.code] = structs.replace(code, caused_by=(*code.caused_by, *finding.cause_codes))
    return told


def _problem(evidence: Evidence, failing: list[Finding]) -> Verdict:
    present = list(dict.fromkeys(finding.code for finding in failing))
    told = _told(failing, evidence.codes)
    failed = {code: told[code] for code in present}  # what is not failing passes no cause on
    causes = {code: explained_by(code, failed) for code in present}
    # A circle explains nothing: a cause that is an effect as well does not count.
    roots = [code for code in present if all(code in causes[cause] for cause in causes[code] & set(present))]
    first = {code: next(finding for finding in failing if finding.code == code) for code in present}
    seen_by = {code: _seen_by(evidence.results, code) for code in present}
    root = min(roots, key=lambda code: (told[code].weak, depth(first[code].stage), -len(seen_by[code]), present.index(code)))
    explained = [finding for finding in failing if finding.code == root or root in causes[finding.code]]
    chain = _in_order(explained, root)
    stage = _where_events_stop(root, chain, told)
    corroborated = len({id for finding in chain for id in seen_by[finding.code]}) > 1
    blind = [result for result in evidence.blind if depth(result.stage) <= depth(stage)]
    dark = [each for each in evidence.dark if depth(each) < depth(stage)]
    contradictions = _contradictions(evidence, root)
    against = [*contradictions, *_not_found_by(evidence, root, seen_by[root]), *_unseen(blind)]
    lowered = int(evidence.cut_short) + bool(contradictions) - int(corroborated)
    in_chain = {finding.code for finding in chain}
    others = [first[code] for code in roots if code != root and not told[code].weak and not told[code].symptom]
    return Verdict(
        status="problem",
        code=root,
        stage=stage,
        confidence=_confidence(blind=len(blind) + bool(dark), lowered=lowered),
        headline=" ".join((_headline(root, stage, chain, evidence.codes), *_consequences(root, chain, evidence.codes))),
        why=tuple(dict.fromkeys(_claim(finding) for finding in chain)),
        against=tuple(against),
        actions=_and_for(others, _what_to_do(chain, root, told)),
        also=tuple(code for code in present if code not in in_chain),
    )


def _in_order(explained: Sequence[Finding], root: str) -> list[Finding]:
    """The cause as it was measured, then as somebody's error texts tell it (once is enough), what points to it, its effects."""
    measured, told, pointing, effects = ([each for each in explained if _distance(each, root) == at] for at in range(4))
    return [*measured, *told[:1], *pointing, *told[1:], *effects]


def _where_events_stop(root: str, chain: Sequence[Finding], codes: Mapping[str, Code]) -> Stage | None:
    """The stage of the root cause. What the app reports (Postgres is down) is beside the path: then the stage that it stops."""
    own = next(finding.stage for finding in chain if finding.code == root)
    if own is not Stage.APP:
        return own
    stopped = [codes[finding.code].stops_at or finding.stage for finding in chain if not codes[finding.code].waiting]
    return min(stopped, key=depth)


def _headline(root: str, stage: Stage | None, chain: Sequence[Finding], codes: Mapping[str, Code]) -> str:
    """The first sentence: the place and the cause, in words that survive being quoted alone."""
    code = codes[root]
    known = next((finding.cause for finding in chain if finding.cause and finding.code == root), "")
    known = known or next((finding.cause for finding in chain if finding.cause and root in finding.cause_codes), "")
    if code.headline:
        return _sentence(f"{code.headline}: {known}" if known else code.headline)
    what = known or code.summary
    if stage is None or stage is Stage.APP:
        return _sentence(what)
    return _sentence(f"Events stop at {STAGE_NAMES[stage]}: {what}")


def _consequences(root: str, chain: Sequence[Finding], codes: Mapping[str, Code]) -> list[str]:
    """What the root cause does that cannot be undone: whoever reads one line must know that it is urgent."""
    said = [codes[finding.code].consequence for finding in chain if finding.code != root]
    return [_sentence(text) for text in dict.fromkeys(said) if text]


def _inconclusive(evidence: Evidence, warnings: list[Finding]) -> Verdict:
    why = [f"Nobody could look at: {step.title}" for step in evidence.unanswered]
    if evidence.cut_short:
        why.append("The run was cut short before every check had finished.")
    return Verdict(
        status="inconclusive",
        code=warnings[0].code if warnings else None,
        stage=warnings[0].stage if warnings else None,
        confidence="low",
        headline="Nothing is known to be broken, but too little could be looked at to call this install healthy.",
        why=(*why, *(_claim(finding) for finding in warnings)),
        against=tuple(_unseen(evidence.blind)),
        actions=_inconclusive_actions(evidence, warnings),
        also=(),
    )


def _inconclusive_actions(evidence: Evidence, warnings: Sequence[Finding]) -> tuple[Action, ...]:
    """What is in the way of looking comes first, then what diag was not told of and needs for the runbook."""
    asked = {id for step in evidence.unanswered for id in step.checks}
    skipped = [result for result in evidence.blind if result.id in asked and result.status is Status.SKIPPED]
    lacking = [reason for result in skipped for reason in result.reason.split("; ")]
    told = [Action(text=f"Tell diag where to look, and run it again: {reason}") for reason in dict.fromkeys(lacking)]
    return tuple(dict.fromkeys((*_actions(_unlooked(evidence.results)), *told, *_actions(warnings))))[:MAX_ACTIONS]


def _warning(evidence: Evidence, warnings: list[Finding]) -> Verdict:
    foremost = warnings[0]
    return Verdict(
        status="warning",
        code=foremost.code,
        stage=foremost.stage,
        confidence=_confidence(blind=len(evidence.blind) + bool(evidence.dark)),
        headline=_claim(foremost),
        why=tuple(_claim(finding) for finding in warnings[1:]),
        against=tuple(_unseen(evidence.blind)),
        actions=_actions(warnings),
    )


def _healthy(evidence: Evidence) -> Verdict:
    looked = [result for result in evidence.results if result.status.looked]
    if evidence.deselected:
        headline = f"Nothing is wrong in what was asked for: {len(looked)} of {len(evidence.results)} checks looked."
    else:
        headline = "Nothing is wrong where diag could look."
    return Verdict(
        status="healthy",
        code=None,
        stage=None,
        confidence="low" if evidence.deselected else _confidence(blind=len(evidence.blind) + bool(evidence.dark)),
        headline=headline,
        why=tuple(_sentence(result.title) for result in looked),
        against=(
            *_unseen(evidence.blind),
            "This does not prove that clients send: a browser's ad blocker, a wrong project token or address, or a filter in "
            "the app can hide events that this path never got, or got and stored.",
        ),
    )


def _confidence(*, blind: int, lowered: int = 0) -> Confidence:
    """`blind` spots on the path (stages that nothing looks at are one) lower it, one step for one or two, two steps for
    more; `lowered` adds to that."""
    steps = (0 if blind == 0 else 1 if blind <= 2 else 2) + lowered
    return _CONFIDENCES[max(0, min(2, 2 - steps))]


def _seen_by(results: Sequence[CheckResult], code: str) -> list[str]:
    return [result.id for result in results if any(f.code == code and f.status is Status.FAIL for f in result.findings)]


def _contradictions(evidence: Evidence, root: str) -> list[str]:
    """What was found that does not go together with the root cause."""
    speaking = evidence.codes[root].contradicted_by
    found = [finding for result in evidence.results for finding in result.findings if finding.code in speaking]
    return [
        f"{_claim(finding)} That does not go together with {root} for all events: it may have begun just now, touch only a "
        "part (one path, role, partition or team), or be so only from where diag runs."
        for finding in found
        if finding.status in (Status.OK, Status.INFO)
    ]


def _not_found_by(evidence: Evidence, root: str, seen_by: Sequence[str]) -> list[str]:
    """Checks that looked for the root cause themselves and did not find it. Where a connection is not well nothing else
    looks through it: that it was, says nothing against who did."""
    opened = {probe for id in seen_by for probe in evidence.opened_by.get(id, ())}
    return [
        f"{result.id} looked for {root} as well and did not find it: it may come and go."
        for result in evidence.results
        if result.status.looked and result.id not in {*seen_by, *opened} and root in evidence.finds.get(result.id, ())
    ]


def _unseen(blind: Sequence[CheckResult]) -> list[str]:
    """One sentence for all that could not look for the same reason."""
    reasons = dict.fromkeys(result.reason for result in blind)
    return [f"Not looked at: {', '.join(each.id for each in blind if each.reason == reason)} ({reason})." for reason in reasons]


def _unlooked(results: Sequence[CheckResult]) -> list[Finding]:
    return [finding for result in results for finding in result.findings if finding.status is Status.UNKNOWN]


def _what_to_do(chain: Sequence[Finding], root: str, codes: Mapping[str, Code]) -> tuple[Action, ...]:
    """What is lost meanwhile for good comes first, then what is about the root cause. Where events are missing leads to the
    cause, and nowhere once that is known."""
    ranked = sorted(chain, key=lambda finding: (not codes[finding.code].consequence, _distance(finding, root)))
    return _actions([each for each in ranked if each.code == root or not codes[each.code].symptom]) or _actions(ranked)


def _and_for(others: Sequence[Finding], actions: Sequence[Action]) -> tuple[Action, ...]:
    """`actions`, and the first step about each of `others`: whoever mends the root cause alone still has no events."""
    steps = tuple(finding.actions[0] for finding in others if finding.actions and finding.actions[0] not in actions)
    return (*actions[: max(OF_THE_ROOT, MAX_ACTIONS - len(steps))], *steps)[:MAX_ACTIONS]


def _actions(findings: Sequence[Finding]) -> tuple[Action, ...]:
    """What to do, in the order of the checks' authors, each once: of two that change the same with other words, the first,
    and no looking again before a change at what was just looked at."""
    offered: dict[object, Action] = {}
    looked: set[str] = set()
    for action in (action for finding in findings for action in finding.actions):
        if action.changes_something:
            left = tuple(command for command in action.commands if command not in looked)
            action = structs.replace(action, commands=left or action.commands)
        else:
            looked.update(action.commands)
        offered.setdefault(action.commands if action.changes_something and action.commands else action, action)
    return tuple(offered.values())[:MAX_ACTIONS]


def _distance(finding: Finding, root: str) -> int:
    """How near a finding is to the root cause: it itself, measured; it itself, from hearsay; what points to it; its effects."""
    if finding.code == root:
        return 0 if finding.evidence or finding.actions else 1
    return 2 if root in finding.cause_codes else 3


def _claim(finding: Finding) -> str:
    """The claim as a sentence. What it is about may be called like a word: the table `events` is no `Events`."""
    claim = finding.claim.strip()
    named = any(re.match(rf"{re.escape(name)} (?:is|was|has)\b", claim) for name in finding.affects if name)
    return claim[:1] + _sentence(claim)[1:] if named else _sentence(claim)


def _sentence(text: str) -> str:
    """With a capital and an end, and nothing else changed: an address, an id or a table's name keeps its case."""
    text = text.strip()
    capital = text[:1].upper() if re.match(r"[a-z]+['’]?[a-z]*[,:;]?(\s|$)", text) else text[:1]
    return text if not text else capital + text[1:] + ("" if text[-1] in ".!?" else ".")
