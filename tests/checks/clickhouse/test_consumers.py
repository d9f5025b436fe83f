"""When a consumer of ClickHouse fails, and when it only looks like that."""

from typing import Any

import pytest

from checks.clickhouse.consumers import clickhouse_consumers
from diagnostics.lab.account import Node
from diagnostics.lab.engine import Database, Engine
from diagnostics.report.model import Status
from tests.checks.clickhouse.looking import looked, only, refused, told


@pytest.fixture
def db(engine: Engine) -> Database:
    return engine.database()


def consumer(**changes: Any) -> dict[str, Any]:
    row = {
        "table": "kafka_events_json",
        "assignments.topic": ["clickhouse_events_json"],
        "last_poll_time": "ago 2s",
        "last_commit_time": "ago 9s",
        "is_currently_used": 1,
    }
    return row | changes


def failing(text: str, ago: str = "20s", **changes: Any) -> dict[str, Any]:
    failed = {"exceptions.time": ["ago 9h", f"ago {ago}"], "exceptions.text": ["an old one", text]}
    return consumer(**(failed | {"last_commit_time": "ago 40m"} | changes))


def test_consumers_that_commit_are_well(db: Database) -> None:
    assert told(looked(clickhouse_consumers, db)) == []


def test_one_that_fails_and_takes_in_nothing_is_failing(db: Database) -> None:
    db.overlay("kafka_consumers", [failing("Code: 27. DB::Exception: Cannot parse input: expected '{'. (SOME_ERROR)")])
    result = looked(clickhouse_consumers, db)
    finding = result.findings[0]
    assert finding.status is Status.FAIL
    assert finding.claim.startswith("The consumer of kafka_events_json failed 2")
    assert finding.claim.endswith("and has taken in nothing for 40 min: Cannot parse input: expected '{'. (SOME_ERROR)")
    assert finding.source_text
    assert (finding.cause, finding.affects) == (
        "a Kafka table of ClickHouse met a message that it cannot read",
        ("kafka_events_json",),
    )


def idle(**changes: Any) -> dict[str, Any]:
    row = {"assignments.topic": [], "exceptions.time": ["ago 20s"], "exceptions.text": ["Can't get assignment."]}
    return consumer(**(row | {"last_commit_time": "ago 3h"} | changes))


def test_consumers_that_get_no_partition_are_failing_though_they_complain_of_nothing_else(db: Database) -> None:
    db.overlay("kafka_consumers", [idle(), idle()])
    finding = only(looked(clickhouse_consumers, db))
    assert finding.status is Status.FAIL
    assert finding.claim == (
        "No consumer of kafka_events_json holds a partition of its topic, and none has taken in anything for 3 h"
    )
    assert "rpk group describe group1" in finding.actions[0].commands[0]


@pytest.mark.parametrize(
    "rows",
    [
        [idle(), consumer()],
        [idle(table="kafka_events"), consumer()],
        [idle(table="kafka_person")],
        [idle(last_commit_time="ago 4m")],
        [idle(last_commit_time="1970-01-01 00:00:00")],
    ],
    ids=["one of two", "a table of before", "another feature", "a rebalance", "never had anything"],
)
def test_who_gets_no_partition_may_be_well(db: Database, rows: list[dict[str, Any]]) -> None:
    db.overlay("kafka_consumers", rows)
    assert told(looked(clickhouse_consumers, db)) == []


def test_the_cause_that_its_words_give_away_is_found_beside_it(db: Database) -> None:
    db.overlay("kafka_consumers", [failing("Code: 242. DB::Exception: Table is in readonly mode. (TABLE_IS_READ_ONLY)")])
    assert [finding.code for finding in looked(clickhouse_consumers, db).findings] == [
        "clickhouse.consumer-failing",
        "clickhouse.replica-readonly",
    ]


def test_the_exception_is_quoted_in_part_only(db: Database) -> None:
    db.overlay("kafka_consumers", [failing("x" * 5000)])
    assert len(only(looked(clickhouse_consumers, db)).claim) < 300


@pytest.mark.parametrize(
    "row",
    [
        failing("an exception that was overcome", ago="90s", last_commit_time="ago 9s"),
        failing("StorageKafka (kafka_events_json): Can't get assignment. Will keep trying."),
        failing("a broker that was away for a moment", ago="2h", last_commit_time="ago 3h"),
        consumer(last_poll_time="ago 4m"),
        consumer(last_poll_time="ago 2h", is_currently_used=0),
        consumer(last_poll_time="ago 2h", **{"assignments.topic": []}),
        consumer(last_poll_time=0),
    ],
    ids=["overcome", "no assignment", "idle topic", "a slow batch", "given back", "a spare one", "never used"],
)
def test_what_is_past_or_harmless_does_not_alarm(db: Database, row: dict[str, Any]) -> None:
    db.overlay("kafka_consumers", [row])
    assert told(looked(clickhouse_consumers, db)) == []


def test_one_that_polls_no_more_is_failing(db: Database) -> None:
    db.overlay("kafka_consumers", [consumer(last_poll_time="ago 41m"), consumer()])
    assert (
        only(looked(clickhouse_consumers, db)).claim == "1 of 2 consumers of kafka_events_json has not asked Kafka for 41 min"
    )


@pytest.mark.parametrize(("after", "alarms"), [(1300.0, False), (1100.0, True)])
def test_how_long_is_too_long_can_be_set(db: Database, after: float, alarms: bool) -> None:
    db.overlay("kafka_consumers", [consumer(last_poll_time="ago 20m")])
    assert bool(told(looked(clickhouse_consumers, db, stuck_after=after))) is alarms


def test_a_table_of_another_feature_is_a_warning(db: Database) -> None:
    db.overlay("kafka_consumers", [consumer(), failing("boom", table="kafka_heatmaps")])
    assert only(looked(clickhouse_consumers, db)).status is Status.WARN


def test_the_node_is_named_where_there_are_several(db: Database) -> None:
    db.cluster(Node(host="clickhouse-1"), Node(host="clickhouse-2"))
    db.overlay("kafka_consumers", [consumer(), failing("boom", node="clickhouse-2")])
    assert only(looked(clickhouse_consumers, db)).claim.startswith(
        "1 of 2 consumers of kafka_events_json on clickhouse-2 failed 2"
    )


def test_without_the_grant_nobody_knows(db: Database) -> None:
    db.deny("system.kafka_consumers")
    assert "lacks the grant SELECT(" in refused(looked(clickhouse_consumers, db))


def test_a_server_too_old_to_show_its_consumers_is_not_called_healthy(db: Database) -> None:
    db.hide("system.kafka_consumers")
    db.deny("system.kafka_consumers")
    assert refused(looked(clickhouse_consumers, db))


def test_no_consumer_at_all_is_not_called_healthy(db: Database) -> None:
    db.overlay("kafka_consumers", [])
    assert refused(looked(clickhouse_consumers, db)) == "ClickHouse lists no consumer of its Kafka tables"
