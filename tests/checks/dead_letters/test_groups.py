"""How rows become groups, and when a group still arrives: boundaries to the second."""

import pytest
from msgspec import structs

from checks.dead_letters.groups import Group, KeyRow, grouped, together
from diagnostics import KnownErrors

NOW = 1_800_000_000
MINUTE, HOUR = 60, 3600
ROW = KeyRow(
    location="here",
    stored=10,
    ids=10,
    without_team=0,
    teams=(1,),
    first=NOW - HOUR,
    last=NOW,
    trend=(0, 10),
    sample="Error: boom",
    keys=1,
    asked_at=NOW,
)


def group(*, last: int, trend: tuple[int, ...], span: int) -> Group:
    """`last` seconds ago the newest, `span` seconds before it the oldest."""
    row = structs.replace(ROW, first=NOW - last - span, last=NOW - last, trend=trend, stored=sum(trend), ids=sum(trend))
    return grouped([row], KnownErrors())[0]


@pytest.mark.parametrize(("last", "arriving"), [(0, True), (900, True), (901, False)])
def test_a_burst_arrives_as_long_as_its_newest_row_is_within_the_threshold(last: int, arriving: bool) -> None:
    assert group(last=last, trend=(0, 0, 500), span=MINUTE).arriving(NOW, 900.0) is arriving


@pytest.mark.parametrize(("last", "arriving"), [(5 * HOUR, True), (5 * HOUR + 1, False)])
def test_a_steady_group_arrives_for_five_of_its_pauses(last: int, arriving: bool) -> None:
    hourly = group(last=last, trend=(1,) * 24, span=24 * HOUR)
    assert hourly.usual_pause == HOUR
    assert hourly.arriving(NOW, 900.0) is arriving


def test_a_burst_in_between_does_not_hide_that_a_group_is_steady() -> None:
    assert group(last=40 * MINUTE, trend=(1, 1, 1, 5000, 1, 1, 1, 1), span=8 * HOUR).arriving(NOW, 900.0)


def test_two_bursts_are_not_steady() -> None:
    assert not group(last=40 * MINUTE, trend=(400, 0, 0, 0, 0, 0, 400), span=7 * HOUR).arriving(NOW, 900.0)


@pytest.mark.parametrize(("trend", "steady"), [((1, 1, 1, 0, 0, 0), False), ((1, 1, 1, 1, 0, 0), True)])
def test_a_pace_takes_four_slices(trend: tuple[int, ...], steady: bool) -> None:
    assert (group(last=HOUR, trend=trend, span=4 * HOUR).usual_pause > 0) is steady


def test_keys_with_one_template_are_one_group() -> None:
    other = structs.replace(
        ROW,
        sample="ingestEvent failed. boom",
        stored=5,
        ids=5,
        without_team=2,
        teams=(2,),
        first=NOW - 9,
        last=NOW - 5,
        trend=(2, 3),
    )
    (only,) = grouped([other, ROW], KnownErrors())
    assert (only.events, only.without_team, only.teams, only.trend) == (15, 2, frozenset({1, 2}), (2, 13))
    assert (only.first, only.last, only.sample) == (NOW - HOUR, NOW, "Error: boom")


def test_the_same_error_elsewhere_is_another_group_and_the_largest_comes_first() -> None:
    elsewhere = structs.replace(ROW, location="there", stored=11, ids=11)
    assert [group.location for group in grouped([ROW, elsewhere], KnownErrors())] == ["there", "here"]


def test_all_groups_together_count_every_event_once() -> None:
    groups = grouped([ROW, structs.replace(ROW, location="there", last=NOW - 1)], KnownErrors())
    assert (together(groups).events, together(groups).last) == (20, NOW)


@pytest.mark.parametrize(
    ("stored", "ids", "events"),
    [
        (1000, 999, 999),  # exact: one copy
        (1000, 1001, 1000),
        (2000, 1999, 2000),  # two ids with one hash
        (2000, 1990, 1990),
        (65_536, 65_000, 65_000),
        (1_000_000, 991_000, 1_000_000),  # the error of the estimate
        (1_000_000, 500_000, 500_000),
    ],
)
def test_copies_are_left_out_where_they_can_be_told_from_the_error_of_the_estimate(stored: int, ids: int, events: int) -> None:
    assert structs.replace(ROW, stored=stored, ids=ids).events == events
