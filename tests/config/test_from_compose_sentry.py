"""What the DSN in a compose install tells, and which token may go there."""

from pathlib import Path

import pytest

from tests.config.installs import hobby_2022
from tests.config.loading import loaded


def test_a_dsn_tells_where_errors_go_and_what_is_missing_to_look_them_up(cwd: Path) -> None:
    hobby_2022(cwd, sentry="https://0123456789abcdef@o77.ingest.de.sentry.io/4507")
    config = loaded(cwd)
    assert config.sentry.url == "https://de.sentry.io"
    assert config.sentry.projects == ("4507",)
    assert str(config.origin("sentry.projects")) == "discovered from docker-compose.yml, SENTRY_DSN of service plugins"
    assert config.hints[2] == (
        "PostHog reports errors to Sentry (project 4507 at https://de.sentry.io), but a DSN can only send. To look them up, "
        "set DIAG_SENTRY_ORG and DIAG_SENTRY_TOKEN (an internal integration with event:read and org:read)."
    )
    assert "0123456789abcdef" in config.secrets()


def test_a_dsns_project_is_not_looked_for_on_another_server(cwd: Path) -> None:
    hobby_2022(cwd, sentry="https://key@sentry.internal/7")
    assert loaded(cwd, options={"sentry.url": "https://us.sentry.io"}).sentry.projects == ()
    assert loaded(cwd, options={"sentry.url": "https://sentry.internal/"}).sentry.projects == ("7",)


def test_sentry_clis_token_does_not_go_to_a_server_that_only_a_file_here_names(cwd: Path) -> None:
    hobby_2022(cwd, sentry="https://key@sentry.evil.example/7")
    config = loaded(cwd, environ={"SENTRY_AUTH_TOKEN": "my-sentry-token"})
    assert config.sentry.token is None
    assert config.hints[0] == (
        "SENTRY_AUTH_TOKEN was not used: only a file in this directory says that PostHog's Sentry is "
        "https://sentry.evil.example. If that is right, say so:\n  export DIAG_SENTRY_URL=https://sentry.evil.example"
    )


@pytest.mark.parametrize(
    ("dsn", "environ"),
    [
        ("https://key@sentry.internal/7", {"DIAG_SENTRY_TOKEN": "t"}),
        ("https://key@sentry.internal/7", {"SENTRY_AUTH_TOKEN": "t", "DIAG_SENTRY_URL": "https://sentry.internal"}),
        ("https://key@sentry.internal/7", {"SENTRY_AUTH_TOKEN": "t", "SENTRY_DSN": "https://key@sentry.internal/7"}),
        ("https://key@o1.ingest.us.sentry.io/7", {"SENTRY_AUTH_TOKEN": "t"}),
    ],
)
def test_a_token_goes_to_a_server_that_somebody_vouches_for(cwd: Path, dsn: str, environ: dict[str, str]) -> None:
    hobby_2022(cwd, sentry=dsn)
    assert loaded(cwd, environ=environ).sentry.token == "t"
