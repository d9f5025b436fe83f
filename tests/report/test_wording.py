from datetime import UTC, datetime, timedelta, timezone

import pytest
from msgspec import structs

from diagnostics.report import wording
from diagnostics.report.model import Action, ClickHouseCost, Column, Cost, HttpCost, KafkaCost, Scalar, Series, WindowSpan
from diagnostics.report.sparkline import sparkline
from tests.report import reports

AT = datetime(2026, 11, 23, 10, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        *((0, "0"), (999, "999"), (1000, "1.0 k"), (9_949, "9.9 k"), (9_990, "10 k"), (74_300, "74 k"), (1_912_000, "1.9 M")),
        *((3e9, "3.0 G"), (5e12, "5.0 T"), (7e16, "70,000 T")),
    ],
)
def test_a_magnitude_has_the_digits_that_one_judges_by(number: float, said: str) -> None:
    assert wording.magnitude(number) == said


@pytest.mark.parametrize(("number", "said"), [(950, "950 B"), (1_900_000, "1.9 MB"), (74_100, "74 kB")])
def test_a_size_is_in_bytes(number: float, said: str) -> None:
    assert wording.size(number) == said


@pytest.mark.parametrize(
    ("duration", "said"), [(0.0, "0 ms"), (0.0124, "12 ms"), (0.41, "0.4 s"), (12, "12 s"), (2500, "42 min")]
)
def test_a_duration_is_as_people_say_it(duration: float, said: str) -> None:
    assert wording.seconds(duration) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026-11-23T09:59:48Z", "09:59:48 (12 s ago)"),
        ("2026-11-23T18:59:48+09:00", "09:59:48 (12 s ago)"),
        ("2026-11-23 09:59:48", "09:59:48 (12 s ago)"),
        ("2026-11-22T23:00:00Z", "2026-11-22 23:00:00 (11 h ago)"),
        ("2026-11-23T10:05:00Z", "10:05:00 (5 min ahead)"),
        ("0001-01-01T00:00:00+10:00", "0001-01-01 00:00:00 (739942 days ago)"),
        ("yesterday", "yesterday"),
        ("", ""),
    ],
)
def test_a_time_is_utc_and_counted_from_the_report(text: str, said: str) -> None:
    assert wording.moment(text, AT) == said


def test_the_end_of_the_calendar_is_no_error() -> None:
    assert wording.later(AT, 1e300).year == 9999
    assert wording.later(AT, float("nan")).year == 9999


@pytest.mark.parametrize(
    ("since", "until", "said"),
    [
        (timedelta(hours=24), timedelta(0), "last 24 h"),
        (timedelta(minutes=90), timedelta(minutes=5), "last 85 min"),
        (timedelta(hours=3), timedelta(hours=1), "07:00:00 to 09:00:00"),
        (timedelta(hours=0), timedelta(minutes=-1), "last 60 s"),
    ],
)
def test_the_window_ends_at_the_report_or_says_when(since: timedelta, until: timedelta, said: str) -> None:
    report = structs.replace(reports.healthy(), started_at=AT, window=WindowSpan(since=AT - since, until=AT - until))
    assert wording.window(report) == said


@pytest.mark.parametrize(
    ("value", "kind", "said"),
    [
        (1204, "count", "1,204"),
        (21_474_836_480, "bytes", "21 GB"),
        (None, "bytes", "–"),
        (12345, "team", "12345"),
        (12345, "text", "12345"),
        (2.0, "number", "2"),
        (1234.5, "number", "1,234.50"),
        (0.1234, "number", "0.123"),
        (1e20, "number", "1e+20"),
        (None, "count", "–"),
        (True, "text", "yes"),
        (False, "count", "no"),
        ("7", "count", "7"),
        (1763890000, "time", "1763890000"),
    ],
)  # fmt: skip
def test_a_cell_is_written_as_its_column_says(value: Scalar, kind: str, said: str) -> None:
    assert wording.cell(Column(name="x", kind=kind), value, AT) == said  # type: ignore[arg-type]


@pytest.mark.parametrize(("parts", "said"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")])
def test_names_are_listed_as_people_do(parts: list[str], said: str) -> None:
    assert wording.listed(parts) == said


def test_a_named_value_that_is_a_time_is_said_as_one() -> None:
    assert wording.named("2026-11-23T09:59:48+00:00", AT) == "09:59:48 (12 s ago)"
    assert wording.named("The plugin server", AT) == "The plugin server"
    assert wording.named("2026", AT) == "2026"
    assert wording.named(7, AT) == "7"


def test_what_following_an_action_does() -> None:
    def said(**what: bool) -> str:
        return wording.consequence(Action(text="do", commands=("x",), **what))

    assert said() == "read-only"
    assert said(changes_something=True) == "changes something, safe"
    assert said(changes_something=True, safe=False) == "changes something, NOT safe"
    assert said(safe=False) == "read-only, NOT safe"
    assert wording.consequence(Action(text="wait")) == ""
    assert wording.consequence(Action(text="restart it", changes_something=True)) == "changes something, safe"


def test_the_cost_is_one_sentence() -> None:
    asked = Cost(
        clickhouse=ClickHouseCost(queries=9, read_rows=1_912_000, read_bytes=74_100_000, elapsed_s=0.41),
        http=HttpCost(requests=6, bytes=1),
    )
    assert (
        wording.cost(asked) == "Asked: 9 queries (1.9 M rows, 74 MB, 0.4 s of ClickHouse) and 6 requests. Nothing was written."
    )
    one = asked + Cost(kafka=KafkaCost(requests=1))
    assert wording.spent(one) == "9 queries (1.9 M rows, 74 MB, 0.4 s of ClickHouse), 6 requests and 1 request to Kafka"
    assert wording.cost(Cost()) == "Asked: nothing. Nothing was written."


def test_the_course_of_a_series_has_its_peak_and_when() -> None:
    series = Series(title="x", start=AT - timedelta(hours=1), step_s=900, values=(0, 5, 12, 3), unit="events")
    assert wording.course(series, AT) == "09:00 to 10:00, peak 12 events at 09:30"
    assert wording.course(structs.replace(series, values=(0, 0)), AT) == "09:00 to 09:30"
    assert wording.course(structs.replace(series, values=()), AT) == "09:00 to 09:00"
    abroad = structs.replace(series, start=series.start.astimezone(timezone(timedelta(hours=9))))
    assert wording.course(abroad, AT) == wording.course(series, AT)


@pytest.mark.parametrize(
    ("values", "width", "drawn"),
    [
        ((), 10, ""),
        ((0, 0, 0), 10, "▁▁▁"),
        ((0, 1, 1000), 10, "▁▂█"),
        ((0, 50, 100), 10, "▁▅█"),
        ((-5, 0, 5), 10, "▁▁█"),
        ((0, 0, 9, 0, 0, 0, 3, 0), 4, "▁█▁▃"),
        ((1,) * 100, 10, "█" * 10),
    ],
)
def test_a_sparkline_hides_no_burst_and_no_trickle(values: tuple[float, ...], width: int, drawn: str) -> None:
    assert sparkline(values, width=width) == drawn


def test_a_sparkline_in_ascii_is_ascii() -> None:
    assert sparkline((0, 1, 50, 100), width=10, unicode=False) == "_.=#"
