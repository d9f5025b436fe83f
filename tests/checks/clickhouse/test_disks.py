"""When a disk is full, will be, or only looks like it."""

from typing import Any

import pytest

from checks.clickhouse.disks import clickhouse_disks
from diagnostics.lab.account import Node
from diagnostics.lab.engine import Database, Engine
from diagnostics.report.model import Status
from tests.checks.clickhouse.looking import looked, refused, told

FAIL, WARN = Status.FAIL, Status.WARN
GB = 10**9


@pytest.fixture
def db(engine: Engine) -> Database:
    return engine.database()


def disk(free: float, **changes: Any) -> dict[str, Any]:
    size = int(free * GB)
    row = {"name": "default", "type": "Local", "total_space": 100 * GB, "free_space": size, "unreserved_space": size}
    return row | changes


@pytest.mark.parametrize(
    ("row", "status", "claim"),
    [
        (disk(10), None, ""),
        (disk(9.9), WARN, "The disk default has 9.9 GB of 100 GB left"),
        (disk(3), WARN, "The disk default has 3.0 GB of 100 GB left"),
        (disk(2.9), FAIL, "The disk default is full: it has 2.9 GB of 100 GB left"),
        (disk(60, unreserved_space=GB), FAIL, "The disk default is full: it has 1.0 GB of 100 GB left"),
        (disk(60, keep_free_space=58 * GB), FAIL, "The disk default is full: it has 2.0 GB of 100 GB left"),
        (disk(2, keep_free_space=58 * GB), FAIL, "The disk default is full: it has 0 B of 100 GB left"),
        (disk(90, is_broken=1), FAIL, "The disk default is broken: ClickHouse no longer uses it"),
        (disk(0, type="s3", total_space=2**64 - 1, free_space=2**64 - 1), None, ""),
        (disk(0, type="ObjectStorage"), None, ""),
    ],
    ids=["room", "scarce", "still scarce", "full", "reserved", "kept back", "below what is kept", "broken", "s3", "remote"],
)
def test_the_space_that_is_left_decides(db: Database, row: dict[str, Any], status: Status | None, claim: str) -> None:
    db.overlay("disks", [row])
    assert told(looked(clickhouse_disks, db)) == ([(status, claim)] if status else [])


def written(size: float, event: str = "NewPart", ago: str = "3h") -> dict[str, Any]:
    return {"event_time": f"ago {ago}", "event_type": event, "disk_name": "default", "size_in_bytes": int(size * GB)}


def test_a_disk_that_will_be_full_within_a_day_is_a_failure(db: Database) -> None:
    db.overlay("disks", [disk(20)])
    db.overlay("part_log", [written(25), written(15, "DownloadPart"), written(90, "MergeParts"), written(90, ago="30h")])
    claim = "The disk default has 20 GB of 100 GB left; at the rate of the last day (40 GB) it is full in 12 h"
    assert told(looked(clickhouse_disks, db)) == [(FAIL, claim)]
    assert told(looked(clickhouse_disks, db, full_within=36_000.0)) == []


def test_the_shares_can_be_set(db: Database) -> None:
    db.overlay("disks", [disk(40)])
    assert told(looked(clickhouse_disks, db, scarce=0.5))[0][0] is WARN
    assert told(looked(clickhouse_disks, db, full=0.5))[0][0] is FAIL


def test_running_out_of_space_is_a_failure_though_there_is_some_again(db: Database) -> None:
    db.overlay("errors", [{"name": "NOT_ENOUGH_SPACE", "code": 243, "value": 1, "last_error_time": "ago 20m"}])
    assert told(looked(clickhouse_disks, db)) == [(FAIL, "ClickHouse ran out of disk space 20 min ago")]


def test_the_node_is_named_where_there_are_several(db: Database) -> None:
    db.cluster(Node(host="clickhouse-1"), Node(host="clickhouse-2"))
    db.overlay("disks", [disk(50), disk(1, node="clickhouse-2")])
    assert told(looked(clickhouse_disks, db)) == [
        (FAIL, "The disk default on clickhouse-2 is full: it has 1.0 GB of 100 GB left")
    ]


def test_without_the_grant_nobody_knows(db: Database) -> None:
    db.deny("system.disks")
    assert "lacks the grant SELECT(" in refused(looked(clickhouse_disks, db))
