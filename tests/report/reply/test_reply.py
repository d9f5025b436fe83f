"""The first reply: what it says, in which order, and how much."""

import pytest
from msgspec import structs

from diagnostics.report.model import Action, Report
from diagnostics.report.reply import CHANNELS, Channel, render
from tests.report import reports
from tests.report.reply import replies

EACH_CHANNEL = pytest.mark.parametrize("channel", CHANNELS)
TO_CUSTOMERS = pytest.mark.parametrize("channel", [channel for channel in CHANNELS if channel != "note"])


@pytest.mark.parametrize(("scenario", "channel"), replies.NAMES)
def test_the_reply_is_the_one_that_a_person_read(scenario: str, channel: Channel) -> None:
    assert replies.reply(scenario, channel) == replies.path(scenario, channel).read_text(encoding="utf-8")


@TO_CUSTOMERS
def test_it_greets_thanks_and_ends_as_a_person_would(channel: Channel) -> None:
    text = render(reports.problem(), channel, "Ana").replace("\n", " ")
    assert "Hey Ana,  Thanks for running diag and sending the report! Here is what it shows: Events stop at " in text
    assert text.startswith(("Hey Ana,", "Subject: "))
    assert text.endswith("Let me know how it goes, and I'll help from there! (This is about report 7f3a-c2.) ")


@TO_CUSTOMERS
@pytest.mark.parametrize("name", ["", "  ", "\n"])
def test_without_a_name_it_still_greets(channel: Channel, name: str) -> None:
    assert "Hey there,\n" in render(reports.problem(), channel, name)


def with_actions(*actions: Action) -> Report:
    base = reports.problem()
    return structs.replace(base, verdict=structs.replace(base.verdict, actions=actions))


@EACH_CHANNEL
def test_what_only_looks_comes_first_and_what_may_lose_something_last(channel: Channel) -> None:
    risky = Action(text="Drop it", commands=("drop it",), changes_something=True, safe=False)
    safe = Action(text="Restart it", commands=("restart it",), changes_something=True)
    look = Action(text="Look at it", commands=("look at it",))
    text = render(with_actions(risky, safe, look), channel)
    assert text.index("1. Look at it") < text.index("2. Restart it") < text.index("3. Drop it")
    assert "only looks" in text
    assert "changes something; nothing can be lost by it" in text.replace("\n   ", " ")
    assert "changes something and is NOT safe: please read it through first" in text.replace("\n   ", " ")


@EACH_CHANNEL
def test_commands_are_whole_or_left_out(channel: Channel) -> None:
    long = "select " + "1, " * 1000
    text = render(with_actions(Action(text="Ask it", commands=("peek --now", long))), channel)
    assert "peek" not in text
    assert "1, 1" not in text
    assert "(the commands for it stand in the report)" in text.replace("\n   ", " ")


def test_without_anything_to_do_it_offers_what_is_known_of_the_code() -> None:
    text = render(with_actions(), "github", "Ana")
    assert "**Could you try this?**\n\n1. Read what this means and how to mend it (only looks)\n" in text
    assert "diag explain app.postgres-down" in text


def test_little_is_asked_at_once_and_the_rest_stands_in_the_note() -> None:
    asked = tuple(f"Question {n}?" for n in range(5))
    base = reports.problem()
    report = structs.replace(base, triage=structs.replace(base.triage, ask=asked))
    for channel in ("slack", "email", "github"):
        text = render(report, channel, "Ana")  # type: ignore[arg-type]
        assert [question in text for question in asked] == [True, True, True, False, False]
    note = render(report, "note")
    first, _, still = note.partition("Still to ask")
    assert [question in first for question in asked] == [True, True, True, False, False]
    assert [question in still for question in asked] == [False, False, False, True, True]


@TO_CUSTOMERS
def test_who_escalates_says_so_to_the_customer_and_to_the_next_on_duty(channel: Channel) -> None:
    base = reports.problem()
    lost = structs.replace(base.triage, escalate=True, escalate_reason="43 events were lost, and no known error explains it")
    report = structs.replace(base, triage=lost)
    promise = "I'll also look into this with the team and get back to you."
    assert promise in render(report, channel).replace("\n", " ")
    assert promise not in render(base, channel).replace("\n", " ")
    note = render(report, "note")
    assert "Escalate to the secondary on-call: yes, because 43 events were lost, and no known error explains it." in note
    assert "- Call the secondary on-call and give them this note and the report.\n" in note


def test_what_fails_with_another_cause_is_told_as_well() -> None:
    base = reports.problem()
    report = structs.replace(base, verdict=structs.replace(base.verdict, also=("dead-letters.active",)))
    told = f"Besides, and not because of that: {reports.DEAD_LETTERS.claim}."
    assert told in render(report, "github")
    assert "Besides" not in render(base, "github")


def test_a_run_that_was_cut_short_says_so_and_how_to_give_it_more_time() -> None:
    text = render(reports.cut_short(), "github", "Ana")
    assert "Incomplete: the run was cut short after 5 s (its deadline ended it)." in text
    assert "Please give it more time then: diag run --deadline 180s." in text


def test_an_inconclusive_report_asks_for_what_would_let_diag_look() -> None:
    text = render(reports.inconclusive(), "github", "Ana")
    assert (
        "**What it could not look at, and why:**\n\n"
        "- Sentry refuses the token (401). An internal integration's token with event:read and org:read is needed; "
        "an organization token reads no issues.\n"
        "- ClickHouse does not let diag read posthog.events_dead_letter_queue\n"
        "- plugin-server-health, plugin-server-heartbeat: no plugin server is configured "
        "(plugin_server_urls or DIAG_PLUGIN_SERVER_URLS)\n"
    ) in text
    assert "**Could you try this?**" not in text
    assert text.index("To let it look, please do this:") < text.index("GRANT SELECT")


def test_codes_do_not_stand_between_plain_words() -> None:
    base = reports.problem()
    why = (*base.verdict.why, "Postgres ran out of connections: the error texts behind dead-letters.active say so.")
    text = render(structs.replace(base, verdict=structs.replace(base.verdict, why=why[::-1])), "slack", "Ana")
    assert "the error texts behind" not in text


def test_an_email_has_a_subject_and_lines_of_72_columns_but_for_commands() -> None:
    subject, empty, *lines = render(reports.problem(), "email", "Ana").split("\n")
    assert subject == "Subject: Your PostHog events: Events stop at the plugin server: Postgres refuses its connections"
    assert empty == ""
    assert [line for line in lines if len(line) > 72] == [f"     {reports.SEE_CONNECTIONS.commands[0]}"]


def test_a_note_names_tag_verdict_numbers_and_what_was_not_seen() -> None:
    note = render(reports.problem(), "note", "Ana")
    assert "Ana" not in note
    for part in (
        "Private hand-off note. Tag: Deployments/Maintenance. ",
        " Escalate to the secondary on-call: no, the proposed steps mend it.\n",
        "- Root cause: code app.postgres-down, events stop at plugin-server.\n",
        "- fail: dead-letters.active: 1,204 events were dead-lettered in 24 h by 3 teams, the last 12 s ago. "
        "Known: Postgres refuses its connections.\n",
        "- Looked with 7 of 7 checks. Nothing was seen of: capture, kafka; a problem there is not ruled out.\n",
        "- Read what is known of it: diag explain app.postgres-down\n",
    ):
        assert part in note
