"""What is asked to learn whether there is a connection, beside the inventory."""

from msgspec import Struct

from diagnostics.sources.clickhouse.query import Query


class Greeting(Struct, frozen=True, kw_only=True):
    """What the handshake tells. `unlimited`: the server lets this user set no limits."""

    version: str
    unlimited: bool


class Name(Struct, frozen=True, kw_only=True):
    name: str


class Exists(Struct, frozen=True, kw_only=True):
    result: bool


HANDSHAKE = Query(
    name="clickhouse.handshake",
    why="whether ClickHouse answers, its version and which limits it lets us set",
    sql="SELECT version(), timezone(); SELECT name, value, readonly FROM system.settings LIMIT 10000",
    row=Greeting,
    tables=("system.settings",),
)
# Tells an empty database from one that this user may not look into: without the grant the server refuses to answer.
EVENTS_EXIST = Query(
    name="clickhouse.events-exist",
    why="whether the database is empty or invisible (only when no table of it can be seen)",
    sql="EXISTS TABLE events",
    row=Exists,
    tables=("events",),
)
DATABASES = Query(
    name="clickhouse.databases",
    why="which databases there are (only when PostHog's is not found)",
    sql="SELECT name FROM system.databases ORDER BY name LIMIT 50",
    row=Name,
    tables=("system.databases",),
)
TABLE_EXISTS = Query(
    name="clickhouse.table-exists",
    why="whether a table is missing or invisible (only when it is not listed)",
    sql="EXISTS TABLE {table}",
    row=Exists,
    tables=("events",),
)
