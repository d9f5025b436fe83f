"""How many events arrive at this time of day, against the days before: judged from the hourly answer of `event_arrivals`."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec import Struct

from checks.events.arrivals import DAYS, Arrivals

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

WHOLE_HOURS = 2
"""Looked at before the hour that has begun: one would alarm for a lunch break, more would notice a drop late."""


class Rate(Struct, frozen=True, kw_only=True):
    """Events that arrived from `since` on, and those that this install can be expected to get in the same time."""

    since: datetime
    seconds: float
    arrived: int
    usual: int


def rate(arrivals: Arrivals) -> Rate | None:
    """The last two to three hours. None with less than a week of history: a first weekend would look like a drop.

    Usual is what the same time of day brought a week ago, or on the second-worst of the other days, whichever is less: one
    outage is no precedent, and a public holiday may be as quiet as a weekend, but not more. Each day is taken an hour
    earlier and later too, for the clocks that change twice a year.
    """
    now = arrivals.asked_at
    since = now.replace(minute=0, second=0, microsecond=0) - WHOLE_HOURS * HOUR
    known_since = arrivals.hours[0].hour + HOUR  # the first hour of the history is not whole
    fewest = {
        back: min(_between(arrivals, since + shift, now + shift) for shift in _shifts(back))
        for back in range(1, DAYS)
        if since - back * DAY - HOUR >= known_since
    }
    if 7 not in fewest:
        return None
    others = sorted(number for back, number in fewest.items() if back != 7)
    usual = min(fewest[7], others[1])
    seconds = (now - since).total_seconds()
    return Rate(since=since, seconds=seconds, arrived=round(_between(arrivals, since, now)), usual=round(usual))


def _shifts(back: int) -> Iterator[timedelta]:
    return (hours * HOUR - back * DAY for hours in (-1, 0, 1))


def _between(arrivals: Arrivals, since: datetime, until: datetime) -> float:
    """Arrivals from a whole hour on; the hour that `until` cuts counts by the part of it that had passed."""
    total, hour = 0.0, since
    while hour < until:
        total += arrivals.by_hour.get(hour, 0) * min(1.0, (until - hour) / HOUR)
        hour += HOUR
    return total
