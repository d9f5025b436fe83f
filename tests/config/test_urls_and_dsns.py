"""URLs as they may be shown, and what a DSN tells."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.config.dsn import is_placeholder, parse_dsn
from diagnostics.config.urls import checked, composed, masked, passwords


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://clickhouse:8123/posthog", "http://clickhouse:8123/posthog"),
        ("https://default:p%40ss@ch.example:8443/posthog", "https://default:***@ch.example:8443/posthog"),
        ("http://default@ch:8123/", "http://default@ch:8123/"),
        ("http://:pass@[::1]:8123/db", "http://:***@[::1]:8123/db"),
        ("https://ch/db?password=x&database=y&empty=", "https://ch/db?password=***&database=***&empty=***"),
        ("chdb:///var/lib/store", "chdb:///var/lib/store"),
        ("http://u:p@@host/", "http://u:***@host/"),
    ],
)
def test_a_url_is_shown_without_what_lets_somebody_in(url: str, shown: str) -> None:
    assert masked(url) == shown


@given(st.text(min_size=1, max_size=30), st.text(max_size=30), st.text(min_size=1, max_size=10))
def test_any_password_survives_the_way_through_a_url_and_is_masked(user: str, password: str, database: str) -> None:
    try:
        url = composed("http", "ch:8123", user=user, password=password, database=database)
    except UnicodeEncodeError:
        return
    assert checked(url, ("http",), "") == url.rstrip("/")
    found = passwords(url)
    assert (password in found) == bool(password)
    if password:
        assert f":{'***'}@ch:8123" in masked(url)


@pytest.mark.parametrize(
    ("dsn", "web_url", "project"),
    [
        ("https://key@o123.ingest.us.sentry.io/42", "https://us.sentry.io", "42"),
        ("https://key@o123.ingest.de.sentry.io/42", "https://de.sentry.io", "42"),
        ("https://key@o123.ingest.sentry.io/42", "https://us.sentry.io", "42"),
        ("https://key@sentry.io/42", "https://sentry.io", "42"),
        ("https://key:secret@sentry.internal/42", "https://sentry.internal", "42"),
        ("http://key@sentry.internal:9000/a/b/42", "http://sentry.internal:9000/a/b", "42"),
        ("http://key@[::1]:9000/42/", "http://[::1]:9000", "42"),
    ],
)
def test_a_dsn_tells_where_to_look(dsn: str, web_url: str, project: str) -> None:
    parsed = parse_dsn(dsn)
    assert parsed
    assert (parsed.web_url, parsed.project) == (web_url, project)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sntrys_abc",
        "https://sentry.io/42",
        "https://key@sentry.io/abc",
        "https://key@/42",
        "ftp://k@h/1",
        "http://k@[::1/1",
    ],
)
def test_anything_else_is_no_dsn(text: str) -> None:
    assert parse_dsn(text) is None


def test_the_placeholder_is_known_in_every_dress() -> None:
    assert is_placeholder("https://public@sentry.example.com/1")
    assert is_placeholder(" 'https://public@sentry.example.com/1'\n")
    assert not is_placeholder("https://key@sentry.example.com/1")
    assert not is_placeholder("https://public@sentry.example.com.evil/1")
