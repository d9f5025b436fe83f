"""Ingestion warnings by type and team: how many, since when, and how much of the team's events that is."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from checks.ingestion_warnings.types import Effect, Meaning, meaning


class WarningRow(Struct, frozen=True, kw_only=True):
    """The warnings of one type, severity and team in one of the tables. Times are Unix seconds of the server's clock."""

    store: str
    type: str
    severity: str
    team: int
    warned: int
    first: int
    last: int
    asked_at: int


class Group(Struct, frozen=True, kw_only=True):
    """The warnings of one type for one team. PostHog holds repetitions back, so there were `warned` events at least."""

    type: str
    meaning: Meaning
    team: int
    warned: int
    first: int
    last: int


class Lost(Struct, frozen=True, kw_only=True):
    """Groups of one effect, those of most events first, and the teams to which it happens to a good part of their events."""

    groups: tuple[Group, ...]
    teams: frozenset[int]

    @property
    def warned(self) -> int:
        return sum(group.warned for group in self.groups)

    @property
    def last(self) -> int:
        return max(group.last for group in self.groups)

    def of_those_teams(self) -> "Lost":
        return Lost(groups=tuple(group for group in self.groups if group.team in self.teams), teams=self.teams)


def grouped(rows: Sequence[WarningRow]) -> list[Group]:
    """The groups, largest first. What stands in both tables is the same, so that with more rows counts."""
    best: dict[tuple[str, int], WarningRow] = {}
    severities = {row.type: row.severity for row in rows if row.severity}
    for row in rows:
        key = (row.type, row.team)
        if key not in best or row.warned > best[key].warned:
            best[key] = row
    groups = [
        Group(
            type=row.type,
            meaning=meaning(row.type, severities.get(row.type, "")),
            team=row.team,
            warned=row.warned,
            first=row.first,
            last=row.last,
        )
        for row in best.values()
    ]
    return sorted(groups, key=lambda group: (-group.warned, group.type, group.team))


def lost(
    groups: Iterable[Group], effect: Effect, *, arrived: Mapping[int, float] | None, least: float, share: float
) -> Lost | None:
    """What has this effect; None when nothing has.

    `arrived` are the events that each team got in the same time, None where nobody knows: then `least` warnings suffice.
    """
    found = tuple(group for group in groups if group.meaning.effect is effect)
    if not found:
        return None
    of_team: Counter[int] = Counter()
    for group in found:
        of_team[group.team] += group.warned
    teams = frozenset(
        team
        for team, warned in of_team.items()
        if warned >= least and (arrived is None or warned >= share * (warned + arrived.get(team, 0.0)))
    )
    return Lost(groups=found, teams=teams)
