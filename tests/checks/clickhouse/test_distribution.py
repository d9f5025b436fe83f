"""When a queue of a Distributed table is stuck, and when it only works."""

from typing import Any

import pytest

from checks.clickhouse.distribution import clickhouse_distribution
from diagnostics.lab.engine import Database, Engine
from diagnostics.report.model import Status
from tests.checks.clickhouse.looking import looked, refused, told

FAIL, WARN = Status.FAIL, Status.WARN
WORDS = "Connection refused (clickhouse-2:9000). (NETWORK_ERROR)"


@pytest.fixture
def db(engine: Engine) -> Database:
    database = engine.database()
    database.overlay("tables", [{"name": "writable_events", "engine": "Distributed"}])
    return database


def queue(files: int = 3, **changes: Any) -> dict[str, Any]:
    return {"table": "writable_events", "data_files": files, "data_compressed_bytes": files * 50_000} | changes


FAILING = {"error_count": 9, "last_exception": f"Code: 210. DB::Exception: {WORDS}", "last_exception_time": "ago 20s"}


@pytest.mark.parametrize(
    ("row", "status", "claim"),
    [
        (queue(), None, ""),
        (queue(499), None, ""),
        (queue(500), WARN, "The queue of writable_events is long; 500 files (25 MB) wait to be sent"),
        (queue(1, is_blocked=1), FAIL, "The queue of writable_events is stopped; 1 file (50 kB) waits to be sent"),
        (queue(3, **FAILING), FAIL, f"The queue of writable_events fails; 3 files (150 kB) wait to be sent: {WORDS}"),
        (queue(3, **(FAILING | {"last_exception_time": "ago 2h"})), None, ""),
        (queue(0, **FAILING), None, ""),
        (
            queue(3, broken_data_files=1),
            FAIL,
            "The queue of writable_events has 1 broken file, which is never sent; 3 files (150 kB) wait to be sent",
        ),
        (
            queue(3, table="writable_heatmaps", is_blocked=1),
            WARN,
            "The queue of writable_heatmaps is stopped; 3 files (150 kB) wait to be sent",
        ),
    ],
    ids=["short", "below the limit", "long", "stopped", "fails", "failed before", "empty", "broken", "beside the path"],
)
def test_the_state_of_the_queue_decides(db: Database, row: dict[str, Any], status: Status | None, claim: str) -> None:
    db.overlay("distribution_queue", [row])
    assert told(looked(clickhouse_distribution, db)) == ([(status, claim)] if status else [])


def test_how_long_is_too_long_can_be_set(db: Database) -> None:
    db.overlay("distribution_queue", [queue(3)])
    assert told(looked(clickhouse_distribution, db, waiting=3))[0][0] is WARN


def test_the_cause_in_its_words_is_found_beside_it(db: Database) -> None:
    words = "Code: 252. Too many parts (300). Merges are slower. (TOO_MANY_PARTS)"
    db.overlay("distribution_queue", [queue(3, **(FAILING | {"last_exception": words}))])
    codes = [finding.code for finding in looked(clickhouse_distribution, db).findings]
    assert codes == ["clickhouse.distribution-stuck", "clickhouse.too-many-parts"]


def test_without_the_grant_nobody_knows(db: Database) -> None:
    db.deny("system.distribution_queue")
    assert "lacks the grant SELECT(" in refused(looked(clickhouse_distribution, db))
