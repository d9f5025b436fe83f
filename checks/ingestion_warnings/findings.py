"""What is said of ingestion warnings: how many events, whose, why, and what their senders have to change."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from checks.ingestion_warnings.groups import Group, Lost
from checks.ingestion_warnings.types import TYPES
from diagnostics.engine.check import Code, Scope, Window
from diagnostics.report.model import Action, Column, Evidence, Finding, Measure, QueryText, Status, Table
from diagnostics.report.wording import count, span_s
from diagnostics.sources.clickhouse import Query

SHOWN = 20
"""Groups in the table of the report."""
FIXES = 3
"""Types whose fix is named, those of most events first."""
HELD_BACK = "PostHog notes most causes once an hour for each team, so it may be many more."

IN_THE_APP = Action(text="See examples in PostHog, under Data management, Ingestion warnings")


class Asked(Struct, frozen=True, kw_only=True):
    """What was asked, when by the server's clock (Unix seconds), and how to ask it by hand."""

    now: int
    window: Window
    team: int | None
    sql: str


def dropped(code: Code, lost: Lost, asked: Asked, status: Status) -> Finding:
    """Events that are gone."""
    ended = " and none since" if status is Status.WARN else ""
    top, number = _leading(lost.groups)
    what = top.meaning.what
    return code.found(
        f"At least {count(lost.warned, 'event')} {_was(lost.warned)} dropped at ingestion in the last {asked.window}, "
        f"{_owners(lost.groups, asked)}, the newest {_ago(lost.last, asked)}{ended}; "
        f"{_of_them(number, lost.warned)} {what} ({top.type})",
        status=status,
        detail=HELD_BACK if status is not Status.INFO else f"Few of the events of these teams. {HELD_BACK}",
        affects=["ingestion_warnings"],
        evidence=_evidence(lost.groups, asked),
        actions=[*_fixes(lost.groups), IN_THE_APP],
        cause=f"events {what}" if 2 * number >= lost.warned else "",
        source_text=_quoted(lost.groups),
        measure=Measure(value=lost.warned, unit="events", counted_s=asked.window.seconds),
    )


def configured(code: Code, groups: Sequence[Group], asked: Asked) -> Finding:
    """Nobody is alarmed by what somebody wanted, but whoever misses these events has to know."""
    total = sum(group.warned for group in groups)
    top, number = _leading(groups)
    return code.found(
        f"At least {count(total, 'event')} {_was(total)} dropped in the last {asked.window} because their team's settings say "
        f"so, {_owners(groups, asked)}; {_of_them(number, total)} {top.meaning.what}",
        status=Status.INFO,
        detail=HELD_BACK,
        affects=["the settings of teams"],
        evidence=_evidence(groups, asked),
        actions=[
            Action(text="If these are the events that are missing, change the transformation or the setting of that project")
        ],
    )


def changed(code: Code, lost: Lost, asked: Asked) -> Finding:
    """Events that are there, but not as they were sent."""
    top, number = _leading(lost.groups)
    return code.found(
        f"PostHog kept at least {count(lost.warned, 'event')} in the last {asked.window}, {_owners(lost.groups, asked)}, but "
        f"refused a part of each, the newest {_ago(lost.last, asked)}; {_of_them(number, lost.warned)} {top.meaning.what} "
        f"({top.type})",
        detail=f"The events are stored. {HELD_BACK}",
        affects=["ingestion_warnings"],
        evidence=_evidence(lost.groups, asked),
        actions=[*_fixes(lost.groups), IN_THE_APP],
        source_text=_quoted(lost.groups),
        measure=Measure(value=lost.warned, unit="events", counted_s=asked.window.seconds),
    )


def unknown(code: Code, groups: Sequence[Group], asked: Asked) -> Finding:
    """Types that are newer than diag, where the install does not say how serious they are."""
    types = list(dict.fromkeys(group.type for group in groups))
    more = f" and {len(types) - FIXES} more types" if len(types) > FIXES else ""
    return code.found(
        f"PostHog noted at least {count(sum(group.warned for group in groups), 'warning')} that diag does not know in the last "
        f"{asked.window}: {', '.join(types[:FIXES])}{more}",
        status=Status.INFO,
        detail="Whether such events are kept stands in PostHog, under Data management, Ingestion warnings.",
        affects=types[:FIXES],
        evidence=_evidence(groups, asked),
        source_text=True,
    )


def by_hand(query: Query[Any], window: Window, scope: Scope) -> str:
    """The SQL as somebody can paste it into any client."""
    team = -1 if scope.team is None else scope.team
    sql = query.sql.replace("{seconds:UInt32}", str(window.seconds)).replace("{team:Int64}", str(team))
    return re.sub(r"\s+AND \(-1 = -1 OR team_id = -1\)", "", sql)


def _leading(groups: Sequence[Group]) -> tuple[Group, int]:
    """A group of the type with most events, and how many of that type there are."""
    of_type: Counter[str] = Counter()
    for group in groups:
        of_type[group.type] += group.warned
    type, number = of_type.most_common(1)[0]
    return next(group for group in groups if group.type == type), number


def _of_them(number: int, total: int) -> str:
    return "all of them" if number == total > 1 else f"{number:,} of them" if total > 1 else "it"


def _was(number: int) -> str:
    return "was" if number == 1 else "were"


def _owners(groups: Sequence[Group], asked: Asked) -> str:
    if asked.team is not None:
        return f"in team {asked.team}"
    return f"in {count(len({group.team for group in groups}), 'team')}"


def _ago(last: int, asked: Asked) -> str:
    return f"{span_s(asked.now - last)} ago" if asked.now - last >= 2 else "just now"


def _fixes(groups: Sequence[Group]) -> list[Action]:
    return [Action(text=fix) for fix in dict.fromkeys(group.meaning.fix for group in groups if group.meaning.fix)][:FIXES]


def _quoted(groups: Sequence[Group]) -> bool:
    """Whether the claim names a type that is not one of ours."""
    return any(group.type not in TYPES for group in groups)


def _evidence(groups: Sequence[Group], asked: Asked) -> list[Evidence]:
    columns = (
        Column(name="at least", kind="count"),
        Column(name="type", kind="source-text"),
        Column(name="team", kind="team"),
        Column(name="these events"),
        Column(name="first seen", kind="time"),
        Column(name="last seen", kind="time"),
    )
    rows = tuple(
        (group.warned, group.type, group.team, group.meaning.what, _time(group.first), _time(group.last))
        for group in groups[:SHOWN]
    )
    table = Table(title="Ingestion warnings by type and team", columns=columns, rows=rows, omitted=max(0, len(groups) - SHOWN))
    return [table, QueryText(title="Counted with", text=asked.sql)]


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
