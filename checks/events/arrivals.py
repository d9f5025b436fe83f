"""When events arrived in ClickHouse, and how long this install usually pauses: the questions and the judgement."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise

from msgspec import Struct

from checks.events import table as events_table
from diagnostics.report.model import Series
from diagnostics.sources.clickhouse import ClickHouse, Limits, Query
from diagnostics.sources.errors import LimitExceeded

DAYS = 10
"""A week of precedents, and what reaches into it: the silence of a long weekend a week ago."""

AROUND = timedelta(hours=1)
"""Pauses this long before and after the same time of day are precedents: people do not start work to the minute."""


class Hour(Struct, frozen=True, kw_only=True):
    """Arrivals in one hour, UTC. Bit n of `minutes` is set when a row arrived in its minute n."""

    hour: datetime
    arrived: int
    newest: datetime
    minutes: int
    asked_at: datetime


class Total(Struct, frozen=True, kw_only=True):
    events: int


class Outside(Struct, frozen=True, kw_only=True):
    """Rows that arrived lately, by Kafka's time; without any, `newest` is 1970."""

    events: int
    newest: datetime
    asked_at: datetime


# `timestamp` is the sender's clock and says nothing about arrival, but partitions and the sorting key are made of it, so
# bounding it keeps the scan to what is recent. 60 bits an hour give pauses to the minute without moving a row a minute.
SQL = """
SELECT toStartOfHour(arrival, 'UTC') AS hour, count() AS arrived, max(arrival) AS newest,
       groupBitOr(bitShiftLeft(toUInt64(1), toMinute(arrival, 'UTC'))) AS minutes, now() AS asked_at
FROM (
    SELECT {arrival} AS arrival FROM events
    WHERE timestamp >= now() - toIntervalDay({{days:UInt16}}) AND timestamp < now() + toIntervalDay(1)
)
WHERE arrival >= now() - toIntervalDay({{days:UInt16}})
GROUP BY hour ORDER BY hour LIMIT 400
""".strip()
KAFKA_TIME = "toDateTime(_timestamp, 'UTC')"
# PostHog notes `inserted_at` since 2023, by a default of now64(): for rows older than the column ClickHouse answers with the
# time of asking. Those, and what came in the last two seconds, go by Kafka's time.
STORED_TIME = f"if(inserted_at < now() - 2, toDateTime(assumeNotNull(inserted_at), 'UTC'), {KAFKA_TIME})"
SCAN = Limits(rows_to_read=100_000_000, seconds=4.0)

ARRIVALS = Query(
    name="events-arriving.stored",
    why="how many events arrived, hour by hour",
    sql=SQL.format(arrival=STORED_TIME),
    row=Hour,
    tables=("events",),
    limits=SCAN,
)
ARRIVALS_BY_KAFKA = Query(
    name="events-arriving.produced",
    why="how many events arrived, hour by hour (by Kafka's time, where PostHog does not note when it stored them)",
    sql=SQL.format(arrival=KAFKA_TIME),
    row=Hour,
    tables=("events",),
    limits=SCAN,
)
# Answered from the metadata of the parts, without reading a row.
TOTAL = Query(
    name="events-arriving.total",
    why="whether there are events at all (only when none arrived lately)",
    sql="SELECT count() AS events FROM events",
    row=Total,
    tables=("events",),
)
# Only asked before an alarm: without a bound on `timestamp` it reads `_timestamp` of the whole table.
OUTSIDE = Query(
    name="events-arriving.outside",
    why="whether events arrive that are dated long ago or ahead (only when no others do)",
    sql="""
SELECT count() AS events, max(_timestamp) AS newest, now() AS asked_at FROM events
WHERE _timestamp >= now() - toIntervalDay({days:UInt16})
  AND (timestamp < now() - toIntervalDay({days:UInt16}) OR timestamp >= now() + toIntervalDay(1))
""".strip(),
    row=Outside,
    tables=("events",),
    limits=SCAN,
)
READS = (ARRIVALS, ARRIVALS_BY_KAFKA, TOTAL, OUTSIDE)

BY_HAND = """
SELECT max(_timestamp) AS newest, now() AS asked_at, count() AS events FROM events
WHERE timestamp > now() - INTERVAL 1 DAY AND timestamp < now() + INTERVAL 1 DAY
""".strip()


class Pause(Struct, frozen=True):
    """Nothing arrived between these two rows, which did; to the minute."""

    since: datetime
    until: datetime

    @property
    def seconds(self) -> float:
        return (self.until - self.since).total_seconds()


class Arrivals(Struct, frozen=True, kw_only=True, dict=True):
    """What arrived in the last `days`: `hours` in order of time, those without arrivals left out.

    Everything but `days` makes sense only when there are any.
    """

    hours: tuple[Hour, ...]
    days: int

    @property
    def newest(self) -> datetime:
        return max(hour.newest for hour in self.hours)

    @property
    def asked_at(self) -> datetime:
        return self.hours[-1].asked_at

    @property
    def pause(self) -> float:
        """Seconds since the newest row, by the server's clock; 0 when it lies ahead."""
        return max(0.0, (self.asked_at - self.newest).total_seconds())

    @cached_property
    def by_hour(self) -> dict[datetime, int]:
        """How many arrived in each hour, by its begin."""
        return {hour.hour: hour.arrived for hour in self.hours}

    @cached_property
    def pauses(self) -> tuple[Pause, ...]:
        """Those that are over, from one row to the next."""
        return tuple(Pause(since, until) for since, until in pairwise(_minutes(self.hours)))

    @cached_property
    def usual_pause(self) -> float | None:
        """Seconds that this install pauses at worst around this time of day; None with less than a day of history.

        A week ago counts by itself, since weekends are like each other; of the other days the second-longest, since one
        outage is no precedent. A day in which the present pause had already begun, or before the first row, tells nothing;
        when that leaves none, the longest pause of all is the usual one.
        """
        if self.days > 1 and self.newest - self.hours[0].hour < timedelta(days=1):
            return None
        longest = {back: pause for back in range(1, 8) if (pause := self._around(timedelta(days=back))) is not None}
        if not longest:
            return max((pause.seconds for pause in self.pauses), default=None)
        by_length = sorted(longest.values(), reverse=True)
        return max(longest.get(7, 0.0), by_length[min(1, len(by_length) - 1)])

    def _around(self, back: timedelta) -> float | None:
        """The longest pause that touched this time of day `back` ago; None where the history does not tell."""
        since, until = self.asked_at - back - AROUND, self.asked_at - back + AROUND
        if not self.pauses or since < self.pauses[0].since or until > self.pauses[-1].until:
            return None
        return max(pause.seconds for pause in self.pauses if pause.since <= until and pause.until >= since)

    @property
    def series(self) -> Series:
        """Arrivals per hour, far enough back to show when they stopped."""
        last = self.asked_at.replace(minute=0, second=0, microsecond=0)
        shown = round(min(self.days * 24, max(48, 2 * self.pause / 3600)))
        start = last - timedelta(hours=shown - 1)
        values = tuple(float(self.by_hour.get(start + timedelta(hours=n), 0)) for n in range(shown))
        return Series(title="Events arriving per hour", start=start, step_s=3600.0, values=values, unit="events")


def _minutes(hours: tuple[Hour, ...]) -> Iterator[datetime]:
    """The minutes in which rows arrived, in order."""
    for hour in hours:
        for minute in range(60):
            if hour.minutes >> minute & 1:
                yield hour.hour + timedelta(minutes=minute)


def ask(clickhouse: ClickHouse) -> Arrivals:
    """Those of the last DAYS; of a table too large for that, where no hour is without events, of the last day.

    Raises what `ClickHouse.rows` raises, and BadAnswer where there is no table.
    """
    query = ARRIVALS if "inserted_at" in events_table.columns(clickhouse) else ARRIVALS_BY_KAFKA
    try:
        days, hours = DAYS, clickhouse.rows(query, days=DAYS)
    except LimitExceeded:
        days, hours = 1, clickhouse.rows(query, days=1)
    return Arrivals(hours=tuple(hours), days=days)
