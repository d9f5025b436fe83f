"""A database of the lab: PostHog's tables by era, and the knobs that make its user see less, or something broken."""

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, ProgrammingError

from diagnostics.lab.account import Node
from diagnostics.lab.engine import Database, Engine, QueryFailed
from diagnostics.lab.schema import Era
from tests.lab.clients import Connect, get, post, refused


def test_with_readonly_1_no_setting_may_change(database: Database, connect: Connect) -> None:
    database.readonly(1)
    client = connect(database)
    assert client.query("SELECT 1").result_rows == [(1,)]
    assert client.server_settings["max_execution_time"].readonly == 1
    with pytest.raises(ProgrammingError):
        client.query("SELECT 1", settings={"max_execution_time": 5})
    assert post(database, "SELECT 1", max_execution_time="5").headers["x-clickhouse-exception-code"] == "164"
    assert (
        "Cannot modify 'max_execution_time' setting in readonly mode" in post(database, "SELECT 1", max_execution_time="5").text
    )
    assert refused(client, "SELECT 1 SETTINGS max_threads = 1").code == 164


def test_with_readonly_2_settings_may_change_but_not_readonly_itself(database: Database, connect: Connect) -> None:
    database.readonly(2)
    client = connect(database)
    settings = {"max_execution_time": 5, "log_comment": "diag"}
    assert client.query("SELECT getSetting('max_execution_time')", settings=settings).result_rows == [(5,)]
    assert post(database, "SELECT 1", readonly="0").headers["x-clickhouse-exception-code"] == "164"
    with pytest.raises(DatabaseError) as raised:
        client.command("TRUNCATE TABLE events")
    assert raised.value.code == 164


@pytest.mark.parametrize(
    ("sql", "grant"),
    [
        ("SELECT error, count() FROM events_dead_letter_queue GROUP BY error", "SELECT(error) ON {}.events_dead_letter_queue"),
        (
            "/* why */ SELECT max(_timestamp) FROM {}.events_dead_letter_queue",
            "SELECT(_timestamp) ON {}.events_dead_letter_queue",
        ),
        (
            "WITH 1 AS a SELECT count() FROM events_dead_letter_queue",
            "SELECT for at least one column ON {}.events_dead_letter_queue",
        ),
        (
            "SELECT uuid FROM events WHERE uuid IN (SELECT id FROM events_dead_letter_queue)",
            "SELECT(id) ON {}.events_dead_letter_queue",
        ),
        ("SELECT is_readonly FROM system.replicas", "SELECT(is_readonly) ON system.replicas"),
    ],
)
def test_a_denied_table_is_refused_with_the_grant_that_is_missing(
    database: Database, connect: Connect, sql: str, grant: str
) -> None:
    database.deny("events_dead_letter_queue", "system.replicas")
    error = refused(connect(database), sql.replace("{}", database.name))
    assert (error.code, error.name) == (497, "ACCESS_DENIED")
    needed = f"it's necessary to have the grant {grant.replace('{}', database.name)}. (ACCESS_DENIED)"
    assert f"{database.user}: Not enough privileges. To execute this query, {needed}" in str(error)
    assert get(database, sql.replace("{}", database.name)).status_code == 403


def test_what_is_not_denied_can_still_be_read(database: Database, connect: Connect) -> None:
    database.deny("events_dead_letter_queue")
    client = connect(database)
    assert client.query("SELECT count() FROM events WHERE event = 'events_dead_letter_queue'").result_rows == [(0,)]
    assert client.query("SELECT total_rows FROM system.tables WHERE name = 'events_dead_letter_queue'").row_count >= 1
    assert database.execute("SELECT count() FROM events_dead_letter_queue") == "0\n"


def test_a_hidden_table_is_missing_from_the_listings(database: Database, connect: Connect) -> None:
    client = connect(database)
    tables = "SELECT name FROM system.tables WHERE database = currentDatabase()"
    columns = "SELECT DISTINCT table FROM system.columns WHERE database = currentDatabase()"
    for listing in (tables, columns):
        assert ("events",) in client.query(listing).result_rows
    database.hide("events")
    for listing in (tables, columns):
        names = client.query(listing).result_rows
        assert ("events",) not in names
        assert ("events_dead_letter_queue",) in names
    database.hide("*")
    assert client.query(tables).result_rows == client.query(columns).result_rows == []
    assert (database.name,) not in client.query("SELECT name FROM system.databases").result_rows


def test_rows_of_a_system_table_can_be_given(database: Database, connect: Connect) -> None:
    client = connect(database)
    assert client.query("SELECT count() FROM system.replicas").result_rows == [(0,)]
    database.overlay("replicas", [{"table": "events", "is_readonly": 1}, {"table": "person"}])
    replicas = "SELECT database, table, is_readonly, 'system.replicas' FROM `system` . `replicas` AS r ORDER BY table"
    assert client.query(replicas).result_rows == [
        (database.name, "events", 1, "system.replicas"),
        (database.name, "person", 0, "system.replicas"),
    ]


def test_an_overlay_is_seen_by_its_own_user_alone(engine: Engine, connect: Connect) -> None:
    one, other = engine.database(), engine.database()
    one.overlay("disks", [{"name": "default", "free_space": 5}])
    one.deny("events")
    disks = "SELECT count() FROM system.disks WHERE free_space = 5"
    assert connect(one).query(disks).result_rows == [(1,)]
    assert connect(other).query(disks).result_rows == [(0,)]
    assert connect(other).query("SELECT count() FROM events").result_rows == [(0,)]


def test_tables_can_be_added_to_the_listing(database: Database, connect: Connect) -> None:
    database.overlay("tables", [{"name": "writable_events", "engine": "Distributed"}])
    names = "('events', 'writable_events')"
    found = f"SELECT engine FROM system.tables WHERE database = currentDatabase() AND name IN {names} ORDER BY name"
    assert connect(database).query(found).result_rows == [("ReplacingMergeTree",), ("Distributed",)]


def test_a_mistake_in_an_overlay_is_not_silent(database: Database) -> None:
    with pytest.raises(QueryFailed, match="is_readnoly"):
        database.overlay("replicas", [{"is_readnoly": 1}])


def test_what_feeds_a_table_is_shown_as_kafka_and_ends_in_the_table(database: Database, connect: Connect) -> None:
    client = connect(database)
    kafka = "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'Kafka' ORDER BY name"
    assert [name for (name,) in client.query(kafka).result_rows] == [
        "kafka_events_dead_letter_queue",
        "kafka_events_json",
        "kafka_ingestion_warnings",
    ]
    database.execute("INSERT INTO kafka_events_dead_letter_queue (error) VALUES ('boom')")
    assert client.query("SELECT error FROM events_dead_letter_queue").result_rows == [("boom",)]


@pytest.mark.parametrize(
    ("era", "there", "absent"),
    [
        (Era.Y2021, {"created_at"}, {"inserted_at", "person_id", "tags", "details"}),
        (
            Era.Y2024,
            {"inserted_at", "person_id", "person_mode", "tags", "details"},
            {"historical_migration", "severity"},
        ),
        (Era.Y2026, {"inserted_at", "historical_migration", "tags", "details", "severity"}, set()),
    ],
)
def test_an_era_has_its_own_columns(engine: Engine, era: Era, there: set[str], absent: set[str]) -> None:
    database = engine.database(era=era)
    names = set(database.execute("SELECT DISTINCT name FROM system.columns WHERE database = currentDatabase()").split())
    assert there <= names
    assert not absent & names


def test_the_dead_letter_queue_is_laid_out_as_posthog_lays_it_out(plain: Database) -> None:
    layout = "SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = 'events_dead_letter_queue'"
    assert plain.execute(layout) == (
        "ReplacingMergeTree(_timestamp) ORDER BY (id, event_uuid, distinct_id, team_id) "
        "TTL toDate(_timestamp) + toIntervalWeek(4) SETTINGS index_granularity = 512\n"
    )


def test_times_of_an_overlay_may_be_relative(database: Database, connect: Connect) -> None:
    database.overlay(
        "kafka_consumers", [{"table": "kafka_events_json", "last_poll_time": "ago 40m", "exceptions.time": ["ago 2h"]}]
    )
    age = "SELECT dateDiff('minute', last_poll_time, now()), dateDiff('minute', exceptions.time[1], now()), exceptions.text"
    (polled, failed, texts) = connect(database).query(f"{age} FROM system.kafka_consumers").first_row
    assert polled in (40, 41)
    assert failed in (120, 121)
    assert texts == [""]  # arrays that belong together are filled up to the same length


def test_a_table_that_the_engine_lacks_appears_with_its_rows(database: Database, connect: Connect) -> None:
    listed = "SELECT count() FROM system.tables WHERE database = 'system' AND name = 'query_views_log'"
    assert connect(database).query(listed).result_rows == [(0,)]
    database.overlay("query_views_log", [{"event_time": "ago 5m", "view_name": "x.events_json_mv"}])
    assert connect(database).query(listed).result_rows == [(1,)]
    assert connect(database).query("SELECT view_name FROM system.query_views_log").result_rows == [("x.events_json_mv",)]


def test_a_table_of_system_can_be_hidden_as_on_an_older_server(database: Database, connect: Connect) -> None:
    listed = "SELECT count() FROM system.tables WHERE database = 'system' AND name = 'kafka_consumers'"
    assert connect(database).query(listed).result_rows == [(1,)]
    database.hide("system.kafka_consumers")
    assert connect(database).query(listed).result_rows == [(0,)]


def test_a_healthy_server_does_not_show_the_machine_of_the_lab(database: Database, connect: Connect) -> None:
    client = connect(database)
    assert client.query("SELECT name, total_space FROM system.disks").result_rows == [("default", 200 * 10**9)]
    assert client.query("SELECT count() FROM system.errors").result_rows == [(0,)]


ALL_NODES = "SELECT h FROM clusterAllReplicas('posthog', view(SELECT hostName() AS h FROM system.one)) ORDER BY h"


def test_every_node_of_a_cluster_answers_in_its_own_name(database: Database, connect: Connect) -> None:
    database.cluster(Node(host="clickhouse-1"), Node(host="clickhouse-2", lacks=("events",)))
    client = connect(database)
    assert client.query(ALL_NODES).result_rows == [("clickhouse-1",), ("clickhouse-2",)]
    assert client.query("SELECT hostName(), 'hostName()'").result_rows == [("clickhouse-1", "hostName()")]
    counted = "SELECT hostName() AS h, count() AS n FROM system.tables WHERE database = {db:String} AND name = 'events'"
    everywhere = f"SELECT h, n FROM clusterAllReplicas('posthog', view({counted})) ORDER BY h"
    assert client.query(everywhere, parameters={"db": database.name}).result_rows == [("clickhouse-1", 1), ("clickhouse-2", 0)]


def test_a_dead_node_fails_the_question_unless_it_may_be_skipped(database: Database, connect: Connect) -> None:
    database.cluster(Node(host="clickhouse-1"), Node(host="clickhouse-2", up=False))
    client = connect(database)
    assert refused(client, ALL_NODES).code == 279
    assert client.query(f"{ALL_NODES} SETTINGS skip_unavailable_shards = 1").result_rows == [("clickhouse-1",)]


def test_without_the_grant_no_other_node_is_asked(database: Database, connect: Connect) -> None:
    database.cluster(Node(host="clickhouse-1"), Node(host="clickhouse-2"), remote=False)
    error = refused(connect(database), ALL_NODES)
    assert (error.code, "the grant REMOTE ON *.*." in str(error)) == (497, True)
