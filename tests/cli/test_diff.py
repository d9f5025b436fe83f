import json
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec import structs

from diagnostics.report.json import dump
from tests.cli.diag import DIAG, diag
from tests.report import reports

LATER = reports.STARTED + timedelta(hours=2)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A folder with two reports of one install: a problem, and two hours later none."""
    (tmp_path / "old.json").write_bytes(dump(reports.problem()))
    (tmp_path / "new.json").write_bytes(dump(structs.replace(reports.healthy(), id="91bd-07", started_at=LATER)))
    return tmp_path


@pytest.mark.parametrize(
    ("files", "code"), [(("old.json", "new.json"), 0), (("new.json", "old.json"), 1), (("old.json",) * 2, 0)]
)
def test_the_exit_code_tells_whether_something_is_new_or_worse(saved: Path, files: tuple[str, ...], code: int) -> None:
    done = diag("diff", *files, cwd=saved)
    assert (done.returncode, done.stderr) == (code, "")


def test_without_a_terminal_it_is_markdown(saved: Path) -> None:
    assert diag("diff", "old.json", "new.json", cwd=saved).stdout.startswith("- Was: ❌ **Events stop at")


@pytest.mark.parametrize("place", [0, 1])
def test_one_of_them_comes_from_stdin(saved: Path, place: int) -> None:
    files = ["old.json", "new.json"]
    data = (saved / files[place]).read_bytes()
    files[place] = "-"
    done = subprocess.run([DIAG, "diff", *files], input=data, capture_output=True, cwd=saved, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"3 resolved." in done.stdout


def test_the_format_follows_the_extension_and_color_stays_out_of_files(saved: Path) -> None:
    for name in ("a.md", "b.txt", "c.json"):
        done = diag("diff", "old.json", "new.json", "-o", name, "--color", "always", cwd=saved)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (saved / "a.md").read_text().startswith("- Was: ")
    assert (saved / "b.txt").read_text().startswith(" Was:   ✗ Events stop at")
    assert json.loads((saved / "c.json").read_text())["counts"]["resolved"] == 3


def test_files_hold_unicode_whatever_stdout_can_show(saved: Path) -> None:
    ascii_only = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    diag("diff", "old.json", "new.json", "-o", "a.txt", cwd=saved, environment=ascii_only)
    assert "✗" in (saved / "a.txt").read_text(encoding="utf-8")
    shown = diag("diff", "old.json", "new.json", "--format", "terminal", cwd=saved, environment=ascii_only).stdout
    assert shown.isascii()


@pytest.mark.parametrize(
    ("arguments", "content", "message"),
    [
        (
            ["old.json", "bad.json"],
            b'{"schema_version": 1, "id": "7f',
            "diag: bad.json: it is not JSON: Input data was truncated",
        ),
        (["bad.json", "old.json"], b"{}", "diag: bad.json: it is JSON, but not a report of diag: "),
        (["old.json", "bad.json"], b'{"schema_version": 2}', "diag: bad.json: a newer posthog-diag made it"),
        (["old.json", "no.json"], b"", "diag: no.json: cannot be read (No such file or directory). Save a report first"),
        (["old.json"], b"", "Missing argument 'NEW.json'."),
        (["-", "-"], b"", "diag: only one of the two reports can come from stdin."),
        (["old.json", "new.json", "-o", "x.pdf"], b"", "diag: -o x.pdf: the extension says no format. Use one of .txt, .md, "),
        (["old.json", "new.json", "-o", "no/x.md"], b"", "diag: -o no/x.md: the folder no does not exist."),
        (["old.json", "new.json", "--format", "html"], b"", "'html' is not one of 'terminal', 'markdown', 'json'"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_a_reason(
    saved: Path, arguments: list[str], content: bytes, message: str
) -> None:
    (saved / "bad.json").write_bytes(content)
    done = diag("diff", *arguments, cwd=saved)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
