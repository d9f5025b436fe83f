"""HTTP as diag speaks it: read-only, bounded, recorded."""

from diagnostics.sources.http.client import MAX_BODY, USER_AGENT, Answer, Http, HttpOptions, Outcome, concurrently

__all__ = ["MAX_BODY", "USER_AGENT", "Answer", "Http", "HttpOptions", "Outcome", "concurrently"]
