"""Who answers where SDKs send events, by what Rust, Django, the app and proxies answer to a GET without data."""

import pytest

from diagnostics.sources.capture.routes import Route, Taker, read_route
from diagnostics.sources.http import Answer
from diagnostics.sources.http.trouble import NoAnswer, Trouble
from tests.sources.answers import answered

AT = "https://posthog.example.com"
CSRF = "<h1>Forbidden <span>(403)</span></h1><p>CSRF verification failed. Request aborted.</p>"


def route(answer: Answer | NoAnswer, path: str = "/e/") -> tuple[Taker, str]:
    found = read_route(path, AT, answer)
    assert found.path == path
    return found.taker, found.said


def text(status: int, body: str = "", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, headers=named, body=body, json=None, seconds=0.1, received=len(body))


def page(status: int, body: str = "<html>", **headers: str) -> Answer:
    return text(status, body, content_type="text/html", **headers)


@pytest.mark.parametrize(
    "answer",
    [
        text(400, "failed to parse request: EOF while parsing a value at line 1 column 0"),
        text(400, "request holds no event"),
        text(401, "event submitted without an api_key"),
        text(405),
        answered(200, {"status": "Ok"}),
    ],
)
def test_rust_refuses_in_plain_words(answer: Answer) -> None:
    assert route(answer)[0] is Taker.RUST


@pytest.mark.parametrize(
    "answer",
    [
        answered(400, {"type": "validation_error", "code": "no_data", "detail": "No data found.", "attr": None}),
        answered(400, {"code": "validation", "message": "No data found. Make sure to use a POST request."}),
        answered(401, {"type": "authentication_error", "code": "missing_api_key", "detail": "API key not provided."}),
        answered(503, {"type": "server_error", "code": "fetch_team_fail", "detail": "Unable to fetch team."}),
        answered(200, {"status": 1}),
    ],
)
def test_django_refuses_in_json(answer: Answer) -> None:
    assert route(answer)[0] is Taker.DJANGO


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (text(302, location="/login?next=/e/"), "302 to /login"),
        (text(302, location=f"{AT}/login?next=/e/"), "302 to https://posthog.example.com/login"),
        (text(302, location="/preflight"), "302 to /preflight"),
        (page(403, CSRF), "403, Django's page on CSRF"),
        (page(200, "<!DOCTYPE html><div id=root>"), "200 with a web page"),
        (text(200, "<!DOCTYPE html>"), "200 with a web page"),
        (
            answered(404, {"type": "invalid_request", "code": "not_found", "detail": "Endpoint not found."}),
            "404 of the app's API",
        ),
    ],
)
def test_the_app_answers_with_its_own_pages(answer: Answer, said: str) -> None:
    assert route(answer) == (Taker.APP, said)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (page(404, server="nginx/1.25.3"), "404 from nginx"),
        (page(404), "404"),
        (text(404, "404 page not found"), "404"),
        (text(404), "404"),
    ],
)
def test_nobody_is_a_web_server_or_a_capture_for_recordings_without_that_path(answer: Answer, said: str) -> None:
    assert route(answer) == (Taker.NOBODY, said)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (page(502, server="nginx"), "502 from nginx"),
        (text(502, server="Caddy"), "502 from Caddy"),
        (text(503, "no available server"), "503"),
        (page(504, server="awselb/2.0"), "504 from awselb"),
        (text(503, "upstream connect error or disconnect/reset before headers"), "503"),
        (page(522, server="cloudflare"), "522 from cloudflare"),
        (page(500, "<h1>Server Error (500)</h1>"), "500"),
        (page(502, server="<b>evil</b>\x1b[31m"), "502"),
    ],
)
def test_a_proxy_says_that_the_service_behind_it_is_down(answer: Answer, said: str) -> None:
    assert route(answer) == (Taker.DOWN, said)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (text(301, location="https://other.example.com/e/"), "301 to https://other.example.com/e"),
        (text(308, location="http://posthog.example.com/e/"), "308 to http://posthog.example.com/e"),
        (text(301, location="/e"), "301 to /e"),
        (text(401, "Unauthorized", www_authenticate='Basic realm="x"'), "401"),
        (page(403, "<h1>Forbidden by the firewall</h1>"), "403 with a web page"),
        (page(400, "<h1>Bad Request (400)</h1>"), "400 with a web page"),
        (text(403), "403"),
        (text(429, "slow down"), "429"),
    ],
)
def test_a_guard_in_front_tells_nothing_of_what_senders_get(answer: Answer, said: str) -> None:
    assert route(answer) == (Taker.BARRED, said)


def test_json_of_another_service_is_not_captures() -> None:
    assert route(answered(403, {"message": "Missing Authentication Token"})) == (Taker.OTHER, "403 with JSON")
    assert route(answered(200, {"config": {}}), "/flags/") == (Taker.OTHER, "200 with JSON")


def test_silence_says_why() -> None:
    nothing = NoAnswer(trouble=Trouble.REFUSED, message="nothing listens there (connection refused)", seconds=0.1)
    assert route(nothing) == (Taker.SILENT, "nothing listens there (connection refused)")


def test_only_capture_takes_events() -> None:
    assert [taker for taker in Taker if taker.takes_events] == [Taker.RUST, Taker.DJANGO]
    assert Route(path="/e/", taker=Taker.RUST, said="").taker.takes_events
