"""Whose an issue is: told by the program that reported it, the code it stands in, the tag of the plugin server and its words.

A token mostly sees more than PostHog's plugin server: one SENTRY_DSN serves all of a hobby install, browsers included, and an
organization has other products. None of these signs is always there, so that some issues remain of which nothing tells.
"""

import re
from collections.abc import Collection
from enum import StrEnum

from diagnostics.sources.sentry.issues import Issue, Program, program_of, project_program_of


class Whose(StrEnum):
    """Whose business an issue is; the value names it in a report."""

    INGESTION = "ingestion"
    UNTOLD = "nobody can tell"
    BROWSER = "browsers"
    APP = "PostHog's web app and its workers"
    OTHER = "other programs"


# The steps of the plugin server's event pipeline: nobody else has functions of these names.
_STEPS = (
    r"(populateTeamData|processEvent|plugins?Process\w*|transformEvent|normalizeEvent|processPersons|prepareEvent|createEvent"
    r"|emitEvent|cookieless\w*)Step"
)

# Names that only PostHog has: its own modules, steps and topics.
_POSTHOGS = re.compile(
    r"\bposthog[./]|\bee[./]clickhouse|plugin-server|nodejs/src/|src/(worker|main)/ingestion|src/ingestion/|event[-_]pipeline"
    r"|events_plugin_ingestion|clickhouse_events|events_dead_letter_queue"
    rf"|{_STEPS}",
    re.IGNORECASE,
)

# Where ingestion runs, as it stands in culprits, file and function names and loggers.
_CODE = re.compile(
    r"plugin-server|nodejs/src/(ingestion|kafka|worker)|event[-_]?pipeline|ingest|\bcapture\b|kafka|dead[-_]?letter"
    r"|\bee[./]clickhouse[./](models[./]event|process_event)"
    rf"|{_STEPS}"
    r"|^(POST |GET )?/(e|batch|track|engage|i/v0/e)/?$",
    re.IGNORECASE,
)

# What only ingestion speaks of.
_WORDS = re.compile(
    r"kafka|\bingest|dead[- ]?letter|clickhouse_events|events_plugin_ingestion|plugin[- ]server"
    r"|insert(ing)? (into|to) clickhouse|clickhouse insert",
    re.IGNORECASE,
)

# What ingestion speaks of, and other services too.
_HINTS = re.compile(
    r"postgres|\bpg\b|pgbouncer|redis|clickhouse|\bconsumers?\b|\bproducers?\b|\bpartitions?\b|\bcapture\b|\bplugins?\b|\bpersons?\b"
    r"|\bteam\b|team_id|\bbroker\b",
    re.IGNORECASE,
)

# Code of the app that serves people: an address that a browser asked for, or a module of Django's or PostHog's Python.
_APP_CODE = re.compile(r"^((GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) )?/|^(posthog|ee|products|django|rest_framework|celery)\.")

# What no server says, whatever the platform that a project was created with.
_BROWSER_WORDS = re.compile(
    r"ChunkLoadError|Loading (CSS )?chunk \S+ failed|dynamically imported module|ResizeObserver loop|^(Error: )?Script error\b"
    r"|Non-Error promise rejection captured",
    re.IGNORECASE,
)
_BROWSER_CODE = re.compile(r"/static/|^https?://|\bfrontend/|\.[jt]sx\b|-extension://", re.IGNORECASE)

_POSTHOG_SLUG = re.compile(r"posthog|plugin-?server", re.IGNORECASE)

_ELSEWHERE = {Program.BROWSER: Whose.BROWSER, Program.PYTHON: Whose.APP}


def posthogs_projects(issues: Collection[Issue], *, heard_in: str) -> frozenset[str]:
    """The projects that show that they are PostHog's: by their name, or because a plugin server reports to them. `heard_in` is
    the one that a plugin server was last heard of in, empty when none was."""
    named = {issue.project for issue in issues if issue.from_plugin_server or _POSTHOG_SLUG.search(issue.project)}
    return frozenset(named | {heard_in} - {""})


def whose(issue: Issue, *, known: bool | None, posthogs: bool | None) -> Whose:
    """Whose business an issue is.

    `known` is what the catalogue of known errors says of its text: of ingestion, of something else, or None. `posthogs` is
    whether its project is PostHog's, None when nothing tells of any project.
    """
    program, surely = _program(issue)
    if known is False:
        return _ELSEWHERE.get(program, Whose.OTHER)
    if _is_browsers(issue):
        return Whose.UNTOLD if known else Whose.BROWSER
    code, words = _of_ingestion(issue), bool(_WORDS.search(_text(issue)))
    signs = known or code or words or issue.from_plugin_server
    if program in (Program.BROWSER, Program.FOREIGN) and (surely or not signs):
        # Not even a known text: every product that uses Postgres runs out of connections with the same words.
        return Whose.UNTOLD if known or _POSTHOGS.search(_everything(issue)) else _ELSEWHERE.get(program, Whose.OTHER)
    if signs:
        generic = posthogs is False and not issue.from_plugin_server and not _POSTHOGS.search(_everything(issue))
        return Whose.UNTOLD if generic else Whose.INGESTION
    return _without_sign(issue, program, posthogs)


def _without_sign(issue: Issue, program: Program, posthogs: bool | None) -> Whose:
    """Of what neither its code nor its words tie to ingestion."""
    hints = bool(_HINTS.search(_text(issue)))
    if any(_APP_CODE.search(place) for place in _places(issue)):
        return Whose.APP if program in (Program.PYTHON, Program.UNTOLD) else Whose.OTHER
    if program is Program.PYTHON:
        # The app needs them for every page; only without a place may it be the part of the app that takes events.
        return Whose.UNTOLD if hints and not _has_place(issue) and posthogs is not False else Whose.APP
    if posthogs is False:
        return Whose.OTHER
    return Whose.INGESTION if hints and posthogs and program is not Program.UNTOLD else Whose.UNTOLD


def _program(issue: Issue) -> tuple[Program, bool]:
    """What the issue itself says of its program; else its project, which may hold those of several, so that it is not sure."""
    own = program_of(issue)
    return (own, True) if own is not Program.UNTOLD else (project_program_of(issue), False)


def _is_browsers(issue: Issue) -> bool:
    if _BROWSER_WORDS.search(_text(issue)):
        return True
    return not issue.from_plugin_server and any(_BROWSER_CODE.search(place) for place in _places(issue))


def _of_ingestion(issue: Issue) -> bool:
    return any(_CODE.search(place) for place in _places(issue))


def _places(issue: Issue) -> tuple[str, ...]:
    return (issue.culprit, issue.filename, issue.function, issue.logger)


def _has_place(issue: Issue) -> bool:
    return bool(issue.culprit or issue.filename or issue.function)


def _text(issue: Issue) -> str:
    return f"{issue.title} {issue.message}"


def _everything(issue: Issue) -> str:
    return "\n".join((_text(issue), *_places(issue)))
