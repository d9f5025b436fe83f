"""`.env` files and `${VARIABLES}`, as compose reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.config.dotenv import interpolated, parse_dotenv

VARIABLES = {"SET": "value", "EMPTY": "", "DOMAIN": "ph.example.com"}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("https://$DOMAIN/x", "https://ph.example.com/x"),
        ("https://${DOMAIN}", "https://ph.example.com"),
        ("${NONE}|$NONE", "|"),
        ("${EMPTY:-default}|${EMPTY-default}", "default|"),
        ("${NONE:-default}|${NONE-default}", "default|default"),
        ("${SET:-default}", "value"),
        ("${SET:+other}|${EMPTY:+other}|${EMPTY+other}|${NONE+other}", "other||other|"),
        ("${NONE:?message}|${SET:?message}", "|value"),
        ("${NONE:-${EMPTY:-$SET}}", "value"),
        ("${NONE:-$SET}!", "value!"),
        ("$$SET $${SET} $1 $", "$SET ${SET} $1 $"),
        ("${SET", "${SET"),
        ("${NONE:-{a}}", "{a}"),
    ],
)
def test_interpolation(text: str, result: str) -> None:
    assert interpolated(text, VARIABLES) == result


def test_assignments() -> None:
    text = """
# comment
DOMAIN=ph.example.com
export EXPORTED = yes
SINGLE='as $DOMAIN is'
DOUBLE="at $DOMAIN"
PLAIN=https://${DOMAIN} # comment
HASH=a#b
EMPTY=
not an assignment
QUOTES='https://public@sentry.example.com/1'
"""
    assert parse_dotenv(text) == {
        "DOMAIN": "ph.example.com",
        "EXPORTED": "yes",
        "SINGLE": "as $DOMAIN is",
        "DOUBLE": "at ph.example.com",
        "PLAIN": "https://ph.example.com",
        "HASH": "a#b",
        "EMPTY": "",
        "QUOTES": "https://public@sentry.example.com/1",
    }


@given(st.text(alphabet="$${}:-+?ABab \n='\"#", max_size=60))
def test_no_text_is_too_strange(text: str) -> None:
    interpolated(text, parse_dotenv(text))
