import subprocess
from pathlib import Path

import pytest

from diagnostics.report.formats import render
from diagnostics.report.json import dump
from diagnostics.report.options import RenderOptions
from tests.cli.diag import DIAG, diag
from tests.report import reports

REPORT = reports.problem()
FORMATS = ("terminal", "markdown", "slack", "email", "html", "junit", "json")


def verified(text: str | bytes, cwd: Path) -> tuple[int, str]:
    """The exit code and what is said of a text in a file."""
    (cwd / "pasted").write_bytes(text.encode() if isinstance(text, str) else text)
    done = diag("render", "--verify", "pasted", cwd=cwd)
    assert done.stderr == ""
    return done.returncode, done.stdout


@pytest.mark.parametrize("format", FORMATS)
def test_intact_edited_and_cut_short_are_told_apart(format: str, tmp_path: Path) -> None:
    text = render(REPORT, format, RenderOptions())
    code, told = verified(text, tmp_path)
    assert (code, told.startswith("intact: ")) == (0, True)
    code, told = verified(text.replace("1,204", "1,205"), tmp_path)
    assert (code, told.startswith("edited: ")) == (1, True)


@pytest.mark.parametrize("format", FORMATS[:-1])
def test_a_text_without_its_end_is_cut_short(format: str, tmp_path: Path) -> None:
    text = render(REPORT, format, RenderOptions())
    code, told = verified(text[: len(text) // 2], tmp_path)
    assert (code, told.startswith("cut short: ")) == (1, True)


def test_stdin_is_a_dash(tmp_path: Path) -> None:
    done = subprocess.run(
        [DIAG, "render", "--verify", "-"],
        input=render(REPORT, "markdown", RenderOptions()).encode(),
        capture_output=True,
        cwd=tmp_path,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout.split(b":")[0], done.stderr) == (0, b"intact", b"")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_an_editor_may_save_it_in_its_own_way(encoding: str, tmp_path: Path) -> None:
    text = render(REPORT, "markdown", RenderOptions()).replace("\n", "\r\n")
    assert verified(text.encode(encoding), tmp_path)[0] == 0


def test_json_without_a_digest_says_so(tmp_path: Path) -> None:
    saved = dump(REPORT)
    start = saved.index(b',\n  "digest"')
    assert verified(saved[:start] + b"\n}", tmp_path) == (
        1,
        "cut short: There is no digest in it: an early release of diag wrote it, or somebody took it out.\n",
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"schema_version": 1, ', "diag: pasted: it is not JSON: "),
        (b"{}", "diag: pasted: it is JSON, but not a report of diag: "),
        (None, "diag: pasted: cannot be read (No such file or directory)."),
    ],
)
def test_what_cannot_be_judged_is_refused(content: bytes | None, message: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "pasted").write_bytes(content)
    done = diag("render", "--verify", "pasted", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(message)
