"""Times of a scenario, relative to its start."""

from typing import Annotated

from msgspec import Meta

Ago = Annotated[str, Meta(pattern=r"^\d+[smhd]$", description="a time before the start: 0s, 40m, 3h, 21d")]

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(ago: Ago) -> int:
    """`40m` is 2400."""
    return int(ago[:-1]) * UNITS[ago[-1]]
