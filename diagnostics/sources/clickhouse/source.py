"""ClickHouse as a source: one connection, a few questions at a time, each read-only, limited, recorded and asked once."""

import math
import re
import threading
import time
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import msgspec

from diagnostics.report.model import ClickHouseCost
from diagnostics.sources.clickhouse.address import parse
from diagnostics.sources.clickhouse.asking import Asking
from diagnostics.sources.clickhouse.guard import allowed
from diagnostics.sources.clickhouse.inventory import INVENTORY, Inventory, found_in
from diagnostics.sources.clickhouse.nodes import CLUSTERS, PRESENT, Nodes
from diagnostics.sources.clickhouse.part import Cells, Part
from diagnostics.sources.clickhouse.probes import DATABASES, EVENTS_EXIST, HANDSHAKE, TABLE_EXISTS
from diagnostics.sources.clickhouse.query import SOURCE, Limits, Query, Row
from diagnostics.sources.clickhouse.sheet import Sheet
from diagnostics.sources.errors import BadAnswer, Denied, SourceError, TimedOut, Unavailable
from diagnostics.sources.source import FAIR_WAIT, Asker, Connected, Connection, Memo, NotConnected, Note, Read, Recorder, Source
from diagnostics.version import __version__

if TYPE_CHECKING:
    from diagnostics.sources.clickhouse.session import Session

AT_ONCE = 5
"""Queries at the same time: diag must not add to the load of a database that is in trouble."""

HANDSHAKE_S = 6.0
"""Seconds for the first two requests together. A server that needs longer for them can answer nothing else in time."""

GRACE_S = 1.0
"""Seconds beyond the server's own limit before diag hangs up, so that the server's reason can still arrive."""


class ClickHouse(Source):
    """PostHog's ClickHouse over HTTP(S), or an embedded store (`chdb:///path`).

    `ca` is the path of a PEM file, `verify` False trusts any certificate, `cluster` is for questions that must reach every
    node, `report` the id of the report, by which the queries can be found in `system.query_log`. Raises InvalidAddress.
    """

    id: ClassVar[str] = SOURCE
    label: ClassVar[str] = "ClickHouse"
    probes: ClassVar[tuple[Read, ...]] = (HANDSHAKE, INVENTORY, EVENTS_EXIST, TABLE_EXISTS, DATABASES, CLUSTERS, PRESENT)

    def __init__(
        self,
        url: str,
        *,
        recorder: Recorder,
        cluster: str | None = None,
        ca: str | None = None,
        verify: bool = True,
        report: str = "",
    ) -> None:
        self.asker = Asker("", math.inf, frozenset())
        self._address = parse(url)
        self._recorder = recorder
        self._ca = ca
        self._verify = verify
        self._report = report
        self._memo = Memo()
        self._sheet = Sheet(cluster)
        self._learned: dict[str, str] = {}
        self._opened: list[Session] = []
        self._gate = threading.BoundedSemaphore(1 if self._address.scheme == "chdb" else AT_ONCE)

    def rows(self, query: Query[Row], *, attempt: int = 1, **params: Any) -> list[Row]:
        """The rows of `query`, whose `{name:Type}` are `params`. Asked once a run, whoever asks (`attempt` 2 asks the
        same thing again); those of a `Part` are of every node that answered.

        Raises Refused for what diag does not ask, Denied, LimitExceeded, TimedOut, BadAnswer and Unavailable.
        """
        self.asker.may(query)
        self.connected()
        allowed(query, self.inventory())
        if isinstance(query, Part):
            return self._sheet.rows(query, self.inventory(), self)
        return self._memo.get((query.name, query.sql, _key(params), attempt), lambda: self._ask(query, params))

    def inventory(self) -> Inventory:
        """Which tables and columns there are, of PostHog's database and of `system`. Raises what `rows` raises."""
        database = self._address.database
        return self._memo.get("inventory", lambda: found_in(self._ask(INVENTORY, {"database": database or ""}), database))

    def has(self, part: Part[Any]) -> bool:
        """Whether this server has, and shows to this user, the tables that `part` reads: not all of them are everywhere."""
        self.connected()
        return part.shown_by(self.inventory())

    def exists(self, table: str) -> bool:
        """Whether PostHog's database has a table of that name, which `inventory` may leave out: it lists what this user sees.

        Raises Denied where the user may not know, and what else `rows` raises.
        """
        self.connected()
        quoted = "`" + table.replace("\\", "\\\\").replace("`", "\\`") + "`"
        query = msgspec.structs.replace(TABLE_EXISTS, sql=f"EXISTS TABLE {quoted}", tables=(table,))
        return self._memo.get(query.sql, lambda: self._ask(query, {}))[0].result

    def nodes(self) -> Nodes:
        """The nodes whose answers the rows of a `Part` are. Raises what `rows` raises."""
        self.connected()
        return self._sheet.nodes(self.inventory(), self)

    def version(self) -> tuple[int, ...]:
        """`(24, 8, 7, 41)`. Raises Unavailable."""
        self.connected()
        return version_of(self._learned["clickhouse_version"])

    @property
    def user(self) -> str:
        """The ClickHouse user that asks, as grants are given to it."""
        return self._address.user

    def bind(self, asker: Asker) -> Self:
        """Also notes which parts the check will want, so that whoever asks first asks for all."""
        self._sheet.expect(asker.reads)
        return super().bind(asker)

    def together(self, query: Query[Cells]) -> list[Cells]:
        """For the sheet: asks for parts, each of which may be asked."""
        return self._ask(query, {"database": self.inventory().database})

    def answered(self, part: Part[Any], rows: list[dict[str, Any]]) -> None:
        """For the sheet: a bundle keeps the answer of each part, which another version of diag may ask for in other company."""
        Asking(self._recorder, part, self.asker.check, {}, announced=True).answered(rows, ClickHouseCost())

    def may_set(self) -> bool:
        """For the sheet: whether settings may be sent along with a question."""
        return not self._session.unlimited

    def connection(self) -> Connection:
        return self._memo.get("connection", self._connect)

    def learned(self) -> dict[str, str]:
        return dict(self._learned)

    def address(self) -> str:
        return str(self._address)

    def close(self) -> None:
        """Closes what is open; asking again is a mistake."""
        while self._opened:
            self._opened.pop().close()

    def _connect(self) -> Connection:
        started = time.monotonic()
        session = self._memo.get("session", self._open)
        if isinstance(session, NotConnected):
            return session
        self._learned["clickhouse_version"] = session.version
        notes: list[Note] = []
        if session.unlimited:
            text = f"ClickHouse lets the user {self.user} set no limits: diag's questions run without limits on time and memory"
            notes.append(Note("clickhouse.permission-denied", text))
        try:
            found = self.inventory()
            session.use(found.database)
            missing = None if found.holds_posthog else self._missing(session, found)
        except (TimedOut, Unavailable) as error:
            return NotConnected(code=error.code or "clickhouse.unreachable", message=str(error), hint=error.hint)
        except SourceError:
            return Connected(seconds=time.monotonic() - started, notes=tuple(notes))  # whoever needs it is told why
        if missing:
            return missing
        self._learned["clickhouse_database"] = found.database
        if found.database == found.elsewhere:
            text = f"clickhouse.url names no database: PostHog's tables were found in {found.database}"
            notes.append(Note("clickhouse.database-missing", text))
        return Connected(seconds=time.monotonic() - started, notes=tuple(notes))

    def _missing(self, session: "Session", found: Inventory) -> NotConnected | None:
        """None where the database may hold everything and this user just does not see it."""
        from diagnostics.sources.clickhouse.unconnected import no_such_database

        exists = True
        if found.sees_nothing:
            try:
                if self._ask(EVENTS_EXIST, {})[0].result:
                    return None
            except Denied:
                return None
            except Unavailable as error:
                if error.code != "clickhouse.database-missing":
                    raise
                exists = False
        session.use("")  # a database that is not there would fail any question
        visible = [row.name for row in self._ask(DATABASES, {})]
        return no_such_database(found.database, exists=exists, visible=visible, elsewhere=found.elsewhere)

    @property
    def _session(self) -> "Session":
        session = self._memo.get("session", self._open)
        if isinstance(session, NotConnected):
            raise Unavailable(session.message, hint=session.hint, code=session.code)
        return session

    def _open(self) -> "Session | NotConnected":
        if self._address.scheme == "chdb" and self._address.path != "memory" and not Path(self._address.path).is_dir():
            message = f"The embedded store {self._address.path} does not exist"
            return NotConnected(code="clickhouse.unreachable", message=message, hint="write the path of its directory")
        from diagnostics.sources.clickhouse.session import HANDSHAKE_BYTES, opened
        from diagnostics.sources.clickhouse.transport import within
        from diagnostics.sources.clickhouse.unconnected import not_connected

        seconds = min(self.asker.time_left, HANDSHAKE_S)
        if seconds < FAIR_WAIT:
            raise TimedOut("There was no time left to ask ClickHouse", hint="give it more time with --deadline")
        exchange = Asking(self._recorder, HANDSHAKE, self.asker.check, {})
        with within(seconds, HANDSHAKE_BYTES) as budget:
            try:
                session = opened(self._address, ca=self._ca, verify=self._verify, budget=budget)
            except Exception as error:  # noqa: BLE001 - raised again where it is not the other side's fault
                failure = not_connected(error, self._address, budget)
                exchange.failed(failure.message)
                return failure
        self._opened.append(session)
        exchange.answered([{"version": session.version, "unlimited": session.unlimited}], ClickHouseCost(queries=2))
        return session

    def _ask(self, query: Query[Row], params: Mapping[str, Any]) -> list[Row]:
        session = self._session
        if not self._gate.acquire(timeout=min(self.asker.time_left, 60.0)):
            waited = f"ClickHouse was not asked {query.name}: it was still busy with other questions of diag"
            raise TimedOut(waited, hint="give it more time with --deadline")
        try:
            exchange = Asking(self._recorder, query, self.asker.check, params)
            plain, cost = self._exchange(session, query, params, exchange)
        finally:
            self._gate.release()
        exchange.answered(plain, cost)
        try:
            return msgspec.convert(plain, list[query.row], strict=False)  # type: ignore[name-defined]
        except msgspec.ValidationError as error:
            raise BadAnswer(f"ClickHouse answered {query.name} with other columns than it was asked for: {error}") from None

    def _exchange(
        self, session: "Session", query: Query[Row], params: Mapping[str, Any], exchange: Asking
    ) -> tuple[list[dict[str, Any]], ClickHouseCost]:
        from diagnostics.sources.clickhouse.failures import failed
        from diagnostics.sources.clickhouse.transport import within

        limits: Limits = query.limits
        with within(min(self.asker.time_left, limits.seconds + GRACE_S), 2 * limits.result_bytes) as budget:
            try:
                answer = session.ask(query.sql, params, limits, budget=budget, comment=self._comment(query))
                return _plain(answer.rows), answer.cost
            except Exception as error:
                translated = failed(error, name=query.name, address=self._address, budget=budget)
                exchange.failed(str(translated))
                raise translated from error

    def _comment(self, query: Query[Row]) -> str:
        report = f" report {self._report}" if self._report else ""
        return f"posthog-diag {__version__}{report} check {self.asker.check or '-'} query {query.name}"


def version_of(text: str) -> tuple[int, ...]:
    """`(22, 8, 15, 25)` of "22.8.15.25.altinitystable"."""
    leading = re.match(r"\d+(\.\d+)*", text)
    return tuple(int(part) for part in leading[0].split(".")) if leading else ()


def _plain(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows as they are recorded, and as a bundle would give them back."""
    plain: list[dict[str, Any]] = msgspec.to_builtins(rows, enc_hook=str)
    return plain


def _key(params: Mapping[str, Any]) -> Hashable:
    return tuple(sorted((name, str(value)) for name, value in params.items()))
