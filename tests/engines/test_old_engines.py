"""Every question of diag, asked of the engines of ClickHouse 22.12, 23.6, 24.8 and 25.8: each runs, and the guard lets it pass.

The engines are embedded ones of those versions, fetched once into a cache (about 500 MB each). Being embedded they lack tables
that a server has; those are made with the columns of the oldest and of the newest server that diag knows.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from diagnostics.engine import registry
from diagnostics.lab.schema import Era, tables
from diagnostics.sources.clickhouse import ClickHouse, Inventory, Query
from diagnostics.sources.clickhouse.guard import allowed
from diagnostics.sources.clickhouse.inventory import INVENTORY, Listed, found_in
from diagnostics.sources.clickhouse.part import Part
from diagnostics.sources.clickhouse.probes import EVENTS_EXIST, HANDSHAKE, TABLE_EXISTS

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "posthog-diag"
ENGINES = {"22.12": "0.2.2", "23.6": "0.11.5", "24.8": "2.1.1", "25.8": "3.7.2"}
WORKER = Path(__file__).with_name("ask_old_engine.py")

REGISTRY = registry.load()
DECLARED = {read.name: read for check in REGISTRY.checks for read in (*check.reads, *ClickHouse.probes)}
ASKED = [query for query in DECLARED.values() if isinstance(query, Query)]
# Not a SELECT, or more than one statement.
OF_THE_PROBE = (HANDSHAKE, EVENTS_EXIST, TABLE_EXISTS)

TRIES = 8
"""The engine of 22.12 is an early one, and now and then ends with SIGABRT whatever it is asked."""

DONE = "all of it"
LAST = f"SELECT '{DONE}' AS answered"
UUID = "61f0c404-5cb3-11e7-907b-a6006ad3dba0"

# Columns of tables that embedded engines lack; after the bar those that only newer servers have.
SERVER_ONLY = {
    "replicas": "database String, table String, is_readonly UInt8, is_session_expired UInt8, absolute_delay UInt64, "
    "queue_size UInt32, zookeeper_exception String | readonly_start_time Nullable(DateTime)",
    "parts": "database String, table String, partition_id String, active UInt8, bytes_on_disk UInt64",
    "kafka_consumers": "database String, table String, `assignments.topic` Array(String), `exceptions.time` Array(DateTime), "
    "`exceptions.text` Array(String), last_poll_time DateTime, num_messages_read UInt64, last_commit_time DateTime "
    "| is_currently_used UInt8",
    "disks": "name String, free_space UInt64, total_space UInt64, keep_free_space UInt64, type String "
    "| unreserved_space UInt64, is_broken UInt8",
    "metrics": "metric String, value Int64",
    "mutations": "database String, table String, mutation_id String, create_time DateTime, parts_to_do Int64, is_done UInt8, "
    "latest_fail_time DateTime, latest_fail_reason String",
    "distribution_queue": "database String, table String, is_blocked UInt8, error_count UInt64, data_files UInt64, "
    "data_compressed_bytes UInt64, last_exception String | broken_data_files UInt64, last_exception_time DateTime",
    "clusters": "cluster String, shard_num UInt32, replica_num UInt32, host_name String, host_address String, is_local UInt8, "
    "errors_count UInt32",
    "server_settings": "name String, value String",
    "detached_tables": "database String, table String",
    "query_log": "event_date Date, event_time DateTime, type Enum8('QueryStart' = 1, 'ExceptionWhileProcessing' = 4), "
    "query_kind LowCardinality(String), exception_code Int32, exception String",
    "query_views_log": "event_date Date, event_time DateTime, view_name String, view_target String, "
    "status Enum8('QueryStart' = 1, 'QueryFinish' = 2, 'ExceptionWhileProcessing' = 4), exception_code Int32, exception String",
    "part_log": "event_date Date, event_time DateTime, event_type Enum8('NewPart' = 1, 'MergeParts' = 2, 'DownloadPart' = 3), "
    "disk_name String, size_in_bytes UInt64",
}


class Old:
    """An old engine. `newest` gives it also the columns of newer servers."""

    def __init__(self, place: Path, *, newest: bool) -> None:
        self._place = place
        present = {row["name"] for row in self.rows("SELECT name FROM system.tables WHERE database = 'system'")}
        made = {name: columns for name, columns in SERVER_ONLY.items() if name not in present}
        self._setup = ["CREATE DATABASE IF NOT EXISTS posthog ENGINE = Memory", "USE posthog"]
        self._setup += [
            f"CREATE TABLE IF NOT EXISTS system.{name} ({_columns(columns, newest)}) ENGINE = Memory"
            for name, columns in made.items()
        ]
        # Only the columns matter: without a disk an embedded engine of that age has no MergeTree.
        created = [sql for sql in tables(Era.Y2026) if sql.strip().startswith("CREATE TABLE")]
        created = [sql.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS") for sql in created]  # some engines keep them
        self._setup += [re.sub(r"\bENGINE = .*", "ENGINE = Memory", sql, flags=re.DOTALL) for sql in created]
        self.inventory = self._inventory()

    def errors(self, statements: dict[str, str]) -> dict[str, str]:
        """What went wrong with which of them. All go in one text, whose last statement is answered when all before it were:
        the oldest engine does not survive many calls. Only where that fails is each asked by itself."""
        ((text, _),) = self._ask([";\n".join([*map(bound, statements.values()), LAST])])
        if DONE in text:
            return {}
        answers = [self._ask([f"{bound(sql)};\n{LAST}"])[0] for sql in statements.values()]
        failed = {name: error for name, (text, error) in zip(statements, answers, strict=True) if DONE not in text}
        return failed or {"all together": "the engine did not answer"}

    def rows(self, sql: str) -> list[dict[str, object]]:
        ((text, error),) = self._ask([sql])
        assert not error, error
        return [json.loads(line) for line in text.splitlines()]

    def _inventory(self) -> Inventory:
        rows = self.rows(bound(INVENTORY.sql))
        return found_in(msgspec.convert(rows, list[Listed], strict=False), "posthog")

    def _ask(self, statements: list[str]) -> list[list[str]]:
        setup = ";\n".join([*getattr(self, "_setup", []), ""])
        question = json.dumps([setup + sql for sql in statements])
        for _ in range(TRIES):
            command = [sys.executable, WORKER, self._place]
            done = subprocess.run(command, input=question, capture_output=True, text=True, check=False)
            if done.returncode >= 0:
                break
        assert done.returncode == 0, done.stderr
        answers: list[list[str]] = json.loads(done.stdout)
        return answers


def _columns(declared: str, newest: bool) -> str:
    return declared.replace("|", ",") if newest else declared.partition("|")[0]


def bound(sql: str) -> str:
    """Old embedded engines take no parameters: values in their place."""
    return re.sub(r"\{(\w+):(\w+)\}", lambda found: f"CAST('{_value(found[1], found[2])}', '{found[2]}')", sql)


def _value(name: str, kind: str) -> str:
    return UUID if name == "uuid" else "posthog" if kind == "String" else "7"


def fetched(version: str) -> Path:
    """The directory of the engine. Skips where it cannot be had, but in CI that is a failure."""
    place = CACHE / f"chdb-{version}"
    if not (place / "chdb").is_dir():
        unpacking = CACHE / f"chdb-{version}.{os.getpid()}"
        command = ["uv", "pip", "install", "--quiet", "--no-deps", "--python", sys.executable, "--target", unpacking]
        done = subprocess.run([Path(sys.executable).with_name("uv"), *command[1:], f"chdb=={version}"], check=False)
        if done.returncode and not os.environ.get("CI"):
            pytest.skip(f"the engine chdb {version} cannot be fetched")
        assert done.returncode == 0
        unpacking.rename(place)
    return place


@pytest.fixture(scope="module", params=ENGINES, ids=lambda clickhouse: f"ClickHouse {clickhouse}")
def place(request: pytest.FixtureRequest) -> Path:
    return fetched(ENGINES[request.param])


@pytest.fixture(scope="module", params=[False, True], ids=["oldest columns", "newest columns"])
def old(request: pytest.FixtureRequest, place: Path) -> Old:
    return Old(place, newest=request.param)


def test_every_question_runs(old: Old) -> None:
    plain = {query.name: query.sql for query in ASKED if query not in OF_THE_PROBE and not isinstance(query, Part)}
    assert len(plain) >= 10
    assert old.errors(plain) == {}


def test_every_part_runs_with_the_columns_that_there_are(old: Old) -> None:
    parts = {part.name: part.member(old.inventory) for part in ASKED if isinstance(part, Part) and part.shown_by(old.inventory)}
    assert len(parts) >= 15
    assert old.errors(parts) == {}
    assert old.errors({"all together": "\nUNION ALL\n".join(parts.values())}) == {}


def test_every_part_can_be_asked_by_hand_where_all_its_columns_are(old: Old) -> None:
    complete = {
        part.name: part.sql
        for part in ASKED
        if isinstance(part, Part)
        and set(part.optional.values()) <= {c for table in part.tables for c in old.inventory.columns(table)}
    }
    assert len(complete) >= 12
    assert old.errors(complete) == {}


def test_the_guard_lets_every_question_pass(old: Old) -> None:
    for query in ASKED:
        if query not in (*OF_THE_PROBE, INVENTORY):
            allowed(query, old.inventory)
