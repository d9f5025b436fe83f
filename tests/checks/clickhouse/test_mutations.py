"""When mutations fail or do not end, and that what they change stays unread."""

from typing import Any

import pytest

from checks.clickhouse.mutations import clickhouse_mutations
from diagnostics.lab.engine import Database, Engine
from diagnostics.report.model import Status
from tests.checks.clickhouse.looking import looked, only, refused, told

WARN = Status.WARN


@pytest.fixture
def db(engine: Engine) -> Database:
    return engine.database()


def mutation(created: str, **changes: Any) -> dict[str, Any]:
    row = {"table": "person", "mutation_id": "mutation_1.txt", "create_time": f"ago {created}", "parts_to_do": 4}
    return row | {"command": "DELETE WHERE distinct_id = 'jane.doe@customer.example'"} | changes


@pytest.mark.parametrize(
    ("row", "claim"),
    [
        (mutation("23h"), ""),
        (mutation("3d"), "1 mutation of person has not ended, the oldest after 3 days"),
        (mutation("3d", is_done=1), ""),
        (
            mutation("5m", latest_fail_time="ago 3m", latest_fail_reason="Code: 47. No column"),
            "1 mutation of person fails, last 3 min ago: No column",
        ),
    ],
    ids=["under way", "old", "done", "failing"],
)
def test_its_age_and_its_failures_decide(db: Database, row: dict[str, Any], claim: str) -> None:
    db.overlay("mutations", [row])
    assert told(looked(clickhouse_mutations, db)) == ([(WARN, claim)] if claim else [])


def test_several_are_counted(db: Database) -> None:
    db.overlay("mutations", [mutation("3d"), mutation("4d", table="events"), mutation("5d", table="events")])
    assert (
        only(looked(clickhouse_mutations, db)).claim == "3 mutations of events, person have not ended, the oldest after 5 days"
    )


def test_how_old_is_too_old_can_be_set(db: Database) -> None:
    db.overlay("mutations", [mutation("2h")])
    assert told(looked(clickhouse_mutations, db, old=3600.0))


def test_what_a_mutation_changes_is_never_read(db: Database) -> None:
    db.overlay("mutations", [mutation("3d")])
    result = looked(clickhouse_mutations, db)
    assert "jane.doe" not in repr(result)
    assert not any("command" in query.sql for query in db.queries())


def test_without_the_grant_nobody_knows(db: Database) -> None:
    db.deny("system.mutations")
    assert "lacks the grant SELECT(" in refused(looked(clickhouse_mutations, db))
