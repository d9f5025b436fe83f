"""What the support hero is told beside the report."""

import pytest
from msgspec import structs

from diagnostics.report.formats import render
from diagnostics.report.hero import hero
from diagnostics.report.model import Action, Report
from diagnostics.report.options import RenderOptions
from tests.report import reports
from tests.report.reply import replies


def test_a_problem_that_the_customer_can_mend() -> None:
    risky = Action(text="Drop the table", commands=("drop",), changes_something=True, safe=False)
    base = reports.problem()
    report = structs.replace(base, verdict=structs.replace(base.verdict, actions=(*base.verdict.actions, risky)))
    assert hero(report) == (
        "Tag: Deployments/Maintenance.",
        "Escalate to the secondary on-call: no, the proposed steps mend it.",
        "Tell the customer: Events stop at the plugin server: Postgres refuses its connections. "
        "1,204 events were dead-lettered in 24 h by 3 teams, the last 12 s ago.",
        "Ask: When did it begin, and what was changed shortly before (upgrade, configuration, more traffic)?",
        "Proposed steps: 1 that only looks, 1 that changes something and is safe, 1 that changes something and is NOT safe.",
        "Not safe, go through it with them first: Drop the table.",
    )


def test_what_is_escalated_says_why() -> None:
    base = reports.warning()
    reason = "43 events were lost, and no known error explains it"
    report = structs.replace(base, triage=structs.replace(base.triage, escalate=True, escalate_reason=reason))
    assert hero(report)[1] == f"Escalate to the secondary on-call: yes, because {reason}."


def looking_only(report: Report) -> Report:
    looks = tuple(action for action in report.verdict.actions if not action.changes_something)
    return structs.replace(report, verdict=structs.replace(report.verdict, actions=looks))


@pytest.mark.parametrize(
    ("report", "told"),
    [
        (reports.healthy(), "no, nothing is known to be failing."),
        (reports.inconclusive(), "no, nothing is known to be failing."),
        (looking_only(reports.problem()), "no, the customer can find out more with the proposed steps."),
    ],
)
def test_why_nobody_is_called(report: Report, told: str) -> None:
    assert hero(report)[1] == f"Escalate to the secondary on-call: {told}"


def test_a_healthy_report_leads_to_what_sends_the_events() -> None:
    lines = hero(reports.healthy())
    assert lines[2] == (
        "Tell the customer: the path is well where diag could look, so the next place to look is what sends the events."
    )
    assert not any(line.startswith("Proposed") for line in lines)


@pytest.mark.parametrize("format", ["terminal", "markdown"])
@pytest.mark.parametrize("scenario", replies.SCENARIOS)
def test_every_line_is_in_the_report_for_a_hero_and_only_there(format: str, scenario: str) -> None:
    report = replies.report(scenario)

    def words(audience: str) -> str:
        text = render(report, format, RenderOptions(width=200, audience=audience))  # type: ignore[arg-type]
        return " ".join(text.replace("`", "").split())

    for line in hero(report):
        assert line.replace("`", "") in words("hero")
    assert "Tell the customer" not in words("customer")
