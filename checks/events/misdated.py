"""Events whose own time is far off their arrival: how many, by how much, and whether a clock or an import is behind it."""

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from checks.events.recent import HALF, Recent
from diagnostics.engine.check import Code
from diagnostics.report.model import Action, Finding, Measure, QueryText, Status
from diagnostics.report.wording import span_s

ENOUGH = 100
"""Events in the last hour that tell how it is now; with fewer the whole window does."""
SINCE_1970 = 90 * 86_400
"""Seconds from 1970 on: what a time in seconds becomes when it is taken for milliseconds, or an empty one."""


class Off(Struct, frozen=True, kw_only=True):
    """`events` of `of` that arrived in the last `seconds` are dated off their arrival, half of them by `by` seconds or more.

    They differ by `spread`, from one in twenty to all but one in twenty.
    """

    direction: Literal["ahead", "behind"]
    events: int
    of: int
    by: int
    spread: int
    seconds: float

    @property
    def imported(self) -> bool:
        """Whether they come from all over the past. A wrong clock is off by the same, a stuck one by the time that passes;
        an import that takes as long as what it brings would look alike, and nobody waits for that."""
        return self.direction == "behind" and self.spread > self.seconds


def of(recent: Recent) -> Iterator[Off]:
    """Those dated ahead, and those dated long before: of the last hour, or of the window where the hour has few."""
    hour = tuple(each for each in recent.slices if each.slice > 0)
    enough = sum(each.of_team for each in hour) >= ENOUGH
    slices, seconds = (hour, 2 * HALF) if enough else (recent.slices, recent.seconds)
    most_ahead = max(slices, key=lambda each: each.ahead)
    most_behind = max(slices, key=lambda each: each.behind)
    total = sum(each.of_team for each in slices)
    yield _off("ahead", sum(each.ahead for each in slices), most_ahead.ahead_by, total, seconds)
    yield _off("behind", sum(each.behind for each in slices), most_behind.behind_by, total, seconds)


def _off(direction: Literal["ahead", "behind"], events: int, by: tuple[int, int, int], total: int, seconds: float) -> Off:
    """`by` is that of the slice with the most: medians cannot be added."""
    return Off(direction=direction, events=events, of=total, by=by[1], spread=by[2] - by[0], seconds=seconds)


def found(code: Code, off: Off, recent: Recent, team: int | None) -> Finding:
    """The finding that says so: a warning, or for what looks like an import only a note."""
    epoch = off.direction == "behind" and off.by > recent.asked_at.timestamp() - SINCE_1970
    imported = off.imported and not epoch
    whose = "events" if team is None else f"events of team {team}"
    share = f"{100 * off.events / off.of:.0f} %"
    lead = f"{off.events:,} of {off.of:,} {whose} that arrived in the last {span_s(off.seconds)} ({share}) are dated"
    return code.found(
        f"{lead} {'in 1970: ' + NO_TIME if epoch else _when(off)}",
        status=Status.INFO if imported else Status.WARN,
        detail=f"{UNSEEN[off.direction]}; that they arrived is all that ingestion can do.",
        affects=["events"] if team is None else ["events", f"team {team}"],
        evidence=[QueryText(title="By hand", text=BY_HAND)],
        actions=[] if imported else [LOOK, MEND],
        measure=Measure(value=off.events, unit="events", counted_s=off.seconds),
    )


def _when(off: Off) -> str:
    by = span_s(off.by)
    if off.direction == "ahead":
        return (
            f"ahead of their arrival, half of them by {_hours(off.by)} or more: the clock or the time zone of a sender is wrong"
        )
    if off.imported:
        return f"long before their arrival, half of them by {by} or more, all over the past: it looks like an import"
    return f"{by} before their arrival, all by about the same: the clock of a sender is wrong"


def _hours(seconds: int) -> str:
    """To the minute, because time zones are known by it: `5 h 30 min`."""
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours} h {minutes} min" if minutes and hours < 24 else span_s(seconds)


UNSEEN = {
    "ahead": "Charts and lists that end now show them only when that time has come",
    "behind": "Charts of recent days do not show them",
}

NO_TIME = "a sender gives no time, or seconds where milliseconds are expected"

BY_HAND = """
SELECT team_id, event, dateDiff('day', timestamp, toDateTime64(_timestamp, 6)) AS days_before_arrival, count() AS events
FROM events
WHERE _timestamp > now() - INTERVAL 1 HOUR
  AND (timestamp > now() + INTERVAL 1 HOUR OR timestamp < now() - INTERVAL 7 DAY)
GROUP BY team_id, event, days_before_arrival ORDER BY events DESC LIMIT 50
""".strip()

LOOK = Action(
    text="See which project and which events it is",
    commands=(f'docker compose exec clickhouse clickhouse-client -d posthog --query "{" ".join(BY_HAND.split())}"',),
)
MEND = Action(
    text="Set the clock of that sender by NTP, or have it send timestamp as ISO 8601 with its time zone, or not at all: "
    "PostHog then takes the time of arrival. What is stored keeps its date"
)
