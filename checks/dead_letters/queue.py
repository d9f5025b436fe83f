"""Dead letters: events that PostHog accepted, failed to process and put aside in `events_dead_letter_queue`.

Counts the rows that came in the window, grouped by where they failed and by error template, and tells a failure that goes
on from one that has ended. Rows from before the window do not alarm: PostHog keeps them for four weeks.
Healthy is no row, as long as this version writes its dead letters here at all: newer ones write them to a Kafka topic.
It matters because nothing retries a dead letter: the event stays lost until somebody replays it by hand.
By hand: SELECT error_location, error FROM events_dead_letter_queue WHERE _timestamp > now() - INTERVAL 1 DAY
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from checks.dead_letters.findings import Seen, found
from checks.dead_letters.groups import Group, KeyRow, grouped
from diagnostics import (
    Action,
    Category,
    Code,
    Finding,
    KnownErrors,
    Scope,
    Stage,
    Status,
    Threshold,
    Thresholds,
    Window,
    check,
    span_s,
)
from diagnostics.sources.clickhouse import ClickHouse, Inventory, Limits, Query
from diagnostics.sources.errors import BadAnswer, LimitExceeded
from diagnostics.sources.excerpt import excerpt_sql

TABLE = "events_dead_letter_queue"

# One pass over five narrow columns: the table is sorted by random ids and has no partitions, so every pass reads all of it.
# `_timestamp` (when Kafka took the row), because `error_timestamp` is 1970 in what Django wrote in 2021. What is dated over an
# hour ahead, more than clocks differ, would look new until that day comes, and counts only then. `trend` is a
# histogram of 24 slices. The outer query folds whatever comes after the 500 largest keys into one row, so that nobody who
# can make errors can make the answer long.
SQL = r"""
SELECT toValidUTF8(substring(any(place), 1, 100)) AS location, sum(number) AS stored, sum(different) AS ids,
    sum(zeros) AS without_team, groupUniqArrayArray(1001)(owners) AS teams, min(oldest) AS first, max(newest) AS last,
    sumForEach(slices) AS trend, SAMPLE AS sample, count() AS keys,
    toUnixTimestamp(now()) AS asked_at
FROM (
    WITH substring(error, 1, 501) AS head, toUnixTimestamp(now()) - toUnixTimestamp(_timestamp) AS age
    SELECT any(error_location) AS place, count() AS number, uniq(id) AS different,
        countIf(team_id = 0) AS zeros, groupUniqArray(1001)(team_id) AS owners,
        toUnixTimestamp(min(_timestamp)) AS oldest, toUnixTimestamp(max(_timestamp)) AS newest,
        countResample(0, 24, 1)(team_id, greatest(0, least(23, 23 - intDiv(age * 24, {seconds:UInt32})))) AS slices,
        argMax(head, _timestamp) AS text
    FROM events_dead_letter_queue
    WHERE _timestamp >= now() - {seconds:UInt32} AND _timestamp < now() + 3600
        AND ({team:Int64} = -1 OR team_id IN ({team:Int64}, 0))
    GROUP BY cityHash64(error_location, KEY)
    ORDER BY number DESC
)
GROUP BY least(rowNumberInAllBlocks(), 500)
ORDER BY stored DESC
""".strip().replace("SAMPLE", excerpt_sql("argMax(text, newest)", 500))

# The text without quoted values and without words that hold digits: 45 MB for 10 million rows in the window, where grouping
# by the raw text took 1,220 MB. What Postgres quotes as a name of its own is added, since it tells one error from another; a
# group in the pattern that keeps it takes half as long again. Texts with neither quote nor digit are left alone.
FINE = """
if(match(head, '[0-9"]'),
        concat(
            replaceRegexpAll(head, '"[^"]*"|[0-9A-Fa-f-]*[0-9][0-9A-Fa-f.:-]*', '?'),
            if(multiSearchAny(head, ['constraint "', 'relation "', 'column "']),
                extract(head, '(?:constraint|relation|column) "[^"]*"'), '')
        ), head)
""".strip()
# The first letters, which PostHog or Postgres wrote: whoever can make errors can only make what follows differ.
COARSE = r"""extract(head, '^(?:ingestEvent failed[.] |Event ingestion failed[.] |Error: )*([^0-9"]{0,8})')"""

# For weeks of ten million dead letters on a busy server; a day of them takes a second.
LIMITS = Limits(seconds=14.0)

GROUPS = Query(
    name="dead-letters.groups",
    why="dead letters in the window, by location and error",
    sql=SQL.replace("KEY", FINE),
    row=KeyRow,
    tables=(TABLE,),
    limits=LIMITS,
)
COARSE_GROUPS = Query(
    name="dead-letters.coarse-groups",
    why="the same by the beginning of the error (only when the errors are too many to tell apart)",
    sql=SQL.replace("KEY", COARSE),
    row=KeyRow,
    tables=(TABLE,),
    limits=LIMITS,
)

ACTIVE_WITHIN = Threshold(
    "dead-letters.active-within",
    900.0,
    "s",
    "dead letters still arrive when the newest is at most this old; those that came steadily also when five of their usual "
    "pauses have not passed since",
)

ACTIVE = Code(
    id="dead-letters.active",
    worst=Status.FAIL,
    summary="it cannot process events and puts them aside as dead letters",
    headline="Events are put aside as dead letters",
    category=Category.DATA_INTEGRITY,
    # What error texts in the table were seen to come from. Not Celery, which no event passes. Versions since about October
    # 2022 retry while Postgres, Redis or Kafka is down, and dead-letter only what they do not recognise as that.
    caused_by=("app.postgres-down", "app.redis-down", "kafka.unreachable", "plugin-server.drops-events"),
    weak=True,  # mostly some events: where all of them stop, something else says so
)
PAST_BURST = Code(
    id="dead-letters.past-burst",
    worst=Status.WARN,
    summary="for a while it could not process events, and those it put aside were not processed again",
    category=Category.DATA_INTEGRITY,
)
ELSEWHERE = Code(
    id="dead-letters.elsewhere",
    worst=Status.INFO,
    summary="it writes dead letters to a Kafka topic, which was not looked into",
    category=Category.DATA_INTEGRITY,
)

# Tables that PostHog's migrations made since it began to write dead letters to Kafka, about September 2025: its pull requests
# 38790 (September 2025), 39473 (October), 41279 (November), 42321 (December) and 68845 (July 2026).
NEWER = (
    "writable_events_dead_letter_queue",
    "duplicate_events",
    "precalculated_events",
    "precalculated_person_properties",
    "ingestion_warnings_v2",
)

# What a support hero types first; the text is cut because it may be as long as the event.
NEWEST = """
SELECT _timestamp, team_id, error_location, substring(error, 1, 200) AS error_begins
FROM events_dead_letter_queue
WHERE _timestamp >= now() - {seconds:UInt32} AND _timestamp < now() + 3600
    AND ({team:Int64} = -1 OR team_id IN ({team:Int64}, 0))
ORDER BY _timestamp DESC LIMIT 20
""".strip()


@check(
    "dead-letters",
    stage=Stage.PLUGIN_SERVER,
    title="No events are dead-lettered",
    finds=[ACTIVE, PAST_BURST, ELSEWHERE],
    reads=[GROUPS, COARSE_GROUPS],
    thresholds=[ACTIVE_WITHIN],
    timeout=30.0,  # for the coarse groups too, after the fine ones have used up their time
)
def dead_letters(
    clickhouse: ClickHouse, window: Window, scope: Scope, limits: Thresholds, known: KnownErrors
) -> Iterator[Finding]:
    inventory = clickhouse.inventory()
    if newer := next((table for table in NEWER if inventory.engine(table)), None):
        yield _elsewhere(newer)
    if not inventory.engine(TABLE):
        raise _no_table(inventory)
    asked = {"seconds": window.seconds, "team": -1 if scope.team is None else scope.team}
    query, note = GROUPS, ""
    try:
        rows = clickhouse.rows(query, **asked)
    except LimitExceeded:  # errors without end may be somebody's doing: they must not hide the dead letters
        query, note = (
            COARSE_GROUPS,
            "The errors are too many to tell apart within diag's limits: they are grouped by their first letters only.",
        )
        rows = clickhouse.rows(query, **asked)
    if not rows:
        return
    now, within = rows[0].asked_at, limits(ACTIVE_WITHIN)
    groups = grouped(rows, known)
    seen = Seen(
        now=now,
        window=window,
        team=scope.team,
        sql=_by_hand(query.sql, inventory, asked),
        newest=_by_hand(NEWEST, inventory, asked),
    )
    arriving = [group for group in groups if group.arriving(now, within)]
    stopped = [group for group in groups if not group.arriving(now, within)]
    if arriving:
        yield found(ACTIVE, arriving, seen, notes=[note, _pace(arriving, now, within)])
    if stopped:
        yield found(PAST_BURST, stopped, seen, notes=[note], ended=" and none since")


def _pace(groups: Sequence[Group], now: int, within: float) -> str:
    """Why rows are still expected though none came lately."""
    newest = max(groups, key=lambda group: group.last)
    if now - newest.last <= within:
        return ""
    return f"No row came in the last {span_s(within)}, but they come steadily, one in about {span_s(newest.usual_pause)}."


def _elsewhere(newer: str) -> Finding:
    return ELSEWHERE.found(
        f"This install looks newer than September 2025 (it has the table {newer}): most dead letters then go to the Kafka "
        f"topic events_plugin_ingestion_dlq, so few or none in {TABLE} prove nothing",
        affects=["events_plugin_ingestion_dlq"],
        actions=[
            Action(
                text="Count the events that went there, in the logs",
                commands=('docker compose logs --since 24h | grep -c "Event sent to DLQ"',),
            )
        ],
    )


def _no_table(inventory: Inventory) -> BadAnswer:
    """Not to have the table is not to have no dead letters."""
    name = _named(inventory)
    if inventory.engine("events"):
        hint = f"on PostHog 1.30 (November 2021) or newer, let the user of diag see it: GRANT SELECT ON {name} TO USER"
        return BadAnswer(f"there is no table {name}, or this user may not see it: PostHog before 1.30 has none", hint=hint)
    hint = "put PostHog's database into clickhouse.url (mostly posthog or default), or let the user see its tables"
    return BadAnswer(f"there is no table {name}, nor any other of PostHog that this user may see", hint=hint)


def _by_hand(sql: str, inventory: Inventory, asked: Mapping[str, int]) -> str:
    """The SQL as somebody can paste it into any client."""
    for name, value in asked.items():
        sql = re.sub(r"\{" + name + r":\w+\}", str(value), sql)
    return re.sub(r"\s+AND \(-1 = -1 OR team_id IN \(-1, 0\)\)", "", sql).replace(f"FROM {TABLE}", f"FROM {_named(inventory)}")


def _named(inventory: Inventory) -> str:
    plain = re.fullmatch(r"[A-Za-z_]\w*", inventory.database)
    return f"{inventory.database}.{TABLE}" if plain else f"`{inventory.database}`.{TABLE}"
