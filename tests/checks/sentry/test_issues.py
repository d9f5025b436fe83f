import time
from datetime import timedelta

import pytest
from msgspec import structs

from checks.sentry.issues import LATELY, OFTEN, sentry_issues
from diagnostics import Finding, KnownError, KnownErrors, Scope, Status, Table, Thresholds, Window
from diagnostics.lab.http import Server
from diagnostics.lab.scripted import ScriptedServer
from diagnostics.lab.sentry import Issue, Project
from diagnostics.lab.sentry import Sentry as StandIn
from diagnostics.sources.errors import LimitExceeded
from diagnostics.sources.http import HttpOptions
from diagnostics.sources.sentry import Sentry
from diagnostics.sources.source import Asker, Recorder, now

PATH = "/api/0/organizations/acme/issues/"
TAG = {"PLUGIN_SERVER_MODE": "ingestion"}
TOO_MANY = KnownError(
    id="too-many-clients",
    pattern="too many clients already",
    meaning="Postgres ran out of connections",
    fix="Raise max_connections or put a pooler in front.",
    seen_in="PostHog/posthog#4709",
    cause="app.postgres-down",
)
NOISE = KnownError(
    id="noise", pattern="TooManyConnections", meaning="-", fix="-", seen_in="-", ingestion=False, loses_events=False
)
QUIET = KnownError(id="quiet", pattern="stalled", meaning="slow", fix="-", seen_in="-", loses_events=False)
KNOWN = KnownErrors([NOISE, TOO_MANY, QUIET])


def sentry(url: str, token: str = StandIn().token, projects: tuple[str, ...] = ()) -> Sentry:
    recorder, options = Recorder(), HttpOptions(timeout=1.0)
    source = Sentry(url, org="acme", projects=projects, token=token, recorder=recorder, options=options, pause=lambda _: None)
    reads = frozenset(read.name for read in sentry_issues.reads)
    return source.bind(Asker("sentry-issues", time.monotonic() + 40, reads))


def asked(source: Sentry | None, *, user: str | None = None, limits: Thresholds | None = None) -> list[Finding]:
    until = now()
    window = Window(until - timedelta(hours=24), until)
    scope = Scope(sentry_user=user)
    return list(sentry_issues.function(source, window, scope, KNOWN, limits or Thresholds()))


def found(*issues: Issue, user: str | None = None, limits: Thresholds | None = None) -> list[Finding]:
    with Server(StandIn(issues=issues)) as server:
        return asked(sentry(server.url), user=user, limits=limits)


MANY = (
    Project(slug="posthog", platform="python-django"),
    Project(slug="webshop", platform="javascript-react"),
    Project(slug="orders", platform="node-express"),
    Project(slug="ios-app", platform="apple-ios"),
    Project(slug="backend", platform="java"),
    Project(slug="internal", platform="other"),
)


def found_among_many(*issues: Issue, projects: tuple[str, ...] = ()) -> list[Finding]:
    """With a token that sees projects of other products too."""
    with Server(StandIn(issues=issues, projects=MANY)) as server:
        return asked(sentry(server.url, projects=projects))


def only(findings: list[Finding]) -> Finding:
    assert len(findings) == 1, findings
    return findings[0]


APP = "1 of PostHog's web app and its workers"
NOISY = "1 known to mean nothing for it"
HEARD = Issue(title="Error: resolved long ago", status="resolved", last_seen="40d", tags=TAG)


def test_no_sentry_is_a_note_and_the_runbook_goes_on() -> None:
    finding = only(asked(None))
    assert (finding.code, finding.status) == ("sentry.not-configured", Status.INFO)
    assert finding.claim == "No Sentry to look into is configured: the runbook goes on to the dead letters"


def test_a_silent_sentry_that_plugin_servers_report_to_is_healthy() -> None:
    assert found(HEARD) == []


def test_a_silent_sentry_that_no_plugin_server_reports_to_proves_little() -> None:
    finding = only(found())
    assert (finding.code, finding.status) == ("sentry.errors", Status.OK)
    assert finding.claim == (
        "Sentry has no unresolved error of ingestion in the last 24 h, which proves little: it has not heard of any "
        "plugin server in 90 days (newer ones report to PostHog's own error tracking)"
    )


def test_an_error_of_ingestion_with_its_known_cause() -> None:
    often = Issue(title="error: sorry, too many clients already", count=1180, first_seen="2h", tags=TAG)
    rare = Issue(title="Error: boom", count=12, first_seen="9d", last_seen="5h", tags=TAG)
    other = Issue(title="TypeError: x", culprit="/api/insights/", project="posthog-web", count=9_999)
    with Server(StandIn(issues=(often, rare, other))) as server:
        finding = only(asked(sentry(server.url)))
    assert (finding.code, finding.status) == ("sentry.errors", Status.FAIL)
    assert finding.claim == (
        "2 unresolved issues in Sentry that touch ingestion were seen 1,192 times in the last 24 h; 1 of them is new"
    )
    assert finding.detail == "1 other unresolved issue does not touch it: 1 of PostHog's web app and its workers."
    assert (finding.cause, finding.cause_codes) == ("Postgres ran out of connections", ("app.postgres-down",))
    assert [action.text for action in finding.actions] == [
        "Raise max_connections or put a pooler in front.",
        f"Open the foremost issue in Sentry: {server.url}/organizations/acme/issues/4001/",
    ]
    table = finding.evidence[0]
    assert isinstance(table, Table)
    assert [row[:3] for row in table.rows] == [
        ("POSTHOG-PLUGINS-1", 1180, "error: sorry, too many clients already"),
        ("POSTHOG-PLUGINS-2", 12, "Error: boom"),
    ]
    assert table.rows[0][5:] == ("Postgres ran out of connections", "/organizations/acme/issues/4001/")
    assert [column.kind for column in table.columns[:3]] == ["code", "count", "source-text"]


def test_a_known_error_behind_less_than_half_of_the_events_is_not_the_cause() -> None:
    known = Issue(title="sorry, too many clients already", count=49, tags=TAG)
    finding = only(found(known, Issue(title="Error: boom", count=51, tags=TAG)))
    assert (finding.cause, finding.cause_codes) == ("", ())
    half = only(found(known, Issue(title="Error: boom", count=49, tags=TAG)))
    assert half.cause == "Postgres ran out of connections"


@pytest.mark.parametrize(
    "issue",
    [
        Issue(title="Error: boom", tags=TAG),
        Issue(title="sorry, too many clients already", project="posthog-web"),
        Issue(title="Error: boom", culprit="processPersonsStep(event-pipeline/runner)"),
        Issue(title="Error: boom", culprit="posthog.api.capture in get_event", project="posthog-web"),
        Issue(title="KafkaJSNumberOfRetriesExceeded: x"),
        Issue(title="OperationalError: could not reach events_plugin_ingestion", project="posthog-web"),
    ],
)
def test_what_touches_ingestion(issue: Issue) -> None:
    assert only(found(HEARD, issue)).claim.startswith("1 unresolved issue in Sentry that touches ingestion was seen 1 time")


@pytest.mark.parametrize(
    ("issue", "why"),
    [
        (Issue(title="TypeError: x", culprit="/api/projects/{id}/insights/", project="posthog-web"), APP),
        (Issue(title="DB::Exception: Timeout exceeded", culprit="posthog.hogql.query", project="posthog-web"), APP),
        (Issue(title="Error: captureException failed", culprit="frontend/scenes", project="posthog-web"), "1 of browsers"),
        (Issue(title="TooManyConnections: too many connections", culprit="posthog.tasks.ingest", tags=TAG), NOISY),
        (Issue(title="KafkaJS: slow", level="warning", tags=TAG), "1 below an error"),
    ],
)
def test_what_does_not(issue: Issue, why: str) -> None:
    finding = only(found(HEARD, issue))
    assert finding.status is Status.OK
    assert finding.claim == f"Sentry has no unresolved error of ingestion in the last 24 h (not of it: {why})"


def of_others(title: str, culprit: str, project: str, platform: str | None = None) -> Issue:
    return Issue(title=title, culprit=culprit, project=project, platform=platform, count=900, first_seen="9d")


FOREIGN = [
    of_others("ChunkLoadError: Loading chunk 17 failed.", "/static/index.js", "posthog", "javascript"),
    of_others("ChunkLoadError: Loading chunk 17 failed.", "dashboard/Insight", "posthog", "node"),
    of_others("TypeError: Failed to fetch dynamically imported module", "", "internal", ""),
    of_others("SMTPAuthenticationError: (535)", "posthog.tasks.email.send_invite", "posthog", "python"),
    of_others("DisallowedHost: Invalid HTTP_HOST header", "/wp-login.php", "posthog", "python"),
    of_others("ExposedCHQueryError: DB::Exception: Timeout exceeded", "/api/projects/{id}/insights/", "posthog", "python"),
    of_others("ConcurrencyLimitExceeded: x", "posthog.hogql_queries.run", "posthog", "python"),
    of_others("NSInvalidArgumentException", "AppDelegate", "ios-app", "cocoa"),
    of_others("java.lang.NullPointerException", "com.acme.Cart", "backend"),
    of_others("org.apache.kafka.common.errors.TimeoutException", "com.acme.Orders", "backend", "java"),
    of_others("TypeError: undefined is not an object (evaluating 'e.cart.items')", "checkout", "webshop", "javascript"),
    of_others("TypeError: Cannot read properties of undefined", "checkout", "orders", "node"),
]


@pytest.mark.parametrize("issue", FOREIGN, ids=lambda issue: f"{issue.project}-{issue.title[:20]}")
def test_an_error_of_others_is_no_error_of_ingestion(issue: Issue) -> None:
    heard = Issue(title="Error: resolved long ago", status="resolved", last_seen="40d", project="posthog", tags=TAG)
    assert only(found_among_many(heard, issue)).status is Status.OK


def test_the_errors_of_others_are_counted_by_whose_they_are() -> None:
    heard = Issue(title="Error: resolved long ago", status="resolved", last_seen="40d", project="posthog", tags=TAG)
    assert only(found_among_many(heard, *FOREIGN)).claim == (
        "Sentry has no unresolved error of ingestion in the last 24 h (not of it: 4 of browsers, 4 of PostHog's web "
        "app and its workers and 4 of other programs)"
    )


@pytest.mark.parametrize(
    "issue",
    [
        Issue(title="TypeError: x", culprit="ingestEvent(src/worker/ingestion)", project="internal", platform=""),
        Issue(title="TypeError: x", culprit="processPersonsStep(event-pipeline/runner)", project="orders"),
        Issue(title="TypeError: x", project="posthog", platform="node", tags=TAG),
        Issue(title="TypeError: x", project="posthog", platform="", tags=TAG),
        Issue(title="Error: connection to Postgres lost", project="posthog", platform="node"),
        Issue(title="Error: cannot read properties of undefined (reading 'team_id')", project="posthog", platform="node"),
        Issue(title="ValueError: x", culprit="posthog.api.capture in get_event", project="posthog", platform="python"),
        Issue(title="ValueError: x", project="posthog", platform="python", logger="posthog.kafka_client.client"),
        Issue(
            title="ValueError: x", culprit="ee.clickhouse.models.event in create_event", project="posthog", platform="python"
        ),
        Issue(title="Fatal: broker transport failure", project="posthog", platform="native"),
        Issue(
            title="OperationalError: sorry, too many clients already", project="posthog", platform="python", culprit="/api/x/"
        ),
    ],
)
def test_an_error_of_ingestion_fails_among_those_of_others(issue: Issue) -> None:
    finding = only(found_among_many(structs.replace(issue, count=40, first_seen="9d"), *FOREIGN))
    assert finding.status is Status.FAIL
    assert finding.claim.startswith("1 unresolved issue in Sentry that touches ingestion was seen 40 times")


@pytest.mark.parametrize(
    ("issue", "status"),
    [
        (Issue(title="TypeError: x", project="posthog", platform="node"), Status.WARN),
        (Issue(title="TypeError: x", project="internal", platform=""), Status.INFO),
        (Issue(title="KafkaJSError: x", project="orders", platform="node"), Status.INFO),
        (Issue(title="PSQLException: sorry, too many clients already", project="backend", platform="java"), Status.INFO),
    ],
)
def test_what_nothing_tells_of_is_named_and_never_fails(issue: Issue, status: Status) -> None:
    others = [] if issue.project == "internal" else [FOREIGN[3]]  # else nothing tells of any project
    finding = only(found_among_many(structs.replace(issue, count=40, first_seen="9d"), *others))
    assert finding.status is status
    assert finding.claim == (
        "1 unresolved issue in Sentry, seen 40 times in the last 24 h, may be of ingestion: nothing tells whose it is"
    )
    assert finding.actions[1].text == "Name PostHog's projects in DIAG_SENTRY_PROJECTS"
    table = finding.evidence[0]
    assert isinstance(table, Table)
    assert [row[2] for row in table.rows] == [issue.title]


def test_what_nothing_tells_of_stands_beside_what_is_of_ingestion() -> None:
    doubtful = Issue(title="TypeError: x", project="orders", platform="")
    finding = only(found_among_many(Issue(title="Error: boom", project="internal", tags=TAG, platform=""), doubtful))
    assert finding.detail == "1 other unresolved issue does not touch it: 1 of other programs."
    unnamed = only(
        found(Issue(title="KafkaJSError: y", project="posthog-web"), Issue(title="Error: x", project="posthog-plugins"))
    )
    assert unnamed.detail == "Of 1 more nothing tells whether it touches it."
    assert [table.title for table in unnamed.evidence[:2]] == [
        "Unresolved issues that touch ingestion",
        "Unresolved issues of which nothing tells whose they are",
    ]


def test_projects_that_were_named_are_posthogs() -> None:
    named = Issue(title="Error: Redis connection lost", project="internal", platform="node", count=40, first_seen="9d")
    chunk = Issue(title="ChunkLoadError: Loading chunk 17 failed.", project="internal", platform="node", count=900)
    assert only(found_among_many(chunk, projects=("internal",))).status is Status.OK
    finding = only(found_among_many(named, chunk, projects=("internal",)))
    assert finding.status is Status.FAIL
    assert finding.claim.startswith("1 unresolved issue in Sentry that touches ingestion was seen 40 times")
    doubtful = only(found_among_many(structs.replace(named, title="TypeError: x"), projects=("internal",)))
    assert (doubtful.status, len(doubtful.actions)) == (Status.WARN, 1)


@pytest.mark.parametrize(
    ("count", "first_seen", "title", "status"),
    [
        (10, "9d", "Error: boom", Status.FAIL),
        (9, "9d", "Error: boom", Status.INFO),
        (9, "2h", "Error: boom", Status.WARN),
        (1, "9d", "sorry, too many clients already", Status.WARN),
        (1, "9d", "Event pipeline step stalled", Status.INFO),
    ],
)
def test_a_rare_issue_alarms_less(count: int, first_seen: str, title: str, status: Status) -> None:
    assert only(found(Issue(title=title, count=count, first_seen=first_seen, tags=TAG))).status is status


def test_how_often_is_often_is_a_threshold() -> None:
    rare = Issue(title="Error: boom", count=3, first_seen="9d", tags=TAG)
    assert only(found(rare, limits=Thresholds({OFTEN.name: 3}))).status is Status.FAIL


@pytest.mark.parametrize(("last_seen", "status"), [("359m", Status.FAIL), ("361m", Status.WARN)])
def test_what_is_past_may_be_over(last_seen: str, status: Status) -> None:
    issue = Issue(title="Error: boom", count=400, first_seen="9h", last_seen=last_seen, tags=TAG)
    assert only(found(issue)).status is status
    assert only(found(issue, limits=Thresholds({LATELY.name: 60.0}))).status is Status.WARN


def test_only_the_users_issues_are_asked_for() -> None:
    theirs = Issue(title="Error: boom", count=20, usernames=("jane",), tags=TAG)
    finding = only(found(theirs, Issue(title="Error: other", count=20, tags=TAG), user="jane"))
    assert finding.claim == (
        "1 unresolved issue in Sentry of the user jane that touches ingestion was seen 20 times in the last 24 h; it is new"
    )
    assert found(theirs, user="john") == []


def test_an_issue_from_before_the_window_is_not_shown() -> None:
    assert found(HEARD, Issue(title="Error: boom", count=99, first_seen="9d", last_seen="25h", tags=TAG)) == []


def test_more_issues_than_are_read_and_than_are_shown() -> None:
    finding = only(found(*(Issue(title=f"Error: e{number}", count=number, tags=TAG) for number in range(510))))
    assert finding.claim.startswith("500 unresolved issues in Sentry that touch ingestion were seen")
    assert finding.detail == "Sentry has more than the 500 issues that were looked at."
    table = finding.evidence[0]
    assert isinstance(table, Table)
    assert (len(table.rows), table.omitted) == (15, 485)


@pytest.mark.parametrize(
    ("stand_in", "code", "claim"),
    [
        (StandIn(accepts_token=False), "sentry.unauthorized", "Sentry does not accept the token (401): Invalid token"),
        (StandIn(projects=()), "sentry.unauthorized", "The Sentry token sees no project of acme"),
        (
            StandIn(scopes=()),
            "sentry.unauthorized",
            "Sentry's token lacks the scope event:read in acme (403): You do not have permission to perform this action.",
        ),
    ],
)
def test_a_sentry_that_does_not_let_us_look_is_unknown(stand_in: StandIn, code: str, claim: str) -> None:
    with Server(stand_in) as server:
        finding = only(asked(sentry(server.url)))
    assert (finding.code, finding.status, finding.claim) == (code, Status.UNKNOWN, claim)
    assert finding.actions[0].text.startswith("Create an internal integration in Sentry")


def test_a_dsn_in_place_of_a_token_is_unknown_and_sent_nowhere(http_server: ScriptedServer) -> None:
    finding = only(asked(sentry(http_server.url, token="https://abc@o1.ingest.sentry.io/42")))
    assert (finding.code, finding.status) == ("sentry.unauthorized", Status.UNKNOWN)
    assert finding.claim == "The Sentry token is a DSN: a DSN can only send events, not look them up"
    assert http_server.requests == []


def test_an_unknown_organization_is_unknown() -> None:
    with Server(StandIn(org="other")) as server:
        finding = only(asked(sentry(server.url)))
    assert (finding.code, finding.status) == ("sentry.not-found", Status.UNKNOWN)


def test_a_sentry_that_is_down_is_unknown(http_server: ScriptedServer) -> None:
    http_server.route(PATH, status=502, text="<html>Bad Gateway</html>")
    finding = only(asked(sentry(http_server.url)))
    assert (finding.code, finding.status) == ("sentry.unreachable", Status.UNKNOWN)
    assert finding.claim == f"A proxy answers 502 for Sentry at {http_server.url}"


def test_a_rate_limit_in_the_middle_is_left_to_the_runner(http_server: ScriptedServer) -> None:
    link = '<x>; rel="next"; results="false"; cursor="0:1:0"'
    http_server.route(PATH, json=[], headers={"Link": link})
    http_server.route(PATH, status=429, json={"detail": "too frequently"})
    with pytest.raises(LimitExceeded) as caught:
        asked(sentry(http_server.url))
    assert caught.value.code == "sentry.unreachable"


def test_hostile_titles_are_passed_on_as_source_text_only() -> None:
    hostile = "Kafka \x1b[31m<script>alert(1)</script> @everyone | `x`"
    finding = only(found(Issue(title=hostile, count=20, tags=TAG)))
    assert "script" not in finding.claim + finding.detail
    table = finding.evidence[0]
    assert isinstance(table, Table)
    assert table.rows[0][2] == hostile
