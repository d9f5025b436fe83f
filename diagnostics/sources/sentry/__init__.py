"""Sentry as diag asks it."""

from diagnostics.sources.sentry.issues import Issue, Issues
from diagnostics.sources.sentry.source import ACCESS, ISSUES, PROJECTS, Sentry

__all__ = ["ACCESS", "ISSUES", "PROJECTS", "Issue", "Issues", "Sentry"]
