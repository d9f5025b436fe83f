from typing import Any

import pytest
from msgspec import structs

from diagnostics.sources.errors import BadAnswer, Denied, LimitExceeded, SourceError, Unavailable
from diagnostics.sources.sentry.failure import failure, seconds_to_wait, unusable
from tests.sources.answers import answered


@pytest.mark.parametrize("token", ["sntryu_0123", "a" * 64])
def test_a_token_that_may_read(token: str) -> None:
    assert unusable(token) is None


def said(outcome: Any, address: str = "https://sentry.example.com") -> SourceError | None:
    return failure(outcome, address=address, organization="acme", grant="event:read")


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (
            400,
            {"detail": "Error parsing search query: x"},
            BadAnswer,
            "Sentry rejects the question: Error parsing search query: x",
        ),
        (
            401,
            {"detail": {"code": "sso-required", "message": "Must login via SSO", "extra": {"loginUrl": "/x"}}},
            Denied,
            "The organization acme wants its single sign-on for this token: Must login via SSO",
        ),
        (403, None, Denied, "Sentry's token lacks the scope event:read in acme (403)"),
        (429, "slow down", LimitExceeded, "Sentry's rate limit is used up: slow down"),
        (
            500,
            {"detail": "Internal Error", "errorId": "abc"},
            Unavailable,
            "Sentry fails with 500, its error id is abc at https://sentry.example.com",
        ),
        (200, {"detail": "?"}, BadAnswer, "What answers at https://sentry.example.com is not Sentry's web API"),
        (
            302,
            {"detail": {"code": "resource-moved", "message": "moved", "extra": {"url": "/x", "slug": "acme-2"}}},
            BadAnswer,
            "What was asked for was renamed in Sentry: its slug is now acme-2",
        ),
    ],
)
def test_what_sentry_says(status: int, body: Any, kind: type[SourceError], message: str) -> None:
    error = said(answered(status, body))
    assert type(error) is kind
    assert str(error) == message


def test_a_404_without_a_word_from_sentrys_own_host_means_another_region() -> None:
    error = said(answered(404), "https://sentry.io")
    assert error is not None
    assert error.code == "sentry.not-found"
    assert error.hint == "set sentry.url to https://us.sentry.io or https://de.sentry.io"
    elsewhere = said(answered(404))
    assert elsewhere is not None
    assert "region" not in str(elsewhere)


@pytest.mark.parametrize(
    ("detail", "hint"),
    [
        ("You cannot view events from multiple projects.", "name one project in sentry.projects"),
        ("Query timeout. Please try again.", "choose a shorter --since"),
        (
            "Invalid date range. Please try a more recent date range.",
            "choose a --since within the 90 days that Sentry keeps",
        ),
        ("Invalid statsPeriod: '7x'", ""),
    ],
)
def test_what_to_do_about_a_question_that_sentry_rejects(detail: str, hint: str) -> None:
    error = said(answered(400, {"detail": detail}))
    assert error is not None
    assert error.hint == hint


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0"}, 1),
        ({"retry-after": "900"}, 30),
        ({"retry-after": "9" * 40}, 30),
        ({"retry-after": "soon", "date": "Sun, 01 Mar 2026 12:00:00 GMT"}, 1),
        ({"x-sentry-rate-limit-reset": "1772366412", "date": "Sun, 01 Mar 2026 12:00:00 GMT"}, 12),
        ({"x-sentry-rate-limit-reset": "1772366390", "date": "Sun, 01 Mar 2026 12:00:00 GMT"}, 1),
        ({"x-sentry-rate-limit-reset": "1772366490", "date": "Sun, 01 Mar 2026 12:00:00 GMT"}, 30),
        ({"x-sentry-rate-limit-reset": "1772366412", "date": "hostile"}, 1),
    ],
)
def test_how_long_a_rate_limit_lasts(headers: dict[str, str], seconds: float) -> None:
    assert seconds_to_wait(structs.replace(answered(429), headers=headers)) == seconds
