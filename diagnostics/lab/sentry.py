"""Stands in for a self-hosted Sentry: the part of its web API that looks issues up.

The organization's issues endpoint filters by time and wants numeric projects; both relations of the `Link` header are
always there, and its addresses are built from the server's configured prefix, which need not be the address it was asked at.
A self-hosted Sentry sends no rate-limit headers. Sources: getsentry/sentry-api-schema, `src/sentry/api` of getsentry/sentry.
"""

import re
import shlex
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from msgspec import Struct

from diagnostics.lab.ago import UNITS, Ago, seconds
from diagnostics.lab.http import Request, Response

PREFIX = "https://sentry.internal.example"
"""`system.url-prefix` of this Sentry: links in answers begin with it, as behind a proxy."""

PERIOD = re.compile(r"(\d+)([smhdw]?)")


class Project(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A project of the organization. Its number is its place in the list, from 1."""

    slug: str
    platform: str = "node"


class Issue(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An issue. `project` is a slug, None the first project; `usernames` are those of the users affected; `platform` is that of
    its events, None that of the project, and empty where Sentry does not say it."""

    title: str
    count: int = 1
    culprit: str = ""
    first_seen: Ago = "1h"
    last_seen: Ago = "1m"
    level: str = "error"
    status: str = "unresolved"
    project: str | None = None
    platform: str | None = None
    logger: str | None = None
    users: int = 0
    usernames: tuple[str, ...] = ()
    tags: dict[str, str] = {}


# A plugin server that reports to this Sentry leaves traces like this one: silence of one that does not would prove nothing.
LONG_AGO = Issue(
    title="Error: Connection terminated unexpectedly",
    culprit="PostgresRouter.query(postgres)",
    count=31,
    first_seen="40d",
    last_seen="12d",
    status="resolved",
    tags={"PLUGIN_SERVER_MODE": "ingestion"},
)


class Sentry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A Sentry with one organization. Not `configured`: the install has none. Not `accepts_token`: the token was revoked.

    `told_org` is what diag was told instead of `org`.
    """

    up: bool = True
    configured: bool = True
    accepts_token: bool = True
    scopes: tuple[str, ...] = ("event:read", "org:read")
    org: str = "acme"
    told_org: str = ""
    projects: tuple[Project, ...] = (Project(slug="posthog-plugins"), Project(slug="posthog-web", platform="python"))
    token: str = "5f2b7c1e9d8a4f6b3c0d1e2f5a6b7c8d9e0f1a2b3c4d5e6f7a8b9c0d1e2f3a4b"  # noqa: S105  old self-hosted tokens are bare hex
    issues: tuple[Issue, ...] = (LONG_AGO,)

    def __call__(self, request: Request) -> Response:
        match request.headers.get("authorization", "").split():
            case []:
                return _refused("Authentication credentials were not provided.", 401)
            case [_]:
                return _refused("Invalid token header. No credentials provided.", 401)
            case [_, _, *rest] if rest:
                return _refused("Invalid token header. Token string should not contain spaces.", 401)
            case [scheme, token] if not (self.accepts_token and scheme == "Bearer" and token == self.token):
                return _refused("Invalid token", 401)
        match request.path.strip("/").split("/"):
            case ["api", "0", "organizations", org, *rest] if org == self.org:
                return self._organization(request, rest)
        return _refused("The requested resource does not exist", 404)

    def _organization(self, request: Request, rest: list[str]) -> Response:
        needed = "event:read" if rest == ["issues"] else "org:read"
        if needed not in self.scopes:
            return _refused("You do not have permission to perform this action.", 403)
        match rest:
            case []:
                return Response.json({"id": "1", "slug": self.org, "name": self.org.title(), "status": {"id": "active"}})
            case ["projects"]:
                return self._page(request, [self._project(project) for project in self.projects])
            case ["issues"]:
                return self._issues(request)
        return _refused("The requested resource does not exist", 404)

    def _issues(self, request: Request) -> Response:
        wanted = [value for name, value in request.query if name == "project"]
        if not all(re.fullmatch(r"-?\d+", value) for value in wanted):
            return _refused("Invalid project parameter. Values must be numbers.", 400)
        period = request.parameter("statsPeriod") or "90d"
        if PERIOD.fullmatch(period) is None:
            return _refused(f"Invalid statsPeriod: '{period}'", 400)
        query = request.parameter("query")
        terms = shlex.split("is:unresolved" if query is None else query)
        if any("*" in term for term in terms):
            return _refused("You need access to the advanced search feature to use wildcard search", 400)
        if any(term.startswith("!") and not term.startswith("!has:") for term in terms):
            return _refused("You need access to the advanced search feature to use negative search", 400)
        projects = {self._number(project.slug) for project in self.projects if not wanted or "-1" in wanted}
        projects |= {int(value) for value in wanted} & {self._number(project.slug) for project in self.projects}
        if not projects:
            return Response.json([])  # without a Link header, as Sentry does
        oldest = _period_s(period)
        found = [
            (number, issue)
            for number, issue in enumerate(self.issues, 1)
            if self._number(issue.project) in projects
            and seconds(issue.last_seen) <= oldest
            and all(_matches(issue, term) for term in terms)
        ]
        found.sort(key=lambda numbered: seconds(numbered[1].last_seen))
        return self._page(request, [self._issue(number, issue) for number, issue in found])

    def _number(self, slug: str | None) -> int:
        return 1 if slug is None else [project.slug for project in self.projects].index(slug) + 1

    def _project(self, project: Project) -> dict[str, object]:
        return {
            "id": str(self._number(project.slug)),
            "slug": project.slug,
            "name": project.slug,
            "platform": project.platform,
            "status": "active",
        }

    def _issue(self, number: int, issue: Issue) -> dict[str, object]:
        project = self._project(self.projects[self._number(issue.project) - 1])
        kind, _, value = issue.title.partition(": ")
        return {
            "id": str(4000 + number),
            "shortId": f"{str(project['slug']).upper()}-{number:X}",
            "title": issue.title,
            "culprit": issue.culprit,
            "permalink": f"{PREFIX}/organizations/{self.org}/issues/{4000 + number}/",
            "level": issue.level,
            "status": issue.status,
            "substatus": "ongoing",
            "platform": project["platform"] if issue.platform is None else issue.platform,
            "logger": issue.logger,
            "type": "error",
            "metadata": {"type": kind, "value": value},
            "count": str(issue.count),
            "userCount": issue.users,
            "firstSeen": _iso(issue.first_seen),
            "lastSeen": _iso(issue.last_seen),
            "project": project,
            "isUnhandled": False,
            "annotations": [],
            "stats": {"24h": []},
        }

    def _page(self, request: Request, items: list[dict[str, object]]) -> Response:
        limit = min(int(request.parameter("limit") or request.parameter("per_page") or 100), 100)
        offset = int((request.parameter("cursor") or "0:0:0").split(":")[1])
        more = "true" if offset + limit < len(items) else "false"
        before = "true" if offset else "false"
        link = ", ".join(
            f'<{self._link(request, cursor)}>; rel="{relation}"; results="{results}"; cursor="{cursor}"'
            for relation, results, cursor in (
                ("previous", before, f"0:{max(0, offset - limit)}:1"),
                ("next", more, f"0:{offset + limit}:0"),
            )
        )
        return Response.json(items[offset : offset + limit], headers=(("Link", link),))

    def _link(self, request: Request, cursor: str) -> str:
        query = [(name, value) for name, value in request.query if name != "cursor"]
        return f"{PREFIX}{request.path}?{urlencode([*query, ('cursor', cursor)])}"


def _matches(issue: Issue, term: str) -> bool:
    """One token of Sentry's search: `key:value`, or free text in title or culprit. A key that is no field is a tag."""
    key, colon, value = term.partition(":")
    if not colon or " " in key:
        return term.lower() in f"{issue.title} {issue.culprit}".lower()
    match key:
        case "is":
            return value == issue.status
        case "level":
            return value == issue.level
        case "has":
            return value in issue.tags
        case "!has":
            return value not in issue.tags
        case "lastSeen" | "firstSeen":
            age = seconds(issue.last_seen if key == "lastSeen" else issue.first_seen)
            return age <= _period_s(value.removeprefix("-"))
        case "user.username":
            return value in issue.usernames
    return issue.tags.get(key) == value


def _period_s(period: str) -> int:
    number, unit = re.fullmatch(PERIOD, period).groups()  # type: ignore[union-attr]  # it matched before
    return int(number) * {**UNITS, "w": 7 * 86400, "": 1}[unit]


def _iso(ago: Ago) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds(ago))).isoformat(timespec="seconds").replace("+00:00", "Z")


def _refused(detail: str, status: int) -> Response:
    return Response.json({"detail": detail}, status=status)
