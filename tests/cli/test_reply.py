import subprocess
from pathlib import Path

import pytest

from diagnostics.report.json import dump
from diagnostics.report.reply import CHANNELS, Channel, render
from tests.cli.diag import DIAG, diag
from tests.report import reports


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    (tmp_path / "report.json").write_bytes(dump(reports.problem()))
    return tmp_path


@pytest.mark.parametrize("channel", CHANNELS)
def test_it_prints_the_reply_for_each_channel(saved: Path, channel: Channel) -> None:
    done = diag("reply", "report.json", "--name", "Ana", "--channel", channel, cwd=saved, environment={"PYTHONUTF8": "1"})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == render(reports.problem(), channel, "Ana")


def test_without_options_it_is_for_slack_and_greets_nobody_by_name(saved: Path) -> None:
    assert diag("reply", "report.json", cwd=saved).stdout == render(reports.problem(), "slack")


def test_a_dash_reads_stdin(saved: Path) -> None:
    done = subprocess.run(
        [DIAG, "reply", "-", "--channel", "note"],
        input=dump(reports.healthy()),
        capture_output=True,
        cwd=saved,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"Private hand-off note. Tag: User experience.")


@pytest.mark.parametrize(
    ("arguments", "content", "message"),
    [
        (["bad.json"], b'{"schema_version": 1', "diag: bad.json: it is not JSON: Input data was truncated"),
        (["bad.json"], b"Hello", "diag: bad.json: it is not JSON: "),
        (["no.json"], b"", "diag: no.json: cannot be read (No such file or directory). Save a report first: diag run -o "),
        (["report.json", "--channel", "fax"], b"", "'fax' is not one of 'slack', 'email', 'github', 'note'"),
        ([], b"", "Missing argument 'REPORT.json'."),
    ],
)
def test_what_cannot_be_replied_to_is_refused_with_a_reason(
    saved: Path, arguments: list[str], content: bytes, message: str
) -> None:
    (saved / "bad.json").write_bytes(content)
    done = diag("reply", *arguments, cwd=saved)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
