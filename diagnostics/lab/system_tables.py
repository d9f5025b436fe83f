# ruff: noqa: S608 - the only SQL here is written by the lab for its own engine
"""What the lab's user sees in `system`: an embedded engine has no Kafka, no replicas and no grants of its own."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from diagnostics.lab.sql import quoted

# Views over the real tables, always: they show what a server shows to this user. The others are filled by hand.
LISTINGS = {"tables": "name", "columns": "table"}


class Rows(Struct, frozen=True, kw_only=True):
    """Rows of a table of `system`, by column name."""

    table: str
    rows: tuple[Mapping[str, Any], ...]


class SystemTables(Struct, frozen=True, kw_only=True):
    """What stands in for tables of `system`, for the user of one PostHog database.

    `hidden` are tables of the database that the user must not see (`*`: all of them, and the database itself).
    """

    database: str
    hidden: tuple[str, ...] = ()
    rows: tuple[Rows, ...] = ()

    @property
    def place(self) -> str:
        """The database in which the stand-ins live."""
        return f"{self.database}_system"

    def stand_ins(self) -> dict[str, str]:
        """Table of `system` to what is read in its place."""
        names = (*LISTINGS, "databases", *(rows.table for rows in self.rows))
        return {name: f"{self.place}.{name}" for name in names}

    def statements(self) -> list[str]:
        """The SQL that puts the stand-ins into place, whatever was there before."""
        statements = [f"DROP DATABASE IF EXISTS {self.place}", f"CREATE DATABASE {self.place}"]
        statements += [_empty_copy(f"{self.place}.more_{name}", name) for name in LISTINGS]
        for rows in self.rows:
            target = f"{self.place}.more_{rows.table}" if rows.table in LISTINGS else f"{self.place}.{rows.table}"
            statements.append(_empty_copy(target, rows.table))
            statements += [_insert(target, row) for row in rows.rows]
        statements += [self._listing(name, table) for name, table in LISTINGS.items()]
        statements.append(
            f"CREATE VIEW {self.place}.databases AS SELECT * FROM system.databases WHERE NOT endsWith(name, '_system')"
            + (f" AND name != {quoted(self.database)}" if "*" in self.hidden else "")
        )
        return statements

    def _listing(self, name: str, table: str) -> str:
        # What feeds PostHog's tables is of engine Null here. On a server it is of engine Kafka: reading it consumes messages.
        seen = "* REPLACE (if(name LIKE 'kafka\\\\_%', 'Kafka', engine) AS engine)" if name == "tables" else "*"
        hidden = f"database = {quoted(self.database)}"
        if "*" not in self.hidden:
            hidden += f" AND {table} IN ({', '.join(map(quoted, self.hidden))})" if self.hidden else " AND 0"
        return (
            f"CREATE VIEW {self.place}.{name} AS "
            f"SELECT {seen} FROM system.{name} WHERE NOT endsWith(database, '_system') AND NOT ({hidden}) "
            f"UNION ALL SELECT * FROM {self.place}.more_{name}"
        )


def _empty_copy(target: str, table: str) -> str:
    return f"CREATE TABLE IF NOT EXISTS {target} ENGINE = Memory AS SELECT * FROM system.{table} LIMIT 0"


def _insert(target: str, row: Mapping[str, Any]) -> str:
    values = msgspec.json.encode(row).decode()
    return f"INSERT INTO {target} SETTINGS input_format_skip_unknown_fields = 0 FORMAT JSONEachRow {values}"
