"""Sentry: unresolved errors of the window that touch the way of events into PostHog.

Lists the organization's unresolved issues seen in the window, and tells those of ingestion (by the program that reported them,
the plugin server's tag, the code, the words) from those of browsers, the web app and other products, and from noise that is
known to mean nothing. What nothing tells of is named, and warns at most.
Healthy is none of them, as far as Sentry can tell: plugin servers since February 2025 report to PostHog's own error tracking.
It matters because the text of the error mostly names what is broken behind the plugin server.
By hand: search for `is:unresolved has:PLUGIN_SERVER_MODE` in Sentry's issues.
"""

from collections import Counter
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
from diagnostics.report.wording import listed
from diagnostics.sources.sentry import ACCESS, ISSUES, PROJECTS, Issue, Issues, Sentry, Whose, posthogs_projects, whose
from diagnostics.sources.sentry.issues import UNRESOLVED, search
from diagnostics.sources.sentry.link import path
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


class Judged(Struct, frozen=True, kw_only=True):
    """An issue, whose it is and what is known of its text. `posthogs`: its project is PostHog's, None when nothing tells;
    `alarming`: it is an error, not a note."""

    issue: Issue
    whose: Whose
    known: KnownError | None
    new: bool
    posthogs: bool | None
    alarming: bool


class Told(Struct, frozen=True, kw_only=True):
    """The issues that were found, told apart."""

    ours: tuple[Judged, ...]
    untold: tuple[Judged, ...]
    others: tuple[Judged, ...]


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
    told = _told_apart(sentry, issues, window, known)
    if told.ours:
        yield _errors(sentry, issues, told, window, scope, limits)
    elif told.untold:
        yield _untold(sentry, issues, told, window, scope, limits)
    elif scope.sentry_user is None and issues.heard_of_plugin_server is False:
        # Known, not guessed: plugin servers since February 2025 report to PostHog's own error tracking.
        proves_little = (
            ", which proves little: it has not heard of any plugin server in 90 days (newer ones report to PostHog's own error "
            "tracking)"
        )
        yield _silent(sentry, issues, told, window, proves_little)
    elif told.others and scope.sentry_user is None:
        yield _silent(sentry, issues, told, window, f" (not of it: {listed(_reasons(told.others))})")


def _silent(sentry: Sentry, issues: Issues, told: Told, window: Window, reserve: str) -> Finding:
    return ERRORS.found(
        f"Sentry has no unresolved error of ingestion in the last {window}{reserve}",
        status=Status.OK,
        detail=_detail(issues, told),
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


def _told_apart(sentry: Sentry, issues: Issues, window: Window, known: KnownErrors) -> Told:
    projects = posthogs_projects(issues.found, heard_in=issues.heard_in)
    judged = [_judged(issue, _is_posthogs(sentry, issue, projects), window, known) for issue in issues.found]
    judged.sort(key=lambda one: one.issue.count, reverse=True)
    return Told(
        ours=tuple(one for one in judged if one.alarming and one.whose is Whose.INGESTION),
        untold=tuple(one for one in judged if one.alarming and one.whose is Whose.UNTOLD),
        others=tuple(one for one in judged if not one.alarming or one.whose not in (Whose.INGESTION, Whose.UNTOLD)),
    )


def _is_posthogs(sentry: Sentry, issue: Issue, projects: frozenset[str]) -> bool | None:
    """Whoever names projects says that they are PostHog's. Else their names and tags tell, when those of any do."""
    return True if sentry.of_projects else issue.project in projects if projects and issue.project else None


def _judged(issue: Issue, posthogs: bool | None, window: Window, known: KnownErrors) -> Judged:
    entry = known.match(f"{issue.title}\n{issue.message}")
    return Judged(
        issue=issue,
        whose=whose(issue, known=entry.ingestion if entry else None, posthogs=posthogs),
        known=entry,
        new=issue.first_seen is not None and issue.first_seen >= window.since,
        posthogs=posthogs,
        alarming=issue.level in _ALARMING,
    )


def _errors(sentry: Sentry, issues: Issues, told: Told, window: Window, scope: Scope, limits: Thresholds) -> Finding:
    ranked = told.ours
    new = sum(judged.new for judged in ranked)
    cause, codes = leading_cause((judged.known, judged.issue.count) for judged in ranked)
    one = len(ranked) == 1
    newly = "" if not new else "; it is new" if one else f"; {new} of them {'is' if new == 1 else 'are'} new"
    return ERRORS.found(
        f"{_unresolved(ranked, scope)} that {'touches' if one else 'touch'} "
        f"ingestion {'was' if one else 'were'} seen {_times(ranked)} in the last {window}{newly}",
        status=_status(ranked, window, limits),
        detail=_detail(issues, told),
        affects=[sentry.organization],
        evidence=[
            _table("Unresolved issues that touch ingestion", sentry, ranked),
            *([_table("Unresolved issues of which nothing tells whose they are", sentry, told.untold)] if told.untold else []),
            _searched_for(scope),
        ],
        actions=[
            *(judged.known.action() for judged in ranked[:1] if judged.known),
            Action(text=f"Open the foremost issue in Sentry: {sentry.link(ranked[0].issue)}"),
        ],
        cause=cause,
        cause_codes=codes,
        source_text=bool(scope.sentry_user),
        measure=Measure(value=float(_events(ranked)), unit="errors", counted_s=float(window.seconds)),
    )


def _untold(sentry: Sentry, issues: Issues, told: Told, window: Window, scope: Scope, limits: Thresholds) -> Finding:
    """Issues that may be of ingestion: they never fail a check, for a healthy install has such issues of others."""
    ranked = told.untold
    often = [judged for judged in ranked if judged.posthogs and judged.issue.count >= limits(OFTEN)]
    one = len(ranked) == 1
    return ERRORS.found(
        f"{_unresolved(ranked, scope)}, seen {_times(ranked)} in the last {window}, may be of ingestion: nothing tells whose "
        f"{'it is' if one else 'they are'}",
        status=Status.WARN if any(_lately(judged.issue, window, limits(LATELY)) for judged in often) else Status.INFO,
        detail=_detail(issues, told),
        affects=[sentry.organization],
        evidence=[_table("Unresolved issues of which nothing tells whose they are", sentry, ranked), _searched_for(scope)],
        actions=[
            Action(text=f"See in Sentry which program it comes from: {sentry.link(ranked[0].issue)}"),
            *([] if sentry.of_projects else [Action(text="Name PostHog's projects in DIAG_SENTRY_PROJECTS")]),
        ],
        source_text=bool(scope.sentry_user),
    )


def _unresolved(ranked: Sequence[Judged], scope: Scope) -> str:
    user = f" of the user {scope.sentry_user}" if scope.sentry_user else ""
    return f"{len(ranked)} unresolved {'issue' if len(ranked) == 1 else 'issues'} in Sentry{user}"


def _events(ranked: Sequence[Judged]) -> int:
    return sum(judged.issue.count for judged in ranked)


def _times(ranked: Sequence[Judged]) -> str:
    total = _events(ranked)
    return f"{total:,} {'time' if total == 1 else 'times'}"


def _searched_for(scope: Scope) -> QueryText:
    return QueryText(title="Searched for", text=search(UNRESOLVED, user=scope.sentry_user), language="http")


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


def _detail(issues: Issues, told: Told) -> str:
    untold, others = len(told.untold), len(told.others)
    perhaps = f"Of {untold} more nothing tells whether {'it touches' if untold == 1 else 'they touch'} it." if untold else ""
    rest = f"{others} other unresolved {'issue does' if others == 1 else 'issues do'} not touch it" if others else ""
    why = f"{rest}: {listed(_reasons(told.others))}." if others else ""
    more = f"Sentry has more than the {len(issues.found)} issues that were looked at." if not issues.complete else ""
    return " ".join(filter(None, (perhaps if told.ours else "", why, more)))


def _reasons(others: Sequence[Judged]) -> list[str]:
    """`2 of browsers`, `1 known to mean nothing for it` ..., the most first."""
    counted = Counter(_reason(judged) for judged in others)
    return [f"{number} {reason}" for reason, number in counted.most_common()]


def _reason(judged: Judged) -> str:
    if judged.known and not judged.known.ingestion:
        return "known to mean nothing for it"
    return f"of {judged.whose}" if judged.alarming else "below an error"


def _table(title: str, sentry: Sentry, ranked: Sequence[Judged]) -> Table:
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
        title=title,
        columns=columns,
        rows=tuple(_row(sentry, judged) for judged in ranked[:SHOWN]),
        omitted=max(0, len(ranked) - SHOWN),
    )


def _row(sentry: Sentry, judged: Judged) -> tuple[str | int | None, ...]:
    issue = judged.issue
    known = judged.known.meaning if judged.known else ""
    seen = (_time(issue.first_seen), _time(issue.last_seen))
    return (issue.short_id or issue.id, issue.count, issue.title, *seen, known, path(sentry.organization, issue.id))


def _time(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if at else None
