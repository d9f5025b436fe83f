"""Ingestion warnings: what PostHog itself notes about events that it drops, or of which it refuses a part.

Counts the rows of `ingestion_warnings` in the window by type and team, and says what becomes of such events.
Healthy is that few of a team's events are dropped, and that not many are changed: some always are. What a team's settings
drop is only noted. PostHog notes mostly one an hour for each team and cause, so every number is the least that it can be.
Dropped events are gone; only their sender can send them again.
By hand: SELECT type, team_id, count() FROM ingestion_warnings WHERE timestamp > now() - INTERVAL 1 DAY GROUP BY type, team_id
"""

from collections.abc import Iterator

from checks.events import recent as recent_arrivals
from checks.events.recent import RECENT
from checks.ingestion_warnings import findings
from checks.ingestion_warnings.findings import Asked
from checks.ingestion_warnings.groups import Lost, WarningRow, grouped, lost
from checks.ingestion_warnings.types import Effect
from diagnostics.engine.check import Code, Scope, Threshold, Thresholds, Window, check
from diagnostics.report.model import Category, Finding, Stage, Status
from diagnostics.sources.clickhouse import ClickHouse, Inventory, Query
from diagnostics.sources.errors import BadAnswer, SourceError

DAY = 86_400

LEAST = Threshold("ingestion-warnings.least", 10, "count", "fewer warnings than this for a team in a day are never too many")
DROPPED_SHARE = Threshold("ingestion-warnings.dropped-share", 0.01, "ratio", "a smaller part of a team's events may be dropped")
CHANGED_SHARE = Threshold("ingestion-warnings.changed-share", 0.1, "ratio", "a smaller part of a team's events may be changed")
ACTIVE_WITHIN = Threshold(
    "ingestion-warnings.active-within", 7200.0, "s", "as long as the newest is at most this old, events count as still dropped"
)

DROPPED = Code(
    id="warnings.events-dropped",
    worst=Status.FAIL,
    category=Category.DATA_INTEGRITY,
    summary="it drops events that it cannot take",
    headline="Some events are dropped at ingestion",
    weak=True,
    caused_by=("plugin-server.drops-events",),
)
CHANGED = Code(
    id="warnings.events-changed",
    worst=Status.WARN,
    category=Category.DATA_INTEGRITY,
    summary="it keeps events, but refuses a part of them",
)

# A table has one partition a day or a month, and is small: PostHog holds repetitions back. `details` is the sender's text.
ROWS = """
SELECT '{table}' AS store, toValidUTF8(substring(type, 1, 100)) AS kind, {severity} AS weight, team_id AS team,
    count() AS warned, toUnixTimestamp(toDateTime(min(timestamp), 'UTC')) AS oldest,
    toUnixTimestamp(toDateTime(max(timestamp), 'UTC')) AS latest
FROM {table}
WHERE timestamp >= now() - {{seconds:UInt32}} AND timestamp < now() + 3600
    AND ({{team:Int64}} = -1 OR team_id = {{team:Int64}})
GROUP BY kind, weight, team
""".strip()
SQL = """
SELECT store, kind AS type, weight AS severity, team, warned, oldest AS first, latest AS last,
    toUnixTimestamp(now()) AS asked_at
FROM ({rows})
ORDER BY warned DESC, type, team LIMIT 2000
""".strip()


def _query(*tables: str) -> Query[WarningRow]:
    """Of these tables. A sharded install has each under several names."""
    rows = (ROWS.format(table=table, severity="toString(severity)" if "v2" in table else "''") for table in tables)
    return Query(
        name="ingestion-warnings.counts",
        why="ingestion warnings in the window, by type and team",
        sql=SQL.format(rows="\n    UNION ALL\n".join(rows)),
        row=WarningRow,
        tables=tables,
    )


FIRST = ("ingestion_warnings", "sharded_ingestion_warnings")
SECOND = ("ingestion_warnings_v2_distributed", "ingestion_warnings_v2")
"""Where PostHog keeps them, since September 2022 and since 2026; of each only the first that is there is read."""

COUNTS = _query(FIRST[0])


@check(
    "ingestion-warnings",
    stage=Stage.PLUGIN_SERVER,
    title="Events are taken as they were sent",
    finds=[DROPPED, CHANGED],
    reads=[COUNTS, RECENT],
    thresholds=[LEAST, DROPPED_SHARE, CHANGED_SHARE, ACTIVE_WITHIN],
)
def ingestion_warnings(clickhouse: ClickHouse, window: Window, scope: Scope, limits: Thresholds) -> Iterator[Finding]:
    query = _query(*_tables(clickhouse.inventory()))
    rows = clickhouse.rows(query, seconds=window.seconds, team=-1 if scope.team is None else scope.team)
    if not rows:
        return
    groups = grouped(rows)
    arrived = _arrived(clickhouse, window, scope)
    least = max(2, limits(LEAST) * min(1.0, window.seconds / DAY))
    asked = Asked(now=rows[0].asked_at, window=window, team=scope.team, sql=findings.by_hand(query, window, scope))
    if dropped := lost(groups, Effect.DROPPED, arrived=arrived, least=least, share=limits(DROPPED_SHARE)):
        yield findings.dropped(DROPPED, dropped, asked, _status(dropped, asked.now, limits(ACTIVE_WITHIN)))
    if configured := [group for group in groups if group.meaning.effect is Effect.CONFIGURED]:
        yield findings.configured(DROPPED, configured, asked)
    changed = lost(groups, Effect.CHANGED, arrived=arrived, least=least, share=limits(CHANGED_SHARE))
    if changed and changed.teams:
        yield findings.changed(CHANGED, changed.of_those_teams(), asked)
    if unknown := [group for group in groups if group.meaning.effect is Effect.UNKNOWN]:
        yield findings.unknown(CHANGED, unknown, asked)


def _tables(inventory: Inventory) -> list[str]:
    """Raises BadAnswer where there is none."""
    there = [next((name for name in names if inventory.engine(name)), "") for names in (FIRST, SECOND)]
    if found := [name for name in there if name]:
        return found
    if inventory.sees_nothing:  # it may be readable all the same: the server says so, or which grant is missing
        return [FIRST[0]]
    raise BadAnswer(
        f"there is no table ingestion_warnings in the database {inventory.database}, or this user may not see it: PostHog "
        "before 1.41 (September 2022) has none",
        hint=f"on a newer PostHog let the user of diag see it: GRANT SELECT ON {inventory.database}.ingestion_warnings TO USER",
    )


def _arrived(clickhouse: ClickHouse, window: Window, scope: Scope) -> dict[int, float] | None:
    """About how many events each team got in the window; None where that cannot be known: the warnings speak for themselves."""
    try:
        recent = recent_arrivals.ask(clickhouse, window, scope)
    except SourceError:
        return None
    return {team: events * window.seconds / recent.seconds for team, events in recent.by_team.items()}


def _status(dropped: Lost, now: int, within: float) -> Status:
    """A failure only where it is a good part of a team's events, and goes on."""
    if not dropped.teams:
        return Status.INFO
    return Status.FAIL if now - dropped.of_those_teams().last <= within else Status.WARN
