import io
import os
import pty
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from diagnostics.cli.progress import Progress
from diagnostics.cli.screen import Color, colored, unicode
from diagnostics.report.formats import render
from diagnostics.report.json import dump
from diagnostics.report.model import Status
from diagnostics.report.options import RenderOptions
from diagnostics.sources.source import Endpoint
from tests.cli.diag import DIAG, clean
from tests.report import reports

READ = Endpoint(name="events.latest", source="clickhouse", path="/", why="when the newest event arrived")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.mark.parametrize(
    ("color", "environment", "terminal", "expected"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {"CI": "true"}, True, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"FORCE_COLOR": "1", "CI": "true"}, False, True),
        ("auto", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_who_decides_on_colour(
    color: Color, environment: dict[str, str], terminal: bool, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert colored(color, Terminal() if terminal else io.StringIO()) is expected


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("utf-8", True),
        ("utf-16", True),
        ("cp1252", False),
        ("cp437", False),
        ("latin-1", False),
        ("ascii", False),
        ("cp932", False),
    ],
)
def test_an_encoding_without_the_signs_gets_ascii(encoding: str, expected: bool) -> None:
    assert unicode(io.TextIOWrapper(io.BytesIO(), encoding=encoding)) is expected


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "latin-1"])
@pytest.mark.parametrize("format", ["terminal", "markdown", "slack", "email", "junit"])
def test_a_console_of_another_encoding_gets_a_report_that_it_can_show(encoding: str, format: str, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_bytes(dump(reports.problem()))
    done = subprocess.run(
        [DIAG, "render", "report.json", "--format", format],
        capture_output=True,
        cwd=tmp_path,
        env={**clean(os.environ), "PYTHONIOENCODING": encoding},
        check=True,
        timeout=60,
    )
    assert done.stdout.isascii()
    assert done.stdout.decode() == render(reports.problem(), format, RenderOptions(unicode=False))


def on_a_terminal(*arguments: str, cwd: Path, environment: dict[str, str]) -> str:
    """What diag writes when all of its streams are a terminal."""
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        [DIAG, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, cwd=cwd, env={**clean(os.environ), **environment}
    )
    os.close(theirs)
    written = b""
    while True:
        try:
            read = os.read(ours, 65_536)
        except OSError:  # Linux says so when the last writer is gone
            break
        if not read:
            break
        written += read
    os.close(ours)
    running.wait(timeout=60)
    return written.decode()


@pytest.fixture
def plugin_server(http_server) -> dict[str, str]:
    http_server.route("/_health", json={"status": "ok", "checks": {"ingestion": "ok"}})
    http_server.route("/_ready", json={"status": "ok", "checks": {"ingestion": "ok"}})
    return {"DIAG_PLUGIN_SERVER_URLS": http_server.url}


def test_on_a_terminal_it_tells_what_it_is_doing_and_takes_that_away(plugin_server: dict[str, str], tmp_path: Path) -> None:
    written = on_a_terminal(
        "run", "--only", "plugin-server-health", cwd=tmp_path, environment=plugin_server | {"TERM": "xterm"}
    )
    assert re.search(r"\r\x1b\[2K█*░* ?0 of 1 checks, \d+ s left, asking plugin server: ", written)
    progress, _, report = written.rpartition("\r\x1b[2K")
    assert "HEALTHY" in report
    assert "HEALTHY" not in progress


@pytest.mark.parametrize("silent", [{"TERM": "dumb"}, {"TERM": "xterm", "CI": "1"}])
def test_where_a_line_cannot_be_taken_away_there_is_none(
    silent: dict[str, str], plugin_server: dict[str, str], tmp_path: Path
) -> None:
    written = on_a_terminal("run", "--only", "plugin-server-health", cwd=tmp_path, environment=plugin_server | silent)
    assert "\x1b" not in written
    assert "s left" not in written
    assert "HEALTHY" in written


def test_quiet_is_quiet_on_stderr_too(plugin_server: dict[str, str], tmp_path: Path) -> None:
    written = on_a_terminal(
        "run", "--quiet", "--only", "plugin-server-health", cwd=tmp_path, environment=plugin_server | {"TERM": "xterm"}
    )
    assert "s left" not in written


@pytest.fixture
def progress(monkeypatch: pytest.MonkeyPatch) -> Iterator[Progress]:
    monkeypatch.setattr("sys.stderr", Terminal())
    made = Progress(time.monotonic() + 60, 12, {"clickhouse": "ClickHouse"}, quiet=False)
    yield made
    made.close()


def test_the_line_says_how_far_how_long_and_who_is_asked_what(progress: Progress) -> None:
    assert re.fullmatch(r"#*\.*|█*░*", progress.line(80).split()[0])
    for status in (Status.OK, Status.FAIL, Status.SKIPPED):
        progress.finished(reports.check("dead-letters", status))
    progress.asking("clickhouse", READ)
    assert re.fullmatch(rf".{{12}} 2 of 12 checks, (60|59) s left, asking ClickHouse: {READ.why}", progress.line(200))
    assert len(progress.line(30)) == 29


def test_the_line_goes_on_counting_while_nothing_is_heard(progress: Progress, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    written: list[str] = []
    monkeypatch.setattr(sys.stderr, "write", written.append)
    until = time.monotonic() + 20
    while len(written) < 3 and time.monotonic() < until:
        time.sleep(0.05)
    assert len(written) >= 3


def test_no_thread_is_left_behind(progress: Progress) -> None:
    progress.close()
    assert not [thread for thread in threading.enumerate() if thread is progress._ticker]
    progress.asking("clickhouse", READ)  # late, from a check that nobody waits for
    assert progress._closed.is_set()
