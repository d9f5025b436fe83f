from collections.abc import Mapping

import pytest

from diagnostics.engine.check import Code
from diagnostics.engine.verdict import Evidence, explained_by, judge
from diagnostics.report.model import Action, CheckResult, Finding, Stage, Status, Step, Values, Verdict
from tests.engine.declared import result

POSTGRES = Code(id="app.postgres-down", worst=Status.FAIL, stage=Stage.APP, summary="Postgres is down")
LETTERS = Code(
    id="dead-letters.active",
    worst=Status.FAIL,
    stage=Stage.PLUGIN_SERVER,
    summary="events are put aside",
    caused_by=("app.postgres-down",),
)
BURST = Code(id="dead-letters.past-burst", worst=Status.WARN, stage=Stage.PLUGIN_SERVER, summary="events were put aside")
STALE = Code(
    id="clickhouse.events-stale",
    worst=Status.FAIL,
    stage=Stage.CLICKHOUSE,
    summary="no new rows",
    headline="events no longer reach ClickHouse",
    symptom=True,
    caused_by=("dead-letters.active",),
)
DOWN = Code(id="clickhouse.unreachable", worst=Status.FAIL, stage=Stage.CLICKHOUSE, summary="it does not answer")
EGG = Code(id="egg", worst=Status.FAIL, stage=Stage.KAFKA, summary="from a hen", caused_by=("hen",))
HEN = Code(id="hen", worst=Status.FAIL, stage=Stage.KAFKA, summary="from an egg", caused_by=("egg",))
LAG = Code(
    id="kafka.lag",
    worst=Status.FAIL,
    stage=Stage.KAFKA,
    summary="a consumer group is behind",
    caused_by=("app.postgres-down", "clickhouse.disk-full"),
    contradicted_by=("app.events-visible",),
    waiting=True,
)
DISK = Code(id="clickhouse.disk-full", worst=Status.FAIL, stage=Stage.CLICKHOUSE, summary="a disk is full")
SENTRY = Code(id="sentry.errors", worst=Status.FAIL, stage=Stage.PLUGIN_SERVER, summary="Sentry shows errors", weak=True)
UNSEEN = Code(id="clickhouse.permission-denied", worst=Status.UNKNOWN, stage=Stage.CLICKHOUSE, summary="a grant is missing")
VISIBLE = Code(id="app.events-visible", worst=Status.INFO, stage=Stage.APP, summary="events arrive")
ASIDE = Code(
    id="kafka.dead-letters",
    worst=Status.FAIL,
    stage=Stage.KAFKA,
    summary="events are put aside",
    caused_by=("app.postgres-down",),
    stops_at=Stage.PLUGIN_SERVER,
)
LOSS = Code(
    id="kafka.retention-loss",
    worst=Status.FAIL,
    stage=Stage.KAFKA,
    summary="it deletes events before they are read",
    consequence="Kafka deletes what waits",
    caused_by=("kafka.lag",),
    waiting=True,
)
CODES = {
    code.id: code for code in (ASIDE, POSTGRES, LETTERS, BURST, STALE, DOWN, EGG, HEN, LAG, DISK, SENTRY, UNSEEN, VISIBLE, LOSS)
}

KAFKA, PLUGIN, CLICKHOUSE, APP = Stage.KAFKA, Stage.PLUGIN_SERVER, Stage.CLICKHOUSE, Stage.APP


def verdict(
    *given: CheckResult,
    steps: tuple[tuple[str, ...], ...] = (),
    deselected: tuple[str, ...] = (),
    cut: bool = False,
    dark: tuple[Stage, ...] = (),
    opened_by: Mapping[str, frozenset[str]] | None = None,
) -> Verdict:
    """Of the given results; at every other stage but the `dark` ones a check that saw nothing wrong."""
    lit = [stage for stage in Stage if stage not in dark and not any(each.stage is stage for each in given)]
    results = (*given, *(result(f"{stage}-seen", stage=stage) for stage in lit))
    finds = {"app-health": frozenset({"app.postgres-down"})}
    by_id = {each.id: each for each in results}
    walked = tuple(Step(title=f"Step {ids}?", status=by_id[ids[0]].status, checks=ids) for ids in steps)
    return judge(Evidence(results, finds, walked, CODES, frozenset(deselected), cut, opened_by or {}))


def letters(cause: str = "", actions: tuple[Action, ...] = ()) -> Finding:
    return LETTERS.found("12 events were dead-lettered", cause=cause, actions=actions)


def test_a_cause_that_is_present_explains_its_effects() -> None:
    judged = verdict(
        result("dead-letters", letters(), stage=PLUGIN),
        result("events-arriving", STALE.found("the newest row is 3 h old"), stage=CLICKHOUSE),
        result("app-health", POSTGRES.found("/_readyz says postgres: false"), stage=APP),
    )
    assert (judged.status, judged.code, judged.stage, judged.also) == ("problem", "app.postgres-down", PLUGIN, ())
    assert judged.headline == "Events stop at the plugin server: Postgres is down."
    assert judged.why == ("/_readyz says postgres: false.", "12 events were dead-lettered.", "The newest row is 3 h old.")
    assert judged.confidence == "high"


def test_a_known_error_says_the_cause_in_plain_words() -> None:
    judged = verdict(result("dead-letters", letters(cause="Postgres ran out of connections"), stage=PLUGIN))
    assert judged.headline == "Events stop at the plugin server: Postgres ran out of connections."


def test_what_an_effect_says_of_something_else_is_no_headline_for_the_cause() -> None:
    judged = verdict(
        result("dead-letters", letters(cause="A transformation throws"), stage=PLUGIN),
        result("app-health", POSTGRES.found("/_readyz says postgres: false"), stage=APP),
    )
    assert (judged.code, judged.headline) == ("app.postgres-down", "Events stop at the plugin server: Postgres is down.")


def test_a_code_s_own_headline_claims_no_more_than_is_known() -> None:
    judged = verdict(result("events-arriving", STALE.found("the newest row is 3 h old"), stage=CLICKHOUSE))
    assert judged.headline == "Events no longer reach ClickHouse."


def test_of_two_causes_the_one_further_up_the_path_comes_first() -> None:
    judged = verdict(
        result("clickhouse-connection", DOWN.found("refused"), stage=CLICKHOUSE),
        result("dead-letters", letters(), stage=PLUGIN),
    )
    assert (judged.code, judged.also) == ("dead-letters.active", ("clickhouse.unreachable",))


def test_a_cause_reaches_an_effect_only_through_what_fails_as_well() -> None:
    stale = result("events-arriving", STALE.found("the newest row is 3 h old"), stage=CLICKHOUSE)
    postgres = result("app-health", POSTGRES.found("/_readyz says postgres: false"), stage=APP)
    apart = verdict(stale, postgres)
    assert (apart.code, apart.also) == ("clickhouse.events-stale", ("app.postgres-down",))
    linked = verdict(stale, postgres, result("dead-letters", letters(), stage=PLUGIN))
    assert (linked.code, linked.also) == ("app.postgres-down", ())


def test_causes_in_a_circle_still_give_a_verdict() -> None:
    judged = verdict(result("a", HEN.found("hen")), result("b", EGG.found("egg")))
    assert judged.code == "hen"
    assert explained_by("egg", CODES) == {"hen"}


def test_a_check_that_looked_for_the_cause_and_did_not_find_it_stands_against() -> None:
    seen = result("dead-letters", letters(), POSTGRES.found("the error texts say so"), stage=PLUGIN)
    judged = verdict(seen, result("app-health", stage=APP))
    assert judged.code == "app.postgres-down"
    assert judged.against == ("app-health looked for app.postgres-down as well and did not find it: it may come and go.",)


def test_a_connection_that_is_well_says_nothing_against_who_looks_through_it() -> None:
    seen = result("app-flags", POSTGRES.found("the flags say so"), stage=APP)
    judged = verdict(seen, result("app-health", stage=APP), opened_by={"app-flags": frozenset({"app-health"})})
    assert (judged.code, judged.against) == ("app.postgres-down", ())


@pytest.mark.parametrize(
    ("affects", "claim", "why"),
    [
        (("events",), "events is missing", "events is missing."),
        (("events",), "events of 3 teams are missing", "Events of 3 teams are missing."),
        ((), "events stopped arriving", "Events stopped arriving."),
        (("event",), "events is missing", "Events is missing."),
    ],
)
def test_a_claim_that_begins_with_the_name_of_a_table_keeps_its_case(affects: tuple[str, ...], claim: str, why: str) -> None:
    assert verdict(result("clickhouse-path", DOWN.found(claim, affects=affects), stage=CLICKHOUSE)).why == (why,)


@pytest.mark.parametrize(("blind", "confidence"), [(0, "high"), (1, "medium"), (2, "medium"), (3, "low")])
def test_every_blind_spot_on_the_path_lowers_confidence(blind: int, confidence: str) -> None:
    dark = [result(f"kafka-{n}", status=Status.SKIPPED, reason="no brokers", stage=Stage.KAFKA) for n in range(blind)]
    judged = verdict(*dark, result("dead-letters", letters(), stage=PLUGIN))
    assert judged.confidence == confidence
    names = ", ".join(f"kafka-{n}" for n in range(blind))
    assert judged.against == ((f"Not looked at: {names} (no brokers).",) if blind else ())


def test_a_blind_spot_behind_the_break_does_not_matter() -> None:
    dark = result("app-health", status=Status.SKIPPED, reason="no app", stage=APP)
    assert verdict(result("dead-letters", letters(), stage=PLUGIN), dark).confidence == "high"


def test_stages_that_nothing_looks_at_are_one_blind_spot_when_they_lie_before_the_break() -> None:
    judged = verdict(result("dead-letters", letters(), stage=PLUGIN), dark=(Stage.CAPTURE, Stage.KAFKA, APP))
    assert judged.confidence == "medium"
    assert verdict(result("a", stage=PLUGIN), dark=(APP,)).confidence == "medium"


def test_a_second_check_that_saw_the_same_raises_confidence() -> None:
    dark = result("kafka", status=Status.BLOCKED, reason="no brokers", stage=Stage.KAFKA)
    judged = verdict(dark, result("dead-letters", letters(), stage=PLUGIN), result("sentry", letters(), stage=PLUGIN))
    assert judged.confidence == "high"


def test_an_inconclusive_verdict_says_what_diag_has_to_be_told() -> None:
    mend = Action(text="Grant it")
    judged = verdict(
        result("lag", status=Status.SKIPPED, reason="no brokers", stage=KAFKA),
        result("beat", status=Status.SKIPPED, reason="no app; no plugin server", stage=PLUGIN),
        result("health", status=Status.SKIPPED, reason="no plugin server", stage=PLUGIN),
        result("letters", UNSEEN.found("no grant", actions=[mend]), status=Status.UNKNOWN, reason="no grant", stage=PLUGIN),
        steps=(("health", "beat"), ("letters",)),
    )
    assert [action.text for action in judged.actions] == [
        "Grant it",
        "Tell diag where to look, and run it again: no app",
        "Tell diag where to look, and run it again: no plugin server",
    ]


def test_a_step_that_nobody_could_look_at_is_inconclusive_even_with_a_warning() -> None:
    judged = verdict(
        result("dead-letters", BURST.found("12 events were put aside"), stage=PLUGIN),
        result("sentry", status=Status.UNKNOWN, reason="no answer", stage=PLUGIN),
        steps=(("dead-letters",), ("sentry",)),
    )
    assert (judged.status, judged.code, judged.confidence) == ("inconclusive", "dead-letters.past-burst", "low")
    assert judged.why == ("Nobody could look at: Step ('sentry',)?", "12 events were put aside.")


def test_a_step_with_one_check_that_could_look_is_answered() -> None:
    judged = verdict(
        result("a", stage=PLUGIN), result("b", status=Status.BLOCKED, reason="down", stage=PLUGIN), steps=(("a", "b"),)
    )
    assert judged.status == "healthy"
    assert judged.confidence == "medium"


def test_a_failure_is_a_problem_however_little_was_seen() -> None:
    judged = verdict(
        result("dead-letters", letters(), stage=PLUGIN),
        result("sentry", status=Status.UNKNOWN, reason="no answer", stage=PLUGIN),
        steps=(("sentry",),),
        cut=True,
    )
    assert judged.status == "problem"
    assert judged.confidence == "low"


def test_a_run_that_was_cut_short_is_never_healthy() -> None:
    assert verdict(result("a"), cut=True).status == "inconclusive"


def test_what_the_reader_left_out_is_no_blind_spot_but_the_verdict_says_how_little_it_is_about() -> None:
    left_out = result("sentry", status=Status.SKIPPED, reason="left out by --only a", stage=PLUGIN)
    judged = verdict(result("a"), left_out, steps=(("a",), ("sentry",)), deselected=("sentry",))
    assert (judged.status, judged.confidence) == ("healthy", "low")
    assert judged.headline == "Nothing is wrong in what was asked for: 4 of 5 checks looked."


def test_a_warning_alone_is_the_headline() -> None:
    judged = verdict(result("dead-letters", BURST.found("12 events were put aside"), stage=PLUGIN))
    assert (judged.status, judged.code, judged.headline) == ("warning", "dead-letters.past-burst", "12 events were put aside.")


def test_a_healthy_verdict_says_what_it_does_not_prove() -> None:
    judged = verdict(result("a"))
    assert (judged.status, judged.code, judged.confidence) == ("healthy", None, "high")
    assert judged.against[-1].startswith("This does not prove that clients send")


def test_actions_stand_once_and_those_about_the_root_cause_first() -> None:
    replay, restart, look = Action(text="Replay"), Action(text="Restart", changes_something=True), Action(text="Look")
    judged = verdict(
        result("dead-letters", letters(actions=(look, replay)), stage=PLUGIN),
        result("app-health", POSTGRES.found("Postgres is down", actions=(look, restart)), stage=APP),
    )
    assert judged.actions == (look, restart, replay)


def test_where_the_cause_is_known_nobody_is_sent_to_look_for_it() -> None:
    look, replay = Action(text="Look for the cause"), Action(text="Replay")
    stale = result("events-arriving", STALE.found("No new rows", actions=(look,)), stage=CLICKHOUSE)
    cause = result("dead-letters", letters(actions=(replay,)), stage=PLUGIN)
    assert verdict(cause, stale).actions == (replay,)
    assert verdict(result("dead-letters", letters(), stage=PLUGIN), stale).actions == (look,)
    assert verdict(stale).actions == (look,)


def test_the_same_change_is_offered_once_whatever_its_words() -> None:
    restart = Action(text="Restart it", commands=("restart plugins",), changes_something=True)
    again = Action(text="Restart the plugin server", commands=("restart plugins",), changes_something=True)
    looks = [Action(text=text, commands=("ps --all",)) for text in ("See whether Redis runs", "See whether Kafka runs")]
    judged = verdict(result("dead-letters", letters(actions=(restart, again, *looks)), stage=PLUGIN))
    assert judged.actions == (restart, *looks)


def test_nobody_is_sent_twice_to_look_before_a_change() -> None:
    look = Action(text="See whether it runs", commands=("ps db", "logs db"))
    start = Action(text="Start it if it is down", commands=("ps db", "logs db", "up db"), changes_something=True)
    again = Action(text="Start it again", commands=("ps db",), changes_something=True)
    judged = verdict(result("dead-letters", letters(actions=(look, start, again)), stage=PLUGIN))
    assert [action.commands for action in judged.actions] == [("ps db", "logs db"), ("up db",), ("ps db",)]


def test_one_of_several_who_tell_of_the_cause_is_enough_before_what_points_to_it() -> None:
    told = [POSTGRES.found(f"Postgres is down: {who} says so") for who in ("a", "b")]
    pointing = LETTERS.found("12 events were dead-lettered", cause_codes=["app.postgres-down"])
    judged = verdict(result("dead-letters", pointing, *told, stage=PLUGIN))
    assert judged.why == (
        "Postgres is down: a says so.",
        "12 events were dead-lettered.",
        "Postgres is down: b says so.",
    )


def test_the_reasons_begin_with_the_cause_as_it_was_measured() -> None:
    proof = (Values(title="What it says", values={"postgres": False}),)
    judged = verdict(
        result("dead-letters", letters(), POSTGRES.found("Postgres is down: the error texts say so"), stage=PLUGIN),
        result("app-health", POSTGRES.found("/_readyz says postgres: false", evidence=proof), stage=APP),
    )
    assert judged.why == (
        "/_readyz says postgres: false.",
        "Postgres is down: the error texts say so.",
        "12 events were dead-lettered.",
    )


def test_a_circle_upstream_comes_before_what_fails_by_itself_behind_it() -> None:
    judged = verdict(
        result("a", HEN.found("hen")), result("b", EGG.found("egg")), result("c", DOWN.found("refused"), stage=CLICKHOUSE)
    )
    assert (judged.code, judged.also) == ("hen", ("clickhouse.unreachable",))


def test_error_texts_that_point_to_a_code_explain_as_its_declaration_would() -> None:
    pointing = DOWN.found("refused", cause="Postgres ran out of connections", cause_codes=["app.postgres-down"])
    judged = verdict(
        result("clickhouse-connection", pointing, POSTGRES.found("the error texts say so"), stage=CLICKHOUSE),
    )
    assert (judged.code, judged.also) == ("app.postgres-down", ())


def test_a_run_in_which_nothing_was_looked_at_is_never_healthy() -> None:
    blocked = result("a", status=Status.BLOCKED, reason="down", stage=PLUGIN)
    left_out = result("sentry", status=Status.SKIPPED, reason="left out by --only a", stage=PLUGIN)
    judged = verdict(blocked, left_out, steps=(("sentry",),), deselected=("sentry",), dark=tuple(Stage))
    assert (judged.status, judged.against) == ("inconclusive", ("Not looked at: a (down).",))


def test_a_step_whose_checks_do_not_exist_is_named_as_not_looked_at() -> None:
    evidence = Evidence(
        (result("a"),), {}, (Step(title="Is it there?", status=Status.SKIPPED, checks=()),), CODES, frozenset(), False
    )
    judged = judge(evidence)
    assert (judged.status, judged.why) == ("inconclusive", ("Nobody could look at: Is it there?",))


@pytest.mark.parametrize(
    ("claim", "sentence"),
    [
        ("no event arrives", "No event arrives."),
        ("events, once more, are late!", "Events, once more, are late!"),
        ("http://127.0.0.1:6738 is silent", "http://127.0.0.1:6738 is silent."),
        ("sharded_events is missing", "sharded_events is missing."),
    ],
)
def test_a_claim_becomes_a_sentence_and_an_address_or_a_table_keeps_its_case(claim: str, sentence: str) -> None:
    assert verdict(result("a", BURST.found(claim), stage=PLUGIN)).headline == sentence


def test_what_waits_in_front_of_the_broken_stage_does_not_move_the_place_where_events_stop() -> None:
    judged = verdict(
        result("kafka-lag", LAG.found("group1 is 12,000 messages behind"), stage=KAFKA),
        result("clickhouse-disks", DISK.found("the disk default has 1 MB left"), stage=CLICKHOUSE),
    )
    assert (judged.code, judged.stage, judged.also) == ("clickhouse.disk-full", CLICKHOUSE, ())
    assert judged.headline == "Events stop at ClickHouse: a disk is full."


def test_what_cannot_be_undone_stands_in_the_headline_of_its_cause_and_is_done_first() -> None:
    keep, free = Action(text="Let Kafka keep it"), Action(text="Free the disk")
    loss = LOSS.found("12 were deleted", actions=[keep])
    lag = result("kafka-lag", LAG.found("group1 is 12,000 messages behind"), loss, stage=KAFKA)
    disk = result("clickhouse-disks", DISK.found("the disk default has 1 MB left", actions=[free]), stage=CLICKHOUSE)
    judged = verdict(lag, disk)
    assert judged.headline == "Events stop at ClickHouse: a disk is full. Kafka deletes what waits."
    assert judged.actions == (keep, free)
    alone = verdict(result("kafka-lag", LOSS.found("12 were deleted"), stage=KAFKA))
    assert alone.headline == "Events stop at Kafka: it deletes events before they are read."


def test_a_cause_beside_the_path_stops_events_at_the_stage_that_needs_it() -> None:
    judged = verdict(
        result("kafka-lag", LAG.found("clickhouse-ingestion is 12,000 messages behind"), stage=KAFKA),
        result("dead-letters", letters(), stage=PLUGIN),
        result("app-health", POSTGRES.found("/_readyz says postgres: false"), stage=APP),
    )
    assert (judged.code, judged.stage) == ("app.postgres-down", PLUGIN)


def test_an_effect_that_is_seen_elsewhere_tells_where_events_stop() -> None:
    judged = verdict(
        result("kafka-dead-letters", ASIDE.found("12 events were dead-lettered in Kafka"), stage=KAFKA),
        result("app-health", POSTGRES.found("/_readyz says postgres: false"), stage=APP),
    )
    assert judged.headline == "Events stop at the plugin server: Postgres is down."


def test_what_stops_events_goes_before_what_merely_complains_further_up() -> None:
    judged = verdict(
        result("sentry-issues", SENTRY.found("3 issues touch ingestion"), stage=PLUGIN),
        result("clickhouse-disks", DISK.found("the disk default has 1 MB left"), stage=CLICKHOUSE),
    )
    assert (judged.code, judged.also) == ("clickhouse.disk-full", ("sentry.errors",))


def test_a_complaint_alone_is_a_problem_all_the_same() -> None:
    judged = verdict(result("sentry-issues", SENTRY.found("3 issues touch ingestion"), stage=PLUGIN))
    assert (judged.status, judged.code) == ("problem", "sentry.errors")


def test_what_does_not_go_together_with_the_cause_stands_against_and_lowers_confidence() -> None:
    lag = result("kafka-lag", LAG.found("group1 is 12,000 messages behind"), stage=KAFKA)
    judged = verdict(lag, result("events-visible", VISIBLE.found("The newest event arrived 3 s ago"), stage=APP))
    assert judged.against == (
        "The newest event arrived 3 s ago. That does not go together with kafka.lag for all events: it may have begun just "
        "now, touch only a part (one path, role, partition or team), or be so only from where diag runs.",
    )
    assert (verdict(lag).confidence, judged.confidence) == ("high", "medium")


def test_what_else_is_broken_gets_its_first_step_though_the_root_cause_has_many() -> None:
    many = tuple(Action(text=f"Look at letter {number}") for number in range(6))
    full, lag = Action(text="Make room on the disk"), Action(text="Look at the lag")
    judged = verdict(
        result("dead-letters", letters(actions=many), stage=PLUGIN),
        result("clickhouse-disks", DISK.found("the disk is full", actions=[full, Action(text="Buy one")]), stage=CLICKHOUSE),
        result("kafka-lag", LAG.found("9 h behind", actions=[lag]), stage=KAFKA),
        result("sentry-issues", SENTRY.found("3 issues", actions=[Action(text="Open Sentry")]), stage=PLUGIN),
    )
    assert (judged.code, judged.also) == ("dead-letters.active", ("kafka.lag", "sentry.errors", "clickhouse.disk-full"))
    assert judged.actions == (*many[:4], full)  # the lag comes from the disk, and Sentry only complains
