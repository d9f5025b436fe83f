"""Which tables and columns there are, learned with one question: checks adapt to it instead of failing on old versions."""

from collections.abc import Sequence

from msgspec import Struct

from diagnostics.sources.clickhouse.columns import READABLE
from diagnostics.sources.clickhouse.query import Limits, Query

# Reading one takes messages out of a queue or a log; Merge reads whatever matches a pattern.
CONSUMED = ("Kafka", "RabbitMQ", "NATS", "FileLog", "S3Queue", "AzureQueue", "Merge")
# These read other tables when they are read. PostHog's `events` is Distributed.
INDIRECT = ("View", "MaterializedView", "LiveView", "WindowView", "Distributed", "Buffer", "Dictionary", "Alias")
# Databases whose tables are the server's own: listing those of the others would ask MySQL, PostgreSQL or a bucket.
LOCAL = ("Atomic", "Ordinary", "Replicated", "Shared", "Memory", "Overlay")

POSTHOG = "posthog"
"""The database of the Helm chart and of the hobby install; the code's own default is `default`."""


def _list(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


# What is taken out of a definition: ENGINE = Distributed('posthog', 'posthog', 'sharded_events', ...), TO posthog.events,
# SETTINGS parts_to_throw_insert = 600. Quotes of names are ' or `, or left out.
CLUSTER = r"""'ENGINE = Distributed\\(\'?([^\',]+)'"""
DISTRIBUTED_TO = r"""'ENGINE = Distributed\\([^,]+, [^,]+, [\'`]?([^\'`,)]+)'"""
VIEW_TO = r"""'^CREATE MATERIALIZED VIEW [^(]*? TO (?:[^ .(]+\\.)?`?([^ `.(]+)'"""
DELAYS_AT = "'parts_to_delay_insert = ([0-9]+)'"
REFUSES_AT = "'parts_to_throw_insert = ([0-9]+)'"


class Listed(Struct, frozen=True, kw_only=True):
    """A table as the inventory sees it. `mentions` are the tables of its definition that matter here, '' an unseen one.

    `feeds` is the table that a Distributed table or a materialized view writes to, `cluster` that of a Distributed table.
    `delays_at` and `refuses_at` are the active parts of one partition at which a table with limits of its own delays and
    refuses inserts; 0 where the server's limits hold.
    """

    ours: str
    database: str
    name: str
    engine: str
    columns: list[str]
    mentions: list[str]
    feeds: str = ""
    cluster: str = ""
    delays_at: int = 0
    refuses_at: int = 0


INVENTORY = Query(
    name="clickhouse.inventory",
    why="which tables and columns there are",
    # Definitions stay on the server: they hold the brokers' passwords. Only the names that matter come back.
    # Aliases are not used in subqueries, and none is named like a table: ClickHouse before 24.3 resolves them differently.
    sql=f"""
WITH (
    SELECT groupUniqArray(name) FROM system.tables
    WHERE database IN (SELECT name FROM system.databases WHERE engine IN ({_list(LOCAL)}))
      AND (engine IN ({_list(CONSUMED)}) OR engine LIKE '%View')
) AS watched
SELECT if({{database:String}} = '', currentDatabase(), {{database:String}}) AS ours,
       listed.database AS database, listed.name AS name, listed.engine AS engine, described.names AS columns,
       multiIf(listed.engine NOT IN ({_list(INDIRECT)}), [],
               listed.engine LIKE '%View' AND listed.definition = '', [''],
               arrayIntersect(extractAll(listed.definition, '[A-Za-z0-9_]+'), watched)) AS mentions,
       multiIf(listed.engine = 'Distributed', extract(listed.definition, {DISTRIBUTED_TO}),
               listed.engine = 'MaterializedView', extract(listed.definition, {VIEW_TO}), '') AS feeds,
       if(listed.engine = 'Distributed', extract(listed.definition, {CLUSTER}), '') AS cluster,
       toUInt32OrZero(extract(listed.definition, {DELAYS_AT})) AS delays_at,
       toUInt32OrZero(extract(listed.definition, {REFUSES_AT})) AS refuses_at
FROM (
    SELECT database, name, engine, create_table_query AS definition FROM system.tables
    WHERE database IN (
        SELECT name FROM system.databases
        WHERE engine IN ({_list(LOCAL)}) OR name IN ({{database:String}}, currentDatabase(), '{POSTHOG}', 'system')
    ) AND (database IN ({{database:String}}, currentDatabase(), '{POSTHOG}', 'system') OR engine IN ({_list(CONSUMED)}))
) AS listed
LEFT JOIN (
    SELECT database, table, groupArray(name) AS names FROM system.columns
    WHERE database IN ({{database:String}}, currentDatabase(), '{POSTHOG}', 'system') GROUP BY database, table
) AS described ON described.database = listed.database AND described.table = listed.name
""".strip(),  # noqa: S608 - made of the constants above
    row=Listed,
    tables=("system.tables", "system.columns", "system.databases"),
    limits=Limits(rows_to_read=2_000_000, result_rows=20_000),
)


class Inventory(Struct, frozen=True, kw_only=True):
    """The tables of PostHog's database (by name) and of `system` (as "system.parts"), as far as this user sees them.

    `database` is PostHog's, `elsewhere` the other one that holds its tables. `consumed` are the names of all visible tables,
    of whatever database, that lose messages when they are read, and of what reads them in turn.
    """

    database: str
    tables: dict[str, Listed]
    consumed: frozenset[str]
    elsewhere: str = ""

    def columns(self, table: str) -> frozenset[str]:
        """Empty when there is no such table, or none that may be seen."""
        listed = self.tables.get(table)
        return frozenset(listed.columns) if listed else frozenset()

    @property
    def cluster(self) -> str:
        """The cluster that PostHog's tables are distributed over, best the one that holds the events; '' without any."""
        distributed = [listed for listed in self.tables.values() if listed.cluster]
        ours = sorted(distributed, key=lambda listed: listed.name not in ("events", "writable_events"))
        return ours[0].cluster if ours else ""

    def engine(self, table: str) -> str | None:
        listed = self.tables.get(table)
        return listed.engine if listed else None

    @property
    def holds_posthog(self) -> bool:
        """Whether any table that diag knows is there."""
        return any(table in self.tables for table in READABLE)

    @property
    def sees_nothing(self) -> bool:
        """No table of the database is visible: it is empty, or this user may not see."""
        return not any("." not in table for table in self.tables)


def found_in(rows: Sequence[Listed], wanted: str | None) -> Inventory:
    """Made of the answer to INVENTORY. Without a `wanted` database it is PostHog's if that one holds the tables."""
    ours = rows[0].ours if rows else wanted or "default"
    with_tables = {row.database for row in rows if row.name in READABLE}
    elsewhere = POSTHOG if ours not in with_tables and POSTHOG in with_tables else ""
    chosen = elsewhere if elsewhere and not wanted else ours
    own = {row.name: row for row in rows if row.database == chosen}
    of_system = {f"system.{row.name}": row for row in rows if row.database == "system"}
    return Inventory(database=chosen, tables=own | of_system, consumed=_consumed(rows), elsewhere=elsewhere)


def _consumed(rows: Sequence[Listed]) -> frozenset[str]:
    others = [row for row in rows if row.database != "system"]
    consumed = {row.name for row in others if row.engine in CONSUMED}
    while more := {row.name for row in others if row.name not in consumed and ({"", *consumed} & set(row.mentions))}:
        consumed |= more
    return frozenset(consumed)
