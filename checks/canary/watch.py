"""Watching for the canary: the questions, and asking them again until it is there."""

import itertools
import time
from datetime import datetime

from msgspec import Struct

from diagnostics.sources.capture.canary import EVENT
from diagnostics.sources.clickhouse import ClickHouse, Query
from diagnostics.sources.excerpt import excerpt_sql

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 4.0
"""Seconds between two looks: short at first, since most arrive at once, then longer, to spare the database."""


class Arrival(Struct, frozen=True, kw_only=True):
    """A canary in `events`: when the plugin server made the row, Kafka got it (whole seconds), and ClickHouse stored it."""

    id: str
    created_at: datetime
    produced_at: datetime
    stored_at: datetime | None


class Seen(Struct, frozen=True, kw_only=True):
    """A canary that arrived, and how many seconds were waited for it."""

    arrival: Arrival
    waited: float


class DeadLetter(Struct, frozen=True, kw_only=True):
    """What the plugin server said of it as it gave up."""

    error_location: str
    error: str


# A day in the sorting key, and an event's name that hardly any row has: few granules are read. Asking for the uuid would find
# nothing in versions that give events a uuid of their own.
SQL = """
SELECT toString(uuid) AS id, created_at, toDateTime(_timestamp, 'UTC') AS produced_at, {stored} AS stored_at FROM events
WHERE event = {{event:String}} AND timestamp > now() - INTERVAL 1 DAY AND timestamp < now() + INTERVAL 1 DAY
ORDER BY produced_at DESC LIMIT 200
""".strip()
ARRIVALS = Query(
    name="canary.arrivals",
    why=f"which events named {EVENT} there are",
    sql=SQL.format(stored="inserted_at"),
    row=Arrival,
    tables=("events",),
)
ARRIVALS_UNSTAMPED = Query(
    name="canary.arrivals-unstamped",
    why=f"which events named {EVENT} there are (where PostHog does not note when it stored them)",
    sql=SQL.format(stored="CAST(NULL, 'Nullable(DateTime)')"),
    row=Arrival,
    tables=("events",),
)
DEAD_LETTERS = Query(
    name="canary.dead-letters",
    why="whether the canary was put aside as a dead letter",
    sql=f"SELECT error_location, {excerpt_sql('error', 300)} AS error FROM events_dead_letter_queue "  # noqa: S608 - all ours
    "WHERE event_uuid = toUUID({uuid:String}) AND _timestamp > now() - INTERVAL 1 HOUR LIMIT 1",
    row=DeadLetter,
    tables=("events_dead_letter_queue",),
)
READS = (ARRIVALS, ARRIVALS_UNSTAMPED, DEAD_LETTERS)


class Watch:
    """Knows the canaries that were there before; made before one is sent."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse
        self._query = ARRIVALS if "inserted_at" in clickhouse.inventory().columns("events") else ARRIVALS_UNSTAMPED
        self._before = {row.id for row in clickhouse.rows(self._query, event=EVENT)}

    def seen(self, uuid: str, patience: float) -> Seen | None:
        """The canary with this uuid, or else a new one, as soon as it is there; None when `patience` seconds brought none."""
        started, pause = time.monotonic(), FIRST_PAUSE
        for attempt in itertools.count(2):
            rows = self._clickhouse.rows(self._query, attempt=attempt, event=EVENT)
            new = sorted((row for row in rows if row.id not in self._before), key=lambda row: row.id != uuid)
            waited = time.monotonic() - started
            left = patience - waited
            if new or left <= 0:
                return Seen(arrival=new[0], waited=waited) if new else None
            time.sleep(min(pause, left))
            pause = min(2 * pause, LONGEST_PAUSE)
        return None

    def dead_letter(self, uuid: str) -> DeadLetter | None:
        if "event_uuid" not in self._clickhouse.inventory().columns("events_dead_letter_queue"):
            return None
        return next(iter(self._clickhouse.rows(DEAD_LETTERS, uuid=uuid)), None)
