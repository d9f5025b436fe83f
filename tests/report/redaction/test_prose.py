"""Secrets that sentences tell, headers and pairs without a separator, and keys by their shapes."""

import pytest

from tests.report.redaction.sample import redacted

SHAPES = [
    "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",
    "SK0123456789abcdef0123456789abcdef",
    "xox" + "p-123456789012-AbCdEfGh",
    "glrt-xxAbCdEfGhIjKlMnOpQr",
    "GOCSPX-xxAbCdEfGhIjKlMnOpQrSt",
    "npm_abcdefghijklmnopqrstuvwxyz0123456789",
]


@pytest.mark.parametrize("key", SHAPES)
def test_a_key_is_known_by_its_shape(key: str) -> None:
    assert redacted(f"used {key}, refused") == "used cloud-key-removed, refused"


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("the password is hunter2, sorry", "the password is password-removed, sorry"),
        ('wrong password "Hunter" for user', 'wrong password "password-removed" for user'),
        ("Password for user posthog: hunter2", "Password for user posthog: password-removed"),
        ("SECRET_KEY is hunter2", "SECRET_KEY is secret-removed"),
        ("passwort: hunter; Kennwort: hunter", "passwort: password-removed; Kennwort: password-removed"),
        ('token "hunter2hunter2" is not of a project', 'token "secret-removed" is not of a project'),
        ("Invalid API key: hunter2hunter2", "Invalid API key: secret-removed"),
        ("api_key Hunter2hunter2 invalid", "api_key secret-removed invalid"),
        ("PASSWORD Hunter2hunter", "PASSWORD password-removed"),
        ("LICENSE_KEY=hunter2", "LICENSE_KEY=secret-removed"),
        ("x-auth-token hunter2x", "x-auth-token secret-removed"),
        (
            "('password', 'hunter2'), [\"x-api-key\", \"hunter2\"]",
            "('password', 'password-removed'), [\"x-api-key\", \"secret-removed\"]",
        ),
        ('{"user":"posthog","pass":"hunter"}', '{"user":"posthog","pass":"password-removed"}'),
        ('{"auth":{"user":"x","key":"hunter"}}', '{"auth":{"user":"x","key":"secret-removed"}}'),
        ("password='a ''b' x", "password='password-removed' x"),
        ("password='', user='x'", "password='', user='x'"),
        ("postgres://u:a b c@h:5432/x", "postgres://u:password-removed@h:5432/x"),
        ("//posthog:hunter2@db/x", "//posthog:password-removed@db/x"),
        ('Authorization: Digest realm="x", response="6629fae4"', 'Authorization: Digest realm="x", response="secret-removed"'),
        ("https://pub:priv@sentry.corp.internal/4", "https://key-removed:password-removed@sentry.corp.internal/4"),
        ("sas ?sv=2022&sig=Zm9vYmFyYmF6cXV4MTIzNDU2%3D&se=1", "sas ?sv=2022&sig=secret-removed&se=1"),
        ("https://discord.com/api/webhooks/123/AbC-d", "https://discord.com/api/webhooks/123/cloud-key-removed"),
    ],
)
def test_it_goes(text: str, safe: str) -> None:
    assert redacted(text) == safe
