"""When replicas refuse inserts or lag, and which nodes did not answer."""

from typing import Any

import pytest

from checks.clickhouse.replicas import clickhouse_replicas
from diagnostics.lab.account import Node
from diagnostics.lab.engine import Database, Engine
from diagnostics.report.model import Status
from tests.checks.clickhouse.looking import looked, only, refused, told

FAIL, WARN = Status.FAIL, Status.WARN


@pytest.fixture
def db(engine: Engine) -> Database:
    return engine.database()


def test_an_install_without_replicas_is_well(db: Database) -> None:
    assert told(looked(clickhouse_replicas, db)) == []


@pytest.mark.parametrize(
    ("rows", "status", "claim"),
    [
        (
            [{"table": "events", "is_readonly": 1}, {"table": "person", "is_readonly": 1}, {"table": "groups"}],
            FAIL,
            "2 of 3 replicated tables are read-only, events among them: inserts are refused",
        ),
        (
            [{"table": "events", "is_readonly": 1}, {"table": "person"}, {"table": "groups"}],
            FAIL,
            "The replicated table events is read-only: inserts are refused",
        ),
        (
            [{"table": "events"}, {"table": "person"}, {"table": "groups", "is_readonly": 1}],
            WARN,
            "The replicated table groups is read-only: inserts are refused",
        ),
        (
            [{"table": "events", "is_session_expired": 1, "readonly_start_time": "ago 3h"}],
            FAIL,
            "The replicated table events is read-only for 3 h: inserts are refused",
        ),
        (
            [{"table": "person", "is_readonly": 1}, {"table": "groups"}],
            FAIL,
            "The replicated table person is read-only: inserts are refused",
        ),
    ],
    ids=["several", "on the path", "beside it", "no session", "half of all"],
)
def test_tables_that_refuse_inserts(db: Database, rows: list[dict[str, Any]], status: Status, claim: str) -> None:
    db.overlay("replicas", rows)
    assert told(looked(clickhouse_replicas, db)) == [(status, claim)]


def test_keeper_is_only_asked_once_something_is_wrong(db: Database) -> None:
    db.overlay("replicas", [{"table": "events"}])
    looked(clickhouse_replicas, db)
    assert not any("zookeeper_exception" in query.sql for query in db.queries())


def test_what_keeper_says_is_quoted_and_known(db: Database) -> None:
    said = "Coordination::Exception: Session expired (Session expired)"
    db.overlay("replicas", [{"table": "events", "is_readonly": 1, "zookeeper_exception": said}])
    finding = only(looked(clickhouse_replicas, db))
    assert said in str(finding.evidence)
    assert any("docker compose up -d zookeeper" in action.commands for action in finding.actions)


@pytest.mark.parametrize(("behind", "found"), [(3600, []), (7200, [(WARN, "events is 2 h behind the other replicas")])])
def test_a_replica_that_lags(db: Database, behind: int, found: list[tuple[Status, str]]) -> None:
    db.overlay("replicas", [{"table": "events", "absolute_delay": behind}])
    assert told(looked(clickhouse_replicas, db)) == found


def test_a_silent_node_is_named(db: Database) -> None:
    db.cluster(Node(host="clickhouse-1"), Node(host="clickhouse-2", up=False))
    finding = only(looked(clickhouse_replicas, db))
    assert (finding.code, finding.status) == ("clickhouse.unreachable", WARN)
    assert finding.claim == "1 of 2 ClickHouse nodes did not answer: clickhouse-2"


def test_a_shard_of_which_no_node_answers_is_a_failure(db: Database) -> None:
    db.cluster(Node(host="a"), Node(host="b", shard=2, up=False), Node(host="c", shard=2, up=False))
    assert told(looked(clickhouse_replicas, db)) == [
        (FAIL, "2 of 3 ClickHouse nodes did not answer: b, c; no other node holds its part of the events")
    ]


def test_without_the_grant_the_report_says_that_one_node_was_seen(db: Database) -> None:
    db.cluster(Node(host="clickhouse-1"), Node(host="clickhouse-2"), remote=False)
    result = looked(clickhouse_replicas, db)
    (finding,) = result.findings
    assert (finding.code, finding.status) == ("clickhouse.permission-denied", Status.UNKNOWN)
    assert finding.claim == f"Only one of 2 ClickHouse nodes was seen: The user {db.user} lacks the grant REMOTE ON *.*"
    assert finding.actions[0].commands == (f"GRANT REMOTE ON *.* TO {db.user};",)


def test_the_node_at_hand_is_judged_all_the_same(db: Database) -> None:
    db.cluster(Node(host="clickhouse-1"), Node(host="clickhouse-2"), remote=False)
    db.overlay("replicas", [{"table": "events", "is_readonly": 1}])
    assert "clickhouse.replica-readonly" in [finding.code for finding in looked(clickhouse_replicas, db).findings]


def test_without_the_grant_for_replicas_nobody_knows(db: Database) -> None:
    db.deny("system.replicas")
    assert "lacks the grant SELECT(" in refused(looked(clickhouse_replicas, db))


def test_an_older_server_that_does_not_note_since_when_is_judged_too(db: Database) -> None:
    db.overlay("replicas", [{"table": "events", "is_readonly": 1}])
    assert only(looked(clickhouse_replicas, db)).claim == "The replicated table events is read-only: inserts are refused"
