"""The ClickHouse of the lab, seen from outside: starts its process, makes PostHog databases, tells what was asked."""

import contextlib
import importlib.util
import itertools
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from http.client import HTTPConnection
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import quote, urlencode

import msgspec
from msgspec import structs

from diagnostics.lab.account import OWNER, Account, AskedQuery, Node, Start, Started
from diagnostics.lab.http import HOST
from diagnostics.lab.schema import Era, tables
from diagnostics.lab.server_state import ABSENT
from diagnostics.lab.sql import quoted
from diagnostics.lab.system_tables import Rows, SystemTables


class LabMissing(Exception):
    """The embedded engine is not installed: it comes with the extra `lab`."""


class QueryFailed(Exception):
    """The owner's own SQL failed: a mistake in the lab or in a scenario. The text is the engine's."""


class Engine:
    """A ClickHouse engine in a process of its own, answering over HTTP on the loopback.

    `path` is an empty directory, or one that an engine left; None keeps the data in memory. Raises LabMissing.
    """

    def __init__(self, path: str | None = None) -> None:
        if importlib.util.find_spec("chdb") is None:
            raise LabMissing("the embedded ClickHouse engine is not installed")
        self._password = secrets.token_hex(8)
        self._numbers = itertools.count(1)
        # A group of its own, which the Ctrl-C of a terminal does not reach: the parent decides when the engine ends.
        command = [sys.executable, "-m", "diagnostics.lab.process"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0)  # noqa: S603
        try:
            started = self._started(Start(path=path, password=self._password))
        except BaseException:  # also Ctrl-C: whoever does not get an engine cannot close it
            self.close()
            raise
        self.port = started.port
        self.version = started.version

    def database(self, name: str | None = None, *, era: Era = Era.Y2024) -> "Database":
        """A new database with PostHog's tables and a user of its own. Without a name it gets a unique one."""
        return Database(self, name or f"posthog_{next(self._numbers)}", era)

    def execute(self, sql: str, *, database: str = "default") -> str:
        """Runs one statement as the owner of the engine. Returns tab-separated rows; raises QueryFailed."""
        return self._post(f"/?{urlencode({'database': database})}", sql.encode()).decode()

    def queries(self, user: str | None = None) -> list[AskedQuery]:
        """What was asked, oldest first: by one user, or by everybody but the owner."""
        asked = msgspec.json.decode(self._post("/lab/queries", b""), type=list[AskedQuery])
        return [query for query in asked if query.user == user or (user is None and query.user != OWNER)]

    def set_account(self, account: Account) -> None:
        """Adds a user, or changes one."""
        self._post("/lab/accounts", msgspec.json.encode(account))

    @property
    def pid(self) -> int:
        return self._process.pid

    def close(self) -> None:
        """Ends the process, and with it everything that it held in memory."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _started(self, start: Start) -> Started:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):  # what it ended of is told below
            self._process.stdin.write(msgspec.json.encode(start) + b"\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the embedded ClickHouse engine ended with status {self._process.wait()} before it answered")
        return msgspec.json.decode(line, type=Started)

    def _post(self, target: str, body: bytes) -> bytes:
        connection = HTTPConnection(HOST, self.port)
        try:
            headers = {"X-ClickHouse-User": OWNER, "X-ClickHouse-Key": self._password}
            connection.request("POST", target, body, headers)
            response = connection.getresponse()
            answer = response.read()
            if response.status != 200:
                raise QueryFailed(answer.decode(errors="replace"))
            return answer
        finally:
            connection.close()


class Database:
    """PostHog's database on the engine, and the user with whom diag looks at it.

    The knobs (`readonly`, `deny`, `hide`, `overlay`) concern this user only, so that databases do not disturb each other.
    """

    def __init__(self, engine: Engine, name: str, era: Era) -> None:
        self._engine = engine
        self._system = SystemTables(database=name)
        self._nodes: tuple[Node, ...] = ()
        self.name = name
        self.user = f"diag_{name}"
        self.password = secrets.token_hex(8)
        self._account = Account(user=self.user, password=self.password)
        engine.execute(f"CREATE DATABASE {name}")
        for statement in tables(era):
            self.execute(statement)
        self._apply(self._system)

    @property
    def url(self) -> str:
        """As `clickhouse.url` is configured."""
        return f"http://{self.user}:{quote(self.password)}@{HOST}:{self._engine.port}/{self.name}"

    @property
    def port(self) -> int:
        return self._engine.port

    def execute(self, sql: str) -> str:
        """Runs one statement in this database as the owner of the engine, without any knob."""
        return self._engine.execute(sql, database=self.name)

    def queries(self) -> list[AskedQuery]:
        """What the user of this database asked, oldest first."""
        return self._engine.queries(self.user)

    def readonly(self, mode: Literal[0, 1, 2]) -> None:
        """1: no setting may be changed. 2: settings may be changed, but not `readonly`. Writing is refused by both."""
        self._change(readonly=mode)

    def call_itself(self, version: str) -> None:
        """What `version()` answers; everything else is as the engine does it."""
        self._change(version=version)

    def deny(self, *names: str) -> None:
        """Refuses SELECT from these tables: `events` is this database's, `system.replicas` says so."""
        self._change(denied=(*self._account.denied, *map(self._full_name, names)))

    def hide(self, *names: str) -> None:
        """Leaves these tables out of `system.tables`, `columns` and `databases`, as missing grants do; `*` is the database.

        `system.kafka_consumers` is left out as an older server does that lacks it.
        """
        self._apply(structs.replace(self._system, hidden=(*self._system.hidden, *names)))

    def overlay(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Puts `rows` in place of those of `system.TABLE`. Rows of `tables` and `columns` are added to the real ones.

        Columns that a row does not name have their default; `database` is this one. A row with a `node` is what that node of
        the cluster shows, the others what the node shows that is asked.
        """
        self.overlays({table: rows})

    def overlays(self, tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """The same for several tables at once, which is faster."""
        more = (each for table, rows in tables.items() for each in self._shown(table, rows))
        self._apply(structs.replace(self._system, rows=(*self._system.rows, *more)))

    def _shown(self, table: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[Rows]:
        ours = {"database": self.name} if self._has_database(table) else {}
        by_node: dict[str, list[Mapping[str, Any]]] = {} if rows else {"": []}
        for row in rows:
            of_table = {name: value for name, value in row.items() if name != "node"}
            by_node.setdefault(row.get("node", ""), []).append({**ours, **of_table})
        return (Rows(table=table, rows=tuple(given), node=node) for node, given in by_node.items())

    def cluster(self, *nodes: Node, remote: bool = True) -> None:
        """Makes this the first node of the cluster `posthog`; without `remote` the user may not ask the others."""
        listed = [
            {"cluster": "posthog", "shard_num": node.shard, "replica_num": replica, "host_name": node.host}
            | {"host_address": f"10.0.0.{replica}", "is_local": int(replica == 1), "port": 9000}
            for replica, node in enumerate(nodes, 1)
        ]
        self._nodes = nodes
        self._change(remote=remote)
        self._system = structs.replace(self._system, nodes=nodes[1:])
        self.overlay("clusters", listed)

    def _has_database(self, table: str) -> bool:
        found = "SELECT 1 FROM system.columns WHERE database = 'system' AND name = 'database' AND table = "
        return "database " in ABSENT.get(table, "") or bool(self.execute(found + quoted(table)))

    def _full_name(self, name: str) -> str:
        return name if "." in name else f"{self.name}.{name}"

    def _change(self, **changes: Any) -> None:
        self._account = structs.replace(self._account, **changes)
        self._engine.set_account(self._account)

    def _apply(self, system: SystemTables) -> None:
        self._system = system
        for statement in system.statements():
            self.execute(statement)
        others = (structs.replace(node, overlay=system.stand_ins(node.host)) for node in self._nodes[1:])
        self._change(overlay=system.stand_ins(), nodes=(*self._nodes[:1], *others))
