"""An embedded store instead of a server, and what importing the source costs. Both in processes of their own."""

import subprocess
import sys
from pathlib import Path

from diagnostics.lab.engine import Engine

ASK = """
import sys
from msgspec import Struct
from diagnostics.sources.clickhouse import ClickHouse, Limits, Query
from diagnostics.sources.errors import LimitExceeded, Refused
from diagnostics.sources.source import Asker, Recorder

class Count(Struct, frozen=True):
    n: int

def counting(sql, table):
    return Query(name="count", why="", sql=sql, row=Count, tables=(table,), limits=Limits(result_rows=1))

recorder = Recorder()
source = ClickHouse(sys.argv[1], recorder=recorder).bind(Asker("a-check", float("inf"), frozenset(["count"])))
print(type(source.connection()).__name__, source.learned().get("clickhouse_database"))
print(source.rows(counting("SELECT count() AS n FROM events", "events")))
print(recorder.exchanges[-1].cost.clickhouse.read_rows)
try:
    source.rows(counting("SELECT count() AS n FROM kafka_events_json", "kafka_events_json"))
except Refused as error:
    print(error)
try:
    source.rows(counting("SELECT number AS n FROM numbers(2)", "events"))
except LimitExceeded as error:
    print(str(error)[:82])
source.close()
"""


def python(script: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_an_embedded_store_is_asked_like_a_server(tmp_path: Path) -> None:
    with Engine(str(tmp_path)) as engine:
        engine.database("posthog").execute("INSERT INTO events (uuid) SELECT generateUUIDv4() FROM numbers(7)")
    assert python(ASK, f"chdb://{tmp_path}").splitlines() == [
        "Connected posthog",
        "[Count(n=7)]",
        "0",
        "count is not asked: reading kafka_events_json would take messages out of its queue",
        "count would have cost more than diag allows itself (rows or bytes of the answer): ",
    ]


def test_declaring_checks_imports_no_client() -> None:
    heavy = python(
        "import sys, checks.clickhouse.connection, checks.dead_letters.queue, diagnostics.sources.clickhouse\n"
        "print(sorted({'clickhouse_connect', 'urllib3', 'chdb', 'httpx', 'rich', 'ssl'} & set(sys.modules)))"
    )
    assert heavy == "[]\n"
