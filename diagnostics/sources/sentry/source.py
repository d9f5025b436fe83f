"""Sentry's web API: the unresolved issues of an organization.

The organization's list is asked, because the projects' own filters by no time. Every version and GlitchTip have it; a DSN
cannot read anything.
"""

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import ClassVar

from msgspec import structs

from diagnostics.sources.background import in_background
from diagnostics.sources.errors import BadAnswer, Denied, SourceError
from diagnostics.sources.http import Answer, Http, HttpOptions
from diagnostics.sources.http.address import without_credentials
from diagnostics.sources.sentry import failure as sentry_failure
from diagnostics.sources.sentry.issues import (
    PLUGIN_SERVER,
    UNRESOLVED,
    Issue,
    Issues,
    believable,
    next_cursor,
    read_issues,
    read_projects,
    search,
    time_range,
)
from diagnostics.sources.sentry.link import link
from diagnostics.sources.source import Connected, Connection, Endpoint, Memo, NotConnected, Read, Recorder, Source, now

_ISSUES_PATH = "/api/0/organizations/{org}/issues/"

ACCESS = Endpoint(name="sentry.access", source="sentry", path=_ISSUES_PATH, why="whether the token may read issues")
ISSUES = Endpoint(name="sentry.issues", source="sentry", path=_ISSUES_PATH, why="unresolved issues seen in the window")
PROJECTS = Endpoint(
    name="sentry.projects", source="sentry", path="/api/0/organizations/{org}/projects/", why="the numbers of the projects"
)

# 100 issues a page is the most that Sentry gives; 500 unresolved issues say all that a report can use.
PAGE = 100
MAX_PAGES = 5
MAX_TRIES = 3


class Sentry(Source):
    """The organization `org` at `url` (SaaS, a region's host, or self-hosted, also below a path); no `projects` means all.

    `pause` waits, in seconds, for the end of a rate limit.
    """

    id: ClassVar[str] = "sentry"
    label: ClassVar[str] = "Sentry"
    probes: ClassVar[tuple[Read, ...]] = (ACCESS, PROJECTS)

    def __init__(
        self,
        url: str,
        *,
        org: str,
        projects: Sequence[str],
        token: str,
        recorder: Recorder,
        options: HttpOptions,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        base = without_credentials(url).removesuffix("/api/0")
        self._unusable = sentry_failure.unusable(token)
        self._http = Http(base, source=self.id, recorder=recorder, options=options, bearer=None if self._unusable else token)
        self._org = org
        self._projects = tuple(projects)
        self._pause = pause
        self._memo = Memo()

    @property
    def organization(self) -> str:
        return self._org

    @property
    def of_projects(self) -> bool:
        """Whether it is asked for certain projects only, which somebody named as PostHog's."""
        return bool(self._projects)

    def link(self, issue: Issue) -> str:
        """The whole address of an issue, fit to be shown."""
        return link(issue.permalink, address=self.address(), organization=self._org, issue_id=issue.id)

    def issues(self, *, since: datetime, until: datetime, user: str | None = None) -> Issues:
        """Unresolved issues seen between `since` and `until`, of `user` (the `username` of Sentry's user) if given.

        Raises a SourceError: Denied, BadAnswer (with Sentry's own words), LimitExceeded, TimedOut, Unavailable.
        """
        self.asker.may(ISSUES)
        projects = self._project_parameters()
        where = [*projects, *time_range(since, until, now()), ("groupStatsPeriod", "")]
        question = [("query", search(UNRESOLVED, user=user)), *where, ("limit", str(PAGE))]
        heard = in_background(partial(self._heard_of_plugin_server, projects))  # meanwhile: a slow Sentry is slow for both
        pages = list(self._pages(ISSUES, question))
        found = [issue for page in pages for issue in read_issues(page.json)]
        tagged = self._tagged(search(UNRESOLVED, PLUGIN_SERVER, user=user), where) if found else []
        searched = believable([*tagged, *(heard.result() or ())])
        ids = frozenset(issue.id for issue in tagged) if searched else frozenset()
        last = heard.result() if searched else None
        return Issues(
            found=tuple(structs.replace(issue, from_plugin_server=issue.id in ids) for issue in found),
            complete=not pages or next_cursor(pages[-1].headers.get("link", "")) is None,
            heard_of_plugin_server=None if last is None else bool(last),
            heard_in=last[0].project if last else "",
        )

    def _heard_of_plugin_server(self, projects: list[tuple[str, str]]) -> list[Issue] | None:
        """The last issue of a plugin server, if there is one; None when Sentry cannot say."""
        question = [("query", PLUGIN_SERVER), *projects, ("statsPeriod", "90d"), ("groupStatsPeriod", ""), ("limit", "1")]
        try:
            return read_issues(self._get(ISSUES, question, "event:read", tries=1).json)
        except SourceError:
            return None

    def connection(self) -> Connection:
        return self._memo.get("connection", self._connect)

    def address(self) -> str:
        return self._http.address

    def _connect(self) -> Connection:
        started = time.monotonic()
        question = [("query", UNRESOLVED), ("statsPeriod", "24h"), ("groupStatsPeriod", ""), ("limit", "1")]
        try:
            projects = self._project_parameters()
            if self._looked_up(projects):  # the token is good; what it may not read, the issues' own answer says
                return Connected(seconds=time.monotonic() - started)
            answer = self._get(ACCESS, [*question, *projects], "event:read")
        except SourceError as error:
            return NotConnected(code=error.code or sentry_failure.UNREACHABLE, message=str(error), hint=error.hint)
        if not answer.json and "link" not in answer.headers:  # Sentry's answer to a token that sees no project
            message = f"The Sentry token sees no project of {self._org}"
            return NotConnected(code=sentry_failure.UNAUTHORIZED, message=message, hint=sentry_failure.HINT_INTEGRATION)
        return Connected(seconds=time.monotonic() - started)

    def _tagged(self, query: str, where: list[tuple[str, str]]) -> list[Issue]:
        """The issues whose events carry the plugin server's tag; a Sentry that cannot search for it knows none."""
        try:
            pages = list(self._pages(ISSUES, [("query", query), *where, ("limit", str(PAGE))]))
        except BadAnswer:
            return []
        return [issue for page in pages for issue in read_issues(page.json)]

    def _project_parameters(self) -> list[tuple[str, str]]:
        """`project=` for each project: older servers take numbers only, so slugs are looked up."""
        if all(project.isdecimal() for project in self._projects):
            return [("project", project) for project in self._projects]
        try:
            pages = list(self._pages(PROJECTS, [("per_page", str(PAGE))]))
        except Denied:  # newer servers take slugs; others say that they want numbers
            return [("project", project) for project in self._projects]
        ids = {project.slug: project.id for page in pages for project in read_projects(page.json)}
        return [("project", project if project.isdecimal() else self._id_of(project, ids)) for project in self._projects]

    def _looked_up(self, parameters: list[tuple[str, str]]) -> bool:
        """Whether Sentry was asked for the projects, and knew them."""
        return bool(parameters) and tuple(project for _, project in parameters) != self._projects

    def _id_of(self, slug: str, ids: dict[str, str]) -> str:
        from difflib import get_close_matches

        if slug in ids:
            return ids[slug]
        close = get_close_matches(slug, ids, n=3)
        hint = f"it knows {', '.join(close)}" if close else "check sentry.projects: they are slugs or numbers"
        message = f"Sentry's organization {self._org} has no project {slug}, or does not show it to this token"
        raise BadAnswer(message, hint=hint, code=sentry_failure.NOT_FOUND)

    def _pages(self, read: Endpoint, params: list[tuple[str, str]]) -> Iterator[Answer]:
        """Up to MAX_PAGES pages. A page may be short though more follow; the address in the header is not trusted."""
        grant = "org:read" if read is PROJECTS else "event:read"
        cursor: str | None = ""
        for _ in range(MAX_PAGES):
            answer = self._get(read, [*params, *([("cursor", cursor)] if cursor else [])], grant)
            yield answer
            cursor = next_cursor(answer.headers.get("link", ""))
            if not cursor:
                return

    def _get(self, read: Endpoint, params: list[tuple[str, str]], grant: str, tries: int = MAX_TRIES) -> Answer:
        """The answer, a list. Raises the SourceError that says why there is none."""
        if self._unusable:
            raise self._unusable
        return self._memo.get((read.name, *params), lambda: self._ask(read, params, grant, tries))

    def _ask(self, read: Endpoint, params: list[tuple[str, str]], grant: str, tries: int) -> Answer:
        for attempt in range(1, tries + 1):
            outcome = self._http.get(self.asker, read, fill={"org": self._org}, params=params, attempt=attempt)
            failure = sentry_failure.failure(outcome, address=self.address(), organization=self._org, grant=grant)
            if failure is None and isinstance(outcome, Answer):
                return outcome
            if not isinstance(outcome, Answer) or outcome.status != 429 or attempt == tries:
                break
            wait = sentry_failure.seconds_to_wait(outcome) + secrets.randbelow(500) / 1000
            if wait >= self.asker.time_left:
                break
            self._pause(wait)
        assert failure is not None
        raise failure
