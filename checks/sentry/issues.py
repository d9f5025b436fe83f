"""Sentry: unresolved errors of the window that touch the way of events into PostHog.

Lists the organization's unresolved issues seen in the window, and tells those of ingestion (by the program that reported them,
the plugin server's tag, the code, the words) from those of browsers, the web app and other products, and from noise that is
known to mean nothing. What nothing tells of is named, and warns at most.
Healthy is none of them, as far as Sentry can tell: plugin servers since February 2025 report to PostHog's own error tracking.
It matters because the text of the error mostly names what is broken behind the plugin server.
By hand: search for `is:unresolved has:PLUGIN_SERVER_MODE` in Sentry's issues.
"""

from collections.abc import Iterator, Sequence

from checks.sentry.evidence import reasons, table
from checks.sentry.judged import Judged, Told, told_apart
from diagnostics import (
    Action,
    Category,
    Code,
    Finding,
    KnownErrors,
    Measure,
    QueryText,
    Scope,
    Stage,
    Status,
    Threshold,
    Thresholds,
    Window,
    check,
    leading_cause,
)
from diagnostics.report.wording import listed
from diagnostics.sources.sentry import ACCESS, ISSUES, PROJECTS, Issue, Issues, Sentry
from diagnostics.sources.sentry.issues import UNRESOLVED, search
from diagnostics.sources.source import NotConnected

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
    told = told_apart(sentry, issues, window, known)
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
        yield _silent(sentry, issues, told, window, f" (not of it: {listed(reasons(told.others))})")


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
            table("Unresolved issues that touch ingestion", sentry, ranked),
            *([table("Unresolved issues of which nothing tells whose they are", sentry, told.untold)] if told.untold else []),
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
        evidence=[table("Unresolved issues of which nothing tells whose they are", sentry, ranked), _searched_for(scope)],
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
    why = f"{rest}: {listed(reasons(told.others))}." if others else ""
    more = f"Sentry has more than the {len(issues.found)} issues that were looked at." if not issues.complete else ""
    return " ".join(filter(None, (perhaps if told.ours else "", why, more)))
