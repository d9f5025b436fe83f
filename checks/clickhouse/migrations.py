"""Whether PostHog's changes of ClickHouse's tables are all made: what can be seen of it in ClickHouse."""

import re
from collections.abc import Iterator

from msgspec import Struct

from checks.clickhouse.state import client, some
from diagnostics import Action, Category, Code, Finding, QueryText, Stage, Status, check
from diagnostics.sources.clickhouse import ClickHouse, Inventory, part
from diagnostics.sources.clickhouse.part import by_hand

PENDING = Code(
    id="clickhouse.migration-pending",
    worst=Status.WARN,
    category=Category.UPGRADING,
    summary="PostHog's changes of its tables are not all made",
)

# Columns that PostHog's ClickHouse migrations of these numbers added.
ADDED = {
    23: ("events_dead_letter_queue", "tags"),
    27: ("events", "person_id"),
    57: ("events", "person_mode"),
}
# How async migrations name the table that they fill before they put it into place: temp_events_0002_events_sample_by,
# tmp_person_0007. They are recorded in Postgres, which diag does not ask.
ASYNC = re.compile(r"te?mp_\w+?_(\d{4})(?:_\w+)?")


class Applied(Struct, frozen=True, kw_only=True):
    host: str = ""
    number: int
    name: str


APPLIED = part(
    "clickhouse-migrations.applied",
    why="which migration was the last",
    row=Applied,
    select={"number": "max(toUInt32OrZero(substring(module_name, 1, 4)))", "name": "max(module_name)"},
    rest="FROM infi_clickhouse_orm_migrations LIMIT 1",
    tables=("infi_clickhouse_orm_migrations",),
)


@check(
    "clickhouse-migrations",
    stage=Stage.CLICKHOUSE,
    title="PostHog's changes of its tables are all made",
    finds=[PENDING],
    reads=[APPLIED],
)
def clickhouse_migrations(clickhouse: ClickHouse) -> Iterator[Finding]:
    """Compares PostHog's record of its migrations with the columns that are there, and looks for tables of async migrations.

    Healthy is a record that agrees with the tables. A migration can be recorded though ClickHouse refused it, and is then not
    run again; an async migration stops ingestion while it moves the events. Which migrations this version of PostHog still
    wants is not known here: the app says that.
    By hand: SELECT max(module_name) FROM infi_clickhouse_orm_migrations.
    """
    inventory = clickhouse.inventory()
    yield from _under_way(inventory)
    if clickhouse.has(APPLIED):
        for applied in clickhouse.rows(APPLIED):
            yield from _not_made(applied, inventory)


def _under_way(inventory: Inventory) -> Iterator[Finding]:
    found = {name: matched[1] for name in sorted(inventory.tables) if (matched := ASYNC.fullmatch(name))}
    if found:
        numbers = some(sorted(set(found.values())))
        yield PENDING.found(
            f"The async migration {numbers} is under way, or was broken off: there is the table {some(list(found))}",
            detail="While it moves events, ClickHouse takes none from Kafka; they come after it.",
            affects=list(found),
            actions=[
                Action(
                    text="See how far it is, in the app under /instance/async_migrations, and what its worker says",
                    commands=LOGS,
                )
            ],
        )


def _not_made(applied: Applied, inventory: Inventory) -> Iterator[Finding]:
    for number, (table, column) in ADDED.items():
        columns = inventory.columns(table)
        if applied.number >= number and columns and column not in columns:
            yield PENDING.found(
                f"The migration {number:04} is recorded, but {table} lacks the column {column} that it adds",
                detail=f"The last one recorded is {applied.name}.",
                affects=[f"{table}.{column}"],
                evidence=[QueryText(title="The last migration recorded", text=by_hand(APPLIED))],
                actions=[Action(text="See the table as it is", commands=client(f"SHOW CREATE TABLE {table}"))],
            )


LOGS = ("docker compose logs --since 24h worker", "kubectl -n posthog logs deployment/posthog-worker --since 24h")
