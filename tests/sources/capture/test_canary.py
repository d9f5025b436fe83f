"""The canary: what is sent, and what each answer of capture to it means."""

from datetime import UTC, datetime

import msgspec
import pytest

from diagnostics.sources.capture.canary import EVENT, MAX_SAID, Reception, Refusal, body, read_reception
from diagnostics.sources.http import Answer
from diagnostics.sources.http.trouble import NoAnswer, Trouble
from tests.sources.answers import answered


def reception(answer: Answer | NoAnswer) -> Reception:
    return read_reception("/i/v0/e/", answer)


def plain(status: int, text: str) -> Answer:
    return answered(status, text=text, content_type="text/plain")


def test_it_is_one_small_event_of_nobody() -> None:
    sent = body("phc_token", "7ae0b1f2-0000-4000-8000-000000000000", datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC))
    assert len(sent) < 400
    event = msgspec.json.decode(sent)
    assert (event["event"], event["distinct_id"], event["api_key"]) == (EVENT, "posthog-diag", "phc_token")
    assert event["properties"]["$process_person_profile"] is False
    assert (event["uuid"], event["timestamp"]) == ("7ae0b1f2-0000-4000-8000-000000000000", "2026-05-04T03:02:01+00:00")


@pytest.mark.parametrize("status", [1, "Ok"])
def test_both_kinds_of_success(status: object) -> None:
    assert reception(answered(200, {"status": status})).taken


@pytest.mark.parametrize(
    ("answer", "refusal", "said"),
    [
        (plain(401, "API key is not valid: empty"), Refusal.TOKEN, "401 API key is not valid: empty"),
        (
            answered(401, {"type": "authentication_error", "code": "invalid_api_key", "detail": "Project API key invalid."}),
            Refusal.TOKEN,
            "401 Project API key invalid.",
        ),
        (plain(413, "maximum event size exceeded"), Refusal.SIZE, "413 maximum event size exceeded"),
        (plain(400, "maximum event size exceeded"), Refusal.SIZE, "400 maximum event size exceeded"),
        (plain(429, "billing limit reached"), Refusal.QUOTA, "429 billing limit reached"),
        (
            answered(403, text="<p>CSRF verification failed.</p>", content_type="text/html"),
            Refusal.ROUTE,
            "403 Django's page on CSRF",
        ),
        (answered(200, text="<!doctype html>", content_type="text/html"), Refusal.ROUTE, "200 a web page"),
        (plain(302, ""), Refusal.ROUTE, "302"),
        (plain(404, "404 page not found"), Refusal.ROUTE, "404 404 page not found"),
        (plain(503, "transient error, please retry"), Refusal.KAFKA, "503 transient error, please retry"),
        (answered(503, {"code": "server_error", "detail": "Not stored."}), Refusal.KAFKA, "503 Not stored."),
        (answered(503, {"code": "fetch_team_fail", "detail": "No team."}), Refusal.POSTGRES, "503 No team."),
        (answered(502, text="<h1>502</h1>", content_type="text/html"), Refusal.DOWN, "502 a web page"),
        (plain(503, "no available server"), Refusal.DOWN, "503 no available server"),
        (plain(400, "failed to parse request"), Refusal.OTHER, "400 failed to parse request"),
        (NoAnswer(trouble=Trouble.TIMED_OUT, message="no answer", seconds=5.0), Refusal.SILENT, "no answer"),
    ],
)  # fmt: skip
def test_a_refusal_is_told_by_its_cause(answer: Answer | NoAnswer, refusal: Refusal, said: str) -> None:
    found = reception(answer)
    assert (found.refusal, found.said, found.taken) == (refusal, said, False)


def test_a_long_answer_is_cut_and_on_one_line() -> None:
    said = reception(answered(400, text="a\nb " * 500, content_type="text/plain")).said
    assert len(said) <= MAX_SAID
    assert "\n" not in said
