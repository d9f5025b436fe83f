import json
import subprocess
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from diagnostics import cli as diag_cli
from diagnostics.cli import SUMMARIES, cli, crash
from diagnostics.cli.explain import MOST_LINES
from diagnostics.report import redaction
from tests.cli.diag import DIAG, diag
from tests.cli.third_party import check_module, distribution


def test_help_lists_every_command_with_the_summary_of_its_own_help() -> None:
    shown = CliRunner().invoke(cli, ["--help"]).output
    context = click.Context(cli)
    for name, summary in SUMMARIES.items():
        assert name in shown
        command = cli.get_command(context, name)
        assert command is not None
        assert command.name == name
        assert command.help
        assert summary


def test_a_mistyped_command_is_guessed(tmp_path: Path) -> None:
    done = diag("rnu", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "No such command 'rnu'. Did you mean 'run'? `diag --help` lists them." in done.stderr


def test_explain_prints_the_section_of_a_code(tmp_path: Path) -> None:
    done = diag("explain", "dead-letters.active", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("## dead-letters.active\n\n**What it means.** ")


@pytest.mark.parametrize("mistyped", ["dead-leters.activ", "DEAD-LETTERS.ACTIVE"])
def test_explain_guesses_a_mistyped_code(mistyped: str, tmp_path: Path) -> None:
    done = diag("explain", mistyped, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"there is no finding code '{mistyped}'. Did you mean dead-letters.active" in done.stderr


def test_explain_says_that_a_code_has_no_section_rather_than_that_it_does_not_exist(tmp_path: Path) -> None:
    environment = distribution(tmp_path / "third", third_odd=check_module("odd"))
    done = diag("explain", "odd.odd", cwd=tmp_path, environment=environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("diag: no runbook explains odd.odd yet: add a section `## odd.odd`")


def test_explain_tells_what_is_known_of_an_error(tmp_path: Path) -> None:
    done = diag("explain", "error: sorry, too many clients already", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(
        "## Postgres ran out of connections\n\nSeen in PostHog/posthog#4709. It points to `app.postgres-"
    )
    assert "\n**Fix.** Raise max_connections of Postgres" in done.stdout
    assert done.stdout.endswith("\n**Safe?** Not always: it changes something.\n")


def test_explain_says_that_an_error_is_unknown(tmp_path: Path) -> None:
    done = diag("explain", "the moon is in the wrong house", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "diag: this error is not among the known ones. If it names a service or a setting, begin there.\n"


@pytest.mark.parametrize(
    ("log", "told"),
    [
        (b"", "None of 0 lines is an error that is known to keep events away.\n"),
        (b"\xff\x00 all is well\n", "None of 1 line is an error that is known to keep events away.\n"),
        (
            b"The coordinator is not aware of this member\n",
            "None of 1 line is an error that is known to keep events away. 1 line of known noise can be ignored.\n",
        ),
    ],
)
def test_explain_of_a_log_without_errors(log: bytes, told: str, tmp_path: Path) -> None:
    assert explained(log, tmp_path) == told


def test_explain_of_a_log_tells_each_known_error_once_and_nothing_of_the_log(tmp_path: Path) -> None:
    line = b"jane@corp.example: sorry, too many clients already\n"
    told = explained(3 * line + b"Error: Encryption keys are not set\n" + b"noise\n", tmp_path)
    assert told.startswith("2 known errors in 5 lines.\n\n## Postgres ran out of connections\n\nIn 3 lines. Seen in ")
    assert told.count("## ") == 2
    assert "jane" not in told


def test_explain_of_a_long_log_looks_at_its_end(tmp_path: Path) -> None:
    assert explained(b"sorry, too many clients already\n" + MOST_LINES * b".\n", tmp_path).startswith("None of 5,000 lines is")


def explained(log: bytes, folder: Path) -> str:
    done = subprocess.run([DIAG, "explain", "-"], input=log, capture_output=True, cwd=folder, check=True, timeout=60)
    assert done.stderr == b""
    return done.stdout.decode()


def test_checks_says_why_each_is_active_or_not(tmp_path: Path) -> None:
    done = diag("checks", "--verbose", cwd=tmp_path, environment={"DIAG_CLICKHOUSE_URL": "http://127.0.0.1:8123/posthog"})
    assert done.returncode == 0
    assert "dead-letters\n  No events are dead-lettered\n  stage   plugin-server\n  state   active\n" in done.stdout
    assert "state   skipped: no plugin server is configured (plugin_server_urls or DIAG_PLUGIN_SERVER_URLS)" in done.stdout
    assert "events_dead_letter_queue" in done.stdout


def test_the_schema_is_a_json_schema(tmp_path: Path) -> None:
    schema = json.loads(diag("schema", cwd=tmp_path).stdout)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_a_bug_ends_in_exit_code_4_and_a_redacted_block(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(**_: object) -> None:
        raise RuntimeError("the token sntrys_abcdefabcdefabcdefabcdefabcdef was here")

    monkeypatch.setenv("DIAG_SENTRY_TOKEN", "sntrys_abcdefabcdefabcdefabcdefabcdef")
    monkeypatch.setattr(diag_cli, "cli", broken)
    with pytest.raises(SystemExit) as stopped:
        diag_cli.main()
    shown = capsys.readouterr()
    assert (stopped.value.code, shown.out) == (4, "")
    assert "This is a bug in diag, not in your PostHog." in shown.err
    assert "RuntimeError: the token " in shown.err
    assert "sntrys_" not in shown.err
    assert "test_commands.py:" in shown.err


def test_a_bug_that_quotes_hostile_text_stays_within_its_block(capsys: pytest.CaptureFixture[str]) -> None:
    assert crash.report_crash(RuntimeError("\x1b[2J\u202e```\n@everyone\n```")) == 4
    block = capsys.readouterr().err.partition("secrets are removed:\n\n")[2]
    assert block.startswith("````\nposthog-diag ")
    assert "RuntimeError: \u241b[2J\\u202e```\n@everyone\n```\n" in block
    assert block.endswith("\n````\n")


def test_when_redaction_itself_fails_nothing_of_the_crash_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken:
        def __init__(self, *_: object) -> None:
            raise ValueError("out of order")

    monkeypatch.setattr(redaction, "Redactor", Broken)
    assert crash.report_crash(RuntimeError("something personal")) == 4
    shown = capsys.readouterr().err
    assert "the details were withheld because they could not be redacted" in shown
    assert "personal" not in shown


def test_when_redaction_fails_no_report_is_printed(
    monkeypatch: pytest.MonkeyPatch, http_server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from diagnostics.cli import run as run_module  # noqa: F401 - so that the name below is patched where it is used

    def refuse(self: object, report: object) -> None:
        raise redaction.RedactionFailed("a secret is left")

    monkeypatch.setattr(redaction.Redactor, "report", refuse)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIAG_PLUGIN_SERVER_URLS", http_server.url)
    done = CliRunner().invoke(cli, ["run"])
    assert done.exit_code == 4
    assert done.stdout == ""
    assert "the report could not be redacted (a secret is left), so nothing of it is printed." in done.stderr
