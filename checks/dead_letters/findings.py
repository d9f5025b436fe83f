"""What is said of dead letters: the claim in one sentence, the evidence behind it, and what to do next."""

from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec import Struct

from checks.dead_letters.groups import VARIOUS, Group, together
from diagnostics import (
    Action,
    Code,
    Column,
    Evidence,
    Finding,
    Measure,
    QueryText,
    Series,
    Table,
    Text,
    Window,
    leading_cause,
    span_s,
)

SHOWN = 20
"""Groups in the table of the report."""

FIXES = 3
"""Known errors whose fix is named, those of the largest groups first."""

TEAMS_COUNTED = 1000
"""The query keeps as many of a group, and team 0, which is none."""


class Seen(Struct, frozen=True, kw_only=True):
    """What was asked, when by the server's clock (Unix seconds), and how to ask it by hand: the same, and for the newest."""

    now: int
    window: Window
    team: int | None
    sql: str
    newest: str


def found(code: Code, groups: Sequence[Group], seen: Seen, *, notes: Sequence[str], ended: str = "") -> Finding:
    """The finding that says so of `groups`, largest first. `ended` closes the claim, `notes` open the detail."""
    total = together(groups)
    cause, cause_codes = leading_cause((group.known, group.events) for group in groups)
    copies = (
        f"{total.stored:,} rows are stored; ClickHouse has not merged copies away yet." if total.stored > total.events else ""
    )
    return code.found(
        f"{_counted(total.events)} dead-lettered in the last {seen.window}, {_owners(total, seen.team)}, "
        f"the newest {_ago(seen.now - total.last)}{ended}",
        detail=" ".join(filter(None, (*notes, copies))),
        affects=["events_dead_letter_queue"],
        evidence=_evidence(groups, total, seen),
        actions=_actions(code, groups, total.events, seen),
        cause=cause,
        cause_codes=cause_codes,
        measure=Measure(value=float(total.events), unit="events", counted_s=float(seen.window.seconds)),
    )


def _counted(events: int) -> str:
    return "1 event was" if events == 1 else f"{events:,} events were"


def _owners(total: Group, team: int | None) -> str:
    """Django writes null for the team when it cannot look it up: ClickHouse stores 0, and any team may have lost the event."""
    if total.without_team == total.events:
        return "without a team"
    teams = len(total.teams)
    more = " or more" if teams >= TEAMS_COUNTED else ""
    named = f"in team {team}" if team is not None else f"in {teams:,}{more} {'team' if teams == 1 else 'teams'}"
    return f"{named} ({total.without_team:,} without a team)" if total.without_team else named


def _ago(seconds: int) -> str:
    return "just now" if seconds < 2 else f"{span_s(seconds)} ago"


def _evidence(groups: Sequence[Group], total: Group, seen: Seen) -> list[Evidence]:
    columns = (
        Column(name="events", kind="count"),
        Column(name="where", kind="source-text"),
        Column(name="error", kind="error"),
        Column(name="teams", kind="count"),
        Column(name="first seen", kind="time"),
        Column(name="last seen", kind="time"),
        Column(name="known as"),
    )
    step = seen.window.seconds / len(total.trend)
    return [
        Table(
            title="Dead letters by where and why they failed",
            columns=columns,
            rows=tuple(_row(group) for group in groups[:SHOWN]),
            omitted=sum(group.texts for group in groups[SHOWN:]),
        ),
        Series(
            title="Dead letters over time",
            start=datetime.fromtimestamp(seen.now - seen.window.seconds, UTC),
            step_s=step,
            values=tuple(map(float, total.trend)),
            unit="rows",
        ),
        Text(title="The newest error of the largest group", text=groups[0].sample),
        QueryText(title="Counted with", text=seen.sql),
    ]


def _row(group: Group) -> tuple[str | int, ...]:
    return (
        group.events,
        group.location or "(none)",
        group.sample if group.texts == 1 else VARIOUS,
        len(group.teams),
        _time(group.first),
        _time(group.last),
        group.known.meaning if group.known else "",
    )


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def _actions(code: Code, groups: Sequence[Group], events: int, seen: Seen) -> list[Action]:
    fixes = dict.fromkeys(group.known.action() for group in groups if group.known)
    lost = "This event stays lost until it is" if events == 1 else f"These {events:,} events stay lost until they are"
    ask = f'docker compose exec clickhouse clickhouse-client --query "{" ".join(seen.newest.split())}"'
    return [
        Action(text="See the newest dead letters", commands=(ask,)),
        *list(fixes)[:FIXES],
        Action(text=f"{lost} replayed by hand, once the cause is gone: read first how", commands=(f"diag explain {code.id}",)),
    ]
