"""Dead letters that share where they failed and their error template: how many, whose, since when, and whether more come."""

from collections.abc import Sequence
from functools import reduce
from statistics import median

from msgspec import Struct, structs

from diagnostics import KnownError, KnownErrors
from diagnostics.report.error_template import template

UNIQ_IS_EXACT = 65_536
"""Up to here ClickHouse's uniq() counts hashes; beyond, it estimates, within about 1 %."""

MANY = 1_500
"""From so many rows on one or two fewer ids are no matter, and may be ids with the same hash."""

STEADY_SLICES = 4
"""Rows in fewer slices of the window than this have no pace."""

PAUSES = 5
"""So many usual pauses without a row are still no end: of rows that come at random, one pause in 150 is longer."""


VARIOUS = "(various)"
"""Stands for the template of errors that are counted together."""


class KeyRow(Struct, frozen=True, kw_only=True):
    """The rows of the table that share a location and a key. Times are Unix seconds of the server's clock.

    `ids` are their different ids, `without_team` the rows with `team_id` 0, `trend` their numbers in equal slices of the
    window, oldest first, `sample` the newest error. `keys` above 1: so many of the rarest keys, in one row.
    """

    location: str
    stored: int
    ids: int
    without_team: int
    teams: tuple[int, ...]
    first: int
    last: int
    trend: tuple[int, ...]
    sample: str
    keys: int
    asked_at: int

    @property
    def events(self) -> int:
        """Without the copies that ClickHouse has not merged away yet; `stored` where the estimate cannot tell them apart."""
        estimated = self.stored > UNIQ_IS_EXACT and self.ids > 0.97 * self.stored
        # A hash has 32 bits: of very many ids two may share one.
        collided = self.stored >= MANY and self.stored - self.ids <= 1 + self.stored**2 / 2**32
        return self.stored if estimated or collided else min(self.ids, self.stored)


class Group(Struct, frozen=True, kw_only=True):
    """Dead letters with one location and one template, that of `sample`. `texts` above 1: the rarest, counted together."""

    location: str
    template: str
    known: KnownError | None
    sample: str
    events: int
    stored: int
    without_team: int
    teams: frozenset[int]
    first: int
    last: int
    trend: tuple[int, ...]
    texts: int = 1

    @property
    def usual_pause(self) -> float:
        """Seconds from one row to the next while they came steadily, else 0. A burst counts like an ordinary slice."""
        busy = [number for number in self.trend if number]
        if len(busy) < STEADY_SLICES:
            return 0.0
        return (self.last - self.first) / (len(busy) * median(busy))

    def arriving(self, now: int, within: float) -> bool:
        """Whether more are to be expected: the newest is at most `within` seconds old, or a few of its usual pauses."""
        return now - self.last <= max(within, PAUSES * self.usual_pause)


def grouped(rows: Sequence[KeyRow], known: KnownErrors) -> list[Group]:
    """The groups, largest first. Keys of the server that differ only in what a template leaves out become one group."""
    groups: dict[tuple[str, str], Group] = {}
    for row in rows:
        group = _group(row, known)
        key = (group.location, group.template)
        groups[key] = _both(groups[key], group) if key in groups else group
    return sorted(groups.values(), key=lambda group: (-group.events, group.location, group.template))


def together(groups: Sequence[Group]) -> Group:
    """All of them as one; its location, template and sample are those of the newest."""
    return reduce(_both, groups)


def _group(row: KeyRow, known: KnownErrors) -> Group:
    rare = row.keys > 1
    return Group(
        location=f"({row.keys:,} rarer errors)" if rare else row.location,
        template=VARIOUS if rare else template(row.sample),
        known=None if rare else known.match(row.sample),
        sample=row.sample,
        events=row.events,
        stored=row.stored,
        without_team=min(row.without_team, row.events),
        teams=frozenset(row.teams) - {0},
        first=row.first,
        last=row.last,
        trend=row.trend,
        texts=row.keys,
    )


def _both(one: Group, other: Group) -> Group:
    return structs.replace(
        one if one.last >= other.last else other,
        events=one.events + other.events,
        stored=one.stored + other.stored,
        without_team=one.without_team + other.without_team,
        teams=one.teams | other.teams,
        first=min(one.first, other.first),
        trend=tuple(a + b for a, b in zip(one.trend, other.trend, strict=True)),
        texts=max(one.texts, other.texts),
    )
