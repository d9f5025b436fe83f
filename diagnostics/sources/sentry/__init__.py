"""Sentry as diag asks it."""

from diagnostics.sources.sentry.issues import Issue, Issues
from diagnostics.sources.sentry.source import ACCESS, ISSUES, PROJECTS, Sentry
from diagnostics.sources.sentry.whose import Whose, posthogs_projects, whose

__all__ = ["ACCESS", "ISSUES", "PROJECTS", "Issue", "Issues", "Sentry", "Whose", "posthogs_projects", "whose"]
