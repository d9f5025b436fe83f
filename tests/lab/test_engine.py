"""The engine's process: it starts, it keeps data where it is told to, and nothing is left behind however its parent ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from diagnostics.lab.engine import Engine, LabMissing, QueryFailed

PARENT = """
import time
from diagnostics.lab.engine import Engine
engine = Engine()
print(engine.pid, flush=True)
time.sleep(60)
"""


def gone(pid: int, *, within: float) -> bool:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
        except FileNotFoundError:
            return True
        if state == "Z":  # ended, and whoever adopted it has not looked yet
            return True
        time.sleep(0.01)
    return False


@pytest.fixture
def parent() -> "Iterator[subprocess.Popen[str]]":
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_engine_ends_with_its_parent(parent: "subprocess.Popen[str]", number: signal.Signals) -> None:
    assert parent.stdout is not None
    engine = int(parent.stdout.readline())
    assert not gone(engine, within=0.05)
    os.kill(parent.pid, number)
    assert gone(engine, within=30)


def test_ctrl_c_of_the_terminal_leaves_the_end_to_the_parent(parent: "subprocess.Popen[str]") -> None:
    assert parent.stdout is not None
    engine = int(parent.stdout.readline())
    assert os.getpgid(engine) != os.getpgid(parent.pid)


def test_closing_ends_the_process() -> None:
    with Engine() as engine:
        assert engine.execute("SELECT 1") == "1\n"
    assert gone(engine.pid, within=0.05)


def test_nothing_is_left_of_it_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with Engine() as engine:
        assert engine.execute("SELECT 1") == "1\n"
        assert list(tmp_path.iterdir())
    assert list(tmp_path.iterdir()) == []


def test_data_in_a_directory_is_there_again(tmp_path: Path) -> None:
    with Engine(str(tmp_path)) as engine:
        engine.execute("CREATE DATABASE kept")
        engine.execute("CREATE TABLE kept.numbers ENGINE = MergeTree ORDER BY number AS SELECT number FROM numbers(10)")
    with Engine(str(tmp_path)) as engine:
        assert engine.execute("SELECT count() FROM kept.numbers") == "10\n"


def test_a_failing_statement_of_the_owner_says_why(engine: Engine) -> None:
    with pytest.raises(QueryFailed, match="UNKNOWN_TABLE"):
        engine.execute("SELECT * FROM nowhere")


def test_without_the_engine_the_lab_says_that_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "chdb", None)
    with pytest.raises(LabMissing, match="the embedded ClickHouse engine is not installed"):
        Engine()


def test_an_engine_that_cannot_start_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(RuntimeError, match="ended with status 1 before it answered"):
        Engine()
