"""Option > DIAG_* environment > file > discovered > default, for each value by itself."""

from pathlib import Path

import pytest

from diagnostics.config.configuration import Origin
from tests.config.loading import loaded

OPTION = {"site_url": "https://option.example"}
ENVIRONMENT = {"DIAG_SITE_URL": "https://environment.example"}
FILE = 'site_url = "https://file.example"'
DISCOVERED = {"SITE_URL": "https://discovered.example"}


def test_an_option_comes_before_the_environment(cwd: Path) -> None:
    config = loaded(cwd, options=OPTION, environ=ENVIRONMENT)
    assert config.site_url == "https://option.example"
    assert config.origin("site_url") == Origin("option", "--site-url")


def test_the_environment_comes_before_the_file(cwd: Path) -> None:
    config = loaded(cwd, environ=ENVIRONMENT, toml=FILE)
    assert config.site_url == "https://environment.example"
    assert str(config.origin("site_url")) == "environment DIAG_SITE_URL"


def test_the_file_comes_before_what_is_discovered(cwd: Path) -> None:
    config = loaded(cwd, environ=DISCOVERED, toml=f"# ours\n{FILE}")
    assert config.site_url == "https://file.example"
    assert str(config.origin("site_url")) == f"{cwd}/diag.toml, line 2"


def test_what_is_discovered_comes_before_the_default(cwd: Path) -> None:
    config = loaded(cwd, environ={"SENTRY_URL": "https://sentry.discovered.example"})
    assert config.sentry.url == "https://sentry.discovered.example"
    assert str(config.origin("sentry.url")) == "discovered from SENTRY_URL in the environment"


def test_without_anything_there_are_the_defaults(cwd: Path) -> None:
    config = loaded(cwd)
    assert (config.sentry.url, config.http.timeout, config.clickhouse.verify) == ("https://sentry.io", 5.0, True)
    assert str(config.origin("sentry.url")) == "default"
    assert config.is_empty


def test_each_value_has_its_own_origin(cwd: Path) -> None:
    config = loaded(
        cwd,
        options={"http.timeout": "2s"},
        environ={"DIAG_CLICKHOUSE_URL": "http://c:8123/posthog", **DISCOVERED},
        toml='[sentry]\norg = "acme"',
    )
    origins = {key: config.origin(key).kind for key in ("http.timeout", "clickhouse.url", "sentry.org", "site_url", "http.ca")}
    assert origins == {
        "http.timeout": "option",
        "clickhouse.url": "environment",
        "sentry.org": "file",
        "site_url": "discovered",
        "http.ca": "default",
    }


def test_an_empty_environment_variable_is_not_set(cwd: Path) -> None:
    config = loaded(cwd, environ={"DIAG_SITE_URL": "", "DIAG_SENTRY_ORG": "  "}, toml=FILE)
    assert config.site_url == "https://file.example"
    assert config.sentry.org is None


def test_a_wrong_value_that_does_not_win_is_no_obstacle(cwd: Path) -> None:
    assert loaded(cwd, options=OPTION, environ={"DIAG_SITE_URL": "nonsense"}).site_url == "https://option.example"


def test_events_are_sent_to_the_app_unless_something_else_is_said(cwd: Path) -> None:
    config = loaded(cwd, options=OPTION)
    assert config.capture_url == "https://option.example"
    assert str(config.origin("capture_url")) == "default, the same as site_url"
    assert loaded(cwd, options={**OPTION, "capture_url": "https://e.example"}).capture_url == "https://e.example"


def test_the_token_of_sentry_cli_is_taken_after_diags_own(cwd: Path) -> None:
    environ = {"SENTRY_AUTH_TOKEN": "cli", "DIAG_SENTRY_TOKEN": "ours"}
    assert loaded(cwd, environ=environ).sentry.token == "ours"
    config = loaded(cwd, environ={"SENTRY_AUTH_TOKEN": "cli"}, toml='[sentry]\ntoken = "file"')
    assert config.sentry.token == "cli"
    assert str(config.origin("sentry.token")) == "environment SENTRY_AUTH_TOKEN"


@pytest.mark.parametrize("given", [True, False])
def test_a_file_here_comes_before_the_users_own_and_a_given_one_before_both(
    cwd: Path, user_directory: Path, given: bool
) -> None:
    user_directory.mkdir(parents=True)
    (user_directory / "diag.toml").write_text('site_url = "https://user.example"')
    assert loaded(cwd).site_url == "https://user.example"
    assert loaded(cwd, toml=FILE).site_url == "https://file.example"
    if given:
        (cwd / "other.toml").write_text('site_url = "https://given.example"')
        assert loaded(cwd, file=Path("other.toml")).site_url == "https://given.example"


def test_only_one_file_counts(cwd: Path, user_directory: Path) -> None:
    user_directory.mkdir(parents=True)
    (user_directory / "diag.toml").write_text('[sentry]\norg = "user"')
    assert loaded(cwd, toml=FILE).sentry.org is None


def test_all_kinds_of_values_are_read_alike_from_text_and_from_toml(cwd: Path) -> None:
    (cwd / "ca.pem").touch()
    toml = """
        plugin_server_urls = ["http://a:6738/", "http://b:6738"]
        clickhouse.verify = false
        clickhouse.ca = "ca.pem"
        http.timeout = 2.5
        [kafka]
        brokers = "kafka, [::1]:9093"
        security_protocol = "SASL_SSL"
        [sentry]
        projects = ["app", "plugin-server"]
    """
    from_file = loaded(cwd, toml=toml)
    (cwd / "diag.toml").unlink()
    from_options = loaded(
        cwd,
        options={
            "plugin_server_urls": "http://a:6738,http://b:6738",
            "clickhouse.verify": False,
            "clickhouse.ca": str(cwd / "ca.pem"),
            "http.timeout": "2500ms",
            "kafka.brokers": "kafka:9092,[::1]:9093",
            "kafka.security_protocol": "SASL_SSL",
            "sentry.projects": "app,plugin-server",
        },
    )
    for config in (from_file, from_options):
        assert config.plugin_server_urls == ("http://a:6738", "http://b:6738")
        assert config.clickhouse.verify is False
        assert config.clickhouse.ca == str(cwd / "ca.pem")
        assert config.http.timeout == 2.5
        assert config.kafka.brokers == ("kafka:9092", "[::1]:9093")
        assert config.kafka.security_protocol == "SASL_SSL"
        assert config.sentry.projects == ("app", "plugin-server")


@pytest.mark.parametrize(
    "url", ["chdb:///var/lib/store", "https://u:p%40ss@ch.example:8443/posthog", "http://[::1]:8123/posthog"]
)
def test_clickhouse_urls_of_every_accepted_kind(cwd: Path, url: str) -> None:
    assert loaded(cwd, options={"clickhouse.url": url}).clickhouse.url == url


def test_something_to_look_at_is_any_address(cwd: Path) -> None:
    assert not loaded(cwd, options={"kafka.brokers": "kafka"}).is_empty
    assert not loaded(cwd, options={"sentry.token": "t", "sentry.org": "o"}).is_empty
    assert loaded(cwd, options={"sentry.token": "t"}).is_empty
    assert loaded(cwd, options={"http.timeout": "1s"}).is_empty
