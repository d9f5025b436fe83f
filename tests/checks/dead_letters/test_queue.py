"""What is said of dead letters, on the real engine: claims are compared word for word."""

import json
import re
from datetime import UTC, datetime

import pytest

from checks.dead_letters.queue import ACTIVE, COARSE_GROUPS, ELSEWHERE, GROUPS, PAST_BURST
from diagnostics import Code, KnownError, KnownErrors, QueryText, Series, Status, Text
from diagnostics.lab.engine import Database, Engine
from diagnostics.lab.schema import Era
from tests.checks.dead_letters.looking import HOUR, one, put, result, table, trend

KNOWN = KnownErrors(
    [
        KnownError(
            id="postgres-connections",
            pattern="too many clients already|no more connections allowed",
            meaning="Postgres ran out of connections",
            fix="Raise max_connections of Postgres.",
            seen_in="PostHog/posthog#4709",
            cause="app.postgres-down",
        ),
        KnownError(
            id="postgres-cut",
            pattern="connection terminated unexpectedly",
            meaning="the connection to Postgres was cut",
            fix="Look whether Postgres restarted.",
            seen_in="PostHog/posthog#4099",
            cause="app.postgres-down",
        ),
        KnownError(
            id="uuid-invalid", pattern="not a valid uuid", meaning="the sender sets a bad uuid", fix="Send a UUID.", seen_in="x"
        ),
    ]
)


@pytest.fixture(scope="module")
def shared(engine: Engine) -> Database:
    return engine.database()


@pytest.fixture
def db(shared: Database) -> Database:
    """An empty table, in a database that is shared: what changes more than rows takes `engine.database()`."""
    shared.execute("TRUNCATE TABLE events_dead_letter_queue")
    return shared


def test_an_empty_table_is_healthy_and_costs_one_question(db: Database) -> None:
    before = len(db.queries())
    looked = result(db)
    assert (looked.status, looked.findings, looked.reason) == (Status.OK, (), "")
    (asked,) = [query.sql for query in db.queries()[before:] if "events_dead_letter_queue" in query.sql]
    assert asked.startswith(GROUPS.sql)


def test_rows_that_arrive_now_are_a_failure(db: Database) -> None:
    put(db, count=1204, every=10, teams=(2, 3, 5))
    finding = one(result(db))
    assert (finding.code, finding.status) == ("dead-letters.active", Status.FAIL)
    assert finding.claim == "1,204 events were dead-lettered in the last 24 h, in 3 teams, the newest 5 min ago"
    assert finding.detail == ""
    assert finding.affects == ("events_dead_letter_queue",)


def test_one_row_is_said_in_the_singular(db: Database) -> None:
    put(db)
    finding = one(result(db))
    assert finding.claim == "1 event was dead-lettered in the last 24 h, in 1 team, the newest 5 min ago"
    assert finding.actions[-1].text == (
        "This event stays lost until it is replayed by hand, once the cause is gone: read first how"
    )
    assert finding.actions[-1].commands == ("diag explain dead-letters.active",)


def test_a_burst_that_has_ended_is_a_warning(db: Database) -> None:
    put(db, ago=5 * HOUR, count=900, every=1, teams=(2, 3))
    finding = one(result(db))
    assert (finding.code, finding.status) == ("dead-letters.past-burst", Status.WARN)
    assert finding.claim == "900 events were dead-lettered in the last 24 h, in 2 teams, the newest 5 h ago and none since"
    assert finding.actions[-1].commands == ("diag explain dead-letters.past-burst",)


def test_what_goes_on_is_told_from_what_has_ended(db: Database) -> None:
    put(db, "Event ingestion failed. Error: still", count=7)
    put(db, "Event ingestion failed. Error: over", ago=5 * HOUR, count=40)
    active, past = result(db).findings
    assert [active.code, past.code] == [ACTIVE.id, PAST_BURST.id]
    assert active.claim.startswith("7 events were")
    assert past.claim.startswith("40 events were")
    assert [row[2] for row in table(active).rows] == ["still"]
    assert [row[2] for row in table(past).rows] == ["over"]


@pytest.mark.parametrize(("ago", "code"), [(880, ACTIVE), (920, PAST_BURST)])
def test_the_threshold_is_fifteen_minutes(db: Database, ago: int, code: Code) -> None:
    put(db, ago=ago, count=50)
    assert one(result(db)).code == code.id


@pytest.mark.parametrize(("within", "code"), [(280.0, PAST_BURST), (320.0, ACTIVE)])
def test_the_threshold_can_be_set(db: Database, within: float, code: Code) -> None:
    put(db, ago=300, count=50)
    assert one(result(db, thresholds={"dead-letters.active-within": within})).code == code.id


def test_a_steady_trickle_goes_on_though_its_last_row_is_older_than_the_threshold(db: Database) -> None:
    put(db, ago=40 * 60, count=23, every=HOUR)
    finding = one(result(db))
    assert finding.code == ACTIVE.id
    assert finding.claim == "23 events were dead-lettered in the last 24 h, in 1 team, the newest 40 min ago"
    assert finding.detail == "No row came in the last 15 min, but they come steadily, one in about 57 min."


def test_an_outage_of_hours_that_ended_forty_minutes_ago_has_ended(db: Database) -> None:
    put(db, ago=40 * 60, count=5000, every=3)
    assert one(result(db)).code == PAST_BURST.id


def test_rows_from_before_the_window_do_not_alarm(db: Database) -> None:
    put(db, ago=24 * HOUR + 20, count=1000)
    assert result(db).status is Status.OK
    put(db, ago=24 * HOUR - 20, count=3)
    assert (
        one(result(db)).claim == "3 events were dead-lettered in the last 24 h, in 1 team, the newest 24 h ago and none since"
    )


def test_the_window_is_what_was_asked_for(db: Database) -> None:
    put(db, ago=50 * 60)
    assert result(db, since=45 * 60).status is Status.OK
    assert one(result(db, since=90 * 60)).claim.startswith("1 event was dead-lettered in the last 90 min,")


def test_the_trend_covers_the_window_in_24_slices(db: Database) -> None:
    put(db, ago=24 * HOUR - 60, count=3)
    put(db, ago=10, count=5)
    finding = one(result(db))
    assert trend(finding) == (3.0, *[0.0] * 22, 5.0)
    series = next(evidence for evidence in finding.evidence if isinstance(evidence, Series))
    assert series.step_s == HOUR
    assert abs((datetime.now(UTC) - series.start).total_seconds() - 24 * HOUR) < 10


@pytest.mark.parametrize("ago", [-60, -3500])
def test_rows_of_a_clock_that_is_ahead_count_as_new(db: Database, ago: int) -> None:
    put(db, ago=ago, count=4)
    finding = one(result(db))
    assert finding.claim == "4 events were dead-lettered in the last 24 h, in 1 team, the newest just now"
    assert trend(finding)[-1] == 4.0


def test_rows_dated_further_ahead_do_not_count_as_new_until_that_day(db: Database) -> None:
    put(db, ago=-2 * HOUR, count=4)
    put(db, ago=-900 * 24 * HOUR, count=4)
    assert result(db).status is Status.OK
    put(db, ago=5 * HOUR, count=3)
    finding = one(result(db))
    assert finding.claim == "3 events were dead-lettered in the last 24 h, in 1 team, the newest 5 h ago and none since"
    command = next(action.commands[0] for action in finding.actions if "newest" in action.text)
    assert len(db.execute(command.partition('"')[2].removesuffix('"')).splitlines()) == 3


def test_copies_that_are_not_merged_yet_count_once(engine: Engine) -> None:
    db = engine.database()
    db.execute("SYSTEM STOP MERGES events_dead_letter_queue")
    for _ in range(2):
        db.execute(
            "INSERT INTO events_dead_letter_queue (id, team_id, error, _timestamp) "
            "SELECT toUUID(concat('00000000-0000-4000-8000-', leftPad(toString(number), 12, '0'))), 2, 'boom', now() - 300 "
            "FROM numbers(1000)"
        )
    finding = one(result(db))
    assert finding.claim == "1,000 events were dead-lettered in the last 24 h, in 1 team, the newest 5 min ago"
    assert finding.detail == "2,000 rows are stored; ClickHouse has not merged copies away yet."


def test_the_evidence_names_the_place_the_error_and_what_is_known_of_it(db: Database) -> None:
    put(db, "Event ingestion failed. Error: sorry, too many clients already", count=30, teams=(1, 2), location="django")
    put(db, "", count=2, location="")
    finding = one(result(db, known=KNOWN))
    evidence = table(finding)
    assert [column.name for column in evidence.columns] == [
        "events", "where", "error", "teams", "first seen", "last seen", "known as"
    ]  # fmt: skip
    first, second = evidence.rows
    assert first[:4] == (30, "django", "sorry, too many clients already", 2)
    assert first[6] == "Postgres ran out of connections"
    assert second[:4] == (2, "(none)", "(no text)", 1)
    assert second[6] == ""
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", str(first[4]))
    assert evidence.omitted == 0
    sample = next(evidence for evidence in finding.evidence if isinstance(evidence, Text))
    assert sample.text == "Event ingestion failed. Error: sorry, too many clients already"
    assert sample.source_text


def test_the_sample_is_the_newest_error_of_the_group(db: Database) -> None:
    for ago in (500, 200, 800):
        put(db, f"ingestEvent failed. Error: No team found with ID {ago}. Can't ingest event.", ago=ago)
    finding = one(result(db))
    assert [evidence.text for evidence in finding.evidence if isinstance(evidence, Text)] == [
        "ingestEvent failed. Error: No team found with ID 200. Can't ingest event."
    ]


def test_the_cause_is_what_explains_most_of_the_events(db: Database) -> None:
    put(db, "ingestEvent failed. Error: Connection terminated unexpectedly", count=30)
    put(db, "ingestEvent failed. Error: sorry, too many clients already", count=25)
    put(db, 'ingestEvent failed. Error: Not a valid UUID: "x"', count=45)
    finding = one(result(db, known=KNOWN))
    assert (finding.cause, finding.cause_codes) == ("the connection to Postgres was cut", ("app.postgres-down",))
    assert [action.text for action in finding.actions[1:4]] == [
        "Send a UUID.",
        "Look whether Postgres restarted.",
        "Raise max_connections of Postgres.",
    ]


def test_a_known_error_behind_few_of_the_events_is_not_the_cause(db: Database) -> None:
    put(db, "ingestEvent failed. Error: something new", count=60)
    put(db, "ingestEvent failed. Error: sorry, too many clients already", count=40)
    finding = one(result(db, known=KNOWN))
    assert (finding.cause, finding.cause_codes) == ("", ())
    assert finding.actions[1].text == "Raise max_connections of Postgres."


def test_a_cause_without_a_code_points_nowhere(db: Database) -> None:
    put(db, 'ingestEvent failed. Error: Not a valid UUID: "x"')
    finding = one(result(db, known=KNOWN))
    assert (finding.cause, finding.cause_codes) == ("the sender sets a bad uuid", ())


def test_rows_without_a_team_are_not_counted_as_a_team(db: Database) -> None:
    put(db, count=3, teams=(0,))
    assert one(result(db)).claim == "3 events were dead-lettered in the last 24 h, without a team, the newest 5 min ago"
    put(db, count=4, teams=(7, 9))
    assert one(result(db)).claim == (
        "7 events were dead-lettered in the last 24 h, in 2 teams (3 without a team), the newest 5 min ago"
    )


def test_one_team_sees_its_own_rows_and_those_that_may_be_its_own(db: Database) -> None:
    put(db, count=12, teams=(2,))
    put(db, count=90, teams=(3,))
    assert one(result(db, team=2)).claim == "12 events were dead-lettered in the last 24 h, in team 2, the newest 5 min ago"
    put(db, "Unable to fetch team from Postgres.", count=5, teams=(0,), location="django_server_capture_endpoint")
    assert one(result(db, team=2)).claim == (
        "17 events were dead-lettered in the last 24 h, in team 2 (5 without a team), the newest 5 min ago"
    )
    assert one(result(db, team=4)).claim == (
        "5 events were dead-lettered in the last 24 h, without a team, the newest 5 min ago"
    )


def test_a_team_without_dead_letters_is_healthy(db: Database) -> None:
    put(db, teams=(3,))
    assert result(db, team=2).status is Status.OK


def test_the_first_schema_without_tags_is_read_too(engine: Engine) -> None:
    old = engine.database(era=Era.Y2021)
    put(old, count=2)
    assert one(result(old)).claim == "2 events were dead-lettered in the last 24 h, in 1 team, the newest 5 min ago"


def test_a_newer_install_is_told_that_its_dead_letters_are_elsewhere(engine: Engine) -> None:
    new = engine.database(era=Era.Y2026)
    looked = result(new)
    assert looked.status is Status.INFO
    assert one(looked).code == ELSEWHERE.id
    assert one(looked).claim == (
        "This install looks newer than September 2025 (it has the table ingestion_warnings_v2): most dead letters then go to "
        "the Kafka topic events_plugin_ingestion_dlq, so few or none in events_dead_letter_queue prove nothing"
    )
    put(new)
    assert [finding.code for finding in result(new).findings] == [ELSEWHERE.id, ACTIVE.id]


@pytest.mark.parametrize("marker", ["writable_events_dead_letter_queue", "duplicate_events", "precalculated_events"])
def test_tables_of_late_2025_tell_a_newer_install(engine: Engine, marker: str) -> None:
    db = engine.database()
    db.overlay("tables", [{"name": marker, "engine": "Distributed"}])
    assert f"(it has the table {marker})" in one(result(db)).claim


def test_a_missing_table_is_no_healthy_table(engine: Engine) -> None:
    old = engine.database(era=Era.Y2021)
    old.execute("DROP TABLE events_dead_letter_queue_mv")
    old.execute("DROP TABLE events_dead_letter_queue")
    looked = result(old)
    assert looked.status is Status.UNKNOWN
    assert looked.findings == ()
    assert looked.reason == (
        f"there is no table {old.name}.events_dead_letter_queue, or this user may not see it: PostHog before 1.30 has none"
    )


def test_a_database_in_which_nothing_may_be_seen_is_unknown(engine: Engine) -> None:
    db = engine.database()
    put(db)
    db.hide("*")
    looked = result(db)
    assert looked.status is Status.UNKNOWN
    assert looked.reason == (
        f"there is no table {db.name}.events_dead_letter_queue, nor any other of PostHog that this user may see"
    )


def test_a_missing_grant_is_unknown(engine: Engine) -> None:
    db = engine.database()
    put(db)
    db.deny("events_dead_letter_queue")
    looked = result(db)
    assert (looked.status, looked.findings) == (Status.UNKNOWN, ())
    assert f"lacks the grant SELECT(_timestamp, error, error_location, id, team_id) ON {db.name}." in looked.reason


def test_a_user_who_may_set_no_limits_can_look(engine: Engine) -> None:
    db = engine.database()
    db.readonly(1)
    put(db, count=3)
    assert one(result(db)).claim.startswith("3 events were dead-lettered")


def test_what_was_counted_can_be_counted_by_hand(db: Database) -> None:
    put(db, count=42)
    put(db, count=8, teams=(9,))
    for team in (None, 9):
        finding = one(result(db, team=team))
        sql = next(evidence.text for evidence in finding.evidence if isinstance(evidence, QueryText))
        assert f"FROM {db.name}.events_dead_letter_queue" in sql
        assert not re.search(r"\{\w+:", sql)
        rows = [json.loads(line) for line in db.execute(sql + " FORMAT JSONEachRow").splitlines()]
        assert finding.claim.startswith(f"{sum(int(row['stored']) for row in rows)} events were")
        command = next(action.commands[0] for action in finding.actions if "newest" in action.text)
        newest = command.removeprefix('docker compose exec clickhouse clickhouse-client --query "').removesuffix('"')
        assert len(db.execute(newest).splitlines()) == (20 if team is None else 8)


def test_only_narrow_columns_are_read(db: Database) -> None:
    for query in (GROUPS, COARSE_GROUPS):
        for column in (
            "raw_payload",
            "properties",
            "distinct_id",
            "elements_chain",
            "site_url",
            r"\bip\b",
            "error_timestamp",
            "tags",
        ):
            assert not re.search(column, query.sql)
