"""How much of a report is shown in columns: what a person reads, all that a person can read, and what fits an e-mail."""

from msgspec import Struct


class Extent(Struct, frozen=True, kw_only=True):
    """Of many problems the first are shown with their `evidence`, the next by their `claims`, the rest by their number. Of
    each so many findings (`points`), `rows`, `lines` of a passage, and characters of a `cell` and of a line (`passage`). Once
    the page holds `room` characters, nothing more gets its evidence. `all` adds what is well, the queries and the notes'
    evidence; `rest` says where what was left out is."""

    evidence: int
    claims: int
    points: int
    rows: int
    lines: int
    cell: int
    passage: int
    room: int
    all: bool
    rest: str


DEFAULT = Extent(
    evidence=10,
    claims=40,
    points=5,
    rows=5,
    lines=4,
    cell=160,
    passage=320,
    room=40_000,
    all=False,
    rest="--verbose shows more",
)
# Fifty problems with large tables take a second to write, and nobody reads as many.
VERBOSE = Extent(
    evidence=50,
    claims=400,
    points=20,
    rows=100,
    lines=200,
    cell=1600,
    passage=16_000,
    room=300_000,
    all=True,
    rest="--format json holds all",
)
