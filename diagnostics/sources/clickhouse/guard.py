"""What diag never asks ClickHouse: checked before every query, from its text and what is known of the tables."""

from typing import Any

from diagnostics.sources.clickhouse.columns import private
from diagnostics.sources.clickhouse.inventory import Inventory
from diagnostics.sources.clickhouse.query import Query
from diagnostics.sources.clickhouse.sqltext import Unclear, reads
from diagnostics.sources.errors import Refused

CONSUMES = "look at system.kafka_consumers instead: it tells how a consumer fares without taking its messages"


def allowed(query: Query[Any], inventory: Inventory) -> None:
    """Raises Refused for a query that would consume messages, reads more than it declares, or reads private columns."""
    try:
        found = reads(query.sql)
    except Unclear as reason:
        raise Refused(f"{query.name} is not asked: {reason}", hint="change the SQL of the check") from None
    tables = found.tables | frozenset(query.tables)
    # Any mention counts, in whatever database and however it is used: the messages that a SELECT takes are lost.
    consumed = sorted((found.names | {table.rpartition(".")[2] for table in tables}) & inventory.consumed)
    consumed += sorted(table for table in tables if _named_as_consumer(table))
    if consumed:
        raise Refused(f"{query.name} is not asked: reading {consumed[0]} would take messages out of its queue", hint=CONSUMES)
    if undeclared := sorted(found.tables - frozenset(query.tables)):
        raise Refused(f"{query.name} reads {undeclared[0]}, which it does not declare", hint="add it to the query's `tables`")
    # Only a part of the query sees its own name, the rest sees the table: `FROM (WITH person AS (...) SELECT ...), person`.
    if hidden := sorted(found.own & inventory.tables.keys()):
        raise Refused(f"{query.name} is not asked: it has a name of its own for {hidden[0]}", hint="give that another name")
    for table in sorted(tables):
        if "." in table and not table.startswith("system."):
            raise Refused(
                f"{query.name} reads {table}, another database than PostHog's", hint="write the table without a database"
            )
        if columns := sorted(private(table, found.names, inventory.columns(table))):
            raise Refused(
                f"{query.name} is not asked: {columns[0]} of {table} is private",
                hint="diagnostics/sources/clickhouse/columns.py lists what may be read, and says why not the rest",
            )


def _named_as_consumer(table: str) -> bool:
    """PostHog names all its Kafka tables like this; it counts where the server does not show the engine."""
    return table.rpartition(".")[2].startswith("kafka_") and not table.startswith("system.")
