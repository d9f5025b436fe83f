"""What is said of ingestion warnings: which lose events, which do not, and how many any install has."""

import re

import pytest

from checks.ingestion_warnings.check import ingestion_warnings
from checks.ingestion_warnings.types import SEVERITIES, TYPES, Effect, meaning
from diagnostics import QueryText, Status
from diagnostics.lab.engine import Database, Engine
from diagnostics.lab.schema import Era
from tests.checks.events.looking import DAY, HOUR, MINUTE, asked, look, one, put, table, warn

NEWER = "ingestion_warnings_v2"
LARGE = "message_size_too_large"
MERGE = "cannot_merge_already_identified"


@pytest.fixture(scope="module")
def shared(engine: Engine) -> Database:
    return engine.database()


@pytest.fixture
def db(shared: Database) -> Database:
    """Empty tables, in a database that is shared: what changes more than rows takes `own`."""
    shared.execute("TRUNCATE TABLE events")
    shared.execute("TRUNCATE TABLE ingestion_warnings")
    return shared


@pytest.fixture
def own(engine: Engine) -> Database:
    return engine.database()


@pytest.fixture
def new(engine: Engine) -> Database:
    return engine.database(era=Era.Y2026)


def test_without_warnings_it_is_healthy_and_costs_one_question(own: Database) -> None:
    looked = look(ingestion_warnings, own)
    assert (looked.status, looked.findings, looked.reason) == (Status.OK, (), "")
    assert asked(own, "GROUP BY kind") == 1
    assert asked(own, "GROUP BY slice") == 0


def test_a_good_part_of_a_teams_events_that_is_dropped_fails(db: Database) -> None:
    put(db, count=1000, since=20 * HOUR, teams=(2, 7))
    warn(db, LARGE, count=40, team=7)
    warn(db, "missing_distinct_id", count=2, ago=HOUR, team=2)
    finding = one(look(ingestion_warnings, db))
    assert (finding.code, finding.status) == ("warnings.events-dropped", Status.FAIL)
    assert finding.claim == (
        "At least 42 events were dropped at ingestion in the last 24 h, in 2 teams, the newest 5 min ago; 40 of them grew "
        "beyond 1 MB with the properties of their person and groups (message_size_too_large)"
    )
    assert finding.detail == "PostHog notes most causes once an hour for each team, so it may be many more."
    assert finding.cause == "events grew beyond 1 MB with the properties of their person and groups"
    assert finding.cause_codes == ()
    assert not finding.source_text
    assert [row[:4] for row in table(finding).rows] == [
        (40, LARGE, 7, "grew beyond 1 MB with the properties of their person and groups"),
        (2, "missing_distinct_id", 2, "have no distinct id"),
    ]
    assert [action.text for action in finding.actions] == [
        "Send fewer and smaller properties: no file contents, no whole responses; see too which transformation adds to them",
        "Give every event a distinct id that is a text of at most 200 characters",
        "See examples in PostHog, under Data management, Ingestion warnings",
    ]
    assert finding.measure is not None
    assert (finding.measure.value, finding.measure.counted_s) == (42, DAY)
    by_hand = next(evidence.text for evidence in finding.evidence if isinstance(evidence, QueryText))
    assert "{" not in by_hand
    assert len(db.execute(by_hand).splitlines()) == 2


def test_a_team_that_loses_everything_fails_though_posthog_notes_one_an_hour(db: Database) -> None:
    put(db, count=5000, since=20 * HOUR, teams=(2,))
    warn(db, "skipping_event_invalid_distinct_id", count=23, ago=40 * MINUTE, every=HOUR, team=7)
    finding = one(look(ingestion_warnings, db))
    assert finding.status is Status.FAIL
    assert finding.claim == (
        "At least 23 events were dropped at ingestion in the last 24 h, in 1 team, the newest 40 min ago; all of them have a "
        "distinct id of over 400 characters (skipping_event_invalid_distinct_id)"
    )


def test_a_small_part_is_only_told(db: Database) -> None:
    put(db, count=5000, since=20 * HOUR)
    warn(db, LARGE, count=40)
    finding = one(look(ingestion_warnings, db))
    assert finding.status is Status.INFO
    assert finding.claim.startswith("At least 40 events were dropped at ingestion in the last 24 h, in 1 team, ")
    assert finding.detail.startswith("Few of the events of these teams. ")


@pytest.mark.parametrize(("arrived", "status"), [(980, Status.FAIL), (1000, Status.INFO)])
def test_the_part_that_may_be_dropped_is_one_in_a_hundred(db: Database, arrived: int, status: Status) -> None:
    put(db, count=arrived, since=20 * HOUR)
    warn(db, LARGE, count=10)
    assert one(look(ingestion_warnings, db)).status is status


@pytest.mark.parametrize(("number", "status"), [(9, Status.INFO), (10, Status.FAIL)])
def test_fewer_than_ten_a_day_are_never_too_many(db: Database, number: int, status: Status) -> None:
    warn(db, LARGE, count=number)
    assert one(look(ingestion_warnings, db)).status is status


def test_of_a_shorter_window_fewer_suffice(db: Database) -> None:
    warn(db, LARGE, count=2)
    assert one(look(ingestion_warnings, db, since=HOUR)).status is Status.FAIL
    assert one(look(ingestion_warnings, db, since=DAY)).status is Status.INFO


@pytest.mark.parametrize(("ago", "status"), [(7100, Status.FAIL), (7300, Status.WARN)])
def test_what_has_ended_only_warns(db: Database, ago: int, status: Status) -> None:
    warn(db, LARGE, count=30, ago=ago)
    finding = one(look(ingestion_warnings, db))
    assert finding.status is status
    assert ("the newest 2 h ago and none since; " in finding.claim) is (status is Status.WARN)


def test_the_thresholds_can_be_set(db: Database) -> None:
    put(db, count=100, since=20 * HOUR)
    warn(db, LARGE, count=30, ago=HOUR)
    named = "ingestion-warnings."
    assert one(look(ingestion_warnings, db, thresholds={f"{named}least": 31})).status is Status.INFO
    assert one(look(ingestion_warnings, db, thresholds={f"{named}dropped-share": 0.5})).status is Status.INFO
    assert one(look(ingestion_warnings, db, thresholds={f"{named}active-within": 1800.0})).status is Status.WARN
    warn(db, MERGE, count=20)
    assert len(look(ingestion_warnings, db, thresholds={f"{named}changed-share": 0.5}).findings) == 1
    assert len(look(ingestion_warnings, db).findings) == 2


def test_what_the_settings_of_a_team_drop_is_never_an_alarm(db: Database) -> None:
    warn(db, "event_dropped_by_transformation", count=5000, every=10, team=7)
    warn(db, "event_dropped_too_old", count=60, team=7)
    finding = one(look(ingestion_warnings, db))
    assert (finding.code, finding.status) == ("warnings.events-dropped", Status.INFO)
    assert finding.claim == (
        "At least 5,060 events were dropped in the last 24 h because their team's settings say so, in 1 team; 5,000 of them "
        "were dropped by a transformation of the team"
    )


def test_many_merges_that_are_refused_warn(db: Database) -> None:
    put(db, count=200, since=20 * HOUR)
    warn(db, MERGE, count=120)
    finding = one(look(ingestion_warnings, db))
    assert (finding.code, finding.status) == ("warnings.events-changed", Status.WARN)
    assert finding.claim == (
        "PostHog kept at least 120 events in the last 24 h, in 1 team, but refused a part of each, the newest 5 min ago; all "
        "of them were to merge a person who is identified already (cannot_merge_already_identified)"
    )
    assert finding.actions[0].text.startswith("Call identify once, when somebody logs in")


@pytest.mark.parametrize(
    "noise",
    [MERGE, "merge_race_condition", "client_ingestion_warning", "empty_batch", "message_contained_no_valid_rrweb_events"],
)
def test_what_any_install_has_is_not_mentioned(db: Database, noise: str) -> None:
    put(db, count=1000, since=20 * HOUR)
    warn(db, noise, count=100)
    assert look(ingestion_warnings, db).status is Status.OK


def test_one_team_sees_only_its_own(db: Database) -> None:
    warn(db, LARGE, count=30, team=7)
    assert look(ingestion_warnings, db, team=2).status is Status.OK
    assert ", in team 7, the newest" in one(look(ingestion_warnings, db, team=7)).claim


def test_only_the_window_counts(db: Database) -> None:
    warn(db, LARGE, count=500, ago=DAY + 60)
    warn(db, LARGE, count=500, ago=-9 * DAY, every=0)
    assert look(ingestion_warnings, db).status is Status.OK


def test_a_type_that_is_newer_than_diag_is_told_by_its_name(db: Database) -> None:
    warn(db, "event_ate_by_dog", count=3)
    finding = one(look(ingestion_warnings, db))
    assert (finding.code, finding.status, finding.source_text) == ("warnings.events-changed", Status.INFO, True)
    assert finding.claim == "PostHog noted at least 3 warnings that diag does not know in the last 24 h: event_ate_by_dog"


def test_hostile_types_are_cut_and_few(db: Database) -> None:
    for number in range(9):
        warn(db, f"<script>@everyone {number} " + "x" * 5000)
    finding = one(look(ingestion_warnings, db))
    assert finding.claim.endswith(" and 6 more types")
    assert len(finding.claim) < 500
    assert finding.source_text


@pytest.mark.parametrize(
    ("severity", "code", "status"),
    [("error", "warnings.events-dropped", Status.FAIL), ("warning", "warnings.events-changed", Status.WARN)],
)
def test_the_newer_table_tells_how_serious_an_unknown_type_is(new: Database, severity: str, code: str, status: Status) -> None:
    warn(new, "event_ate_by_dog", count=30, table=NEWER, severity=severity)
    finding = one(look(ingestion_warnings, new))
    assert (finding.code, finding.status, finding.source_text) == (code, status, True)


def test_what_is_in_both_tables_counts_once(new: Database) -> None:
    warn(new, LARGE, count=30)
    warn(new, LARGE, count=25, table=NEWER, severity="error")
    assert one(look(ingestion_warnings, new)).claim.startswith("At least 30 events were dropped")
    assert asked(new, "GROUP BY kind") == 1


@pytest.mark.parametrize("gone", ["ingestion_warnings", NEWER])
def test_either_table_is_enough(new: Database, gone: str) -> None:
    for table_ in {"ingestion_warnings", NEWER} - {gone}:
        warn(new, LARGE, count=30, table=table_)
    new.execute(f"DROP TABLE {gone}")
    assert one(look(ingestion_warnings, new)).claim.startswith("At least 30 events were dropped")


def test_a_node_that_has_only_the_sharded_table_is_asked_for_that(own: Database) -> None:
    warn(own, LARGE, count=30)
    own.execute("DROP TABLE ingestion_warnings_mv")
    own.execute("RENAME TABLE ingestion_warnings TO sharded_ingestion_warnings")
    assert one(look(ingestion_warnings, own)).claim.startswith("At least 30 events were dropped")


def test_an_install_that_has_no_table_is_unknown(engine: Engine) -> None:
    old = engine.database(era=Era.Y2021)
    looked = look(ingestion_warnings, old)
    assert (looked.status, looked.findings) == (Status.UNKNOWN, ())
    assert looked.reason == (
        f"there is no table ingestion_warnings in the database {old.name}, or this user may not see it: PostHog before 1.41 "
        "(September 2022) has none"
    )


def test_a_missing_grant_is_unknown(own: Database) -> None:
    own.deny("ingestion_warnings")
    looked = look(ingestion_warnings, own)
    assert looked.status is Status.UNKNOWN
    assert f"lacks the grant SELECT(team_id, timestamp, type) ON {own.name}.ingestion_warnings" in looked.reason


def test_without_the_events_the_warnings_speak_for_themselves(own: Database) -> None:
    put(own, count=5000, since=20 * HOUR)
    warn(own, LARGE, count=40)
    own.deny("events")
    assert one(look(ingestion_warnings, own)).status is Status.FAIL


def test_details_are_never_read(db: Database, new: Database) -> None:
    for install in (db, new):
        warn(install, LARGE, count=30)
        look(ingestion_warnings, install)
        texts = [query.sql for query in install.queries() if "GROUP BY kind" in query.sql]
        assert texts
        assert not any(re.search(r"\b(details|distinct_id|person_id|event_uuid|group_key)\b", sql) for sql in texts)


def test_every_type_that_loses_an_event_says_how_to_mend_it() -> None:
    for type, told in TYPES.items():
        assert re.fullmatch(r"[a-z_]+", type)
        assert not told.what.endswith(".")
        assert bool(told.fix) is (told.effect in (Effect.DROPPED, Effect.CHANGED)), type
        assert not told.fix.endswith(".")


@pytest.mark.parametrize(
    ("type", "severity", "effect"),
    [
        (LARGE, "", Effect.DROPPED),
        ("person_properties_size_violation", "error", Effect.CHANGED),
        ("merge_race_condition", "error", Effect.CHANGED),
        ("event_dropped_too_old", "info", Effect.CONFIGURED),
        ("new", "error", Effect.DROPPED),
        ("new", "warning", Effect.CHANGED),
        ("new", "info", Effect.NONE),
        ("new", "catastrophe", Effect.UNKNOWN),
        ("new", "", Effect.UNKNOWN),
    ],
)
def test_what_diag_knows_of_a_type_goes_before_its_severity(type: str, severity: str, effect: Effect) -> None:
    assert meaning(type, severity).effect is effect
    assert set(SEVERITIES) == {"error", "warning", "info"}
