from datetime import UTC, datetime, timedelta

import pytest

from diagnostics.sources.errors import Refused
from diagnostics.sources.sentry.issues import MAX_TEXT, next_cursor, read_issues, search, time_range
from tests.sources.answers import link


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        ("jane", 'user.username:"jane"'),
        ('the "boss"', 'user.username:"the \\"boss\\""'),
        ("CORP\\jane", 'user.username:"CORP\\jane"'),
        ("a*b", 'user.username:"a\\*b"'),
        ('x" level:fatal "', 'user.username:"x\\" level:fatal \\""'),
    ],
)
def test_a_user_name_cannot_leave_its_quotes(name: str, quoted: str) -> None:
    assert search("is:unresolved", user=name) == f"is:unresolved {quoted}"


def test_a_user_name_that_the_search_cannot_express() -> None:
    with pytest.raises(Refused, match="ends with a backslash"):
        search(user="jane\\")


def test_a_window_that_ends_now_is_a_period_and_another_two_times() -> None:
    at = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    assert time_range(at - timedelta(hours=24), at, at) == [("statsPeriod", "24h")]
    assert time_range(at - timedelta(minutes=90), at, at + timedelta(seconds=120)) == [("statsPeriod", "90m")]
    assert time_range(at - timedelta(seconds=5), at, at) == [("statsPeriod", "1m")]
    assert time_range(at - timedelta(hours=1), at, at + timedelta(seconds=121)) == [
        ("start", "2026-03-01T11:00:00"),
        ("end", "2026-03-01T12:00:00"),
    ]


@pytest.mark.parametrize(
    ("header", "cursor"),
    [
        (link("0:100:0")["Link"], "0:100:0"),
        (link("0:100:0", "false")["Link"], None),
        ('<x>; rel="next"; cursor="1"', None),
        ('<x>; rel="previous"; results="true"; cursor="1"', None),
        ("", None),
        ("<" * 10_000, None),
    ],
)
def test_only_a_next_page_with_results_is_one(header: str, cursor: str | None) -> None:
    assert next_cursor(header) == cursor


def test_odd_and_hostile_issues() -> None:
    odd = [
        "x",
        None,
        {},
        {"id": None},
        {"id": "1", "title": ["x"], "count": "many", "firstSeen": "yesterday", "metadata": [], "project": "x"},
        {"id": 2, "title": "t" * 9_000, "count": 5, "firstSeen": "2026-03-01T12:00:00", "metadata": {"value": 7}},
        {"id": "3", "count": "9" * 5_000, "lastSeen": "2026-03-01T12:00:00Z"},
        {"id": "4", "count": "-3"},
    ]
    first, second, third, fourth = read_issues(odd)
    assert (first.title, first.count, first.first_seen, first.project) == ("", 0, None, "")
    assert (second.id, second.title, second.count, second.message) == ("2", "t" * (MAX_TEXT - 201) + "…", 5, "7")
    assert second.first_seen == third.last_seen == datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    assert (third.count, fourth.count) == (0, 0)
    assert read_issues({"detail": "x"}) == []
