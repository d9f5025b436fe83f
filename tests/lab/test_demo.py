"""`diag demo`, as it is run by its reader: a process, its exit code, and what it prints where."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from diagnostics.lab import scenarios

DIAG = Path(sys.executable).with_name("diag")


def demo(*arguments: str, cwd: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [DIAG, "demo", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, **environment},
        check=False,
        timeout=60,
    )


def test_the_list_names_every_scenario_with_its_verdict(tmp_path: Path) -> None:
    done = demo("--list", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.split(maxsplit=4) for line in done.stdout.splitlines()]
    assert [line[0] for line in lines] == [scenario.id for scenario in scenarios()]
    title = "The plugin server is not running"
    assert ["plugin-server-down", "plugin-server", "problem", "plugin-server.unreachable", title] in lines


def test_an_unknown_scenario_is_a_usage_error(tmp_path: Path) -> None:
    done = demo("plugin-server-dwn", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "diag demo: there is no scenario 'plugin-server-dwn'. Did you mean 'plugin-server-down'? "
        "`diag demo --list` lists them.\n"
    )


def test_the_report_is_of_the_lab_and_of_nothing_around_it(tmp_path: Path) -> None:
    (tmp_path / "diag.toml").write_text("this is no TOML")
    done = demo(
        "plugin-server-down",
        "--format=json",
        "--fail-on",
        "never",
        cwd=tmp_path,
        DIAG_CLICKHOUSE_URL="http://nowhere.invalid:8123/other",
        DIAG_NO_SUCH_SETTING="1",
        CLICKHOUSE_HOST="nowhere.invalid",
        SITE_URL="http://nowhere.invalid",
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == (
        "diag demo plugin-server-down: The plugin server is not running. Simulated; nothing outside this machine is asked.\n"
    )
    assert json.loads(done.stdout)["verdict"]["code"] == "plugin-server.unreachable"
    assert "nowhere" not in done.stdout


@pytest.mark.parametrize(
    "option", [["-o", "report.json"], ["-oreport.json"], ["--output", "report.json"], ["--output=report.json"]]
)
def test_output_goes_to_where_the_reader_is(tmp_path: Path, option: list[str]) -> None:
    done = demo("clickhouse-down", *option, cwd=tmp_path)
    assert done.stdout == ""
    assert json.loads((tmp_path / "report.json").read_text())["schema_version"] == 1


def test_without_a_scenario_it_is_the_telling_one(tmp_path: Path) -> None:
    done = demo("--fail-on", "never", cwd=tmp_path)
    assert done.stderr.startswith("diag demo dead-letters-postgres: ")


def test_kept_up_it_says_how_to_look_and_goes_away_when_told(tmp_path: Path) -> None:
    command: list[str | Path] = [DIAG, "demo", "clickhouse-down", "--keep", "--format", "json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    with process:
        assert process.stderr is not None
        exports: dict[str, str] = {}
        for line in process.stderr:
            if line.startswith("export "):
                name, _, value = line.removeprefix("export ").strip().partition("=")
                exports[name] = value
            if line == "diag run\n":
                break
        assert httpx.get(exports["DIAG_SITE_URL"] + "/_livez", trust_env=False).json() == {"http": True}
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 1
    with pytest.raises(httpx.ConnectError):
        httpx.get(exports["DIAG_SITE_URL"] + "/_livez", trust_env=False)


def test_without_the_extra_it_says_how_to_install_it(tmp_path: Path) -> None:
    code = "import sys; sys.modules['chdb'] = None; from diagnostics.cli.demo import demo; demo(['healthy'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    missing = "the embedded ClickHouse engine is not installed. It comes with the extra `lab`"
    assert done.stderr.splitlines()[-1] == f"diag demo: {missing}:  pip install 'posthog-diag[lab]'"


def test_importing_the_command_imports_no_engine() -> None:
    code = "import sys, diagnostics.cli.demo; from diagnostics.lab import scenarios; scenarios(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"chdb", "httpx", "clickhouse_connect", "rich"} & set(loaded)


@pytest.mark.parametrize("after", [0.0, 0.2, 0.5])
def test_ctrl_c_while_it_starts_leaves_nothing_and_says_little(tmp_path: Path, after: float) -> None:
    command: list[str | Path] = [DIAG, "demo", "healthy"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, start_new_session=True
    )
    with process:
        assert process.stderr is not None
        process.stderr.readline()
        time.sleep(after)
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=10)  # until nobody holds its stderr any more: the engine ended, too
    assert "Traceback" not in errors
