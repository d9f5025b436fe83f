"""A connection to ClickHouse through clickhouse-connect: opened once, then every question under its own limits."""

import logging
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import clickhouse_connect
from clickhouse_connect import common
from clickhouse_connect.driver.exceptions import ClickHouseError
from clickhouse_connect.driver.httpclient import HttpClient
from msgspec import Struct

from diagnostics.report.model import ClickHouseCost
from diagnostics.sources.clickhouse.address import Address
from diagnostics.sources.clickhouse.failures import exception_code
from diagnostics.sources.clickhouse.query import Limits
from diagnostics.sources.clickhouse.transport import Beside, Budget, pool
from diagnostics.version import __version__

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client
    from clickhouse_connect.driver.query import QueryContext, QueryResult

HANDSHAKE_BYTES = 4_000_000
"""The client's first questions are answered by at most 200 KB (all settings); a web page that goes on is no ClickHouse."""

SETTINGS = "SELECT name, value, readonly FROM system.settings LIMIT 10000"
"""As the client asks for them."""

# The server does not know the setting, does not let this user change it, or not that far.
SETTING_REFUSED = {115, 164, 452}


class Answer(Struct, frozen=True, kw_only=True):
    """Rows by column name, times in UTC, and what the server says it cost (nothing for an embedded store: it cannot tell)."""

    rows: list[dict[str, Any]]
    cost: ClickHouseCost


class Session:
    """Safe to be used by several threads at once. `version` is as the server writes it: "24.8.7.41"."""

    def __init__(self, client: "Client", *, embedded: bool) -> None:
        self._client = client
        self._embedded = embedded
        self._refused: set[str] = set()
        self.version = str(client.server_version)

    @property
    def unlimited(self) -> bool:
        """Whether the server lets this user set no limits at all (`readonly = 1` in its profile)."""
        return not self._may_change("max_execution_time")

    def use(self, database: str) -> None:
        """From now on table names are those of `database`."""
        self._client.database = database or None

    def ask(self, sql: str, params: Mapping[str, Any], limits: Limits, *, budget: Budget, comment: str) -> Answer:
        """Asks under `limits` and no longer than the `budget`; the client's errors pass."""
        while True:
            settings = self._settings(limits, budget.left, comment)
            try:
                result = self._client.query(sql, parameters=dict(params), settings=settings)
                rows = [{name: _utc(value) for name, value in row.items()} for row in result.named_results()]
                return Answer(rows=rows, cost=self._cost(result.summary))
            except ClickHouseError as error:
                # What a profile allows is only known once it refuses: constraints are not listed. Do without that one limit.
                refused = _refused_setting(error, settings)
                if refused is None:
                    raise
                self._refused.add(refused)

    def close(self) -> None:
        self._client.close()
        self._client.close_connections()  # the pool is ours, which `close` leaves open

    def _settings(self, limits: Limits, seconds: float, comment: str) -> dict[str, Any]:
        wanted = {
            "readonly": 2,
            "max_execution_time": max(1, math.ceil(min(limits.seconds, seconds))),
            "timeout_overflow_mode": "throw",
            "max_memory_usage": limits.memory,
            "max_rows_to_read": limits.rows_to_read,
            "read_overflow_mode": "throw",
            "max_result_rows": limits.result_rows,
            "max_result_bytes": limits.result_bytes,
            "result_overflow_mode": "throw",
            "max_threads": limits.threads,
            "priority": 100,  # everything that has a priority goes first
            "stream_like_engine_allow_direct_select": 0,
            "log_comment": comment,
        }
        if self._client.server_settings["readonly"].value != "0":
            del wanted["readonly"]  # it is read-only already, and may not be changed then
        return {name: value for name, value in wanted.items() if self._may_change(name)}

    def _may_change(self, name: str) -> bool:
        setting = self._client.server_settings.get(name)
        return setting is not None and not setting.readonly and name not in self._refused

    def _cost(self, summary: Mapping[str, Any]) -> ClickHouseCost:
        if self._embedded:  # it counts the rows of the result as read
            return ClickHouseCost(queries=1)
        counted = {name: int(summary.get(name) or 0) for name in ("read_rows", "read_bytes", "elapsed_ns")}
        return ClickHouseCost(
            queries=1,
            read_rows=counted["read_rows"],
            read_bytes=counted["read_bytes"],
            elapsed_s=counted["elapsed_ns"] / 1e9,
        )


def opened(address: Address, *, ca: str | None, verify: bool, budget: Budget) -> Session:
    """Connects without naming a database, so that a missing one can be told from the rest; the client's errors pass.

    Takes two requests, made at the same time: the version, and all settings with whether this user may change them.
    """
    logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL + 1)  # its warnings would land on stderr
    common.set_setting("send_os_user", False)
    common.set_setting("product_name", f"posthog-diag/{__version__}")
    common.set_setting("use_protocol_version", False)  # saves a request; times come as seconds since 1970 either way
    if address.scheme == "chdb":
        path = ":memory:" if address.path == "memory" else address.path
        embedded = clickhouse_connect.get_client(interface="chdb", path=path, tz_mode="aware", show_clickhouse_errors="scrub")
        return Session(embedded, embedded=True)
    client = _Client(
        interface=address.scheme,
        host=address.host,
        port=address.port,
        username=address.user,
        password=address.password,
        database=None,
        pool_mgr=pool(address, ca=ca, verify=verify),
        compress=False,  # answers are small, and what is not compressed cannot grow beyond the budget
        query_retries=0,
        send_receive_timeout=math.ceil(budget.seconds),
        autogenerate_session_id=False,  # a session answers one question at a time
        autogenerate_query_id=False,
        tz_mode="aware",
        show_clickhouse_errors="scrub",
    )
    return Session(client, embedded=False)


class _Client(HttpClient):
    """Asks what it must know of a server at once instead of one thing after the other: on a slow line that is a third of
    a run. Where a later release of the library asks differently, it is as slow as before and no less right."""

    _settings: "Beside[QueryResult] | None" = None

    def command(self, *arguments: Any, **options: Any) -> Any:
        if self._settings is None:  # the version is the first thing that a client asks for
            self._settings = Beside(partial(super()._query_with_context, self.create_query_context(query=SETTINGS)))
        return super().command(*arguments, **options)

    def _query_with_context(self, context: "QueryContext") -> "QueryResult":
        if context.query == SETTINGS and self._settings:
            return self._settings.result()
        return super()._query_with_context(context)


def _utc(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def _refused_setting(error: ClickHouseError, settings: Mapping[str, Any]) -> str | None:
    if exception_code(error) not in SETTING_REFUSED:
        return None
    # The first that is named: "Cannot modify 'priority' setting in readonly mode" names two.
    named = re.search(r"\b(" + "|".join(settings) + r")\b", str(error)) if settings else None
    return named[1] if named else None
