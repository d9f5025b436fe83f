"""Configured secrets go in whatever spelling they come back."""

import base64
import html
import json
import shlex
import string
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.report.redaction import Redactor

SPELLINGS: dict[str, Callable[[str], str]] = {
    "as is": str,
    "upper case": str.upper,
    "lower case": str.lower,
    "percent": quote,
    "percent, slash too": lambda s: quote(s, safe=""),
    "percent, sub-delimiters not": lambda s: quote(s, safe="!$&'()*+,;=:@"),
    "percent in lower case": lambda s: quote(s, safe="").lower(),
    "percent of percent": lambda s: quote(quote(s, safe=""), safe=""),
    "form": quote_plus,
    "JSON": json.dumps,
    "JSON, not ASCII": lambda s: json.dumps(s, ensure_ascii=False),
    "JSON with escaped slashes": lambda s: json.dumps(s).replace("/", "\\/"),
    "JSON in JSON": lambda s: json.dumps(json.dumps(s)),
    "repr": repr,
    "repr of bytes": lambda s: repr(s.encode()),
    "HTML": html.escape,
    "HTML, decimal": lambda s: "".join(c if c.isalnum() and c.isascii() else f"&#{ord(c)};" for c in s),
    "SQL": lambda s: "'" + s.replace("\\", "\\\\").replace("'", "\\'") + "'",
    "SQL, doubled quotes": lambda s: "'" + s.replace("'", "''") + "'",
    "hexadecimal": lambda s: s.encode().hex(),
    "hexadecimal in upper case": lambda s: s.encode().hex().upper(),
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "base64 behind one": lambda s: base64.b64encode(b"u" + s.encode()).decode(),
    "base64 behind two": lambda s: base64.b64encode(b"u:" + s.encode() + b"\n").decode(),
    "base64 behind a user": lambda s: base64.b64encode(b"default:" + s.encode()).decode(),
    "base64 for URLs": lambda s: base64.urlsafe_b64encode(b"default:" + s.encode()).decode().rstrip("="),
    "base64 in a URL": lambda s: quote(base64.b64encode(b"default:" + s.encode()).decode(), safe=""),
}

SECRETS = [
    "hunter2hunter2",
    "p@ss/w\"ö'\\rd-9 x",
    "100%&<b>+=?#",
    "\\\\server\\x",
    "пароль-длинный",
    "a b\tc\nd",
    "phx_AbC0123456789def",
]

secrets = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zs"]), min_size=6, max_size=24).filter(
    lambda s: s == s.strip() and s.upper().lower() == s.lower() and len(s.upper()) == len(s)
)


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_goes_in_every_spelling(secret: str, spelling: str) -> None:
    check(secret, SPELLINGS[spelling])


@settings(max_examples=300, deadline=None)
@given(secrets, st.sampled_from(sorted(SPELLINGS)))
def test_any_secret_goes_in_every_spelling(secret: str, spelling: str) -> None:
    check(secret, SPELLINGS[spelling])


def check(secret: str, spell: Callable[[str], str]) -> None:
    """All of the spelling goes; quotes around it may stay, and what a context adds."""
    spelled = spell(secret)
    redactor = Redactor([secret])
    if redactor.warnings:  # hypothesis knows the words of the program
        return
    clean = redactor.text(f"before «{spelled}» after")
    assert "removed" in clean
    left = clean.removeprefix("before «").removesuffix("» after").replace("secret-removed", "")
    assert set(left) <= set("b'\"\\"), clean


@pytest.mark.parametrize("prefix", range(12))
def test_all_of_a_word_of_base64_goes(prefix: int) -> None:
    """Its ends hold bits of the secret."""
    word = base64.b64encode(b"u" * prefix + b"hunter2!" + b"v" * 5).decode()
    assert Redactor(["hunter2!"]).text(f"Got {word}.") == "Got secret-removed."


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("key a1B2c3D4e5...W8x9 is known", "key secret-removed is known"),
        ("key a1B2***", "key secret-removed"),
        ("key ***W8x9 and …W8x9", "key secret-removed and secret-removed"),
        ("key a1B2c3D4e5F6…", "key secret-removed"),
        (
            "key a1B2c3D4e5F6 … 1,204 characters left out … Y5z6W8x9 is",
            "key secret-removed 1,204 characters left out secret-removed is",
        ),
        ("the key is a1B2c3D4e", "the key is secret-removed"),
        ("the key is a1B2c3", "the key is a1B2c3"),
        ("a1B2c3D4e is not it", "a1B2c3D4e is not it"),
        ("a1B... or ...8x9", "a1B... or ...8x9"),
    ],
)
def test_a_masked_or_cut_secret_goes(text: str, safe: str) -> None:
    assert Redactor(["a1B2c3D4e5F6g7H8Y5z6W8x9"]).text(text) == safe


@pytest.mark.parametrize(
    "text", ["Waiting for clickhouse...", "the database of clickhouse", "posthog/clickhouse", "sntrys_..."]
)
def test_a_word_that_begins_like_a_secret_stays(text: str) -> None:
    assert Redactor(["clickhouse-hunter2", "sntrys_0123456789abcdef"]).text(text) == text


@pytest.mark.parametrize("cut", range(8, 20))
def test_a_secret_at_the_very_end_of_a_cut_text_goes(cut: int) -> None:
    secret = "a1B2c3D4e5F6g7H8Y5z6W8x9"
    assert Redactor([secret]).text("{'key': '" + secret[:cut]) == "{'key': 'secret-removed"


def test_secrets_in_one_another() -> None:
    redactor = Redactor(["hunter2!", "default:hunter2!/x", "r2!/x-9"])
    assert redactor.text("http://default:hunter2!/x-9 hunter2!") == "http://secret-removed secret-removed"


def test_a_secret_with_spaces_around_it_is_the_same_secret() -> None:
    assert Redactor([" hunter2!\n"]).text("x hunter2! y") == "x secret-removed y"


@settings(max_examples=200, deadline=None)
@given(
    st.text(string.ascii_letters + string.digits + "-_!/+=%\\\"'&", min_size=6, max_size=40).filter(
        lambda s: any(c.isdigit() for c in s)
    ),
    st.text(max_size=20),
    st.text(max_size=20),
)
def test_it_is_nowhere_left_whatever_stands_around_it(secret: str, before: str, after: str) -> None:
    secret = secret.strip()
    text = f"{before}{secret}{after}"
    redactor = Redactor([secret])
    if len(secret) >= 6 and not redactor.warnings:
        assert secret not in redactor.text(text)


def test_what_a_shell_quotes() -> None:
    assert Redactor(["it's-hunter2"]).text("it's-hunter2 " + shlex.quote("x it is")) == "secret-removed 'x it is'"
