"""Durations as people write them."""

import re

from diagnostics.config.errors import without_tokens

DURATION = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?) ?(ms|s|m|h|d)?")
SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
LONGEST = 3660 * SECONDS["d"]

HOW_TO_WRITE = "write a number with a unit, like 500ms, 90s, 15m, 24h or 7d (without one it is seconds; ten years at most)"


def parse_duration(text: str) -> float:
    """Seconds: `90` is 90.0, `15m` is 900.0, `500ms` is 0.5.

    Raises ValueError, whose text is for people, for anything else and for more than ten years.
    """
    seconds = seconds_of(text)
    if seconds is None:
        raise ValueError(f"{quoted(text)} is not a duration: {HOW_TO_WRITE}")
    return seconds


def seconds_of(written: str | float) -> float | None:
    """The same, also for a plain number of seconds; None when it is not a duration."""
    if isinstance(written, str):
        match = DURATION.fullmatch(written.strip())
        if not match:
            return None
        written = float(match[1]) * SECONDS[match[2] or "s"]
    return float(written) if 0 <= written <= LONGEST else None


def quoted(written: object) -> str:
    """What was written, for a message."""
    # Python refuses to write out integers of thousands of digits.
    text = "a huge number" if isinstance(written, int) and written.bit_length() > 256 else str(written)
    text = without_tokens(text)  # before it is cut: half a token is not recognised any more
    return ascii(text if len(text) <= 40 else text[:39] + "~")
