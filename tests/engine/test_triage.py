"""What the support hero is told: the tag, whether to escalate, what to ask."""

from pathlib import Path

import pytest

from diagnostics.engine.check import Code
from diagnostics.engine.runbook import parse
from diagnostics.engine.triage import Questions, questions, triage
from diagnostics.engine.verdict import Evidence, judge
from diagnostics.report.model import Action, Category, CheckResult, Finding, Stage, Status, Step, Triage
from tests.engine.declared import result

LOST = Code(
    id="letters.active",
    worst=Status.FAIL,
    summary="events are lost",
    category=Category.DATA_INTEGRITY,
    caused_by=("oracle.down", "oracle.slow", "oracle.deposed"),
)
SLOW = Code(id="oracle.slow", worst=Status.FAIL, summary="it is slow", category=Category.PERFORMANCE)
DOWN = Code(id="oracle.down", worst=Status.FAIL, summary="it is down", category=Category.MAINTENANCE)
STRANGE = Code(id="oracle.strange", worst=Status.FAIL, summary="it is strange", category=Category.PERFORMANCE)
ODD = Code(id="oracle.odd", worst=Status.WARN, summary="it is odd", category=Category.UPGRADING)
DENIED = Code(id="oracle.denied", worst=Status.UNKNOWN, summary="no grant", category=Category.SETUP)
CRASHED = Code(id="check.crashed", worst=Status.UNKNOWN, summary="it crashed", category=Category.BUG)
CODES = {code.id: code for code in (LOST, SLOW, DOWN, STRANGE, ODD, DENIED, CRASHED)}

LOOK = Action(text="Look", commands=("look",))
MEND = Action(text="Mend", commands=("mend",), changes_something=True)
ASKED = Questions(
    {"letters.active": ("Which version?", "Which log?", "Which team?", "Which more?"), "oracle.odd": ("How odd?",)},
    {"problem": ("Since when?",), "healthy": ("Which SDK?", "Which project?"), "inconclusive": ("How is it deployed?",)},
)


def told(*results: CheckResult, asked: Questions = ASKED, finds: dict[str, frozenset[str]] | None = None) -> Triage:
    steps = (Step(title="Is it well?", status=Status.OK, checks=tuple(each.id for each in results[:1])),)
    evidence = Evidence(results=results, finds=finds or {}, steps=steps, codes=CODES, deselected=frozenset(), cut_short=False)
    return triage(judge(evidence), evidence, asked)


def seen(*findings: Finding, id: str = "omen") -> CheckResult:
    return result(id, *findings)


def blind(id: str, reason: str) -> CheckResult:
    return result(id, status=Status.SKIPPED, reason=reason)


@pytest.mark.parametrize(
    ("results", "category"),
    [
        ((seen(LOST.found("lost")),), Category.DATA_INTEGRITY),
        ((seen(LOST.found("lost"), DOWN.found("down")),), Category.MAINTENANCE),
        ((seen(ODD.found("odd")),), Category.UPGRADING),
        ((seen(DENIED.found("denied")),), Category.SETUP),
        ((seen(CRASHED.found("crashed")),), Category.BUG),
        ((blind("omen", "not configured"),), Category.SETUP),
        ((seen(LOST.found("nobody counts", status=Status.UNKNOWN)), blind("omen", "no counters")), Category.SETUP),
        ((seen(),), Category.USER_EXPERIENCE),
    ],
)
def test_the_tag_is_that_of_the_verdict_or_of_what_kept_diag_from_looking(
    results: tuple[CheckResult, ...], category: Category
) -> None:
    assert told(*results).category is category


def test_a_loss_that_nobody_can_explain_is_escalated() -> None:
    made = told(seen(LOST.found("43 events were lost", actions=[LOOK])))
    assert (made.escalate, made.escalate_reason) == (True, "43 events were lost, and no known error explains it")


def test_a_loss_that_follows_from_something_unexplained_is_escalated() -> None:
    made = told(seen(SLOW.found("it is slow", actions=[LOOK])), seen(LOST.found("43 events were lost."), id="letters"))
    assert made.escalate_reason == "43 events were lost, and no known error explains it"


@pytest.mark.parametrize(
    "findings",
    [
        (LOST.found("lost", cause="Postgres ran out of connections"),),
        (LOST.found("lost", actions=[MEND]),),
        (SLOW.found("slow", actions=[MEND]), LOST.found("lost")),
        (DOWN.found("down", actions=[LOOK]), LOST.found("lost")),
        (SLOW.found("slow"),),
        (DOWN.found("down"),),
    ],
)
def test_what_the_customer_can_mend_is_not(findings: tuple[Finding, ...]) -> None:
    made = told(seen(*findings))
    assert (made.escalate, made.escalate_reason) == (False, "")


def test_checks_that_contradict_each_other_without_a_reason_are_escalated() -> None:
    finds = {"omen": frozenset({"oracle.strange"}), "other": frozenset({"oracle.strange"})}
    made = told(seen(STRANGE.found("it is strange")), seen(id="other"), finds=finds)
    assert made.escalate_reason == (
        "the checks contradict each other: other looked for oracle.strange as well and did not find it: it may come and go"
    )
    explained = told(seen(STRANGE.found("it is strange", actions=[MEND])), seen(id="other"), finds=finds)
    assert not explained.escalate


def test_several_things_that_do_not_explain_each_other_are_escalated_by_name() -> None:
    two = told(seen(DOWN.found("down"), STRANGE.found("strange")))
    three = told(seen(DOWN.found("down"), STRANGE.found("strange"), SLOW.found("slow")))
    assert not two.escalate
    assert three.escalate_reason == (
        "3 things are broken that do not explain each other (oracle.down, oracle.strange, oracle.slow)"
    )


def test_a_crash_of_a_check_is_a_bug_to_escalate_whatever_else_is_found() -> None:
    healthy = told(seen(), seen(CRASHED.found("lag crashed: KeyError."), id="lag"))
    assert healthy.escalate_reason == "a check of diag failed, which is a bug of it: lag crashed: KeyError"
    both = told(seen(LOST.found("lost")), seen(CRASHED.found("lag crashed"), CRASHED.found("again"), id="lag"))
    assert both.escalate_reason == (
        "lost, and no known error explains it; a check of diag failed, which is a bug of it: lag crashed"
    )


def test_a_problem_asks_about_its_code_first_then_the_rest_and_never_more_than_five() -> None:
    made = told(
        seen(LOST.found("lost")), blind("lag", "no brokers are configured"), blind("groups", "no brokers are configured")
    )
    assert made.ask == (
        "Which version?",
        "Which log?",
        "Which team?",
        "Since when?",
        "Could you run diag again so that lag and groups can look? They could not: no brokers are configured.",
    )
    several = [blind(id, f"{id} is not configured") for id in ("a", "b", "c", "d")]
    assert len(told(seen(LOST.found("lost")), *several).ask) == 5


def test_an_inconclusive_report_asks_to_let_diag_look_first() -> None:
    made = told(blind("omen", "no oracle is configured"), seen(ODD.found("odd"), id="other"))
    assert made.ask == (
        "Could you run diag again so that omen can look? It could not: no oracle is configured.",
        "How odd?",
        "How is it deployed?",
    )


def test_a_healthy_report_asks_about_the_senders() -> None:
    assert told(seen()).ask == ("Which SDK?", "Which project?")


def test_what_another_failure_blocks_needs_no_question() -> None:
    blocked = CheckResult(id="lag", title="t", stage=Stage.KAFKA, status=Status.BLOCKED, reason="it is down", blocked_by="omen")
    assert told(seen(DOWN.found("down")), blocked).ask == ("Since when?",)


BOOK = """\
---
id: small
title: t
steps:
  - title: Is it up?
    checks: [omen]
ask:
  healthy:
    - Which SDK?
---
## oracle.bad

**What it means.** It is bad.

**Safe?** Yes.

**Ask.** What support wants to know:

- Is `docker compose ps` fine,
  or not?
- Since when?

**Thresholds.** None:

- not a question

## oracle.odd

**Fix.**

- not a question either
"""


def test_questions_are_the_lists_of_the_runbooks_sections_as_plain_lines() -> None:
    book = parse(Path("small.md"), BOOK)
    assert book.questions == {"oracle.bad": ("Is 'docker compose ps' fine, or not?", "Since when?"), "oracle.odd": ()}
    assert book.front.ask == {"healthy": ("Which SDK?",)}


def test_questions_come_from_all_runbooks_and_from_the_one_that_is_walked_first() -> None:
    book = parse(Path("small.md"), BOOK)
    other = parse(Path("other.md"), BOOK.replace("Since when?", "Until when?").replace("oracle.odd", "oracle.new"))
    asked = questions([book, other], book)
    assert asked.by_code == {"oracle.bad": ("Is 'docker compose ps' fine, or not?", "Since when?")}
    assert questions([book], other).by_code["oracle.bad"][1] == "Until when?"
    assert asked.by_status == {"healthy": ("Which SDK?",)}
