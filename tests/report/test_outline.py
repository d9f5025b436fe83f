"""What a report says, whatever its format: nothing twice, and no list that nobody reads to its end."""

from msgspec import structs

from diagnostics.report.model import Action, Blind, Finding, Stage, Status
from diagnostics.report.outline import MAX_IDS, outline
from tests.report.reports import healthy, problem

LOG = Action(text="Read the log", commands=("docker compose logs plugins",))
RESTART = Action(text="Restart it", commands=("docker compose restart plugins",), changes_something=True)


def test_an_action_stands_under_one_problem_only() -> None:
    report = problem()
    effects = [
        Finding(code=code, status=Status.FAIL, stage=Stage.PLUGIN_SERVER, claim=f"It is {code}", actions=actions)
        for code, actions in {"x.first": (LOG,), "x.second": (LOG, RESTART)}.items()
    ]
    check = structs.replace(report.checks[0], findings=tuple(effects))
    problems = {each.code: each.actions for each in outline(structs.replace(report, checks=(check,))).problems}
    assert problems == {"x.first": (LOG,), "x.second": (RESTART,)}


def test_many_checks_that_could_not_look_for_one_reason_are_counted() -> None:
    report = healthy()

    def subject(number: int) -> str:
        blind = tuple(Blind(check=f"kafka-{n}", status=Status.BLOCKED, reason="down") for n in range(number))
        (unseen,) = outline(structs.replace(report, completeness=structs.replace(report.completeness, blind=blind))).unseen
        return unseen.subject

    assert subject(MAX_IDS) == "kafka-0, kafka-1, kafka-2, kafka-3, kafka-4, kafka-5"
    assert subject(MAX_IDS + 1) == "kafka-0, kafka-1, kafka-2, kafka-3, kafka-4 and 2 more"
