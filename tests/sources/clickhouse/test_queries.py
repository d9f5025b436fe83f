"""Questions to the real engine: what comes back, what is recorded, and what is never asked."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import pytest
from msgspec import Struct

from diagnostics.lab.engine import Database, Engine
from diagnostics.lab.schema import Era
from diagnostics.sources.clickhouse import ClickHouse, Query
from diagnostics.sources.errors import Refused
from diagnostics.sources.source import Connected
from tests.sources.clickhouse.asking import Asked, Count, counting, failure


class Everything(Struct, frozen=True):
    id: UUID
    text: str
    number: int
    ratio: float
    yes: bool
    maybe: str | None
    many: list[str]
    seconds: datetime
    microseconds: datetime


def test_rows_come_typed_and_times_in_utc(clickhouse: ClickHouse) -> None:
    query = Query(
        name="test.everything",
        why="all types",
        sql="SELECT toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0') AS id, 'it''s' AS text, "
        "toUInt64(pow(2, 63)) AS number, 1 AS ratio, "
        "toUInt8(1) AS yes, NULL AS maybe, ['a', 'b'] AS many, toDateTime('2026-07-01 12:00:00', 'Asia/Kolkata') AS seconds, "
        "toDateTime64('2026-07-01 12:00:00.123456', 6, 'America/New_York') AS microseconds",
        row=Everything,
        tables=(),
    )
    assert clickhouse.rows(query) == [
        Everything(
            id=UUID("61f0c404-5cb3-11e7-907b-a6006ad3dba0"),
            text="it's",
            number=2**63,
            ratio=1.0,
            yes=True,
            maybe=None,
            many=["a", "b"],
            seconds=datetime(2026, 7, 1, 6, 30, tzinfo=UTC),
            microseconds=datetime(2026, 7, 1, 16, 0, 0, 123456, tzinfo=UTC),
        )
    ]


def test_parameters_are_bound_by_the_server(clickhouse: ClickHouse, db: Database) -> None:
    query = Query(name="test.everything", why="", sql="SELECT length({x:String}) AS n", row=Count, tables=())
    hostile = "'; DROP TABLE events; -- \\ \x00 {y:Identifier}"
    assert clickhouse.rows(query, x=hostile) == [Count(len(hostile))]
    assert db.queries()[-1].sql.startswith(query.sql)


def test_an_answer_is_asked_for_once_whoever_asks(asked: Asked, db: Database) -> None:
    query = Query(name="test.count", why="", sql="SELECT {x:UInt8} AS n", row=Count, tables=())
    assert [asked.within(5).rows(query, x=x) for x in (1, 1, 2)] == [[Count(1)], [Count(1)], [Count(2)]]
    assert [exchange.params for exchange in asked.recorder.exchanges if exchange.name == "test.count"] == [{"x": 1}, {"x": 2}]


def test_every_exchange_is_recorded_with_its_cost(asked: Asked, db: Database) -> None:
    db.execute("INSERT INTO events (uuid, timestamp, _offset) SELECT generateUUIDv4(), now(), number + 1 FROM numbers(1000)")
    heard: list[tuple[str, str]] = []
    asked.recorder.listen(lambda source, read: heard.append((source, read.name)))
    query = counting("SELECT sum(_offset) AS n FROM events")
    asked.within(5).rows(query)
    exchange = asked.recorder.exchanges[-1]
    assert (exchange.source, exchange.name, exchange.check) == ("clickhouse", "test.count", "a-check")
    assert (exchange.request, exchange.answer, exchange.error) == (query.sql, [{"n": 500_500}], "")
    assert (exchange.cost.clickhouse.queries, exchange.cost.clickhouse.read_rows) == (1, 1000)
    assert exchange.cost.clickhouse.read_bytes >= 8000
    assert 0 < exchange.cost.clickhouse.elapsed_s < exchange.duration_s
    assert asked.recorder.cost("a-check").clickhouse.queries == 4
    assert heard == [(asked.source.id, name) for name in ("clickhouse.handshake", "clickhouse.inventory", "test.count")]


def test_an_undeclared_question_is_refused_before_anything_is_sent(asked: Asked) -> None:
    with pytest.raises(Refused, match=r"^the check a-check asked for test\.other, which it does not declare"):
        asked.within(5).rows(Query(name="test.other", why="", sql="SELECT 1 AS n", row=Count, tables=()))
    assert asked.recorder.exchanges == []


def test_a_kafka_table_is_refused_and_never_reaches_the_server(clickhouse: ClickHouse, db: Database) -> None:
    failure(clickhouse, counting("SELECT count() AS n FROM kafka_events_json", "kafka_events_json"), Refused)
    failure(clickhouse, counting("SELECT count() AS n FROM events_json_mv", "events_json_mv"), Refused)
    assert not any("FROM kafka_events_json" in query.sql or "FROM events_json_mv" in query.sql for query in db.queries())


def test_a_kafka_table_of_another_name_is_recognised_by_its_engine(clickhouse: ClickHouse, db: Database) -> None:
    db.overlay(
        "tables", [{"name": "inbox", "engine": "Kafka", "create_table_query": "CREATE TABLE inbox (x Int8) ENGINE = Kafka"}]
    )
    error = failure(clickhouse, counting("SELECT count() AS n FROM inbox", "inbox"), Refused)
    assert str(error) == "test.count is not asked: reading inbox would take messages out of its queue"


def test_a_private_column_is_refused(clickhouse: ClickHouse) -> None:
    error = failure(clickhouse, counting("SELECT uniq(properties) AS n FROM events"), Refused)
    assert str(error) == "test.count is not asked: properties of events is private"


def test_the_inventory_tells_what_is_there_and_what_is_not(clickhouse: ClickHouse, db: Database) -> None:
    inventory = clickhouse.inventory()
    assert {"error", "error_location", "_timestamp", "tags"} <= inventory.columns("events_dead_letter_queue")
    assert inventory.engine("events") == "ReplacingMergeTree"
    assert inventory.engine("kafka_events_json") == "Kafka"
    assert {"name", "engine"} <= inventory.columns("system.tables")
    assert (inventory.columns("nothing"), inventory.engine("nothing")) == (frozenset(), None)
    assert (inventory.database, inventory.elsewhere) == (db.name, "")
    assert {"kafka_events_json", "events_json_mv", "kafka_events_dead_letter_queue"} <= inventory.consumed
    assert "events" not in inventory.consumed


def test_the_inventory_holds_no_definition(asked: Asked, db: Database) -> None:
    secret = "CREATE TABLE queue ENGINE = Kafka SETTINGS kafka_sasl_password = 'hunter2'"
    db.overlay("tables", [{"name": "queue", "engine": "Kafka", "create_table_query": secret, "engine_full": secret}])
    asked.within(5).inventory()
    (exchange,) = [exchange for exchange in asked.recorder.exchanges if exchange.name == "clickhouse.inventory"]
    assert "'queue'" in str(exchange.answer)
    assert "hunter2" not in str(exchange.answer)


def test_without_grants_the_inventory_sees_nothing(clickhouse: ClickHouse, db: Database) -> None:
    db.hide("*")
    assert clickhouse.inventory().sees_nothing
    assert isinstance(clickhouse.connection(), Connected)


def test_an_old_schema_is_told_by_its_columns(engine: Engine, ask: Callable[[str], Asked]) -> None:
    inventory = ask(engine.database(era=Era.Y2021).url).within(5).inventory()
    assert "inserted_at" not in inventory.columns("events")
    assert "tags" not in inventory.columns("events_dead_letter_queue")
    assert inventory.engine("ingestion_warnings") is None
