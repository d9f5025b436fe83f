# ruff: noqa: S608 - the only SQL here is written by the lab for its own engine
"""What the lab's user sees in `system`: an embedded engine has no Kafka, no replicas and no grants of its own."""

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from diagnostics.lab.account import Node
from diagnostics.lab.ago import seconds
from diagnostics.lab.server_state import ABSENT, HEALTHY, NESTED, OURS
from diagnostics.lab.sql import quoted

# Views over the real tables, always: they show what a server shows to this user. The others are filled by hand.
LISTINGS = {"tables": "name", "columns": "table"}
AGO = re.compile(r"ago (\d+[smhd])")


class Rows(Struct, frozen=True, kw_only=True):
    """Rows of a table of `system`, by column name; of one `node` of a cluster, or ('') of the one that is asked."""

    table: str
    rows: tuple[Mapping[str, Any], ...]
    node: str = ""


class SystemTables(Struct, frozen=True, kw_only=True):
    """What stands in for tables of `system`, for the user of one PostHog database.

    `hidden` are tables that the user must not see: of the database (`*`: all of them, and the database itself), or of `system`
    (`system.kafka_consumers`). `nodes` are those of the cluster beside the one that is asked.
    """

    database: str
    hidden: tuple[str, ...] = ()
    rows: tuple[Rows, ...] = ()
    nodes: tuple[Node, ...] = ()

    @property
    def place(self) -> str:
        """The database in which the stand-ins live."""
        return f"{self.database}_system"

    def stand_ins(self, node: str = "") -> dict[str, str]:
        """Table of `system` to what is read in its place, on one node."""
        listings = {name: f"{self.place}.{name}" for name in (*LISTINGS, "databases")}
        if node:
            listings["tables"] = f"{self.place}.tables_of_{[each.host for each in self.nodes].index(node)}"
        return listings | {name: f"{self.place}.{self._filled(name, node)}" for name in self._tables if name not in LISTINGS}

    @property
    def _tables(self) -> list[str]:
        """Tables of which a server shows what an embedded engine does not, or what the machine that it runs on does not."""
        return sorted({*HEALTHY, *(rows.table for rows in self.rows)})

    def _filled(self, table: str, node: str) -> str:
        """The name of the table that holds the rows of a node."""
        if table in LISTINGS:
            return f"more_{table}"
        return f"{table}_on_{[each.host for each in self.nodes].index(node)}" if node else table

    def statements(self) -> list[str]:
        """The SQL that puts the stand-ins into place, whatever was there before."""
        statements = [f"DROP DATABASE IF EXISTS {self.place}", f"CREATE DATABASE {self.place}"]
        statements += [_empty_copy(f"{self.place}.more_{name}", name) for name in LISTINGS]
        for node in ("", *(each.host for each in self.nodes)):
            for table in self._tables:
                statements += self._filling(table, node)
        for table in self._tables:
            statements += self._listed(table) if table in ABSENT else []
        statements += [self._listing(name, table) for name, table in LISTINGS.items()]
        statements += [
            f"CREATE VIEW {self.place}.tables_of_{number} AS SELECT * FROM {self.place}.tables "
            f"WHERE NOT (database = {quoted(self.database)} AND name IN {_set(node.lacks)})"
            for number, node in enumerate(self.nodes)
        ]
        statements.append(
            f"CREATE VIEW {self.place}.databases AS SELECT * FROM system.databases WHERE NOT endsWith(name, '_system')"
            + (f" AND name != {quoted(self.database)}" if "*" in self.hidden else "")
        )
        return statements

    def _filling(self, table: str, node: str) -> list[str]:
        target = f"{self.place}.{self._filled(table, node)}"
        given = [rows.rows for rows in self.rows if (rows.table, rows.node) == (table, node)]
        ours = {"database": self.database} if table in OURS else {}
        rows = [row for each in given for row in each] if given else [{**ours, **row} for row in HEALTHY.get(table, [])]
        return [_empty_copy(target, table), *([_insert(target, rows)] if rows else [])]

    def _listed(self, table: str) -> list[str]:
        """Makes a table that the engine lacks appear among its own."""
        listed = {"database": "system", "name": table, "engine": "MergeTree"}
        return [
            _insert(f"{self.place}.more_tables", [listed]),
            f"INSERT INTO {self.place}.more_columns (database, table, name) SELECT 'system', table, name FROM system.columns "
            f"WHERE database = {quoted(self.place)} AND table = {quoted(table)}",
        ]

    def _listing(self, name: str, table: str) -> str:
        # What feeds PostHog's tables is of engine Null here. On a server it is of engine Kafka: reading it consumes messages.
        seen = "* REPLACE (if(name LIKE 'kafka\\\\_%', 'Kafka', engine) AS engine)" if name == "tables" else "*"
        hidden = f"database = {quoted(self.database)}" + ("" if "*" in self.hidden else f" AND {table} IN {_set(self.hidden)}")
        of_system = [each.removeprefix("system.") for each in self.hidden if each.startswith("system.")]
        hidden = f"({hidden} OR database = 'system' AND {table} IN {_set(of_system)})"
        return (
            f"CREATE VIEW {self.place}.{name} AS "
            f"SELECT {seen} FROM system.{name} WHERE NOT endsWith(database, '_system') AND NOT ({hidden}) "
            f"UNION ALL SELECT * FROM {self.place}.more_{name}"
        )


def _set(names: Sequence[str]) -> str:
    return f"({', '.join(map(quoted, names)) or quoted('')})"


def _empty_copy(target: str, table: str) -> str:
    if table in ABSENT:
        return f"CREATE TABLE IF NOT EXISTS {target} ({ABSENT[table]}) ENGINE = Memory"
    return f"CREATE TABLE IF NOT EXISTS {target} ENGINE = Memory AS SELECT * FROM system.{table} LIMIT 0"


def _insert(target: str, rows: Sequence[Mapping[str, Any]]) -> str:
    filled = ({name: _dated(value) for name, value in {**_nested(row), **row}.items()} for row in rows)
    values = "\n".join(msgspec.json.encode(row).decode() for row in filled)
    return f"INSERT INTO {target} SETTINGS input_format_skip_unknown_fields = 0 FORMAT JSONEachRow {values}"


def _nested(row: Mapping[str, Any]) -> dict[str, Any]:
    """Arrays that belong together have the same length: defaults for those that the row leaves out."""
    given = {name.partition(".")[0]: len(value) for name, value in row.items() if name in NESTED}
    return {
        name: [default] * given[name.partition(".")[0]] for name, default in NESTED.items() if name.partition(".")[0] in given
    }


def _dated(value: Any) -> Any:
    """`ago 40m` is that time, in seconds since 1970, also within a list."""
    if isinstance(value, list | tuple):
        return [_dated(each) for each in value]
    found = AGO.fullmatch(value) if isinstance(value, str) else None
    return int(time.time()) - seconds(found[1]) if found else value
