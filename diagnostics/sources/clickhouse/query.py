"""A question to ClickHouse, declared once beside the check that asks it."""

from typing import Generic, TypeVar

from msgspec import Struct

SOURCE = "clickhouse"
"""The id of the source."""

Row = TypeVar("Row", bound=Struct)


class Limits(Struct, frozen=True, kw_only=True):
    """What one query may cost the server at most; more ends it with LimitExceeded. Sizes are bytes.

    The defaults let a full scan of the narrow columns of a dead-letter table of 10 million rows through, which takes
    0.5 s and 7 MB on two threads, and stop what would be felt.
    """

    seconds: float = 8.0
    memory: int = 100_000_000
    rows_to_read: int = 30_000_000
    result_rows: int = 10_000
    result_bytes: int = 8_000_000
    threads: int = 2


class Query(Struct, Generic[Row], frozen=True, kw_only=True):
    """A SELECT. Its rows come as `row`, a frozen Struct whose fields are the names of the columns.

    `tables` are all that it reads: "events" of PostHog's database, or "system.replicas"; `source` is always ClickHouse.
    Parameters are bound by the server: `{seconds:UInt32}`. Cut long text in the SQL: `excerpt_sql("error", 300)`.
    """

    name: str
    why: str
    sql: str
    row: type[Row]
    tables: tuple[str, ...]
    limits: Limits = Limits()

    @property
    def source(self) -> str:
        return SOURCE

    @property
    def text(self) -> str:
        return self.sql
