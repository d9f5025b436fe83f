"""When parts are too many, by the limits of the server, of the table, and by refusals."""

from typing import Any

import pytest

from checks.clickhouse.parts import clickhouse_parts
from diagnostics.lab.engine import Database, Engine
from diagnostics.report.model import Status
from tests.checks.clickhouse.looking import looked, only, refused, told

FAIL, WARN = Status.FAIL, Status.WARN


@pytest.fixture
def db(engine: Engine) -> Database:
    return engine.database()


def parts(number: int, table: str = "events", **changes: Any) -> list[dict[str, Any]]:
    row = {"table": table, "partition_id": "202611", "active": 1, "bytes_on_disk": 1_000_000}
    return [row | changes] * number


def limits(db: Database, refuses: int, delays: int = 0, large: int = 10**9) -> None:
    names = {"parts_to_throw_insert": refuses, "parts_to_delay_insert": delays or refuses // 2}
    names["max_avg_part_size_for_too_many_parts"] = large
    db.overlay("merge_tree_settings", [{"name": name, "value": str(value)} for name, value in names.items()])


@pytest.mark.parametrize(
    ("number", "status"), [(59, None), (60, WARN), (95, WARN), (96, FAIL)], ids=["below half", "half", "below 80 %", "80 %"]
)
def test_the_share_of_the_limit_decides(db: Database, number: int, status: Status | None) -> None:
    limits(db, 120)
    db.overlay("parts", parts(number))
    claim = f"The partition 202611 of events has {number} parts; at 120 ClickHouse refuses inserts"
    assert told(looked(clickhouse_parts, db)) == ([(status, claim)] if status else [])


def test_the_shares_can_be_set(db: Database) -> None:
    limits(db, 120)
    db.overlay("parts", parts(60))
    assert told(looked(clickhouse_parts, db, many=0.6)) == []
    assert told(looked(clickhouse_parts, db, too_many=0.5))[0][0] is FAIL


def test_a_batch_of_too_many_months_is_no_matter_of_merges(db: Database) -> None:
    text = "Too many partitions for single INSERT block (more than 100). The limit is controlled by a setting."
    error = {"name": "TOO_MANY_PARTS", "code": 252, "value": 4, "last_error_time": "ago 20s", "last_error_message": text}
    db.overlay("errors", [error])
    assert told(looked(clickhouse_parts, db)) == []


def test_a_table_beside_the_path_is_a_warning(db: Database) -> None:
    limits(db, 60)
    db.overlay("parts", parts(58, table="person"))
    assert told(looked(clickhouse_parts, db))[0][0] is WARN


def test_a_table_may_have_limits_of_its_own(db: Database) -> None:
    limits(db, 60)
    db.execute("ALTER TABLE events MODIFY SETTING parts_to_throw_insert = 1000")
    db.overlay("parts", parts(58))
    assert told(looked(clickhouse_parts, db)) == []


def test_large_parts_may_be_many(db: Database) -> None:
    limits(db, 60, large=10**9)
    db.overlay("parts", parts(58, bytes_on_disk=2 * 10**9))
    assert told(looked(clickhouse_parts, db)) == []


def test_parts_that_were_merged_away_do_not_count(db: Database) -> None:
    limits(db, 60)
    db.overlay("parts", parts(58, active=0))
    assert told(looked(clickhouse_parts, db)) == []


def test_refused_inserts_are_a_failure_whatever_the_number(db: Database) -> None:
    db.overlay("errors", [{"name": "TOO_MANY_PARTS", "code": 252, "value": 4, "last_error_time": "ago 20m"}])
    assert told(looked(clickhouse_parts, db)) == [(FAIL, "ClickHouse refused an insert 20 min ago, because of too many parts")]


def test_refusals_of_over_an_hour_ago_are_past(db: Database) -> None:
    db.overlay("errors", [{"name": "TOO_MANY_PARTS", "code": 252, "value": 4, "last_error_time": "ago 2h"}])
    assert told(looked(clickhouse_parts, db)) == []


def test_inserts_that_are_slowed_down_now_are_a_failure(db: Database) -> None:
    limits(db, 3000, delays=60)
    db.overlay("parts", parts(70))
    db.overlay("metrics", [{"metric": "DelayedInserts", "value": 3}])
    claim = "ClickHouse slows down 3 inserts now, because of too many parts; the partition 202611 of events has 70"
    assert told(looked(clickhouse_parts, db)) == [(FAIL, claim)]


def test_the_evidence_holds_the_limits(db: Database) -> None:
    limits(db, 120, delays=70)
    db.overlay("parts", parts(60))
    table = only(looked(clickhouse_parts, db)).evidence[0]
    assert [row[2:] for row in table.rows] == [("202611", 60, 70, 120, 1_000_000)]  # type: ignore[union-attr]


def test_without_the_grant_nobody_knows(db: Database) -> None:
    db.deny("system.parts")
    assert "lacks the grant SELECT(" in refused(looked(clickhouse_parts, db))
