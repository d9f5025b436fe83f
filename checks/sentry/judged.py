"""Sentry's issues, told apart by whether they are of ingestion."""

from msgspec import Struct

from diagnostics import KnownError, KnownErrors, Window
from diagnostics.sources.sentry import Issue, Issues, Sentry, Whose, posthogs_projects, whose

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


def told_apart(sentry: Sentry, issues: Issues, window: Window, known: KnownErrors) -> Told:
    """The issues, those with the most events first."""
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
