"""Sentry's issues: how they are asked for, and what of an issue is kept.

Searches are made of plain `key:value` tokens only: negation and wildcards need a feature that not every Sentry has.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from msgspec import Struct

from diagnostics.sources.errors import Refused
from diagnostics.sources.excerpt import excerpt

UNRESOLVED = "is:unresolved"

# The tag that every plugin server sets when it starts its Sentry client.
PLUGIN_SERVER = "has:PLUGIN_SERVER_MODE"

MAX_TEXT = 500

# The search for the next page takes time with the square of the header's length.
MAX_LINK = 4000

# A window that ends this recently is asked for as a period, so that Sentry's clock counts and not this machine's.
ENDS_NOW = timedelta(minutes=2)


class Program(StrEnum):
    """What an issue was reported by, as far as its platform tells: PostHog is made of the first three, and of browsers."""

    NODE = "node"
    PYTHON = "python"
    RUST = "rust"
    BROWSER = "browser"
    FOREIGN = "foreign"
    UNTOLD = ""


class Issue(Struct, frozen=True, kw_only=True):
    """One issue. `count` is the number of events within the window; `title`, `message`, `culprit`, `filename`, `function` and
    `logger` are the words of the program that failed; `from_plugin_server` says that its events carry a plugin server's tag.
    `platform` is that of its events (GlitchTip and old Sentries do not say), `project_platform` the one that the project was
    created for, whatever reports to it. `permalink` is Sentry's own link to it, as it came."""

    id: str
    short_id: str
    title: str
    message: str
    culprit: str
    filename: str
    function: str
    level: str
    platform: str
    project: str
    count: int
    first_seen: datetime | None
    last_seen: datetime | None
    project_platform: str = ""
    logger: str = ""
    permalink: str = ""
    from_plugin_server: bool = False


class Issues(Struct, frozen=True, kw_only=True):
    """Issues, the most recently seen first; `complete` is False when there were more pages than diag reads.

    `heard_of_plugin_server`: whether a plugin server reported anything in the 90 days that Sentry keeps; None when Sentry
    cannot say. PostHog's plugin server reports to PostHog's own error tracking instead of Sentry since February 2025.
    `heard_in` is the project that it did so in.
    """

    found: tuple[Issue, ...]
    complete: bool
    heard_of_plugin_server: bool | None
    heard_in: str = ""


class Project(Struct, frozen=True, kw_only=True):
    """A project of the organization."""

    id: str
    slug: str


def search(*tokens: str, user: str | None = None) -> str:
    """The search text. Raises Refused for a user name that it cannot express."""
    return " ".join([*tokens, *([_user(user)] if user else [])])


def _user(name: str) -> str:
    # In Sentry's grammar only the quote is escaped within quotes; a lone * would be a wildcard; a backslash stands for itself.
    if name.endswith("\\"):
        raise Refused("Sentry's search has no way to ask for a user name that ends with a backslash")
    escaped = name.replace('"', '\\"').replace("*", "\\*")
    return f'user.username:"{escaped}"'


def time_range(since: datetime, until: datetime, now: datetime) -> list[tuple[str, str]]:
    """The parameters for a window: `statsPeriod` when it ends now, else `start` and `end`."""
    if now - until <= ENDS_NOW:
        minutes = max(1, round((until - since).total_seconds() / 60))
        return [("statsPeriod", f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}m")]
    return [(name, f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}") for name, at in (("start", since), ("end", until))]


_LINK = re.compile(r"<[^>]*>([^<]*)")
_ATTRIBUTE = re.compile(r'(\w+)="([^"]*)"')


def next_cursor(link: str) -> str | None:
    """The cursor of the next page. Both directions are always in the header: only `results="true"` means that there is one."""
    for entry in _LINK.findall(link[:MAX_LINK]):
        attributes = dict(_ATTRIBUTE.findall(entry))
        if attributes.get("rel") == "next" and attributes.get("results") == "true":
            return attributes.get("cursor")
    return None


def read_issues(body: Any) -> list[Issue]:
    """The issues of one page; what has no id is none."""
    return [_issue(entry) for entry in _objects(body)]


def program_of(issue: Issue) -> Program:
    """What reported the issue, by the platform of its events. Those have no dash: what has one is that of the project again."""
    return _program(issue.platform) if "-" not in issue.platform else Program.UNTOLD


def project_program_of(issue: Issue) -> Program:
    """What the issue's project was created for."""
    return _program(issue.project_platform)


# Capture is Rust, whose client calls itself native. Those of projects are finer, such as node-express or python-django.
_PROGRAMS = {
    "node": Program.NODE,
    "bun": Program.NODE,
    "deno": Program.NODE,
    "python": Program.PYTHON,
    "rust": Program.RUST,
    "native": Program.RUST,
    "javascript": Program.BROWSER,
    "other": Program.UNTOLD,
    "": Program.UNTOLD,
}


def _program(platform: str) -> Program:
    return _PROGRAMS.get(platform.lower().partition("-")[0], Program.FOREIGN)


def believable(tagged: Sequence[Issue]) -> bool:
    """Whether these can be the issues with the plugin server's tag: a browser never sets it, so a Sentry that lists one when
    asked for the tag did not search for it."""
    return all(program_of(issue) in (Program.NODE, Program.UNTOLD) for issue in tagged)


def read_projects(body: Any) -> list[Project]:
    """The projects of one page."""
    return [Project(id=_text(entry.get("id")), slug=_text(entry.get("slug"))) for entry in _objects(body)]


def _objects(body: Any) -> Sequence[dict[str, Any]]:
    return [entry for entry in body if isinstance(entry, dict) and _text(entry.get("id"))] if isinstance(body, list) else []


def _issue(entry: dict[str, Any]) -> Issue:
    metadata, project = _object(entry.get("metadata")), _object(entry.get("project"))
    return Issue(
        id=_text(entry.get("id")),
        short_id=_text(entry.get("shortId")),
        title=_text(entry.get("title")),
        message=_text(metadata.get("value")),
        culprit=_text(entry.get("culprit")),
        filename=_text(metadata.get("filename")),
        function=_text(metadata.get("function")),
        level=_text(entry.get("level")),
        platform=_text(entry.get("platform")),
        project=_text(project.get("slug")),
        count=_count(entry.get("count")),
        first_seen=_time(entry.get("firstSeen")),
        last_seen=_time(entry.get("lastSeen")),
        project_platform=_text(project.get("platform")),
        logger=_text(entry.get("logger")),
        permalink=_text(entry.get("permalink")),
    )


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return excerpt(str(value), MAX_TEXT) if isinstance(value, str | int) else ""


def _count(value: Any) -> int:
    """Sentry writes it as a string."""
    text = _text(value)
    return int(text) if text.isdecimal() and len(text) < 16 else 0


def _time(value: Any) -> datetime | None:
    try:
        at = datetime.fromisoformat(_text(value))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
