"""`diag config`, and the options that every command with an install has."""

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from diagnostics.cli.config import config as command
from diagnostics.cli.options import setting_options
from diagnostics.config.settings import SETTINGS


@pytest.fixture(autouse=True)
def only_this_environment(cwd: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(cwd)
    for name in ("SENTRY_AUTH_TOKEN", "SENTRY_DSN", "SITE_URL", "CLICKHOUSE_HOST", "KAFKA_HOSTS", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)


def run(*arguments: str, **environ: str) -> Result:
    return CliRunner().invoke(command, arguments, env=environ)


def line(outcome: Result, setting: str) -> list[str]:
    """The columns of a setting's line."""
    (found,) = [text for text in outcome.stdout.splitlines() if text.startswith(f"{setting} ")]
    return [column.strip() for column in found.split("  ") if column.strip()]


def test_every_setting_has_a_line_with_its_value_and_origin(cwd: Path) -> None:
    (cwd / "diag.toml").write_text('[sentry]\norg = "acme"\n[http]\ntimeout = "1500ms"')
    outcome = run("--site-url", "https://ph.example.com", DIAG_PLUGIN_SERVER_URLS="http://a:6738,http://b:6738")
    assert outcome.exit_code == 0
    assert line(outcome, "site_url") == ["site_url", "https://ph.example.com", "option --site-url"]
    assert line(outcome, "capture_url") == ["capture_url", "https://ph.example.com", "default, the same as site_url"]
    assert line(outcome, "plugin_server_urls") == [
        "plugin_server_urls",
        "http://a:6738, http://b:6738",
        "environment DIAG_PLUGIN_SERVER_URLS",
    ]
    assert line(outcome, "sentry.org") == ["sentry.org", "acme", f"{cwd}/diag.toml, line 2"]
    assert line(outcome, "http.timeout") == ["http.timeout", "1.5s", f"{cwd}/diag.toml, line 4"]
    assert line(outcome, "clickhouse.verify") == ["clickhouse.verify", "true", "default"]
    assert line(outcome, "kafka.brokers") == ["kafka.brokers", "-", "not set"]
    assert [text.split()[0] for text in outcome.stdout.splitlines()][: len(SETTINGS)] == [setting.key for setting in SETTINGS]


def test_the_columns_are_aligned() -> None:
    lines = run("--site-url", "https://ph.example.com").stdout.splitlines()
    assert len({text.index(text.split()[1]) for text in lines}) == 1
    assert len({text.rindex(origin) for text in lines for origin in ("not set", "default", "option") if origin in text}) == 1


@pytest.mark.parametrize(
    ("secret", "length"),
    [
        ("s" * 7, "fewer than 8 characters"),
        ("s" * 8, "8 to 31 characters"),
        ("s" * 31, "8 to 31 characters"),
        ("s" * 32, "32 characters or more"),
    ],
)
def test_of_a_secret_only_the_class_of_its_length_is_shown(secret: str, length: str) -> None:
    assert line(run(DIAG_SENTRY_TOKEN=secret), "sentry.token") == [
        "sentry.token",
        f"set ({length})",
        "environment DIAG_SENTRY_TOKEN",
    ]


@pytest.mark.parametrize("format", ["text", "json"])
def test_no_secret_is_shown_in_any_format(cwd: Path, format: str) -> None:
    (cwd / "key").write_text("hidden-in-a-file")
    outcome = run(
        "--format", format,
        "--clickhouse-url", "https://default:hidden%2Fone@c:8443/posthog",
        "--plugin-server-urls", "http://u:hidden-two@p:6738",
        "--personal-api-key", "file:key",
        DIAG_SENTRY_TOKEN="hidden-three",
        DIAG_KAFKA_SASL_PASSWORD="hidden-four",
        DIAG_CRASH_REPORT_DSN="https://hiddenfive@sentry.internal/1",
        DIAG_HTTP_PROXY="http://u:hidden-six@proxy:3128",
        DIAG_PROJECT_TOKEN="hidden-seven",
    )  # fmt: skip
    assert outcome.exit_code == 0
    assert "hidden" not in outcome.output
    assert "https://default:***@c:8443/posthog" in outcome.stdout
    assert "http://u:***@p:6738" in outcome.stdout


def test_json_has_the_same_rows() -> None:
    rows = json.loads(run("--format", "json", "--site-url", "https://ph.example.com").stdout)
    assert rows[0] == {"setting": "site_url", "value": "https://ph.example.com", "origin": "option --site-url"}
    assert [row["setting"] for row in rows][: len(SETTINGS)] == [setting.key for setting in SETTINGS]


def test_hints_go_to_stderr() -> None:
    outcome = run(SENTRY_DSN="https://public@sentry.example.com/1")
    hint = "Note: SENTRY_DSN in the environment is PostHog's placeholder: this install reports no errors to Sentry."
    assert outcome.stderr == f"\n{hint}\n"
    assert "placeholder" not in outcome.stdout


def test_a_bad_configuration_ends_with_exit_code_2_and_every_problem() -> None:
    outcome = run("--clickhouse-url", "clickhouse:8123", "--config", "nope.toml")
    assert outcome.exit_code == 2
    assert outcome.stdout == ""
    assert "the configuration file does not exist" in outcome.stderr
    assert "    do:    write http://clickhouse:8123" in outcome.stderr


def test_a_given_file_is_used(cwd: Path) -> None:
    (cwd / "other.toml").write_text('site_url = "https://other.example.com"')
    assert line(run("--config", "other.toml"), "site_url")[2] == f"{cwd}/other.toml, line 1"


def test_a_command_gets_the_options_that_were_given_and_no_others() -> None:
    got: list[object] = []

    @click.command()
    @click.option("--own")
    @setting_options
    def own_command(config_file: Path | None, options: dict[str, object], own: str | None) -> None:
        got.extend([config_file, options, own])

    arguments = [
        "--own",
        "x",
        "--config",
        "a.toml",
        "--no-clickhouse-verify",
        "--sentry-token",
        "env:T",
        "--http-timeout",
        "5s",
    ]
    assert CliRunner().invoke(own_command, arguments).exit_code == 0
    assert got == [Path("a.toml"), {"clickhouse.verify": False, "sentry.token": "env:T", "http.timeout": "5s"}, "x"]


def test_help_names_every_option_and_its_environment_and_warns_of_secrets() -> None:
    text = " ".join(CliRunner().invoke(command, ["--help"], terminal_width=100).stdout.split())
    for setting in SETTINGS:
        assert setting.option in text
        for name in setting.environment:
            assert name in text
    assert text.count("others on this machine can see a command line") == sum(setting.secret for setting in SETTINGS)


def test_a_passing_environment_is_no_default_of_an_option() -> None:
    """Otherwise the origin would be told wrongly."""
    assert line(run(DIAG_SITE_URL="https://env.example.com"), "site_url")[2] == "environment DIAG_SITE_URL"
