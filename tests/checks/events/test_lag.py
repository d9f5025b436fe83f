"""Events that arrive late, on real rows: how late, on which leg, whether it grows; and what only looks like it."""

import re

import pytest
from msgspec import structs

from checks.events import recent as recent_arrivals
from checks.events.lag import ingestion_lag
from checks.events.recent import RECENT
from diagnostics import QueryText, Status
from diagnostics.lab.engine import Database, Engine
from diagnostics.lab.schema import Era
from tests.checks.events.looking import DAY, HOUR, MINUTE, asked, look, one, put, table

UNEVEN = "number % 90"
"""Queues are never even: without this it would be a matter of clocks."""
BEFORE = {"since": 58 * MINUTE, "until": 31 * MINUTE}


@pytest.fixture(scope="module")
def shared(engine: Engine) -> Database:
    return engine.database()


@pytest.fixture
def db(shared: Database) -> Database:
    """Empty tables, in a database that is shared: what changes more than rows takes `own`."""
    shared.execute("TRUNCATE TABLE events")
    return shared


@pytest.fixture
def own(engine: Engine) -> Database:
    return engine.database()


def test_events_in_time_are_healthy_and_cost_one_question(own: Database) -> None:
    put(own, count=300, since=DAY, in_clickhouse="number % 8")
    looked = look(ingestion_lag, own)
    assert (looked.status, looked.findings, looked.reason) == (Status.OK, (), "")
    assert asked(own, "GROUP BY slice") == 1


def test_a_lag_that_grows_between_kafka_and_clickhouse_fails(db: Database) -> None:
    put(db, in_clickhouse=f"2400 + {UNEVEN}")
    put(db, in_clickhouse=f"1200 + {UNEVEN}", **BEFORE)
    finding = one(look(ingestion_lag, db))
    assert (finding.code, finding.status) == ("clickhouse.ingestion-lag", Status.FAIL)
    assert finding.claim == (
        "Half of the 100 events that arrived in the last 30 min took 41 min or more from the plugin server to ClickHouse, "
        "41 min of it from Kafka to ClickHouse, and growing: half an hour before it was 21 min"
    )
    assert finding.affects == ("events",)
    assert [row[:2] for row in table(finding).rows] == [
        ("the plugin server", "Kafka"),
        ("Kafka", "ClickHouse"),
        ("the plugin server", "ClickHouse"),
    ]
    assert "system.kafka_consumers" in finding.actions[0].commands[0]
    assert not any(action.changes_something for action in finding.actions)
    assert finding.measure is not None
    assert finding.measure.unit == "s"
    by_hand = next(evidence.text for evidence in finding.evidence if isinstance(evidence, QueryText))
    assert db.execute(by_hand)


def test_one_that_stays_fails_and_one_that_shrinks_only_warns(db: Database) -> None:
    put(db, in_clickhouse=f"2400 + {UNEVEN}")
    put(db, in_clickhouse=f"2400 + {UNEVEN}", **BEFORE)
    finding = one(look(ingestion_lag, db))
    assert finding.status is Status.FAIL
    assert finding.claim.endswith("41 min of it from Kafka to ClickHouse, as half an hour before (41 min)")
    put(db, count=400, in_clickhouse=f"6000 + {UNEVEN}", **BEFORE)
    finding = one(look(ingestion_lag, db))
    assert finding.status is Status.WARN
    assert re.search(r", and shrinking: half an hour before it was 10[01] min$", finding.claim)


@pytest.mark.parametrize(("seconds", "late"), [(200, False), (290, True)])
def test_a_leg_may_take_five_minutes_by_half(db: Database, seconds: int, late: bool) -> None:
    put(db, in_clickhouse=f"{seconds} + {UNEVEN}")
    assert (look(ingestion_lag, db).status is Status.FAIL) is late


def test_the_thresholds_can_be_set(db: Database) -> None:
    put(db, in_clickhouse=f"600 + {UNEVEN}")
    assert look(ingestion_lag, db).status is Status.FAIL
    assert look(ingestion_lag, db, thresholds={"ingestion-lag.leg-late": 700.0}).status is Status.OK
    late = {"ingestion-lag.leg-late": 700.0, "ingestion-lag.late": 500.0}
    assert look(ingestion_lag, db, thresholds=late).status is Status.FAIL
    assert look(ingestion_lag, db, thresholds={"ingestion-lag.least": 101}).status is Status.OK


@pytest.mark.parametrize(("count", "judged"), [(19, False), (20, True)])
def test_too_few_events_are_not_judged(db: Database, count: int, judged: bool) -> None:
    put(db, count=count, in_clickhouse=f"2400 + number * 9 + {UNEVEN}")
    assert bool(look(ingestion_lag, db).findings) is judged


def test_where_the_last_half_hour_has_too_few_the_one_before_counts(db: Database) -> None:
    put(db, count=3, in_clickhouse=f"2400 + {UNEVEN}")
    put(db, in_clickhouse=f"2400 + {UNEVEN}", **BEFORE)
    assert one(look(ingestion_lag, db)).claim.startswith("Half of the 100 events that arrived in the half hour before the last")


def test_the_leg_to_kafka_is_told_apart(db: Database) -> None:
    put(db, in_kafka=f"900 + {UNEVEN}", in_clickhouse="number % 8")
    finding = one(look(ingestion_lag, db))
    assert finding.claim == (
        "Half of the 100 events that arrived in the last 30 min took 16 min or more from the plugin server to ClickHouse, "
        "16 min of it from the plugin server to Kafka"
    )
    assert finding.actions[0].commands[0] == "docker compose logs --tail 50 plugins"


def test_newer_installs_tell_the_leg_from_capture_too(engine: Engine) -> None:
    db = engine.database(era=Era.Y2026)
    put(db, in_plugin_server=f"1800 + {UNEVEN}", more="captured_at = captured")
    finding = one(look(ingestion_lag, db))
    assert finding.claim == (
        "Half of the 100 events that arrived in the last 30 min took 31 min or more from capture to ClickHouse, 31 min of it "
        "from capture to the plugin server"
    )
    assert finding.actions[0].commands[0].startswith("docker compose exec kafka rpk group describe")


@pytest.mark.parametrize("unknown", ["NULL", "toDateTime64(0, 6, 'UTC')"])
def test_events_of_which_nobody_noted_when_capture_took_them_are_not_late(engine: Engine, unknown: str) -> None:
    db = engine.database(era=Era.Y2026)
    put(db, more=f"captured_at = {unknown}")
    assert look(ingestion_lag, db).status is Status.OK


def test_an_install_of_2021_knows_one_leg_only(engine: Engine) -> None:
    db = engine.database(era=Era.Y2021)
    put(db, in_kafka=f"900 + {UNEVEN}")
    finding = one(look(ingestion_lag, db))
    assert finding.claim == (
        "Half of the 100 events that arrived in the last 30 min took 16 min or more from the plugin server to Kafka"
    )
    by_hand = next(evidence.text for evidence in finding.evidence if isinstance(evidence, QueryText))
    assert db.execute(by_hand)


def test_few_that_are_very_late_warn(db: Database) -> None:
    put(db, count=200, in_clickhouse="if(number % 10 = 0, 3000 + number, number % 8)")
    finding = one(look(ingestion_lag, db))
    assert finding.status is Status.WARN
    assert re.fullmatch(
        r"One in twenty of the 200 events that arrived in the last 30 min took 5\d min or more from the plugin server to "
        r"ClickHouse, though half took [\d.]+ s",
        finding.claim,
    )


def test_a_backlog_of_two_days_is_seen(db: Database) -> None:
    """Its rows are dated two days back, as late as they are."""
    put(db, in_clickhouse=f"40 * 3600 + {UNEVEN}", dated="41 * 3600")
    assert "took 40 h or more" in one(look(ingestion_lag, db)).claim


@pytest.mark.parametrize(
    "row",
    [
        {"dated": "400 * 86400 + number"},  # phones that were offline, imports that nobody marked
        {"dated": "-30 * 86400"},
        {"in_clickhouse": "-600"},  # ClickHouse's clock is behind Kafka's
        {"in_kafka": "-900", "in_clickhouse": "900"},
    ],
)
def test_times_of_senders_and_clocks_that_are_behind_do_not_alarm(db: Database, row: dict[str, str]) -> None:
    put(db, **row)  # type: ignore[arg-type]
    assert look(ingestion_lag, db).status in (Status.OK, Status.INFO)


def test_a_clock_that_is_ahead_is_told_from_a_queue(db: Database) -> None:
    put(db, in_clickhouse="1500 + number % 9")
    finding = one(look(ingestion_lag, db))
    assert finding.status is Status.INFO
    assert finding.claim == (
        "By their clocks every event takes 25 min from Kafka to ClickHouse, evenly to within 8 s: more likely their clocks "
        "differ than that events are late"
    )


def test_a_backlog_that_is_stored_at_once_is_no_matter_of_clocks(db: Database) -> None:
    put(db, since=40, until=30, in_clickhouse="2400")
    assert one(look(ingestion_lag, db)).status is Status.FAIL


def test_a_marked_import_may_take_its_time(engine: Engine) -> None:
    db = engine.database(era=Era.Y2026)
    put(db, count=500, in_clickhouse=f"9000 + {UNEVEN}", more="historical_migration = true")
    put(db)
    assert look(ingestion_lag, db).status is Status.OK


def test_what_was_late_an_hour_ago_is_over(db: Database) -> None:
    put(db, since=5 * HOUR, until=HOUR + MINUTE, in_clickhouse=f"2400 + {UNEVEN}")
    put(db)
    assert look(ingestion_lag, db).status is Status.OK


def test_without_events_there_is_no_lag(db: Database) -> None:
    assert look(ingestion_lag, db).status is Status.OK


def test_one_team_is_not_judged_by_itself(db: Database) -> None:
    """All share the way; a team without events says nothing about it."""
    put(db, in_clickhouse=f"2400 + {UNEVEN}")
    assert look(ingestion_lag, db, team=99).status is Status.FAIL


def test_a_missing_grant_is_unknown(own: Database) -> None:
    own.deny("events")
    looked = look(ingestion_lag, own)
    assert looked.status is Status.UNKNOWN
    needed = f"SELECT(_timestamp, created_at, inserted_at, team_id, timestamp) ON {own.name}.events"
    assert looked.reason == f"The user {own.user} lacks the grant {needed}"


def test_a_missing_table_is_unknown(own: Database) -> None:
    own.execute("DROP TABLE events")
    looked = look(ingestion_lag, own)
    assert (looked.status, looked.findings) == (Status.UNKNOWN, ())
    assert looked.reason == f"there is no table events in the database {own.name}, or this user may not see it"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the question read four thousand rows."""
    monkeypatch.setattr(recent_arrivals, "SCAN", structs.replace(RECENT.limits, rows_to_read=4000))


@pytest.mark.usefixtures("small")
def test_of_a_table_that_is_too_large_what_is_dated_lately_is_asked(own: Database) -> None:
    put(own, count=20_000, since=300 * DAY, until=30 * DAY)
    put(own, in_clickhouse=f"2400 + {UNEVEN}")
    assert one(look(ingestion_lag, own)).status is Status.FAIL
    assert asked(own, "GROUP BY slice") == 2
