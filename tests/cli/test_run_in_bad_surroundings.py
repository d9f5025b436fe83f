"""`diag run` where the surroundings misbehave: streams that are closed or full, signals at a bad time, checks by strangers."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.diag import DIAG, clean, diag
from tests.cli.third_party import check_module, distribution


@pytest.fixture
def plugin_server(http_server) -> dict[str, str]:
    http_server.route("/_health", json={"status": "ok", "checks": {"ingestion": "ok"}})
    http_server.route("/_ready", json={"status": "ok", "checks": {"ingestion": "ok"}})
    return {"DIAG_PLUGIN_SERVER_URLS": http_server.url}


def started(environment: dict[str, str], cwd: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [DIAG, "run", "--format", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env={**clean(os.environ), **environment},
    )


def until(file: Path, running: "subprocess.Popen[str]") -> None:
    while not file.exists():
        assert running.poll() is None
        time.sleep(0.02)


def in_shell(command: str, environment: dict[str, str], cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["/bin/sh", "-c", command.replace("diag", str(DIAG))],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**clean(os.environ), **environment},
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("redirection", [">&-", ">&- 2>&-"])
def test_the_exit_code_is_right_though_nobody_listens(redirection: str, plugin_server, tmp_path: Path) -> None:
    done = in_shell(f"diag run --only plugin-server-health {redirection}", plugin_server, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("> /dev/full", "diag: stdout could not be written (No space left on device); here is the report instead:"),
        ("--format markdown -o /dev/full 1>&2", "diag: /dev/full could not be written (No space left on device); here is the "),
    ],
)
def test_a_report_that_finds_no_room_is_shown_and_is_no_success(where: str, told: str, plugin_server, tmp_path: Path) -> None:
    done = in_shell(f"diag run --only plugin-server-health {where}", plugin_server, tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(told)
    assert "###" in done.stderr


@pytest.mark.parametrize("command", ["--help", "schema", "explain kafka.lag", "checks", "demo --list"])
def test_no_room_on_stdout_is_no_bug(command: str, tmp_path: Path) -> None:
    done = in_shell(f"diag {command} > /dev/full", {}, tmp_path)
    assert (done.returncode, done.stderr) == (2, "diag: stdout could not be written (No space left on device)\n")


def test_the_report_comes_though_stderr_is_closed(plugin_server, tmp_path: Path) -> None:
    assert in_shell("diag run 2>&-", plugin_server, tmp_path).stdout.startswith("### ")


def test_a_reader_that_has_seen_enough_changes_no_exit_code(plugin_server, tmp_path: Path) -> None:
    command = "{ diag run --only plugin-server-health --format json; echo code $? >&2; } | true"
    assert in_shell(command, plugin_server, tmp_path).stderr == "code 0\n"


def test_a_directory_that_is_gone_is_named_as_the_problem(plugin_server, tmp_path: Path) -> None:
    done = in_shell("mkdir gone; cd gone; rmdir ../gone; diag run", plugin_server, tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "the directory you are in does not exist any more" in done.stderr


def test_who_was_not_asked_for_lack_of_time_is_not_called_broken(plugin_server, tmp_path: Path) -> None:
    done = diag("run", "--deadline", "1ms", "--format", "json", cwd=tmp_path, environment=plugin_server)
    report = json.loads(done.stdout)
    assert (done.returncode, report["verdict"]["status"], report["cut_short"]) == (3, "inconclusive", "deadline")
    assert "within -0" not in done.stdout


def test_what_a_check_prints_does_not_get_into_the_report(plugin_server, tmp_path: Path) -> None:
    third = distribution(tmp_path, third_loud="print('at import')\n" + check_module("loud", "print('while looking')"))
    environment = {**plugin_server, "PYTHONPATH": third["PYTHONPATH"]}
    done = diag("run", "--format", "json", cwd=tmp_path, environment=environment)
    json.loads(done.stdout)
    assert done.stderr == "at import\nwhile looking\n"


def test_a_module_that_raises_no_ordinary_exception_stops_nobody(plugin_server, tmp_path: Path) -> None:
    third = distribution(tmp_path, third_sick="raise GeneratorExit('odd')")
    environment = {**plugin_server, "PYTHONPATH": third["PYTHONPATH"]}
    done = diag("run", "--format", "json", cwd=tmp_path, environment=environment)
    sick = next(check for check in json.loads(done.stdout)["checks"] if check["id"] == "third_sick")
    assert (done.returncode, sick["status"]) == (3, "unknown")


def test_a_pool_that_a_finished_check_left_behind_does_not_hold_the_process(plugin_server, tmp_path: Path) -> None:
    body = "from concurrent.futures import ThreadPoolExecutor; ThreadPoolExecutor().submit(time.sleep, 30)"
    third = distribution(tmp_path, third_pool=check_module("pool", body))
    began = time.monotonic()
    diag("run", cwd=tmp_path, environment={**plugin_server, "PYTHONPATH": third["PYTHONPATH"]})
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_an_interrupt_before_the_run_is_no_finding(name: str, plugin_server, tmp_path: Path) -> None:
    third = distribution(tmp_path, third_slow=f"import time\nopen({str(tmp_path / 'here')!r}, 'w').close()\ntime.sleep(60)")
    running = started({**plugin_server, "PYTHONPATH": third["PYTHONPATH"]}, tmp_path)
    until(tmp_path / "here", running)
    running.send_signal(getattr(signal, name))
    out, err = running.communicate(timeout=20)
    assert (running.returncode, out, err.strip()) == (3, "", "diag: interrupted before there was anything to report")


def test_interrupting_again_does_not_take_the_report_away(plugin_server, tmp_path: Path) -> None:
    body = f"open({str(tmp_path / 'here')!r}, 'w').close(); time.sleep(60)"
    third = distribution(tmp_path, third_stuck=check_module("stuck", body, timeout=30))
    running = started({**plugin_server, "PYTHONPATH": third["PYTHONPATH"]}, tmp_path)
    until(tmp_path / "here", running)
    for _ in range(5):
        running.send_signal(signal.SIGINT)
        time.sleep(0.02)
    out, _ = running.communicate(timeout=20)
    assert (running.returncode, json.loads(out)["cut_short"]) == (3, "interrupted")


def test_checks_on_a_plugin_server_that_is_something_else_do_not_count_as_having_looked(http_server, tmp_path: Path) -> None:
    http_server.route("/_health", text="ok")
    environment = {"DIAG_PLUGIN_SERVER_URLS": http_server.url}
    done = diag("run", "--only", "plugin-server*", "--format", "json", cwd=tmp_path, environment=environment)
    report = json.loads(done.stdout)
    asked = {check["id"]: check["status"] for check in report["checks"] if check["status"] != "skipped"}
    assert asked == {
        "plugin-server-drops": "blocked",
        "plugin-server-health": "unknown",
        "plugin-server-progress": "blocked",
        "plugin-server-roles": "blocked",
    }
    assert (report["verdict"]["status"], done.returncode) == ("inconclusive", 3)


def test_a_file_name_that_is_too_long_is_no_bug(plugin_server, tmp_path: Path) -> None:
    done = diag("run", "-o", "r" * 300 + ".json", cwd=tmp_path, environment=plugin_server)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith(".json: cannot be written to (File name too long). Choose another name.\n")
