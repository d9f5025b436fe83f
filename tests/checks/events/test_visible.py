"""Events that are stored: told when they are dated so that nobody sees them, and whose they are."""

import re

import pytest
from msgspec import structs

from checks.events import recent as recent_arrivals
from checks.events.recent import RECENT
from checks.events.visible import events_visible
from diagnostics import Finding, QueryText, Status
from diagnostics.lab.engine import Database, Engine
from diagnostics.lab.schema import Era
from diagnostics.report.model import CheckResult
from tests.checks.events.looking import DAY, HOUR, MINUTE, asked, look, one, put, table

WRONG = "if(number % 4 = 0, {}, 1)"
"""A quarter of the rows."""


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


def off(looked: CheckResult) -> Finding:
    (finding,) = [finding for finding in looked.findings if finding.code == "app.timestamps-off"]
    return finding


def test_events_that_arrive_are_told_with_their_number_teams_and_age(own: Database) -> None:
    put(own, count=1204, since=20 * HOUR, until=40, teams=(2, 7, 31))
    looked = look(events_visible, own)
    finding = one(looked)
    assert (looked.status, finding.code) == (Status.INFO, "app.events-visible")
    assert re.fullmatch(r"1,204 events arrived in the last 24 h for 3 teams, the newest 4\d s ago", finding.claim)
    assert (finding.detail, finding.affects, finding.actions) == ("", (), ())
    assert sorted(table(finding).rows) == [(2, 402), (7, 401), (31, 401)]
    assert [column.kind for column in table(finding).columns] == ["team", "count"]
    by_hand = next(evidence.text for evidence in finding.evidence if isinstance(evidence, QueryText))
    assert len(own.execute(by_hand).splitlines()) == 3
    assert asked(own, "GROUP BY slice") == 1


def test_the_window_is_what_was_asked_for_but_at_least_an_hour_and_at_most_a_day(db: Database) -> None:
    put(db, count=5, since=50 * MINUTE, until=30)
    put(db, count=7, since=23 * HOUR, until=20 * HOUR)
    put(db, count=9, since=60 * HOUR, until=50 * HOUR)
    assert one(look(events_visible, db, since=6 * HOUR)).claim.startswith("5 events arrived in the last 6 h ")
    assert one(look(events_visible, db, since=60)).claim.startswith("5 events arrived in the last 60 min ")
    assert one(look(events_visible, db, since=9 * DAY)).claim.startswith("12 events arrived in the last 24 h ")


def test_nothing_is_said_of_events_that_no_longer_arrive(db: Database) -> None:
    put(db, count=50, since=5 * HOUR, until=16 * MINUTE)
    assert look(events_visible, db).status is Status.OK
    assert one(look(events_visible, db, thresholds={"events-visible.fresh": 1800.0})).claim.endswith("16 min ago")


def test_an_install_without_events_is_healthy(db: Database) -> None:
    assert look(events_visible, db, team=3).status is Status.OK


def test_a_team_that_gets_events_is_told_its_own(db: Database) -> None:
    put(db, count=60, until=5 * MINUTE, teams=(2, 7))
    put(db, count=60, teams=(2,))
    finding = one(look(events_visible, db, team=7))
    assert finding.claim == "30 events of team 7 arrived in the last 24 h, the newest 5 min ago"
    assert finding.affects == ("team 7",)


def test_a_team_that_gets_none_while_others_do_is_told_so(db: Database) -> None:
    put(db, count=60, until=2 * MINUTE, teams=(2, 31))
    put(db, count=5, since=3 * DAY, until=2 * DAY, teams=(7,))
    finding = one(look(events_visible, db, team=7))
    assert finding.claim == (
        "No event of team 7 arrived in the last 24 h, while 60 events did for 2 other teams, the newest 2 min ago"
    )
    assert finding.status is Status.INFO
    assert "project token" in finding.actions[0].text


@pytest.mark.parametrize(
    ("dated", "told"),
    [
        (
            "-2 * 86400",
            "dated ahead of their arrival, half of them by 48 h or more: the clock or the time zone of a sender is wrong",
        ),
        ("400 * 86400", "dated 400 days before their arrival, all by about the same: the clock of a sender is wrong"),
        (
            "toUnixTimestamp(now()) - 1700000 - number",
            "dated in 1970: a sender gives no time, or seconds where milliseconds are expected",
        ),
        ("toUnixTimestamp(arrived)", "dated in 1970: a sender gives no time, or seconds where milliseconds are expected"),
    ],
)
def test_events_that_are_dated_off_their_arrival_are_a_warning(db: Database, dated: str, told: str) -> None:
    put(db, count=400, dated=WRONG.format(dated))
    looked = look(events_visible, db)
    finding = off(looked)
    assert (looked.status, finding.status) == (Status.WARN, Status.WARN)
    assert finding.claim == f"100 of 400 events that arrived in the last 60 min (25 %) are {told}"
    assert finding.measure is not None
    assert (finding.measure.value, finding.measure.counted_s) == (100, HOUR)
    assert [action.changes_something for action in finding.actions] == [False, False]
    by_hand = next(evidence.text for evidence in finding.evidence if isinstance(evidence, QueryText))
    assert db.execute(by_hand)


@pytest.mark.parametrize(
    "dated",
    [
        "-3500",  # a clock that nobody sets
        "6.9 * 86400",  # a phone that was offline for days
        "number * 6000",
    ],
)
def test_an_hour_ahead_and_a_week_back_are_nothing(db: Database, dated: str) -> None:
    put(db, dated=dated)
    assert one(look(events_visible, db)).code == "app.events-visible"


def test_local_time_sent_as_utc_is_hours_ahead(db: Database) -> None:
    put(db, dated="-19800")
    finding = off(look(events_visible, db))
    assert finding.status is Status.WARN
    assert "ahead of their arrival, half of them by 5 h 30 min or more: the clock or the time zone of a sender" in finding.claim
    assert finding.detail.startswith("Charts and lists that end now show them only when that time has come;")


@pytest.mark.parametrize(("wrong", "told"), [(19, False), (20, True)])
def test_few_wrong_clocks_are_everywhere(db: Database, wrong: int, told: bool) -> None:
    put(db, count=100)
    put(db, count=wrong, dated="-9 * 86400")
    assert (look(events_visible, db).status is Status.WARN) is told


@pytest.mark.parametrize(("right", "told"), [(380, True), (381, False)])
def test_so_is_a_small_part_of_many(db: Database, right: int, told: bool) -> None:
    put(db, count=right)
    put(db, count=20, dated="-9 * 86400")
    assert (look(events_visible, db).status is Status.WARN) is told


def test_the_thresholds_can_be_set(db: Database) -> None:
    put(db, count=400, dated=WRONG.format("-2 * 86400"))
    assert look(events_visible, db, thresholds={"events-visible.share": 0.3}).status is Status.INFO
    assert look(events_visible, db, thresholds={"events-visible.least": 101}).status is Status.INFO


def test_an_import_that_nobody_marked_is_told_but_no_warning(db: Database) -> None:
    put(db, count=800, dated="if(number % 2 = 0, 40 * 86400 + number * 20000, 1)")
    looked = look(events_visible, db)
    assert looked.status is Status.INFO
    assert off(looked).claim == (
        "400 of 800 events that arrived in the last 60 min (50 %) are dated long before their arrival, half of them by "
        "132 days or more, all over the past: it looks like an import"
    )
    assert off(looked).actions == ()


def test_a_marked_import_is_not_even_told(engine: Engine) -> None:
    db = engine.database(era=Era.Y2026)
    put(db, count=300, dated="400 * 86400", more="historical_migration = true")
    put(db, count=10)
    assert one(look(events_visible, db)).code == "app.events-visible"


def test_a_clock_that_was_put_right_this_morning_is_no_news(db: Database) -> None:
    put(db, count=500, since=9 * HOUR, until=3 * HOUR, dated="-3 * 86400")
    put(db, count=100)
    assert one(look(events_visible, db)).code == "app.events-visible"


def test_a_quiet_install_is_judged_by_the_day(db: Database) -> None:
    put(db, count=60, since=20 * HOUR, until=20, dated=WRONG.format("-3 * 86400"))
    put(db, count=40, since=20 * HOUR, until=20, dated="-3 * 86400")
    finding = off(look(events_visible, db))
    assert finding.claim.startswith("55 of 100 events that arrived in the last 24 h (55 %) are dated ahead")


def test_of_one_team_only_its_own_dates_are_compared(db: Database) -> None:
    put(db, count=100, teams=(7,), dated="-3 * 86400")
    put(db, count=900, teams=(2,))
    assert one(look(events_visible, db, team=2)).code == "app.events-visible"
    finding = off(look(events_visible, db, team=7))
    assert finding.claim.startswith("100 of 100 events of team 7 that arrived in the last 60 min (100 %) are dated ahead")
    assert finding.affects == ("events", "team 7")


@pytest.mark.parametrize("era", list(Era))
def test_every_schema_can_be_asked(engine: Engine, era: Era) -> None:
    db = engine.database(era=era)
    put(db, count=400, dated=WRONG.format("-2 * 86400"))
    assert off(look(events_visible, db)).claim.startswith("100 of 400 events that arrived")


def test_dates_of_any_century_are_compared(db: Database) -> None:
    put(db, count=100, until=20)
    db.execute(
        "INSERT INTO events (uuid, team_id, timestamp, created_at, _timestamp, inserted_at) "
        "SELECT generateUUIDv4(number), 2, toDateTime64('2299-12-31 23:59:59', 6, 'UTC'), now(), now() - 30, now() - 30 "
        "FROM numbers(50)"
    )
    assert "dated ahead of their arrival, half of them by 99" in off(look(events_visible, db)).claim


def test_of_a_table_that_is_too_large_what_is_dated_long_ago_is_not_seen_and_it_says_so(
    own: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_arrivals, "SCAN", structs.replace(RECENT.limits, rows_to_read=4000))
    put(own, count=20_000, since=300 * DAY, until=30 * DAY)
    put(own, count=300, dated=WRONG.format("400 * 86400"))
    finding = one(look(events_visible, own))
    assert finding.claim.startswith("225 events arrived in the last 24 h for 1 team, the newest ")
    assert finding.detail == "Events dated over 10 days back were not looked at: the table is too large for that."


def test_a_missing_grant_is_unknown(own: Database) -> None:
    own.deny("events")
    assert look(events_visible, own).status is Status.UNKNOWN


def test_a_missing_table_is_unknown(own: Database) -> None:
    own.execute("DROP TABLE events")
    assert look(events_visible, own).reason == (
        f"there is no table events in the database {own.name}, or this user may not see it"
    )
