import json
import subprocess
from pathlib import Path

import pytest

from diagnostics.report.formats import FORMATS, render
from diagnostics.report.json import dump
from diagnostics.report.options import RenderOptions
from tests.cli.diag import DIAG, diag
from tests.report import reports


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A folder with a report in it."""
    (tmp_path / "report.json").write_bytes(dump(reports.problem()))
    return tmp_path


@pytest.mark.parametrize("format", FORMATS)
def test_a_saved_report_is_rendered_as_the_run_would_have(saved: Path, format: str) -> None:
    done = diag("render", "report.json", "--format", format, cwd=saved, environment={"PYTHONUTF8": "1"})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == render(reports.problem(), format, RenderOptions())


def test_without_a_terminal_it_is_markdown(saved: Path) -> None:
    assert diag("render", "report.json", cwd=saved).stdout.startswith("### ")


def test_a_dash_reads_stdin(saved: Path) -> None:
    done = subprocess.run(
        [DIAG, "render", "-", "--format", "json"],
        input=dump(reports.problem()),
        capture_output=True,
        cwd=saved,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, dump(reports.problem()), b"")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_report_that_powershell_or_an_editor_saved_is_read(saved: Path, encoding: str) -> None:
    (saved / "report.json").write_text(dump(reports.problem()).decode(), encoding=encoding)
    done = diag("render", "report.json", "--format", "json", cwd=saved)
    assert (done.returncode, done.stderr) == (0, "")
    assert diag("render", "report.json", "--verify", cwd=saved).stdout.startswith("intact: ")


def test_the_format_follows_the_extension(saved: Path) -> None:
    done = diag("render", "report.json", "-o", "a.md", "-o", "b.txt", "-o", "c.JSON", cwd=saved)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (saved / "a.md").read_text().startswith("### ")
    assert "─▶" in (saved / "b.txt").read_text()
    assert (saved / "c.JSON").read_bytes() == (saved / "report.json").read_bytes()


def test_the_longest_extension_says_the_format(saved: Path) -> None:
    files = {
        "a.slack.txt": "❌ *",
        "b.slack": "❌ *",
        "c.email.txt": "Subject: ",
        "d.eml": "Subject: ",
        "e.junit.xml": "<?xml",
        "f.xml": "<?xml",
    }
    done = diag("render", "report.json", *(argument for name in files for argument in ("-o", name)), cwd=saved)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert {name: (saved / name).read_text()[: len(start)] for name, start in files.items()} == files


def test_fail_on_decides_what_fails_in_junit(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_bytes(dump(reports.warning()))
    assert "<failure" not in diag("render", "report.json", "--format", "junit", cwd=tmp_path).stdout
    assert "<failure" in diag("render", "report.json", "--format", "junit", "--fail-on", "warn", cwd=tmp_path).stdout


def test_an_edited_report_is_rendered_with_a_word_about_it(saved: Path) -> None:
    (saved / "edited.json").write_bytes((saved / "report.json").read_bytes().replace(b"1,204", b"12"))
    done = diag("render", "edited.json", cwd=saved)
    assert (done.returncode, done.stderr) == (0, "diag: this report was edited after diag had written it\n")
    assert "12 events were dead-lettered" in done.stdout


def test_quiet_and_verbose_reach_the_renderer(saved: Path) -> None:
    quiet = diag("render", "report.json", "--quiet", "--format", "terminal", cwd=saved).stdout
    verbose = diag("render", "report.json", "--verbose", "--format", "terminal", cwd=saved).stdout
    assert "Runbook" not in quiet
    assert "GROUP BY" in verbose
    assert "\x1b[1;37;41m" in diag("render", "report.json", "--color", "always", "--format", "terminal", cwd=saved).stdout


@pytest.mark.parametrize(
    ("arguments", "content", "message"),
    [
        (["report.json"], b"### not JSON", "diag: report.json: it is not JSON: "),
        (["report.json"], b"{}", "diag: report.json: it is JSON, but not a report of diag: "),
        (["report.json"], b'{"schema_version": 2}', "diag: report.json: a newer posthog-diag made it (its schema_version is 2"),
        (["no.json"], b"", "diag: no.json: cannot be read (No such file or directory). Save a report first: diag run -o "),
        (["."], b"", "diag: .: cannot be read (Is a directory). "),
        (["report.json", "--format", "pdf"], b"", "'pdf' is not one of 'terminal', 'markdown', 'slack', 'email',"),
        (["report.json", "-o", "report.pdf"], b"", "diag: -o report.pdf: the extension says no format. Use one of "),
        ([], b"", "Missing argument 'REPORT.json'."),
    ],
)  # fmt: skip
def test_what_cannot_be_rendered_is_refused_with_a_reason(
    tmp_path: Path, arguments: list[str], content: bytes, message: str
) -> None:
    (tmp_path / "report.json").write_bytes(content)
    done = diag("render", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_hostile_report_cannot_speak_through_the_error_message(tmp_path: Path) -> None:
    report = json.loads(dump(reports.healthy()))
    report["verdict"]["status"] = "\x1b]0;owned\x07\x1b[2J" + "x" * 10_000
    (tmp_path / "report.json").write_text(json.dumps(report))
    done = diag("render", "report.json", cwd=tmp_path)
    assert done.returncode == 2
    assert "\x1b" not in done.stderr
    assert len(done.stderr) < 1000


def test_a_hostile_report_is_rendered_harmlessly(tmp_path: Path) -> None:
    report = json.dumps(json.loads(dump(reports.problem()))).replace("sorry", "\\u001b[2J\\u202e</details>")
    (tmp_path / "report.json").write_text(report)
    for format in ("terminal", "markdown", "slack", "email", "junit"):
        shown = diag("render", "report.json", "--format", format, "--verbose", cwd=tmp_path).stdout
        assert "\x1b" not in shown
        assert "\u202e" not in shown


def test_the_schema_is_printed(tmp_path: Path) -> None:
    done = diag("schema", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["$ref"] == "#/$defs/Report"
