# ruff: noqa: S608 - the lab writes into its own engine
"""What becomes of an event that the lab's capture takes: it goes the way of the scenario, a moment later, into ClickHouse."""

import contextlib
import threading
from types import TracebackType
from typing import Self

from diagnostics.lab.capture import Capture, decoded
from diagnostics.lab.engine import Database, QueryFailed
from diagnostics.lab.http import Request, Response
from diagnostics.lab.schema import Era
from diagnostics.lab.sql import quoted


class Delivery:
    """The capture of an install, whose events go to `database`; without one they are lost. Closing drops what is under way."""

    def __init__(self, capture: Capture, database: Database | None, era: Era) -> None:
        self._capture = capture
        self._database = database
        self._feed = "kafka_events" if era is Era.Y2021 else "kafka_events_json"
        self._under_way: list[threading.Timer] = []

    def __call__(self, request: Request) -> Response:
        response = self._capture(request)
        arrives = self._capture.produces and self._capture.sent != "lost"
        if request.method == "POST" and response.status == 200 and self._database and arrives:
            timer = threading.Timer(self._capture.delay_s, self._write, (self._database, decoded(request.body)))
            timer.daemon = True
            self._under_way.append(timer)
            timer.start()
        return response

    def _write(self, database: Database, event: dict[str, object]) -> None:
        uuid, name = quoted(str(event["uuid"])), quoted(str(event["event"]))
        if self._capture.sent == "dead-letter":
            columns = "id, event_uuid, event, team_id, now, error_timestamp, error_location, error, _timestamp"
            where = "'plugin_server_ingest_event:processPersonsStep'"
            error = (
                "'Event ingestion failed. Error: Failed trying to move distinct IDs because target person no longer exists.'"
            )
            values = f"generateUUIDv4(), {uuid}, {name}, 2, now(), now(), {where}, {error}, now()"
            sql = f"INSERT INTO events_dead_letter_queue ({columns}) VALUES ({values})"
        else:  # as a consumed message: what is wrong with the materialized view is wrong with this one
            columns = "uuid, event, timestamp, team_id, distinct_id, created_at"
            values = f"{uuid}, {name}, now64(6, 'UTC'), 2, {quoted(str(event['distinct_id']))}, now64(6, 'UTC')"
            sql = f"INSERT INTO {self._feed} ({columns}) VALUES ({values})"
        with contextlib.suppress(QueryFailed):  # ClickHouse does not take it
            database.execute(sql)

    def close(self) -> None:
        for timer in self._under_way:
            timer.cancel()
        for timer in self._under_way:
            timer.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
