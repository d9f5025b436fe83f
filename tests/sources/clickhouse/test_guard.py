"""Nothing that consumes messages, reads what it did not declare, or reads what people did, leaves for the server."""

import pytest
from msgspec import Struct

from diagnostics.engine import registry
from diagnostics.lab.engine import Database, Engine
from diagnostics.lab.schema import Era
from diagnostics.sources.clickhouse import ClickHouse, Inventory, Query
from diagnostics.sources.clickhouse.columns import PRIVATE_OF_SYSTEM, READABLE
from diagnostics.sources.clickhouse.guard import allowed
from diagnostics.sources.clickhouse.inventory import Listed, found_in
from diagnostics.sources.clickhouse.sqltext import Unclear, reads
from diagnostics.sources.errors import Refused
from diagnostics.sources.source import Recorder


class Any(Struct, frozen=True):
    pass


def query(sql: str, *tables: str) -> Query[Any]:
    return Query(name="some.query", why="it matters", sql=sql, row=Any, tables=tables)


def listed(name: str, engine: str, *columns: str, database: str = "posthog", mentions: tuple[str, ...] = ()) -> Listed:
    return Listed(ours="posthog", database=database, name=name, engine=engine, columns=list(columns), mentions=list(mentions))


INVENTORY = found_in(
    [
        listed(
            "events", "Distributed", "uuid", "event", "timestamp", "properties", "distinct_id", "mat_$current_url", "_timestamp"
        ),
        listed("person", "ReplacingMergeTree", "id", "properties", "is_deleted"),
        listed("kafka_events_json", "Kafka", "uuid", "event"),
        listed("queue_of_ours", "Kafka", "x"),
        listed("rabbit", "RabbitMQ", "x"),
        listed("events_json_mv", "MaterializedView", "uuid", mentions=("kafka_events_json",)),
        listed("on_top", "View", "uuid", mentions=("looks_innocent",)),
        listed("looks_innocent", "View", "uuid", mentions=("queue_of_ours",)),
        listed("unseen", "View", "uuid", mentions=("",)),
        listed("elsewhere", "Kafka", "x", database="other"),
        listed("parts", "SystemParts", "name", "active", database="system"),
        listed("query_log", "SystemQueryLog", "query", "type", database="system"),
        listed("kafka_consumers", "SystemKafkaConsumers", "table", database="system"),
    ],
    wanted="posthog",
)


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("SELECT count() FROM events", {"events"}),
        ("SELECT count(*) * 2 FROM events AS e WHERE a * b > 3", {"events"}),
        ("SELECT 1 FROM events, person", {"events", "person"}),
        ("SELECT 1 FROM events AS e, (SELECT 2 FROM parts) AS p, person", {"events", "parts", "person"}),
        ("SELECT 1 FROM a LEFT JOIN b ON f(a.x, 1) = b.y, c WHERE x IN (SELECT y FROM d)", {"a", "b", "c", "d"}),
        ("SELECT 1 FROM events ARRAY JOIN tags AS tag, other", {"events"}),
        ("SELECT x FROM `events` WHERE x IN known", {"events", "known"}),
        ("SELECT x FROM events WHERE x IN (known)", {"events", "known"}),
        ("SELECT in(toUInt64(1), known) FROM events", {"events", "known"}),
        ("SELECT x FROM events WHERE x IN (1, 2) AND x NOT IN (SELECT a, b, c FROM known)", {"events", "known"}),
        ("SELECT 1 FROM events AS offset, person", {"events", "person"}),
        ("SELECT 1 FROM events AS e JOIN parts AS p ON e.window = p.x, person", {"events", "parts", "person"}),
        ("SELECT 1 FROM events LIMIT 5, 10", {"events"}),
        ("SELECT 1 FROM events ORDER BY a, b", {"events"}),
        ('SELECT 1 FROM "system"."parts"', {"system.parts"}),
        ("WITH recent AS (SELECT 1 AS x FROM events) SELECT x FROM recent", {"events"}),
        ("SELECT 1 FROM clusterAllReplicas({cluster:String}, system.replicas)", {"system.replicas"}),
        ("SELECT 1 FROM cluster('posthog', 'system', 'replicas')", {"system.replicas"}),
        ("SELECT number FROM numbers(3)", set()),
        ("SELECT 'FROM kafka_events', \"x\" -- FROM kafka_events\n/* FROM y */ # FROM z\nFROM events", {"events"}),
        ("SELECT x FROM events WHERE error = 'it''s \\' FROM kafka_events'", {"events"}),
        ("SELECT $a$ FROM kafka_events $a$ FROM events", {"events"}),
        ("SELECT name FROM system.settings", {"system.settings"}),
    ],
)
def test_the_tables_of_a_query_are_found(sql: str, tables: set[str]) -> None:
    assert reads(sql).tables == tables


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM events",
        "SELECT events.* FROM events",
        "SELECT uuid, * FROM events",
        "SELECT * EXCEPT (uuid) FROM events",
        "SELECT tuple(*) FROM events",
        "SELECT DISTINCT ON (uuid) * FROM events",
        "SELECT TOP 5 * FROM events",
        "SELECT COLUMNS('prop.*') FROM events",
        "SELECT {column:Identifier} FROM events",
        "SELECT 1 FROM {table:Identifier}",
        "SELECT 1 FROM merge('posthog', '^kafka')",
        "SELECT 1 FROM url('http://127.0.0.1/')",
        "SELECT 1 FROM remote('127.0.0.1', posthog.kafka_events_json)",
        "SELECT dictGet('person', 'properties', 1)",
        "SELECT joinGet('kafka_events_json', 'x', 1)",
        "SELECT file('/etc/passwd')",
        "SELECT \"file\"('/etc/passwd')",
        "SELECT `dictGet`('person', 'properties', 1)",
        "SELECT dictHas('person', 1)",
        "SELECT hasColumnInTable('elsewhere.invalid', 'posthog', 'person', 'id')",
        "SELECT notIn(1, person)",
        "SELECT `in`(1, person)",
        "SELECT \u2018'\u2019, (SELECT count() FROM person), \u2018'\u2019 FROM events",
        "SELECT 1 AS a$b$, (SELECT count() FROM person) AS c$b$ FROM events",
        "SELECT CASE WHEN 1 THEN * END FROM events",
        "SELECT 1 FROM events SETTINGS stream_like_engine_allow_direct_select = 1",
        "SELECT 1 FROM events INTO OUTFILE 'x'",
        "SELECT 1 FROM events FORMAT Null",
        "SELECT 1; SELECT 2",
        "INSERT INTO events SELECT 1",
        "SYSTEM FLUSH LOGS",
        "ALTER TABLE events DELETE WHERE 1",
        "EXPLAIN SELECT 1",
        "SELECT `a\\x62` FROM events",
        "SELECT 'never closed FROM events",
        "",
    ],
)
def test_what_hides_what_it_reads_or_changes_something_is_refused(sql: str) -> None:
    with pytest.raises(Unclear):
        reads(sql)
    with pytest.raises(Refused, match=r"^some\.query is not asked: "):
        allowed(query(sql, "events"), INVENTORY)


@pytest.mark.parametrize(
    ("sql", "tables", "culprit"),
    [
        ("SELECT count() FROM kafka_events_json", ("kafka_events_json",), "kafka_events_json"),
        ("SELECT count() FROM queue_of_ours", ("queue_of_ours",), "queue_of_ours"),
        ("SELECT count() FROM rabbit", ("rabbit",), "rabbit"),
        ("SELECT count() FROM events_json_mv", ("events_json_mv",), "events_json_mv"),
        ("SELECT count() FROM looks_innocent", ("looks_innocent",), "looks_innocent"),
        ("SELECT count() FROM on_top", ("on_top",), "on_top"),
        ("SELECT count() FROM unseen", ("unseen",), "unseen"),
        ("SELECT count() FROM other.elsewhere", ("other.elsewhere",), "elsewhere"),
        ("SELECT count() FROM events WHERE uuid IN queue_of_ours", ("events", "queue_of_ours"), "queue_of_ours"),
        ("WITH queue_of_ours AS (SELECT 1 AS x) SELECT x FROM queue_of_ours", (), "queue_of_ours"),
        ("SELECT count() FROM cluster('posthog', 'posthog', 'queue_of_ours')", ("posthog.queue_of_ours",), "queue_of_ours"),
        ("SELECT count() FROM kafka_not_listed", ("kafka_not_listed",), "kafka_not_listed"),
        ("SELECT count() FROM events", ("events", "queue_of_ours"), "queue_of_ours"),
    ],
)
def test_whatever_takes_messages_out_of_a_queue_is_refused(sql: str, tables: tuple[str, ...], culprit: str) -> None:
    with pytest.raises(Refused) as raised:
        allowed(query(sql, *tables), INVENTORY)
    assert str(raised.value) == f"some.query is not asked: reading {culprit} would take messages out of its queue"
    assert "system.kafka_consumers" in raised.value.hint


def test_how_a_consumer_fares_may_be_asked() -> None:
    allowed(query("SELECT table FROM system.kafka_consumers", "system.kafka_consumers"), INVENTORY)


def test_a_table_that_is_not_declared_is_refused() -> None:
    with pytest.raises(Refused) as raised:
        allowed(query("SELECT 1 FROM events JOIN system.parts USING (name)", "events"), INVENTORY)
    assert str(raised.value) == "some.query reads system.parts, which it does not declare"


def test_a_name_of_the_query_does_not_hide_the_table_of_that_name() -> None:
    sql = "SELECT count() FROM (WITH person AS (SELECT 1 AS x) SELECT x FROM person) AS one, person"
    with pytest.raises(Refused) as raised:
        allowed(query(sql), INVENTORY)
    assert str(raised.value) == "some.query is not asked: it has a name of its own for person"


def test_another_database_is_refused() -> None:
    with pytest.raises(Refused) as raised:
        allowed(query("SELECT 1 FROM other.events", "other.events"), INVENTORY)
    assert str(raised.value) == "some.query reads other.events, another database than PostHog's"


@pytest.mark.parametrize(
    ("sql", "table", "column"),
    [
        ("SELECT properties FROM events", "events", "properties"),
        ("SELECT e.properties FROM events AS e", "events", "properties"),
        ("SELECT JSONExtractString(`properties`, 'x') FROM events", "events", "properties"),
        ("SELECT uniq(distinct_id) FROM events", "events", "distinct_id"),
        ('SELECT any("mat_$current_url") FROM events', "events", "mat_$current_url"),
        ("SELECT count() FROM events WHERE properties LIKE '%x%'", "events", "properties"),
        ("SELECT raw_payload FROM events_dead_letter_queue", "events_dead_letter_queue", "raw_payload"),
        ("SELECT ip FROM events_dead_letter_queue", "events_dead_letter_queue", "ip"),
        ("SELECT id FROM person", "person", "id"),
        ("SELECT query FROM system.query_log", "system.query_log", "query"),
        ("SELECT query FROM system.asynchronous_inserts", "system.asynchronous_inserts", "query"),
        ("SELECT command FROM system.mutations", "system.mutations", "command"),
        ("SELECT engine_full FROM system.databases", "system.databases", "engine_full"),
    ],
)
def test_private_columns_are_refused(sql: str, table: str, column: str) -> None:
    with pytest.raises(Refused) as raised:
        allowed(query(sql, table), INVENTORY)
    assert str(raised.value) == f"some.query is not asked: {column} of {table} is private"


def test_a_function_is_no_column_of_the_same_name() -> None:
    allowed(query("SELECT properties() FROM events", "events"), INVENTORY)


@pytest.fixture(scope="module")
def inventories(engine: Engine) -> list[Inventory]:
    """PostHog's real tables, of every era."""

    def of(db: Database) -> Inventory:
        clickhouse = ClickHouse(db.url, recorder=Recorder())
        try:
            return clickhouse.inventory()
        finally:
            clickhouse.close()

    return [of(engine.database(era=era)) for era in Era]


DECLARED = {read.name: read for check in registry.load().checks for read in check.reads if isinstance(read, Query)}


@pytest.mark.parametrize("name", sorted(DECLARED))
def test_every_query_of_every_check_may_be_asked_of_every_era(name: str, inventories: list[Inventory]) -> None:
    for inventory in inventories:
        allowed(DECLARED[name], inventory)


def test_what_is_listed_as_readable_exists(inventories: list[Inventory]) -> None:
    of_lab = {"events", "events_dead_letter_queue", "ingestion_warnings", "infi_clickhouse_orm_migrations"}
    known = {table: frozenset().union(*(inventory.columns(table) for inventory in inventories)) for table in of_lab}
    # `events` of the lab is not sharded, so `_partition` is of its later tables only.
    assert {table: READABLE[table] - columns - {"_partition"} for table, columns in known.items()} == dict.fromkeys(
        of_lab, frozenset()
    )


def test_what_people_did_is_in_no_list() -> None:
    payload = {"properties", "person_properties", "raw_payload", "elements_chain", "distinct_id", "ip", "details", "person_id"}
    assert not payload & frozenset().union(*READABLE.values())
    assert {"query", "formatted_query"} <= PRIVATE_OF_SYSTEM["system.query_log"]
