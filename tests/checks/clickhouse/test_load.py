"""When inserts fail for want of memory, and when there is no room or thread left."""

from typing import Any

import pytest

from checks.clickhouse.load import clickhouse_load
from diagnostics.lab.engine import Database, Engine
from diagnostics.report.model import Status
from tests.checks.clickhouse.looking import looked, only, refused, told

FAIL, WARN = Status.FAIL, Status.WARN
TOTAL = "Memory limit (total) exceeded: would use 7.21 GiB, maximum: 7.20 GiB. (MEMORY_LIMIT_EXCEEDED)"


@pytest.fixture
def db(engine: Engine) -> Database:
    return engine.database()


def failed_insert(**changes: Any) -> dict[str, Any]:
    row = {"event_time": "ago 5m", "type": "ExceptionWhileProcessing", "query_kind": "Insert", "exception_code": 241}
    return row | {"exception": TOTAL} | changes


def error(code: int, message: str = "", ago: str = "20m") -> dict[str, Any]:
    return {"name": "AN_ERROR", "code": code, "value": 7, "last_error_time": f"ago {ago}", "last_error_message": message}


def consumer(**changes: Any) -> dict[str, Any]:
    return {
        "table": "kafka_events_json",
        "last_poll_time": "ago 2s",
        "last_commit_time": "ago 9s",
        "is_currently_used": 1,
    } | changes


def test_a_server_that_has_room_is_well(db: Database) -> None:
    assert told(looked(clickhouse_load, db)) == []


def test_inserts_that_fail_for_want_of_memory_are_a_failure(db: Database) -> None:
    db.overlay("query_log", [failed_insert(), failed_insert(event_time="ago 9m"), failed_insert(event_time="ago 3h")])
    claim = "2 inserts failed for want of memory in the last hour, the last 5 min ago"
    assert told(looked(clickhouse_load, db)) == [(FAIL, claim)]


@pytest.mark.parametrize("changes", [{"query_kind": "Select"}, {"exception_code": 159}], ids=["a query", "another error"])
def test_what_is_no_such_insert_does_not_alarm(db: Database, changes: dict[str, Any]) -> None:
    db.overlay("query_log", [failed_insert(**changes)])
    assert told(looked(clickhouse_load, db)) == []


def test_a_consumer_that_fails_for_want_of_memory_is_a_failure(db: Database) -> None:
    failing = {"exceptions.time": ["ago 5m"], "exceptions.text": [TOTAL], "last_commit_time": "ago 40m"}
    db.overlay("kafka_consumers", [consumer(**failing)])
    claim = "ClickHouse had no memory to store what it read from kafka_events_json 5 min ago"
    assert told(looked(clickhouse_load, db)) == [(FAIL, claim)]


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (error(241, TOTAL), [(WARN, "ClickHouse's own memory ran out 20 min ago")]),
        (error(241, "Memory limit (for query) exceeded: would use 95.4 MiB"), []),
        (error(241, TOTAL, ago="2h"), []),
        (error(202), [(WARN, "ClickHouse refused a query 20 min ago, because too many were running")]),
        (error(202, ago="2h"), []),
        (error(159), []),
    ],
    ids=["total", "one query's own limit, as diag's", "past", "refused", "refused before", "somebody's time limit"],
)
def test_errors_of_the_last_hour(db: Database, row: dict[str, Any], found: list[tuple[Status, str]]) -> None:
    db.overlay("errors", [row])
    assert told(looked(clickhouse_load, db)) == found


@pytest.mark.parametrize(("running", "allowed", "alarms"), [(90, 100, True), (89, 100, False), (500, 0, False)])
def test_queries_at_the_same_time(db: Database, running: int, allowed: int, alarms: bool) -> None:
    db.overlay("metrics", [{"metric": "Query", "value": running}])
    db.overlay("server_settings", [{"name": "max_concurrent_queries", "value": str(allowed)}])
    assert told(looked(clickhouse_load, db)) == ([(WARN, "ClickHouse runs 90 queries, and may run 100")] if alarms else [])


@pytest.mark.parametrize(("busy", "polled", "alarms"), [(16, "3m", True), (15, "3m", False), (16, "2s", False)])
def test_threads_for_kafka(db: Database, busy: int, polled: str, alarms: bool) -> None:
    pool = "BackgroundMessageBrokerSchedulePool"
    db.overlay("metrics", [{"metric": f"{pool}Task", "value": busy}, {"metric": f"{pool}Size", "value": 16}])
    db.overlay("kafka_consumers", [consumer(last_poll_time=f"ago {polled}")])
    claim = "All 16 threads that read from Kafka are busy, and 1 consumer had none for 3 min or longer"
    assert told(looked(clickhouse_load, db)) == ([(WARN, claim)] if alarms else [])


def test_the_shares_can_be_set(db: Database) -> None:
    db.overlay("metrics", [{"metric": "Query", "value": 50}])
    db.overlay("server_settings", [{"name": "max_concurrent_queries", "value": "100"}])
    assert only(looked(clickhouse_load, db, busy=0.5)).claim == "ClickHouse runs 50 queries, and may run 100"


def test_a_server_that_shows_neither_log_nor_settings_is_looked_at_all_the_same(db: Database) -> None:
    db.hide("system.server_settings", "system.kafka_consumers")
    db.overlay("errors", [error(202)])
    assert len(told(looked(clickhouse_load, db))) == 1


def test_without_the_grant_nobody_knows(db: Database) -> None:
    db.deny("system.errors")
    assert "lacks the grant SELECT(" in refused(looked(clickhouse_load, db))
