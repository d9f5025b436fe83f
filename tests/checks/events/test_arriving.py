"""When a pause of the events is called unusual: on real rows, against the rhythm of the same install."""

import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from checks.clickhouse.connection import clickhouse_connection
from checks.events import arrivals as event_arrivals
from checks.events.arrivals import ARRIVALS, ARRIVALS_BY_KAFKA, OUTSIDE, TOTAL, Arrivals, Hour
from checks.events.arriving import events_arriving
from checks.events.rates import rate
from checks.kafka import intake as kafka_intake
from diagnostics.engine import runner
from diagnostics.engine.check import Thresholds
from diagnostics.lab.engine import Database, Engine
from diagnostics.lab.schema import Era
from diagnostics.report.model import CheckResult, Finding, QueryText, Series, Status, Values
from diagnostics.sources.clickhouse import ClickHouse
from diagnostics.sources.source import Recorder

MINUTE, HOUR, DAY = 60, 3600, 86_400


@pytest.fixture
def db(engine: Engine) -> Database:
    return engine.database()


def put(db: Database, since: float, until: float, *, every: float = 600, era: Era = Era.Y2024, dated: str = "arrived") -> None:
    """Events that arrived from `since` to `until` seconds ago, one in `every` seconds."""
    column, value = ("", "") if era is Era.Y2021 else (", inserted_at", ", arrived")
    db.execute(
        f"INSERT INTO events (uuid, event, timestamp, _timestamp{column}) "
        f"WITH now() - toUInt32({until} + number * {every}) AS arrived "
        f"SELECT generateUUIDv4(), 'click', {dated}, arrived{value} FROM numbers({int((since - until) // every) + 1})"
    )


def looked(db: Database, **thresholds: float) -> CheckResult:
    recorder = Recorder()
    source = ClickHouse(db.url, recorder=recorder)
    values = {f"events-arriving.{name.replace('_', '-')}": value for name, value in thresholds.items()}
    try:
        outcome = runner.run(
            [events_arriving],
            skipped={},
            sources={ClickHouse: source},
            context={Thresholds: Thresholds(values)},
            codes={code.id: code for code in clickhouse_connection.finds},
            recorder=recorder,
            deadline=time.monotonic() + 20,
        )
    finally:
        source.close()
    return outcome.results[0]


def only(result: CheckResult) -> Finding:
    (finding,) = result.findings
    assert finding.code == "clickhouse.events-stale"
    return finding


def healthy(result: CheckResult) -> bool:
    return (result.status, result.findings, result.reason) == (Status.OK, (), "")


def asked(db: Database) -> list[str]:
    """Which of the check's questions were asked."""
    names = {"GROUP BY hour": "arrivals", "SELECT count() AS events FROM": "total", "WHERE _timestamp >=": "outside"}
    return [name for query in db.queries() for text, name in names.items() if text in query.sql]


def test_events_that_arrive_are_healthy_and_cost_one_question(db: Database) -> None:
    put(db, 8 * DAY, 30)
    assert healthy(looked(db))
    assert asked(db) == ["arrivals"]


def test_an_install_that_pauses_as_it_never_does_fails(db: Database) -> None:
    put(db, 9 * DAY, 3 * HOUR)
    finding = only(looked(db))
    assert finding.status is Status.FAIL
    assert finding.claim == "The newest event arrived 3 h ago; at this hour the longest pause usually is 10 min"
    assert finding.detail == ""
    assert finding.affects == ("events",)
    series, values, by_hand = finding.evidence
    assert isinstance(series, Series)
    assert len(series.values) == 48
    assert set(series.values[:-4]) == {6.0}
    assert series.values[-3:] == (0.0, 0.0, 0.0)
    assert isinstance(values, Values)
    assert values.values["pause"] == "3 h"
    assert values.values["longest usual pause at this hour"] == "10 min"
    assert isinstance(by_hand, QueryText)
    assert db.execute(by_hand.text)
    assert [action.changes_something for action in finding.actions] == [False, False]
    assert finding.actions[0].commands[0].startswith("docker compose exec clickhouse clickhouse-client --query ")
    assert asked(db) == ["arrivals", "outside"]


@pytest.mark.parametrize(("pause", "stale"), [(14 * MINUTE, False), (890, False), (920, True), (HOUR, True)])
def test_a_quarter_of_an_hour_is_never_too_long(db: Database, pause: float, stale: bool) -> None:
    put(db, 8.5 * DAY, pause, every=60)
    assert healthy(looked(db)) is not stale


@pytest.mark.parametrize(("pause", "stale"), [(7100, False), (7400, True)])
def test_twice_the_usual_pause_is_not_too_long_yet(db: Database, pause: float, stale: bool) -> None:
    put(db, 9 * DAY, pause, every=HOUR)
    assert healthy(looked(db)) is not stale


def test_thresholds_can_be_set(db: Database) -> None:
    put(db, 9 * DAY, 20 * MINUTE, every=60)
    assert healthy(looked(db, stale_after=1500))
    assert not healthy(looked(db, stale_after=600))
    assert healthy(looked(db, stale_factor=30))


def test_a_night_that_is_like_every_night_is_no_alarm(db: Database) -> None:
    for day in range(9):
        put(db, day * DAY + 20 * HOUR, day * DAY + 6 * HOUR)
    assert healthy(looked(db))


def test_a_morning_on_which_nobody_comes_is_one(db: Database) -> None:
    for day in range(1, 9):
        put(db, day * DAY + 14 * HOUR, day * DAY - 2 * HOUR)
    assert only(looked(db)).claim == "The newest event arrived 22 h ago; at this hour the longest pause usually is 10 min"


def test_a_weekend_like_the_last_one_is_no_alarm(db: Database) -> None:
    put(db, 5 * DAY, 1.5 * DAY)  # from Monday to Friday evening, one and a half days ago
    put(db, 9.9 * DAY, 8.5 * DAY)  # the end of the week before; the same pause followed
    put(db, 6 * DAY, 5 * DAY)
    assert healthy(looked(db))


def test_the_same_pause_without_a_weekend_before_is_an_alarm(db: Database) -> None:
    put(db, 9.9 * DAY, 1.5 * DAY)
    assert only(looked(db)).claim == "The newest event arrived 36 h ago; at this hour the longest pause usually is 10 min"


def test_one_outage_yesterday_does_not_make_another_usual(db: Database) -> None:
    put(db, DAY - 2 * HOUR, 4 * HOUR)
    put(db, 9 * DAY, DAY + 5 * HOUR)
    assert only(looked(db)).claim == "The newest event arrived 4 h ago; at this hour the longest pause usually is 10 min"


def test_a_pause_longer_than_a_week_is_compared_with_the_longest_of_all(db: Database) -> None:
    put(db, 9.9 * DAY, 8 * DAY)
    assert only(looked(db)).claim == "The newest event arrived 8 days ago; at this hour the longest pause usually is 10 min"


def test_without_a_day_of_history_nothing_is_called_unusual(db: Database) -> None:
    put(db, 26 * HOUR, 20 * HOUR)
    finding = only(looked(db))
    assert finding.status is Status.INFO
    assert (
        finding.claim == "The newest event arrived 20 h ago; with less than a day of events before it, that may be usual or not"
    )


def test_a_young_install_that_works_is_healthy(db: Database) -> None:
    put(db, 3 * HOUR, 60)
    assert healthy(looked(db))


def test_an_install_without_events_is_not_stale(db: Database) -> None:
    finding = only(looked(db))
    assert (finding.status, finding.claim) == (
        Status.INFO,
        "No event has ever arrived in this ClickHouse: the table events is empty",
    )
    assert asked(db) == ["arrivals", "total"]


def test_one_whose_events_all_are_old_is_stale(db: Database) -> None:
    put(db, 40 * DAY, 20 * DAY, every=HOUR)
    finding = only(looked(db))
    assert (finding.status, finding.claim) == (
        Status.FAIL,
        "No event has arrived for 10 days or longer, though the table holds 481",
    )
    assert [type(evidence) for evidence in finding.evidence] == [QueryText]


@pytest.mark.parametrize("dated", ["arrived - toIntervalDay(400)", "arrived + toIntervalDay(30)"])
def test_events_dated_long_ago_or_ahead_have_arrived_all_the_same(db: Database, dated: str) -> None:
    put(db, 9 * DAY, 5 * HOUR)
    put(db, HOUR, 60, dated=dated)
    finding = only(looked(db))
    assert finding.status is Status.INFO
    assert re.fullmatch(r"Events arrive, the newest 6[0-5] s ago, but dated over 10 days ago or a day ahead", finding.claim)


def test_an_import_of_old_events_that_ended_is_no_excuse(db: Database) -> None:
    put(db, 9 * DAY, 5 * HOUR)
    put(db, 6 * HOUR, 2 * HOUR, dated="arrived - toIntervalDay(400)")
    assert only(looked(db)).status is Status.FAIL


def test_an_old_schema_goes_by_the_time_of_kafka(engine: Engine) -> None:
    db = engine.database(era=Era.Y2021)
    put(db, 9 * DAY, 3 * HOUR, era=Era.Y2021)
    assert only(looked(db)).claim == "The newest event arrived 3 h ago; at this hour the longest pause usually is 10 min"


def test_rows_older_than_the_column_that_notes_their_arrival_do_not_look_new(engine: Engine) -> None:
    db = engine.database(era=Era.Y2021)
    put(db, 9 * DAY, 3 * HOUR, era=Era.Y2021)
    db.execute("ALTER TABLE events ADD COLUMN inserted_at Nullable(DateTime64(6, 'UTC')) DEFAULT now64()")
    assert only(looked(db)).claim == "The newest event arrived 3 h ago; at this hour the longest pause usually is 10 min"


def test_a_backlog_that_is_being_stored_has_arrived(db: Database) -> None:
    put(db, 9 * DAY, 3 * HOUR)
    db.execute(
        "INSERT INTO events (uuid, timestamp, _timestamp, inserted_at) "
        "SELECT generateUUIDv4(), now() - 10000, now() - 10000, now() - 10 FROM numbers(100)"
    )
    assert healthy(looked(db))


def test_without_the_grant_nothing_is_said_of_the_events(db: Database) -> None:
    put(db, 9 * DAY, 3 * HOUR)
    db.deny("events")
    result = looked(db)
    assert result.status is Status.UNKNOWN
    (finding,) = result.findings
    assert finding.code == "clickhouse.permission-denied"
    assert finding.claim == f"The user {db.user} lacks the grant SELECT(_timestamp, inserted_at, timestamp) ON {db.name}.events"
    assert finding.actions[0].commands == (
        f"GRANT SELECT(_timestamp, inserted_at, timestamp) ON {db.name}.events TO {db.user};",
    )


def test_without_the_table_it_is_unknown(db: Database) -> None:
    db.execute("DROP TABLE events")
    result = looked(db)
    assert (result.status, result.findings) == (Status.UNKNOWN, ())
    assert result.reason == f"there is no table events in the database {db.name}, or this user may not see it"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Makes the limit of rows so small that a few thousand are too many."""
    from msgspec import structs

    def limit(rows: int) -> None:
        for name, query in (("ARRIVALS", ARRIVALS), ("OUTSIDE", OUTSIDE)):
            limits = structs.replace(query.limits, rows_to_read=rows)
            monkeypatch.setattr(event_arrivals, name, structs.replace(query, limits=limits))

    return limit


def test_of_a_table_that_is_too_large_the_last_day_is_looked_at_and_it_says_so(
    db: Database, small: Callable[[int], None]
) -> None:
    db.execute("SYSTEM STOP MERGES events")
    put(db, 9 * DAY, 3 * DAY, every=60)
    put(db, 3 * DAY, HOUR, every=60)
    small(5000)
    finding = only(looked(db))
    assert (finding.status, finding.claim) == (
        Status.FAIL,
        "The newest event arrived 60 min ago; at this hour the longest pause usually is 60 s",
    )
    assert finding.detail == (
        "Only the last day was looked at: more would read too many rows. "
        "Events dated over a day ago or a day ahead were not looked at: the table is too large."
    )
    assert asked(db) == ["arrivals", "arrivals", "outside"]


def test_of_one_that_is_too_large_even_for_a_day_nothing_is_said(db: Database, small: Callable[[int], None]) -> None:
    put(db, 9 * DAY, HOUR, every=60)
    small(100)
    result = looked(db)
    assert (result.status, result.findings) == (Status.UNKNOWN, ())
    assert result.reason.startswith("events-arriving.stored would have cost more than diag allows itself (rows to read)")


def test_the_question_reads_only_what_is_recent(db: Database) -> None:
    put(db, 9 * DAY, 60)
    of_recent = looked(db).cost.clickhouse.read_rows
    put(db, 400 * DAY, 30 * DAY, every=HOUR)
    assert int(db.execute("SELECT count() FROM events WHERE timestamp < now() - INTERVAL 29 DAY")) > 8000
    assert looked(db).cost.clickhouse.read_rows < of_recent + 1000


def drop(result: CheckResult) -> Finding:
    (finding,) = result.findings
    assert finding.code == "clickhouse.events-drop"
    return finding


def test_far_fewer_events_than_on_the_days_before_are_a_warning(db: Database) -> None:
    put(db, 9.9 * DAY, 4 * HOUR, every=30)
    put(db, 4 * HOUR, 5, every=300)
    result = looked(db)
    finding = drop(result)
    assert (result.status, finding.status, finding.affects) == (Status.WARN, Status.WARN, ("events",))
    since = since_whole_hours()
    arrived, usual = (int(number.replace(",", "")) for number in re.findall(r"[\d,]{2,}(?= events| or more)", finding.claim))
    assert finding.claim == (
        f"Only {arrived} events arrived since {since:%H:%M} UTC; the quieter of the last 9 days brought {usual} or more in the "
        "same time of day"
    )
    assert 24 <= arrived <= 37
    assert 240 <= usual <= 361
    assert finding.measure is not None
    assert (finding.measure.value, finding.measure.unit, finding.measure.worse) == (arrived, "events", "lower")
    series, by_hand = finding.evidence
    assert isinstance(series, Series)
    assert isinstance(by_hand, QueryText)
    assert db.execute(by_hand.text)
    assert asked(db) == ["arrivals"]


def since_whole_hours() -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)


def test_the_thresholds_of_a_drop_can_be_set(db: Database) -> None:
    put(db, 9.9 * DAY, 4 * HOUR, every=30)
    put(db, 4 * HOUR, 5, every=300)
    assert healthy(looked(db, drop_ratio=0.05))
    assert healthy(looked(db, drop_least=1000))


def test_events_that_no_longer_arrive_are_not_also_fewer(db: Database) -> None:
    put(db, 9.9 * DAY, 3 * HOUR, every=30)
    assert only(looked(db)).status is Status.FAIL


def test_every_question_is_declared() -> None:
    assert events_arriving.reads == (ARRIVALS, ARRIVALS_BY_KAFKA, TOTAL, OUTSIDE, *kafka_intake.READS)


def arrivals(*minutes_ago: float, asked_at: datetime = datetime(2026, 7, 1, 12, 30, tzinfo=UTC)) -> Arrivals:
    """Without a server: the judgement alone."""
    by_hour: dict[datetime, list[datetime]] = {}
    for ago in sorted(minutes_ago, reverse=True):
        arrived = asked_at - timedelta(minutes=ago)
        by_hour.setdefault(arrived.replace(minute=0, second=0), []).append(arrived)
    hours = tuple(
        Hour(hour=hour, arrived=len(at), newest=at[-1], minutes=sum({1 << one.minute for one in at}), asked_at=asked_at)
        for hour, at in by_hour.items()
    )
    return Arrivals(hours=hours, days=10)


def test_pauses_are_told_to_the_minute() -> None:
    assert [pause.seconds for pause in arrivals(200, 131, 130, 61, 5).pauses] == [69 * 60, 60, 69 * 60, 56 * 60]


def test_a_row_dated_ahead_of_the_server_is_no_negative_pause() -> None:
    assert arrivals(100, -3).pause == 0.0


NOON = datetime(2026, 7, 1, 12, 30, tzinfo=UTC)


WEEK = (1000,) * 9


def hourly(*per_day: int, now: int, days: int = 10) -> Arrivals:
    """`per_day[n]` events an hour around this time n + 1 days ago, `now` since 4 hours; 50 at other times."""
    ends = NOON.replace(minute=0)
    hours = []
    for back in range(len(per_day) * 24 + 5, -1, -1):
        day, of_day = divmod(back, 24)
        around = of_day <= 4 or of_day >= 22
        number = now if back <= 4 else per_day[min(len(per_day), day + (of_day >= 22)) - 1] if around else 50
        if number:
            at = ends - timedelta(hours=back)
            hours.append(Hour(hour=at, arrived=number, newest=at + timedelta(minutes=29), minutes=1, asked_at=NOON))
    return Arrivals(hours=tuple(hours), days=days)


@pytest.mark.parametrize(
    ("what", "given", "usual"),
    [
        ("every day alike", WEEK, 2500),
        ("one day was an outage", (1000, 0, *WEEK[2:]), 2500),
        ("one day was a burst", (1000, 90_000, *WEEK[2:]), 2500),
        ("a weekend was among them: a holiday may be like one", (1000, 1000, 80, 90, *WEEK[4:]), 225),
        ("a week ago it was as quiet: that is a weekend", (*WEEK[:6], 80, 1000, 1000), 200),
        ("a week ago there was an outage", (*WEEK[:6], 0, 1000, 1000), 0),
    ],
)
def test_usual_is_the_quieter_of_a_week_ago_and_the_second_worst_of_the_other_days(
    what: str, given: tuple[int, ...], usual: int
) -> None:
    found = rate(hourly(*given, now=100))
    assert found is not None
    assert (found.arrived, found.usual) == (250, usual), what
    assert (found.since, found.seconds) == (NOON.replace(hour=10, minute=0), 9000.0)


@pytest.mark.parametrize("days", [0, 1, 6])
def test_without_a_week_of_history_no_number_is_usual(days: int) -> None:
    assert rate(hourly(*[1000] * days, now=100)) is None


def test_of_a_table_of_which_only_a_day_was_read_no_number_is_usual() -> None:
    assert rate(hourly(1000, now=100, days=1)) is None


def test_clocks_that_change_twice_a_year_make_no_drop() -> None:
    """Work begins at ten: today, after the clocks went back, the same work begins an hour later by UTC."""

    def begins(hour: int, back: int) -> list[Hour]:
        day = NOON.replace(hour=0, minute=0) - timedelta(days=back)
        worked = [day + timedelta(hours=at) for at in range(hour, 24) if day + timedelta(hours=at) <= NOON]
        return [Hour(hour=at, arrived=1000, newest=at, minutes=1, asked_at=NOON) for at in worked]

    hours = [hour for back in range(9, 0, -1) for hour in begins(10, back)] + begins(12, 0)
    found = rate(Arrivals(hours=tuple(hours), days=10))
    assert found is not None
    assert (found.arrived, found.usual) == (500, 1500)


def test_the_second_longest_of_the_days_counts_and_a_week_ago_by_itself() -> None:
    def gaps(**longest: int) -> Arrivals:
        """One row a minute for nine days but for pauses that end at this time of day."""
        quiet = [(int(day[1:]) * 1440, minutes) for day, minutes in longest.items()]
        return arrivals(*(ago for ago in range(1, 9 * 1440) if not any(at < ago < at + length for at, length in quiet)))

    assert gaps(d1=100).usual_pause == 60
    assert gaps(d1=100, d2=50).usual_pause == 50 * 60
    assert gaps(d1=100, d2=50, d3=70).usual_pause == 70 * 60
    assert gaps(d7=90).usual_pause == 90 * 60
    assert gaps(d7=90, d1=200, d2=120).usual_pause == 120 * 60
