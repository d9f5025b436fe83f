"""What arrived in ClickHouse lately, asked once for three checks: how late, dated when, and for which teams."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from checks.events import table as events_table
from diagnostics.engine.check import Scope, Window
from diagnostics.sources.clickhouse import ClickHouse, Limits, Query
from diagnostics.sources.errors import LimitExceeded

DAY = 86_400
AHEAD = 3600
"""Seconds. Events dated further ahead of their arrival than this are ahead. Not more: where PostHog finds 23 hours or more
it takes the time of arrival instead (since 2023), so that what stays ahead is mostly a time zone."""
BEHIND = 7 * DAY
"""Seconds. A phone that was offline for days is no wrong clock."""
HALF = 1800
"""Seconds of the two newest slices."""
ALL_DATES = 36_500
"""Days back to which events may be dated: all."""
LATELY_DATED = 10

Spread = tuple[int, int, int]
"""Seconds that one in twenty, half, and all but one in twenty of the rows stay below."""


class Slice(Struct, frozen=True, kw_only=True):
    """Rows that arrived in one slice of time: 2 is the last half hour, 1 the one before it, 0 the rest of the window.

    `timed` rows went the ordinary way (no import), in the legs `to_plugin_server` (from capture), `to_kafka` and
    `to_clickhouse`; `whole` is all of it. A leg whose ends the install does not note takes 0 seconds. `of_team`,
    `newest_of_team`, `ahead` and `behind` are of the team that was asked for, or of all; the last two count what is dated that
    far off its arrival, `ahead_by` and `behind_by` say how far. `teams` and `arrived_of` belong together.
    """

    slice: int
    arrived: int
    oldest: datetime
    newest: datetime
    teams: tuple[int, ...]
    arrived_of: tuple[int, ...]
    timed: int
    to_plugin_server: Spread
    to_kafka: Spread
    to_clickhouse: Spread
    whole: Spread
    of_team: int
    newest_of_team: datetime
    ahead: int
    ahead_by: Spread
    behind: int
    behind_by: Spread
    asked_at: datetime


# `_timestamp` bounds it, two days beyond the window for what comes late: sharded installs since 2023 have an index on it. Where
# none is, it is read of the whole table, four bytes a row; of a table too large for that, only of what is dated lately. The
# other columns are read only where rows of the window lie. `timestamp` may be of any year, beyond what a DateTime can hold.
SQL = """
SELECT slice, count() AS arrived, min(stored) AS oldest, max(stored) AS newest,
    tupleElement(sumMap([team_id], [toUInt64(1)]), 1) AS teams,
    tupleElement(sumMap([team_id], [toUInt64(1)]), 2) AS arrived_of,
    countIf(ordinary AND slice > 0) AS timed,
    {spread}(created_s - captured_s, ordinary AND slice > 0)) AS to_plugin_server,
    {spread}(produced_s - created_s, ordinary AND slice > 0)) AS to_kafka,
    {spread}(stored_s - produced_s, ordinary AND slice > 0)) AS to_clickhouse,
    {spread}(stored_s - captured_s, ordinary AND slice > 0)) AS whole,
    countIf(wanted) AS of_team, maxIf(stored, wanted) AS newest_of_team,
    countIf(wanted AND age < -{ahead}) AS ahead, {spread}(-age, wanted AND age < -{ahead})) AS ahead_by,
    countIf(wanted AND ordinary AND age > {behind}) AS behind,
    {spread}(age, wanted AND ordinary AND age > {behind})) AS behind_by,
    now() AS asked_at
FROM (
    SELECT team_id, ({{team:Int64}} = -1 OR team_id = {{team:Int64}}) AS wanted, {stored} AS stored,
        toInt64(toUnixTimestamp(stored)) AS stored_s, toInt64(toUnixTimestamp(_timestamp)) AS produced_s,
        {created} AS created_s, {captured} AS captured_s,
        stored_s - intDiv(toUnixTimestamp64Milli(timestamp), 1000) AS age,
        created_s > 946684800 AND NOT {imported} AS ordinary,
        multiIf(stored_s >= toUnixTimestamp(now()) - {half}, 2, stored_s >= toUnixTimestamp(now()) - 2 * {half}, 1, 0) AS slice
    FROM events
    WHERE _timestamp >= now() - {{seconds:UInt32}} - 172800
        AND timestamp >= now64(0, 'UTC') - toIntervalDay({{days:UInt16}})
)
WHERE stored >= now() - {{seconds:UInt32}}
GROUP BY slice ORDER BY slice LIMIT 3
""".strip()
SPREAD = "arrayMap(each -> toInt64(ifNotFinite(each, 0)), quantilesTDigestIf(0.05, 0.5, 0.95)"
KAFKA_TIME = "toDateTime(_timestamp, 'UTC')"
# As in `event_arrivals`: rows older than the column answer with the time of asking.
STORED_TIME = f"if(inserted_at < now() - 2, toDateTime(assumeNotNull(inserted_at), 'UTC'), {KAFKA_TIME})"
CREATED = "toInt64(toUnixTimestamp(toDateTime(created_at, 'UTC')))"
# PostHog notes since 2025 when capture took the event, by capture's clock: null, or 1970, where it does not know.
CAPTURED_TIME = "toInt64(toUnixTimestamp(toDateTime(ifNull(captured_at, created_at), 'UTC')))"
CAPTURED = f"if({CAPTURED_TIME} > 946684800, {CAPTURED_TIME}, created_s)"
SCAN = Limits(rows_to_read=100_000_000, seconds=4.0)


def _query(columns: frozenset[str]) -> Query[Slice]:
    """Of a table with these columns. The same question, whatever there is to answer it from."""
    sql = SQL.format(
        spread=SPREAD,
        ahead=AHEAD,
        behind=BEHIND,
        half=HALF,
        created=CREATED,
        stored=STORED_TIME if "inserted_at" in columns else KAFKA_TIME,
        captured=CAPTURED if "captured_at" in columns else "created_s",
        imported="historical_migration" if "historical_migration" in columns else "0",
    )
    return Query(
        name="recent-arrivals.slices",
        why="how late, dated when and for which teams the last day's events arrived",
        sql=sql,
        row=Slice,
        tables=("events",),
        limits=SCAN,
    )


RECENT = _query(frozenset(["inserted_at", "captured_at", "historical_migration"]))


class Recent(Struct, frozen=True, kw_only=True):
    """What arrived in the last `seconds`: the `slices` in which anything did, oldest first, and the SQL that tells.

    `all_dates` is False where only what is dated within the last LATELY_DATED days was looked at; `stored_is_known` False
    where the install does not note when it stored an event, `capture_is_known` likewise.
    """

    slices: tuple[Slice, ...]
    seconds: int
    all_dates: bool
    stored_is_known: bool
    capture_is_known: bool

    @property
    def arrived(self) -> int:
        return sum(each.arrived for each in self.slices)

    @property
    def newest(self) -> datetime:
        return max(each.newest for each in self.slices)

    @property
    def asked_at(self) -> datetime:
        return self.slices[0].asked_at

    @property
    def pause(self) -> float:
        """Seconds since the newest, by the server's clock; 0 when it lies ahead."""
        return max(0.0, (self.asked_at - self.newest).total_seconds())

    @property
    def by_team(self) -> Counter[int]:
        """How many arrived for each team."""
        return arrived_by_team(self.slices)


def arrived_by_team(slices: Sequence[Slice]) -> Counter[int]:
    counted: Counter[int] = Counter()
    for each in slices:
        counted.update(dict(zip(each.teams, each.arrived_of, strict=True)))
    return counted


def ask(clickhouse: ClickHouse, window: Window, scope: Scope) -> Recent:
    """What arrived in the window, at least in the last hour, at most in the last day.

    Raises what `ClickHouse.rows` raises, and BadAnswer where there is no table.
    """
    columns = events_table.columns(clickhouse)
    seconds = min(max(window.seconds, 2 * HALF), DAY)
    asked = {"seconds": seconds, "team": -1 if scope.team is None else scope.team}
    query, all_dates = _query(columns), True
    try:
        slices = clickhouse.rows(query, days=ALL_DATES, **asked)
    except LimitExceeded:
        slices, all_dates = clickhouse.rows(query, days=LATELY_DATED, **asked), False
    return Recent(
        slices=tuple(slices),
        seconds=seconds,
        all_dates=all_dates,
        stored_is_known="inserted_at" in columns,
        capture_is_known="captured_at" in columns,
    )
