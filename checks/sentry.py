"""Sentry: unresolved errors of the window that touch the way of events into PostHog.

Lists the organization's unresolved issues seen in the window, and tells those of ingestion (the plugin server's tag, its code,
Kafka, capture) from the rest, and from noise that is known to mean nothing.
Healthy is none of them, as far as Sentry can tell: plugin servers since February 2025 report to PostHog's own error tracking.
It matters because the text of the error mostly names what is broken behind the plugin server.
By hand: search for `is:unresolved has:PLUGIN_SERVER_MODE` in Sentry's issues.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from msgspec import Struct

from diagnostics import (
    Action,
    Category,
    Code,
    Column,
    Finding,
    KnownError,
    KnownErrors,
    Measure,
    QueryText,
    Scope,
    Stage,
    Status,
    Table,
    Threshold,
    Thresholds,
    Window,
    check,
    leading_cause,
)
from diagnostics.sources.sentry import ACCESS, ISSUES, PROJECTS, Issue, Issues, Sentry
from diagnostics.sources.sentry.issues import UNRESOLVED, search
from diagnostics.sources.source import NotConnected

SHOWN = 15

OFTEN = Threshold(
    "sentry-issues.often",
    10,
    "count",
    "an issue of ingestion with this many events in the window fails the check; a rarer one only warns, when it is new or is "
    "known to lose events",
)

LATELY = Threshold(
    "sentry-issues.lately",
    21_600.0,
    "s",
    "an issue of ingestion fails the check only when it was seen within this time; what is past may be over, and warns",
)

ERRORS = Code(
    id="sentry.errors",
    worst=Status.FAIL,
    summary="its errors are in Sentry",
    headline="Sentry shows errors of ingestion",
    category=Category.BUG,
    weak=True,
    # Errors are what breaks elsewhere looks like from the inside; dead letters are the same failures with their number.
    caused_by=(
        "app.postgres-down",
        "app.redis-down",
        "capture.cannot-produce",
        "clickhouse.unreachable",
        "dead-letters.active",
        "kafka.dead-letters",
        "kafka.topic-missing",
        "kafka.unreachable",
        "plugin-server.not-ready",
        "plugin-server.stalled",
        "plugin-server.unhealthy",
        "plugin-server.unreachable",
    ),
)
UNAUTHORIZED = Code(
    id="sentry.unauthorized", worst=Status.UNKNOWN, summary="Sentry does not let diag look", category=Category.SETUP
)
UNREACHABLE = Code(id="sentry.unreachable", worst=Status.UNKNOWN, summary="Sentry does not answer", category=Category.SETUP)
NOT_FOUND = Code(
    id="sentry.not-found", worst=Status.UNKNOWN, summary="Sentry does not know what it was asked for", category=Category.SETUP
)
NOT_CONFIGURED = Code(
    id="sentry.not-configured", worst=Status.INFO, summary="there is no Sentry to look into", category=Category.SETUP
)

_CONNECTION = {code.id: code for code in (UNAUTHORIZED, UNREACHABLE, NOT_FOUND)}

_ALARMING = frozenset({"error", "fatal", ""})

# Where ingestion runs, as it stands in culprits, file and function names, and the words of its own errors.
_CODE = re.compile(
    r"plugin-server|nodejs/src/(ingestion|kafka|worker)|event[-_]?pipeline|ingest|\bcapture\b|kafka|dead[-_]?letter"
    r"|(populateTeamData|processEvent|plugins?Process\w*|transformEvent|normalizeEvent|processPersons|prepareEvent|createEvent"
    r"|emitEvent|cookieless\w*)Step",
    re.IGNORECASE,
)
_WORDS = re.compile(r"kafka|\bingest|dead[- ]?letter|clickhouse_events|events_plugin_ingestion|plugin server", re.IGNORECASE)


class Judged(Struct, frozen=True, kw_only=True):
    """An issue of ingestion and what is known of its text."""

    issue: Issue
    known: KnownError | None
    new: bool


@check(
    "sentry-issues",
    stage=Stage.PLUGIN_SERVER,
    title="Sentry shows no unresolved error of ingestion",
    finds=[ERRORS, UNAUTHORIZED, UNREACHABLE, NOT_FOUND, NOT_CONFIGURED],
    reads=[ACCESS, PROJECTS, ISSUES],
    thresholds=[OFTEN, LATELY],
    timeout=45.0,  # a rate limit of Sentry is waited for, up to 30 s
    probes=Sentry,
)
def sentry_issues(
    sentry: Sentry | None, window: Window, scope: Scope, known: KnownErrors, limits: Thresholds
) -> Iterator[Finding]:
    if sentry is None:
        yield NOT_CONFIGURED.found("No Sentry to look into is configured: the runbook goes on to the dead letters")
        return
    connection = sentry.connection()
    if isinstance(connection, NotConnected):
        yield _not_connected(sentry, connection)
        return
    issues = sentry.issues(since=window.since, until=window.until, user=scope.sentry_user)
    ours = [judged for issue in issues.found if (judged := _judged(issue, window, known))]
    if ours:
        yield _errors(sentry, issues, ours, window, scope, limits)
    elif scope.sentry_user is None and issues.heard_of_plugin_server is False:
        # Known, not guessed: plugin servers since February 2025 report to PostHog's own error tracking.
        yield ERRORS.found(
            f"Sentry has no unresolved error of ingestion in the last {window}, which proves little: it has not heard of any "
            "plugin server in 90 days (newer ones report to PostHog's own error tracking)",
            status=Status.OK,
            affects=[sentry.organization],
        )


def _not_connected(sentry: Sentry, connection: NotConnected) -> Finding:
    hint = connection.hint
    return _CONNECTION[connection.code].found(
        connection.message,
        affects=[sentry.address()],
        actions=[Action(text=hint[:1].upper() + hint[1:])] if hint else [],
        source_text=True,
    )


def _judged(issue: Issue, window: Window, known: KnownErrors) -> Judged | None:
    """The issue, if it is an error and touches ingestion. What is known of its text decides; then where it comes from."""
    if issue.level not in _ALARMING:
        return None
    entry = known.match(f"{issue.title}\n{issue.message}")
    touches = (
        entry.ingestion
        if entry
        else issue.from_plugin_server
        or any(_CODE.search(place) for place in (issue.culprit, issue.filename, issue.function))
        or bool(_WORDS.search(f"{issue.title} {issue.message}"))
    )
    new = issue.first_seen is not None and issue.first_seen >= window.since
    return Judged(issue=issue, known=entry, new=new) if touches else None


def _errors(
    sentry: Sentry, issues: Issues, ours: Sequence[Judged], window: Window, scope: Scope, limits: Thresholds
) -> Finding:
    ranked = sorted(ours, key=lambda judged: judged.issue.count, reverse=True)
    total = sum(judged.issue.count for judged in ranked)
    new = sum(judged.new for judged in ranked)
    cause, codes = leading_cause((judged.known, judged.issue.count) for judged in ranked)
    one = len(ranked) == 1
    newly = "" if not new else "; it is new" if one else f"; {new} of them {'is' if new == 1 else 'are'} new"
    user = f" of the user {scope.sentry_user}" if scope.sentry_user else ""
    return ERRORS.found(
        f"{len(ranked)} unresolved {'issue' if one else 'issues'} in Sentry{user} that {'touches' if one else 'touch'} "
        f"ingestion {'was' if one else 'were'} seen {total:,} {'time' if total == 1 else 'times'} in the last {window}{newly}",
        status=_status(ranked, window, limits),
        detail=_detail(issues, ranked),
        affects=[sentry.organization],
        evidence=[
            _table(sentry, ranked),
            QueryText(title="Searched for", text=search(UNRESOLVED, user=scope.sentry_user), language="http"),
        ],
        actions=[
            *(judged.known.action() for judged in ranked[:1] if judged.known),
            Action(text=f"Open the foremost issue in Sentry: {_path(sentry, ranked[0].issue)}"),
        ],
        cause=cause,
        cause_codes=codes,
        source_text=bool(user),
        measure=Measure(value=float(total), unit="errors", counted_s=float(window.seconds)),
    )


def _status(ranked: Sequence[Judged], window: Window, limits: Thresholds) -> Status:
    often = [judged for judged in ranked if judged.issue.count >= limits(OFTEN)]
    if any(_lately(judged.issue, window, limits(LATELY)) for judged in often):
        return Status.FAIL
    if often or any(judged.new or (judged.known and judged.known.loses_events) for judged in ranked):
        return Status.WARN
    return Status.INFO


def _lately(issue: Issue, window: Window, limit: float) -> bool:
    """Whether it still comes, as far as Sentry says when it came last."""
    return issue.last_seen is None or (window.until - issue.last_seen).total_seconds() <= limit


def _detail(issues: Issues, ranked: Sequence[Judged]) -> str:
    others = len(issues.found) - len(ranked)
    rest = f"{others} other unresolved {'issue does' if others == 1 else 'issues do'} not touch it." if others else ""
    more = f"Sentry has more than the {len(issues.found)} issues that were looked at." if not issues.complete else ""
    return " ".join(filter(None, (rest, more)))


def _table(sentry: Sentry, ranked: Sequence[Judged]) -> Table:
    columns = (
        Column(name="issue", kind="code"),
        Column(name="events", kind="count"),
        Column(name="error", kind="source-text"),
        Column(name="first seen", kind="time"),
        Column(name="last seen", kind="time"),
        Column(name="known as"),
        Column(name="in Sentry"),
    )
    return Table(
        title="Unresolved issues that touch ingestion",
        columns=columns,
        rows=tuple(_row(sentry, judged) for judged in ranked[:SHOWN]),
        omitted=max(0, len(ranked) - SHOWN),
    )


def _row(sentry: Sentry, judged: Judged) -> tuple[str | int | None, ...]:
    issue = judged.issue
    known = judged.known.meaning if judged.known else ""
    seen = (_time(issue.first_seen), _time(issue.last_seen))
    return (issue.short_id or issue.id, issue.count, issue.title, *seen, known, _path(sentry, issue))


def _time(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if at else None


def _path(sentry: Sentry, issue: Issue) -> str:
    """Made here: the server's own link is built from its configured prefix, which may be an internal name."""
    number = issue.id if issue.id.isdecimal() else "?"
    return f"/organizations/{sentry.organization}/issues/{number}/"
