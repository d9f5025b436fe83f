"""Events that are stored: whether they are dated so that people see them, and for whom they are."""

from collections.abc import Iterator

from checks.events import misdated as misdated_events
from checks.events import recent as recent_arrivals
from checks.events.recent import RECENT, Recent
from diagnostics.engine.check import Code, Scope, Threshold, Thresholds, Window, check
from diagnostics.report.model import Action, Category, Column, Finding, QueryText, Stage, Status, Table
from diagnostics.report.wording import count, span_s
from diagnostics.sources.clickhouse import ClickHouse

SHARE = Threshold("events-visible.share", 0.05, "ratio", "a smaller part of the events may be dated wrongly")
LEAST = Threshold("events-visible.least", 20, "count", "fewer wrongly dated events than this are not worth a warning")
FRESH = Threshold("events-visible.fresh", 900.0, "s", "events whose newest is older than this are not said to arrive")

SHOWN = 20
"""Teams in the table of the report."""

OFF = Code(
    id="app.timestamps-off",
    worst=Status.WARN,
    category=Category.USER_EXPERIENCE,
    summary="events are stored, but dated so that charts of recent days do not show them",
    headline="Events are stored, but dated so that charts of recent days do not show them",
)
VISIBLE = Code(
    id="app.events-visible",
    worst=Status.INFO,
    category=Category.USER_EXPERIENCE,
    summary="events arrive, and can be seen",
)


@check(
    "events-visible",
    stage=Stage.APP,
    title="Stored events are dated so that people see them",
    finds=[OFF, VISIBLE],
    reads=[RECENT],
    thresholds=[SHARE, LEAST, FRESH],
)
def events_visible(clickhouse: ClickHouse, window: Window, scope: Scope, limits: Thresholds) -> Iterator[Finding]:
    """Compares when events arrived with when they say that they happened, and counts for which teams they arrived.

    Healthy is that few are dated over a day ahead or over a week back. Imports are left out: those that are marked, and those
    whose dates are all over the past. Events that are dated wrongly are stored, but no chart of the last days shows them.
    With --team only that team's events are compared; a team that got none while others did has another problem than ingestion.
    By hand: SELECT team_id, count(), max(timestamp) FROM events WHERE _timestamp > now() - INTERVAL 1 HOUR GROUP BY team_id.
    """
    recent = recent_arrivals.ask(clickhouse, window, scope)
    if not recent.slices:
        return
    for off in misdated_events.of(recent):
        if off.events >= limits(LEAST) and off.events >= limits(SHARE) * off.of:
            yield misdated_events.found(OFF, off, recent, scope.team)
    if scope.team is not None or recent.pause <= limits(FRESH):
        yield _visible(recent, scope)


def _visible(recent: Recent, scope: Scope) -> Finding:
    where = f"in the last {span_s(recent.seconds)}"
    teams = recent.by_team
    ago = span_s(recent.pause)
    if scope.team is None:
        claim = f"{count(recent.arrived, 'event')} arrived {where} for {count(len(teams), 'team')}, the newest {ago} ago"
    elif mine := teams[scope.team]:
        claim = f"{count(mine, 'event')} of team {scope.team} arrived {where}, the newest {_team_ago(recent)} ago"
    else:
        others = f"{count(recent.arrived, 'event')} did for {count(len(teams), 'other team')}, the newest {ago} ago"
        claim = f"No event of team {scope.team} arrived {where}, while {others}"
    return VISIBLE.found(
        claim,
        status=Status.INFO,
        detail="" if recent.all_dates else ONLY_LATELY_DATED,
        affects=[] if scope.team is None else [f"team {scope.team}"],
        evidence=[_table(recent), QueryText(title="By hand", text=BY_HAND)],
        actions=[OTHER_PROJECT] if scope.team is not None and not teams[scope.team] else [],
    )


def _team_ago(recent: Recent) -> str:
    newest = max(each.newest_of_team for each in recent.slices)
    return span_s(max(0.0, (recent.asked_at - newest).total_seconds()))


def _table(recent: Recent) -> Table:
    teams = recent.by_team
    return Table(
        title=f"Events that arrived in the last {span_s(recent.seconds)}, by team",
        columns=(Column(name="team", kind="team"), Column(name="events", kind="count")),
        rows=tuple(teams.most_common(SHOWN)),
        omitted=max(0, len(teams) - SHOWN),
    )


ONLY_LATELY_DATED = (
    f"Events dated over {recent_arrivals.LATELY_DATED} days back were not looked at: the table is too large for that."
)
OTHER_PROJECT = Action(
    text="Compare the project token in the sender's SDK with the one in Settings of that project, and its address with your "
    "capture address: ingestion works for others, so this team's events go elsewhere or are not sent"
)

BY_HAND = """
SELECT team_id, count() AS events, max(_timestamp) AS newest_arrival, max(timestamp) AS newest_date FROM events
WHERE _timestamp > now() - INTERVAL 1 DAY AND timestamp > now() - INTERVAL 10 DAY
GROUP BY team_id ORDER BY events DESC LIMIT 50
""".strip()
