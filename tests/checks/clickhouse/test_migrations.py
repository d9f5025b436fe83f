"""What can be seen in ClickHouse of migrations that are not made."""

import pytest

from checks.clickhouse.migrations import clickhouse_migrations
from diagnostics.lab.engine import Database, Engine
from diagnostics.lab.schema import Era
from diagnostics.report.model import Status
from tests.checks.clickhouse.looking import looked, only, refused, told


@pytest.fixture
def db(engine: Engine) -> Database:
    return engine.database()


def record(db: Database, *names: str) -> None:
    for name in names:
        db.execute(f"INSERT INTO infi_clickhouse_orm_migrations VALUES ('posthog.clickhouse.migrations', '{name}', today())")


def test_a_record_that_agrees_with_the_tables_is_well(db: Database) -> None:
    record(db, "0001_initial", "0023_dead_letter_queue_tags", "0057_person_mode")
    assert told(looked(clickhouse_migrations, db)) == []


@pytest.mark.parametrize(("last", "claims"), [("0022_before", 0), ("0023_dead_letter_queue_tags", 1)])
def test_a_migration_that_is_recorded_must_be_made(engine: Engine, last: str, claims: int) -> None:
    db = engine.database(era=Era.Y2021)
    record(db, "0001_initial", last)
    found = told(looked(clickhouse_migrations, db))
    claim = "The migration 0023 is recorded, but events_dead_letter_queue lacks the column tags that it adds"
    assert found == [(Status.WARN, claim)] * claims


@pytest.mark.parametrize(
    ("table", "number"),
    [("temp_events_0002_events_sample_by", "0002"), ("tmp_person_0007", "0007"), ("tmp_person_distinct_id2_0007", "0007")],
)
def test_the_table_that_an_async_migration_fills_tells_of_it(db: Database, table: str, number: str) -> None:
    db.execute(f"CREATE TABLE {table} (uuid UUID) ENGINE = Memory")
    finding = only(looked(clickhouse_migrations, db))
    claim = f"The async migration {number} is under way, or was broken off: there is the table {table}"
    assert (finding.status, finding.claim) == (Status.WARN, claim)


@pytest.mark.parametrize("table", ["events_backup_0002_events_sample_by", "temperature_2024", "tmp_of_ours"])
def test_other_tables_do_not(db: Database, table: str) -> None:
    db.execute(f"CREATE TABLE {table} (uuid UUID) ENGINE = Memory")
    assert told(looked(clickhouse_migrations, db)) == []


def test_an_install_without_the_record_is_not_judged_by_it(db: Database) -> None:
    db.execute("DROP TABLE infi_clickhouse_orm_migrations")
    assert told(looked(clickhouse_migrations, db)) == []


def test_without_the_grant_nobody_knows(db: Database) -> None:
    db.deny("infi_clickhouse_orm_migrations")
    assert "lacks the grant SELECT(" in refused(looked(clickhouse_migrations, db))
