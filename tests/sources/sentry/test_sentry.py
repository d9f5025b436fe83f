import time
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest

from diagnostics.lab.http import Request, Response, Server
from diagnostics.lab.scripted import ScriptedServer
from diagnostics.lab.sentry import Issue as StandInIssue
from diagnostics.lab.sentry import Project
from diagnostics.lab.sentry import Sentry as StandIn
from diagnostics.sources.errors import LimitExceeded, Refused, TimedOut
from diagnostics.sources.http import MAX_BODY, HttpOptions
from diagnostics.sources.sentry import ISSUES, Issue, Sentry
from diagnostics.sources.sentry.failure import HINT_INTEGRATION
from diagnostics.sources.sentry.issues import UNRESOLVED
from diagnostics.sources.sentry.source import MAX_PAGES, MAX_TRIES, PAGE
from diagnostics.sources.source import Asker, Connected, NotConnected, Recorder, now
from tests.sources.answers import link

TOKEN = StandIn().token
PATH = "/api/0/organizations/acme/issues/"


def sentry(
    url: str,
    *,
    token: str = TOKEN,
    projects: tuple[str, ...] = (),
    timeout: float = 2.0,
    time_left: float = 60.0,
    pause: Callable[[float], None] = lambda _: None,
    recorder: Recorder | None = None,
    reads: tuple[str, ...] = (ISSUES.name,),
) -> Sentry:
    source = Sentry(
        url,
        org="acme",
        projects=projects,
        token=token,
        recorder=recorder or Recorder(),
        options=HttpOptions(timeout=timeout),
        pause=pause,
    )
    return source.bind(Asker("a-check", time.monotonic() + time_left, frozenset(reads)))


def issues_of(source: Sentry, *, hours: int = 24, user: str | None = None) -> list[Issue]:
    until = now()
    return list(source.issues(since=until - timedelta(hours=hours), until=until, user=user).found)


def heard_of_plugin_server(url: str) -> bool | None:
    return sentry(url).issues(since=now() - timedelta(hours=24), until=now()).heard_of_plugin_server


def searches(requests: Sequence[Request]) -> int:
    """How often the issues were asked for."""
    return len([request for request in requests if request.parameter("query") == "is:unresolved"])


def refusal(source: Sentry) -> NotConnected:
    connection = source.connection()
    assert isinstance(connection, NotConnected), connection
    return connection


def test_issues_of_the_window_with_the_plugin_servers_marked() -> None:
    stand_in = StandIn(
        issues=(
            StandInIssue(title="Error: boom", count=7, culprit="runner", tags={"PLUGIN_SERVER_MODE": "ingestion"}),
            StandInIssue(title="TypeError: x", project="posthog-web"),
            StandInIssue(title="Error: long ago", last_seen="3d"),
            StandInIssue(title="Error: done", status="resolved"),
        )
    )
    with Server(stand_in) as server:
        source = sentry(server.url)
        assert isinstance(source.connection(), Connected)
        found = issues_of(source)
    assert [(issue.title, issue.count, issue.from_plugin_server) for issue in found] == [
        ("Error: boom", 7, True),
        ("TypeError: x", 1, False),
    ]
    first = found[0]
    assert (first.id, first.short_id, first.culprit, first.message) == ("4001", "POSTHOG-PLUGINS-1", "runner", "boom")
    assert first.first_seen is not None
    assert timedelta(minutes=59) < now() - first.first_seen < timedelta(minutes=61)


def test_what_an_issue_says_of_its_program() -> None:
    stand_in = StandIn(
        issues=(StandInIssue(title="a", platform="rust", logger="capture"), StandInIssue(title="b", platform=""))
    )
    with Server(stand_in) as server:
        found = issues_of(sentry(server.url))
    assert [(issue.platform, issue.project_platform, issue.logger) for issue in found] == [
        ("rust", "node", "capture"),
        ("", "node", ""),
    ]


def test_a_sentry_that_does_not_search_for_the_tag_is_not_believed(http_server: ScriptedServer) -> None:
    issues = [{"id": "1", "platform": "node"}, {"id": "2", "platform": "javascript"}]
    http_server.route(PATH, json=issues, headers=link("0:1:0", "false"))
    until = now()
    answer = sentry(http_server.url).issues(since=until - timedelta(hours=1), until=until)
    assert [issue.from_plugin_server for issue in answer.found] == [False, False]
    assert (answer.heard_of_plugin_server, answer.heard_in) == (None, "")


def test_the_project_that_a_plugin_server_was_heard_of_in() -> None:
    tagged = StandInIssue(title="a", status="resolved", last_seen="50d", tags={"PLUGIN_SERVER_MODE": "x"})
    with Server(StandIn(issues=(tagged,))) as server:
        until = now()
        answer = sentry(server.url).issues(since=until - timedelta(hours=1), until=until)
    assert answer.heard_in == "posthog-plugins"


def test_the_token_travels_as_a_header_only() -> None:
    recorder = Recorder()
    with Server(StandIn()) as server:
        sentry(server.url, recorder=recorder).connection()
        (request,) = server.requests
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in request.target
    assert TOKEN not in repr(recorder.exchanges)


@pytest.mark.parametrize("suffix", ["/sentry", "/sentry/", "/sentry/api/0/"])
def test_a_self_hosted_sentry_below_a_path(http_server: ScriptedServer, suffix: str) -> None:
    http_server.route(f"/sentry{PATH}", json=[{"id": "1"}], headers=link("0:1:0", "false"))
    assert isinstance(sentry(http_server.url + suffix).connection(), Connected)


def test_slugs_are_sent_as_numbers_and_numbers_as_they_are() -> None:
    with Server(StandIn(issues=(StandInIssue(title="a"), StandInIssue(title="b", project="posthog-web")))) as server:
        assert [issue.title for issue in issues_of(sentry(server.url, projects=("posthog-web",)))] == ["b"]
        asked = [request for request in server.requests if request.path == PATH]
        assert {request.parameter("project") for request in asked} == {"2"}
        assert [issue.title for issue in issues_of(sentry(server.url, projects=("1",)))] == ["a"]
        assert sum(request.path.endswith("/projects/") for request in server.requests) == 1


def test_a_project_that_does_not_exist() -> None:
    with Server(StandIn()) as server:
        connection = refusal(sentry(server.url, projects=("posthog-plugin",)))
    assert (connection.code, connection.message, connection.hint) == (
        "sentry.not-found",
        "Sentry's organization acme has no project posthog-plugin, or does not show it to this token",
        "it knows posthog-plugins, posthog-web",
    )


def test_without_the_right_to_list_projects_slugs_are_tried_as_they_are() -> None:
    with Server(StandIn(scopes=("event:read",))) as server:
        connection = refusal(sentry(server.url, projects=("posthog-web",)))
    assert connection.message == "Sentry rejects the question: Invalid project parameter. Values must be numbers."
    assert connection.hint.startswith("give the numeric ids in sentry.projects")


def test_a_projects_list_over_several_pages() -> None:
    projects = tuple(Project(slug=f"project-{number}") for number in range(PAGE + 5))
    with Server(StandIn(projects=projects)) as server:
        assert isinstance(sentry(server.url, projects=(f"project-{PAGE + 2}",)).connection(), Connected)


def test_every_page_is_read_with_the_cursor_sent_to_our_own_address() -> None:
    with Server(StandIn(issues=tuple(StandInIssue(title=f"e{number}") for number in range(250)))) as server:
        source = sentry(server.url)
        assert len({issue.id for issue in issues_of(source)}) == 250
        untagged = [request for request in server.requests if request.parameter("query") == UNRESOLVED]
        assert [request.parameter("cursor") for request in untagged] == [None, "0:100:0", "0:200:0"]


def test_a_short_page_is_not_the_last_one(http_server: ScriptedServer) -> None:
    http_server.route(PATH, json=[], headers=link("0:100:0"))
    http_server.route(PATH, json=[{"id": "2"}], headers=link("0:200:0", "false"))
    assert [issue.id for issue in issues_of(sentry(http_server.url))] == ["2"]


def test_pages_that_never_end_are_given_up() -> None:
    def endless(request: Request) -> Response:
        page = int(request.parameter("cursor") or 0)
        return Response.json([], headers=tuple(link(str(page + 1)).items()))

    until = now()
    with Server(endless) as server:
        issues = sentry(server.url).issues(since=until - timedelta(hours=1), until=until)
        assert (issues.complete, searches(server.requests)) == (False, MAX_PAGES)


def test_a_user_is_asked_for_by_name() -> None:
    stand_in = StandIn(issues=(StandInIssue(title="a", usernames=("jane doe",)), StandInIssue(title="b", usernames=("john",))))
    with Server(stand_in) as server:
        assert [issue.title for issue in issues_of(sentry(server.url), user="jane doe")] == ["a"]
        asked = {request.parameter("query") for request in server.requests}
        assert 'is:unresolved user.username:"jane doe"' in asked


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ("https://abc@o1.ingest.sentry.io/42", "The Sentry token is a DSN: a DSN can only send events, not look them up"),
        ("http://k:s@sentry.example.com/prefix/7", "The Sentry token is a DSN: a DSN can only send events, not look them up"),
        ("sntrys_eyJpYXQiOjE3", "The Sentry token is an organization token (sntrys_): those cannot read issues"),
        ('"abc"', "The Sentry token contains spaces, quotes or other characters that no token has"),
        ("abc\n", "The Sentry token contains spaces, quotes or other characters that no token has"),
        ("äbc", "The Sentry token contains spaces, quotes or other characters that no token has"),
        ("", "There is no Sentry token"),
    ],
)
def test_a_token_that_cannot_read_is_never_sent(http_server: ScriptedServer, token: str, message: str) -> None:
    connection = refusal(sentry(http_server.url, token=token, projects=("posthog-web",)))
    assert (connection.code, connection.message, connection.hint) == ("sentry.unauthorized", message, HINT_INTEGRATION)
    assert http_server.requests == []


def test_a_revoked_token() -> None:
    with Server(StandIn(accepts_token=False)) as server:
        connection = refusal(sentry(server.url))
    assert (connection.code, connection.message) == (
        "sentry.unauthorized",
        "Sentry does not accept the token (401): Invalid token",
    )
    assert connection.hint == HINT_INTEGRATION


def test_a_token_without_the_scope() -> None:
    with Server(StandIn(scopes=("org:read",))) as server:
        connection = refusal(sentry(server.url))
    assert (connection.code, connection.message) == (
        "sentry.unauthorized",
        "Sentry's token lacks the scope event:read in acme (403): You do not have permission to perform this action.",
    )


def test_a_token_that_sees_no_project() -> None:
    with Server(StandIn(projects=())) as server:
        connection = refusal(sentry(server.url))
    assert (connection.code, connection.message) == ("sentry.unauthorized", "The Sentry token sees no project of acme")


def test_an_organization_that_does_not_exist() -> None:
    with Server(StandIn(org="other")) as server:
        connection = refusal(sentry(server.url))
    assert connection.code == "sentry.not-found"
    assert connection.message == (f"Sentry at {server.url} knows no organization acme, or does not show it to this token (404)")


def test_a_sentry_that_is_not_there(closed_port: Callable[[], str]) -> None:
    url = closed_port()
    connection = refusal(sentry(url))
    assert (connection.code, connection.message) == (
        "sentry.unreachable",
        f"Sentry at {url} does not answer: nothing listens there (connection refused)",
    )


def test_a_page_that_is_no_api(http_server: ScriptedServer) -> None:
    http_server.route(PATH, text="<!doctype html>")
    connection = refusal(sentry(http_server.url))
    assert (connection.code, connection.message) == (
        "sentry.not-found",
        f"What answers at {http_server.url} is not Sentry's web API",
    )


@pytest.mark.parametrize("body", [[1, None, "x"], [{"id": None}, {"title": "no id"}]])
def test_a_list_of_what_is_no_issue_is_not_no_issues(http_server: ScriptedServer, body: list[object]) -> None:
    http_server.route("/api/0/organizations/acme/issues/", json=body)
    assert refusal(sentry(http_server.url)).message == f"What answers at {http_server.url} is not Sentry's web API"


def test_a_redirect_is_shown_without_its_query(http_server: ScriptedServer) -> None:
    http_server.route(PATH, status=301, headers={"Location": "https://other.invalid/login/?next=secret"})
    message = f"Sentry's address {http_server.url} redirects to https://other.invalid/login"
    assert refusal(sentry(http_server.url)).message == message


def test_a_proxys_error_page(http_server: ScriptedServer) -> None:
    http_server.route(PATH, status=502, text="<html>Bad Gateway</html>")
    assert refusal(sentry(http_server.url)).message == f"A proxy answers 502 for Sentry at {http_server.url}"


def test_a_sentry_that_hangs(http_server: ScriptedServer) -> None:
    http_server.route(PATH, json=[], delay=1.0)
    with pytest.raises(TimedOut, match=r"gives no complete answer within 0\.2 s"):
        issues_of(sentry(http_server.url, timeout=0.2))


def test_an_answer_that_is_too_large(http_server: ScriptedServer) -> None:
    http_server.route(PATH, body=b"[" + b" " * (MAX_BODY + 1) + b"]")
    with pytest.raises(LimitExceeded, match="more than 2 MB"):
        issues_of(sentry(http_server.url))


def rate_limited(after: int, headers: Callable[[], dict[str, str]]) -> Callable[[Request], Response]:
    """Answers the first `after` requests for unresolved issues with a 429."""
    asked: list[Request] = []

    def answer(request: Request) -> Response:
        asked.append(request)
        if request.parameter("query") == UNRESOLVED and searches(asked) <= after:
            return Response.json({"detail": "too frequently"}, status=429, headers=tuple(headers().items()))
        return Response.json([{"id": "1"}], headers=tuple(link("0:1:0", "false").items()))

    return answer


def test_a_rate_limit_is_waited_for_by_sentrys_own_clock() -> None:
    waited: list[float] = []
    with Server(rate_limited(1, lambda: {"X-Sentry-Rate-Limit-Reset": str(int(time.time()) + 5)})) as server:
        assert [issue.id for issue in issues_of(sentry(server.url, pause=waited.append))] == ["1"]
    assert len(waited) == 1
    assert 3.9 <= waited[0] <= 5.5


def test_a_rate_limit_without_headers_is_waited_for_a_second() -> None:
    waited: list[float] = []
    with Server(rate_limited(1, dict)) as server:
        issues_of(sentry(server.url, pause=waited.append))
    assert 1.0 <= waited[0] <= 1.5


def test_a_rate_limit_that_does_not_end_is_given_up_after_three_tries() -> None:
    waited: list[float] = []
    with Server(rate_limited(99, dict)) as server:
        with pytest.raises(LimitExceeded, match="Sentry's rate limit is used up: too frequently"):
            issues_of(sentry(server.url, pause=waited.append))
        assert searches(server.requests) == MAX_TRIES
    assert len(waited) == MAX_TRIES - 1


def test_a_rate_limit_that_ends_after_the_deadline_is_not_waited_for() -> None:
    waited: list[float] = []
    with Server(rate_limited(1, lambda: {"Retry-After": "20"})) as server:
        with pytest.raises(LimitExceeded):
            issues_of(sentry(server.url, pause=waited.append, time_left=10))
        assert searches(server.requests) == 1
    assert waited == []


def test_whether_a_plugin_server_was_ever_heard_of() -> None:
    tagged = StandInIssue(title="a", status="resolved", last_seen="50d", tags={"PLUGIN_SERVER_MODE": "x"})
    with Server(StandIn(issues=(tagged,))) as server:
        assert heard_of_plugin_server(server.url) is True
    with Server(StandIn(issues=(StandInIssue(title="a"),))) as server:
        assert heard_of_plugin_server(server.url) is False

    def cannot_search(request: Request) -> Response:
        refused = Response.json({"detail": "no such search"}, status=400)
        return refused if "has:" in (request.parameter("query") or "") else Response.json([])

    with Server(cannot_search) as server:
        assert heard_of_plugin_server(server.url) is None


def test_a_sentry_that_cannot_search_for_the_tag_still_lists_its_issues() -> None:
    def answer(request: Request) -> Response:
        if "has:" in (request.parameter("query") or ""):
            return Response.json({"detail": "no access to advanced search"}, status=400)
        return Response.json([{"id": "1"}], headers=tuple(link("0:1:0", "false").items()))

    with Server(answer) as server:
        (issue,) = issues_of(sentry(server.url))
    assert issue.from_plugin_server is False


def test_issues_are_asked_only_for_checks_that_declare_it(http_server: ScriptedServer) -> None:
    with pytest.raises(Refused):
        issues_of(sentry(http_server.url, reads=()))
