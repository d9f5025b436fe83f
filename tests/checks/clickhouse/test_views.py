"""When a materialized view throws, by the log of views and by the exceptions of the consumers."""

from typing import Any

import pytest

from checks.clickhouse.views import clickhouse_views
from diagnostics.lab.engine import Database, Engine
from diagnostics.report.model import Status
from tests.checks.clickhouse.looking import looked, only, refused, told

WORDS = "Cannot convert column person_mode. (TYPE_MISMATCH)"
TEXT = f"Code: 53. DB::Exception: {WORDS}"


@pytest.fixture
def db(engine: Engine) -> Database:
    return engine.database()


def run(db: Database, ago: str, *, view: str = "events_json_mv", text: str = "") -> dict[str, Any]:
    failed = (
        {"status": "ExceptionWhileProcessing", "exception_code": 53, "exception": text} if text else {"status": "QueryFinish"}
    )
    return {"event_time": f"ago {ago}", "view_name": f"{db.name}.{view}", **failed}


def thrown_by_consumer(text: str, failed: str = "20s", committed: str = "40m") -> list[dict[str, Any]]:
    row = {"table": "kafka_events_json", "exceptions.time": [f"ago {failed}"], "exceptions.text": [text]}
    return [row | {"last_commit_time": f"ago {committed}", "last_poll_time": "ago 2s", "is_currently_used": 1}]


def test_views_that_do_not_throw_are_well(db: Database) -> None:
    assert told(looked(clickhouse_views, db)) == []


def test_a_view_that_threw_last_is_failing(db: Database) -> None:
    db.overlay("query_views_log", [run(db, "30m"), run(db, "9m", text="an older one"), run(db, "5m", text=TEXT)])
    finding = only(looked(clickhouse_views, db))
    assert finding.status is Status.FAIL
    assert finding.claim == f"The materialized view events_json_mv threw 2 times in the last hour, the last 5 min ago: {WORDS}"
    assert (finding.affects, finding.source_text) == (("events_json_mv",), True)


@pytest.mark.parametrize("rows", [[("9m", TEXT), ("8m", "")], [("2h", TEXT)]], ids=["it ran since", "hours ago"])
def test_a_view_that_threw_before_is_well(db: Database, rows: list[tuple[str, str]]) -> None:
    db.overlay("query_views_log", [run(db, ago, text=text) for ago, text in rows])
    assert told(looked(clickhouse_views, db)) == []


def test_a_view_beside_the_path_is_a_warning(db: Database) -> None:
    db.overlay("query_views_log", [run(db, "5m", view="heatmaps_mv", text=TEXT)])
    assert only(looked(clickhouse_views, db)).status is Status.WARN


def test_another_database_is_not_looked_at(db: Database) -> None:
    db.overlay("query_views_log", [{**run(db, "5m", text=TEXT), "view_name": "elsewhere.events_json_mv"}])
    assert told(looked(clickhouse_views, db)) == []


def test_a_consumers_exception_names_the_view_where_views_are_not_logged(db: Database) -> None:
    text = f"Code: 53. DB::Exception: Cannot convert: while pushing to view {db.name}.events_json_mv. (TYPE_MISMATCH)"
    db.overlay("kafka_consumers", thrown_by_consumer(text))
    finding = only(looked(clickhouse_views, db))
    assert finding.claim.startswith("The materialized view events_json_mv threw 2")
    assert finding.claim.endswith(f"s ago: Cannot convert: while pushing to view {db.name}.events_json_mv. (TYPE_MISMATCH)")


@pytest.mark.parametrize(("failed", "committed"), [("90s", "9s"), ("2h", "3h")])
def test_an_exception_that_is_past_does_not_alarm(db: Database, failed: str, committed: str) -> None:
    db.overlay("kafka_consumers", thrown_by_consumer("while pushing to view posthog.events_json_mv", failed, committed))
    assert told(looked(clickhouse_views, db)) == []


def test_the_cause_in_its_words_is_found_beside_it(db: Database) -> None:
    db.overlay("query_views_log", [run(db, "5m", text="Code: 243. DB::Exception: Cannot reserve. (NOT_ENOUGH_SPACE)")])
    result = looked(clickhouse_views, db)
    assert [finding.code for finding in result.findings] == ["clickhouse.view-failing", "clickhouse.disk-full"]


def test_a_view_that_no_longer_fits_comes_with_what_mends_it(db: Database) -> None:
    """The log of views does not say in its texts that a view threw."""
    text = "Code: 16. DB::Exception: No such column x in table posthog.events. (NO_SUCH_COLUMN_IN_TABLE)"
    db.overlay("query_views_log", [run(db, "5m", text=text)])
    finding = only(looked(clickhouse_views, db))
    assert (finding.cause, finding.cause_codes) == (
        "a materialized view no longer fits the tables that it joins: a migration is missing",
        (),
    )
    assert finding.actions[0].text.startswith("Run the ClickHouse migrations of the version in use")


def test_that_a_view_throws_is_no_cause_of_its_own(db: Database) -> None:
    db.overlay("query_views_log", [run(db, "5m", text="Code: 395. DB::Exception: Something nobody has seen. (THROWN)")])
    finding = only(looked(clickhouse_views, db))
    assert (finding.cause, finding.cause_codes, len(finding.actions)) == ("", (), 1)


def test_where_nothing_is_recorded_of_views_nobody_knows(db: Database) -> None:
    db.hide("system.kafka_consumers")
    assert refused(looked(clickhouse_views, db)).startswith("This ClickHouse keeps no record of its views")


def test_without_the_grant_nobody_knows(db: Database) -> None:
    db.deny("system.kafka_consumers")
    assert "lacks the grant SELECT(" in refused(looked(clickhouse_views, db))
