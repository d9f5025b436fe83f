"""Durations as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.config.durations import LONGEST, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90.0),
        ("24h", 86400.0),
        ("15m", 900.0),
        ("7d", 604800.0),
        ("500ms", 0.5),
        ("1.5h", 5400.0),
        (" 30 s ", 30.0),
        ("0", 0.0),
        ("3660d", LONGEST),
    ],
)
def test_durations_that_people_write(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "h", "-5m", "5x", "5 minutes", "1h30m", "1e3", "inf", "nan", "٣h", "0x10", "5m\n6m", "3661d"]
)
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError) as raised:
        parse_duration(text)
    assert str(raised.value) == (
        f"{text!a} is not a duration: write a number with a unit, like 500ms, 90s, 15m, 24h or 7d "
        "(without one it is seconds; ten years at most)"
    )


def test_a_long_text_is_not_repeated_whole() -> None:
    with pytest.raises(ValueError, match=r"^'x{39}~' is not a duration"):
        parse_duration("x" * 5000)


@given(st.text())
def test_the_outcome_is_seconds_or_a_value_error(text: str) -> None:
    try:
        seconds = parse_duration(text)
    except ValueError:
        return
    assert 0 <= seconds <= LONGEST
