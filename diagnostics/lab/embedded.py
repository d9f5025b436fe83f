"""The real ClickHouse engine, embedded (chDB). One engine a process; every question gets a connection of its own.

A connection takes about a millisecond and carries its own database, settings and read-only mode, so nothing has to be put back
afterwards and questions do not wait for each other.
"""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import chdb
from chdb._exceptions import ChdbError  # what a connection raises; `chdb.ChdbError` is another class of that name
from msgspec import Struct

from diagnostics.lab.account import Account
from diagnostics.lab.cluster import NodeDown, NotReachable, as_seen_by
from diagnostics.lab.sql import quoted, quoted_name

FAILURE = re.compile(r"Code: (\d+)\. DB::Exception: (.*?)(?: \(([A-Z_0-9]+)\))?\s*$", re.DOTALL)
SELECTING = re.compile(r"(?:\s|\(|--[^\n]*\n|/\*.*?\*/)*(?:SELECT|WITH)\b", re.IGNORECASE | re.DOTALL)
TREE_TABLE = re.compile(r"^\s*TABLE id: (\d+),.* table_name: (\S+?)(?:,|$)", re.MULTILINE)
TREE_COLUMN = re.compile(r"^\s*COLUMN id: \d+, column_name: (\S+),.* source_id: (\d+)$", re.MULTILINE)


class EngineError(Exception):
    """What the engine refused, as a server words it."""

    def __init__(self, code: int, name: str, text: str) -> None:
        super().__init__(f"Code: {code}. {text} ({name})")
        self.code = code
        self.name = name
        self.text = text


class Question(Struct, frozen=True, kw_only=True):
    """A query with all that it arrived with, and the rules of the account that sent it."""

    sql: str
    database: str
    format: str
    params: dict[str, str]
    settings: dict[str, str]
    readonly: int
    account: Account


class Cost(Struct, frozen=True, kw_only=True):
    """The counters of `X-ClickHouse-Summary`."""

    read_rows: int
    read_bytes: int
    written_rows: int
    written_bytes: int
    total_rows_to_read: int
    result_rows: int
    result_bytes: int
    elapsed_ns: int


class Answer(Struct, frozen=True, kw_only=True):
    """The bytes in the format asked for, and what they cost."""

    body: bytes
    cost: Cost


class Embedded:
    """The engine of this process. `path` None keeps the data in memory."""

    def __init__(self, path: str | None) -> None:
        self._where = path or ":memory:"
        # Held open: the engine ends with its last connection, and the data with it.
        self._held = self._connect()
        self.version, self.timezone = str(self._held.query("SELECT version(), timezone()", "TSV")).strip().split("\t")

    def _connect(self) -> Any:
        connect: Callable[[str], Any] = chdb.connect
        return connect(self._where)

    def ask(self, question: Question) -> Answer:
        """Raises EngineError with the engine's own code and text."""
        connection = self._connect()
        try:
            _run(connection, f"USE {quoted_name(question.database)}")
            if question.readonly:
                _run(connection, f"SET readonly = {question.readonly}")
            if question.settings:
                changes = ", ".join(f"{quoted_name(name)} = {quoted(value)}" for name, value in question.settings.items())
                _run(connection, f"SET {changes}")
            sql = _seen(question)
            _refuse_denied(connection, sql, question)
            started = time.perf_counter_ns()
            result = _run(connection, sql, question.format, question.params)
            return Answer(body=result.bytes() or b"", cost=_cost(result, time.perf_counter_ns() - started))
        finally:
            connection.close()


def _run(connection: Any, sql: str, format: str = "TabSeparated", params: dict[str, str] | None = None) -> Any:
    try:
        return connection.query(sql, format, params=params or {})
    except ChdbError as error:
        found = FAILURE.search(str(error))
        if found is None:
            raise
        raise EngineError(int(found[1]), found[3] or "UNKNOWN_EXCEPTION", found[2]) from None


def _seen(question: Question) -> str:
    try:
        return as_seen_by(question.sql, question.account)
    except NotReachable:
        needed = "To execute this query, it's necessary to have the grant REMOTE ON *.*."
        raise EngineError(497, "ACCESS_DENIED", f"{question.account.user}: Not enough privileges. {needed}") from None
    except NodeDown:
        raise EngineError(279, "ALL_CONNECTION_TRIES_FAILED", "All connection tries failed. Log: \n\n") from None


def _refuse_denied(connection: Any, sql: str, question: Question) -> None:
    """The engine's own analysis tells which columns of which tables would be read, and the text is a server's."""
    if not question.account.denied or not SELECTING.match(sql):
        return
    without_format = re.sub(r"\bFORMAT\s+\w+\s*;?\s*$", "", sql, flags=re.IGNORECASE)
    tree = str(_run(connection, f"EXPLAIN QUERY TREE {without_format}", "TSVRaw", question.params))
    stands_in = {stand_in: f"system.{table}" for table, stand_in in question.account.overlay.items()}
    for table, columns in _tables_read(tree):
        name = stands_in.get(table, table)
        if name in question.account.denied:
            what = f"SELECT({', '.join(columns)})" if columns else "SELECT for at least one column"
            needed = f"To execute this query, it's necessary to have the grant {what} ON {name}."
            raise EngineError(497, "ACCESS_DENIED", f"{question.account.user}: Not enough privileges. {needed}")


def _tables_read(tree: str) -> Iterator[tuple[str, list[str]]]:
    for id, table in TREE_TABLE.findall(tree):
        yield table, sorted({column for column, source in TREE_COLUMN.findall(tree) if source == id})


def _cost(result: Any, elapsed_ns: int) -> Cost:
    return Cost(
        read_rows=result.storage_rows_read(),
        read_bytes=result.storage_bytes_read(),
        written_rows=result.rows_written(),
        written_bytes=result.bytes_written(),
        total_rows_to_read=result.storage_rows_read(),
        result_rows=result.rows_read(),
        result_bytes=result.size(),
        elapsed_ns=elapsed_ns,
    )
