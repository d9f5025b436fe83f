"""Which tables of the path are missing, and which are only not seen."""

import pytest

from checks.clickhouse.path import clickhouse_path
from diagnostics.lab.account import Node
from diagnostics.lab.engine import Database, Engine
from diagnostics.lab.schema import Era
from diagnostics.report.model import Status
from tests.checks.clickhouse.looking import looked, only, refused, told

FAIL, WARN = Status.FAIL, Status.WARN


@pytest.fixture
def db(engine: Engine) -> Database:
    return engine.database()


@pytest.mark.parametrize("era", list(Era))
def test_the_tables_of_every_era_are_complete(engine: Engine, era: Era) -> None:
    assert told(looked(clickhouse_path, engine.database(era=era))) == []


@pytest.mark.parametrize(
    ("dropped", "status", "claim"),
    [
        (["events_json_mv"], FAIL, "events_json_mv is missing: nothing takes events out of kafka_events_json"),
        (["events_json_mv", "kafka_events_json"], FAIL, "kafka_events_json is missing: ClickHouse reads no events from Kafka"),
        (
            ["events_dead_letter_queue_mv", "kafka_events_dead_letter_queue"],
            WARN,
            "kafka_events_dead_letter_queue is missing: dead letters of the plugin server are not stored",
        ),
    ],
)
def test_what_is_missing_is_named_with_what_follows(db: Database, dropped: list[str], status: Status, claim: str) -> None:
    for name in dropped:
        db.execute(f"DROP TABLE {name}")
    assert told(looked(clickhouse_path, db)) == [(status, claim)]


def test_without_events_the_table_and_what_writes_to_it_are_told_apart(db: Database) -> None:
    db.execute("DROP TABLE events")
    assert told(looked(clickhouse_path, db)) == [
        (FAIL, "events is missing: there is nowhere to store events"),
        (FAIL, "events is missing: events_json_mv has nowhere to write to"),
    ]


def test_a_distributed_table_must_have_the_table_that_it_stands_for(db: Database) -> None:
    definition = "CREATE TABLE x.writable_events (`uuid` UUID) ENGINE = Distributed('posthog', 'x', 'sharded_events', rand())"
    db.overlay("tables", [{"name": "writable_events", "engine": "Distributed", "create_table_query": definition}])
    assert told(looked(clickhouse_path, db)) == [(FAIL, "sharded_events is missing: writable_events has nowhere to write to")]


def test_a_detached_view_is_called_so_and_can_be_attached(db: Database) -> None:
    db.execute("DETACH TABLE events_json_mv PERMANENTLY")
    finding = only(looked(clickhouse_path, db))
    assert finding.claim == "events_json_mv is detached: nothing takes events out of kafka_events_json"
    assert "ATTACH TABLE events_json_mv" in finding.actions[0].commands[0]
    assert finding.actions[0].changes_something


def test_a_view_that_is_only_not_seen_is_not_missing(db: Database) -> None:
    db.hide("events_json_mv")
    assert refused(looked(clickhouse_path, db)) == "events_json_mv exists, but diag's user does not see it"


def test_a_user_who_sees_no_table_is_told_so(db: Database) -> None:
    db.hide("*")
    db.deny("events")
    assert refused(looked(clickhouse_path, db)) == f"No table of {db.name} is visible to diag's user"


def test_a_server_without_the_list_of_detached_tables_is_looked_at_all_the_same(db: Database) -> None:
    db.hide("system.detached_tables")
    db.execute("DROP TABLE events_json_mv")
    assert only(looked(clickhouse_path, db)).claim.startswith("events_json_mv is missing")


def test_what_another_node_lacks_is_named_with_the_node(db: Database) -> None:
    db.cluster(Node(host="clickhouse-1"), Node(host="clickhouse-2", lacks=("events_json_mv",)))
    finding = only(looked(clickhouse_path, db))
    assert (finding.status, finding.claim) == (FAIL, "clickhouse-2 lacks events_json_mv, which another node has")
    assert finding.affects == ("clickhouse-2: events_json_mv",)


def test_nodes_that_have_the_same_tables_are_well(db: Database) -> None:
    db.cluster(Node(host="clickhouse-1"), Node(host="clickhouse-2"))
    assert told(looked(clickhouse_path, db)) == []
