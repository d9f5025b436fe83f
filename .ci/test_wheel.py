"""The wheel as a user gets it: installed without extras into an environment of its own, and used from there."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
UV = ROOT / ".venv" / "bin" / "uv"


@pytest.fixture(scope="module")
def diag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed command, with exactly the locked dependencies and no extra."""
    (wheel,) = (ROOT / "dist").glob("*.whl")
    home = tmp_path_factory.mktemp("clean")
    locked = home / "locked.txt"
    for command in (
        [UV, "venv", "--quiet", home / "env"],
        [UV, "export", "--quiet", "--frozen", "--no-dev", "--no-emit-project", "--project", ROOT, "--output-file", locked],
        [UV, "pip", "install", "--quiet", "--python", home / "env" / "bin" / "python", "--require-hashes", "-r", locked],
        [UV, "pip", "install", "--quiet", "--python", home / "env" / "bin" / "python", "--no-deps", wheel],
    ):
        subprocess.run(command, check=True, cwd=home)
    return home / "env" / "bin" / "diag"


def run(diag: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    return subprocess.run([diag, *arguments], capture_output=True, text=True, cwd=diag.parent, env=environment, check=False)


def test_it_says_its_version(diag: Path) -> None:
    done = run(diag, "--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("posthog-diag, version ")


def test_it_lists_its_checks(diag: Path) -> None:
    done = run(diag, "checks")
    assert (done.returncode, done.stderr) == (0, "")
    assert "dead-letters\n  No events are dead-lettered" in done.stdout


def test_it_explains_a_code_from_the_runbook_that_the_wheel_brings(diag: Path) -> None:
    done = run(diag, "explain", "dead-letters.active")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("## dead-letters.active\n\n**What it means.**")


def test_with_nothing_configured_it_says_how_to_begin(diag: Path) -> None:
    done = run(diag, "run")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--clickhouse-url" in done.stderr


def test_the_lab_says_how_to_get_its_engine(diag: Path) -> None:
    done = run(diag, "demo")
    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'posthog-diag[lab]'" in done.stderr
