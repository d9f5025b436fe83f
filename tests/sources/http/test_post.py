"""The one thing that diag can send: declared like a read, sent once, and recorded without what it holds."""

import json
import time

import pytest

from diagnostics.lab.scripted import ScriptedServer
from diagnostics.sources.errors import Refused, TimedOut
from diagnostics.sources.http.trouble import NoAnswer
from diagnostics.sources.source import Asker, Recorder, Submission
from tests.sources.peer import answer, client

SEND = Submission(name="test.send", source="test", path="/e/", why="a test")
BODY = b'{"api_key": "phc_secret"}'


def asker(*reads: str, seconds: float = 10.0) -> Asker:
    return Asker("a-check", time.monotonic() + seconds, frozenset(reads))


def test_it_is_sent_once_however_often_it_is_asked_for(http_server: ScriptedServer) -> None:
    http_server.route("/e/", json={"status": 1})
    http = client(http_server.url)
    answers = [answer(http.post(asker(SEND.name), SEND, "/e/", BODY, about={})) for _ in range(3)]
    assert [each.json for each in answers] == [{"status": 1}] * 3
    [request] = http_server.requests
    assert (request.method, request.path, request.body) == ("POST", "/e/", BODY)
    assert request.headers["content-type"] == "application/json"


def test_the_record_holds_what_it_is_about_and_not_what_it_holds(http_server: ScriptedServer) -> None:
    recorder = Recorder()
    client(http_server.url, recorder=recorder).post(asker(SEND.name), SEND, "/e/", BODY, about={"uuid": "7"})
    [exchange] = recorder.exchanges
    assert (exchange.request, exchange.params) == (f"POST {http_server.url}/e/", {"uuid": "7"})
    assert "phc_secret" not in json.dumps(exchange.answer) + repr(exchange)
    assert (exchange.cost.http.requests, exchange.cost.http.sent) == (1, 1)


def test_nobody_sends_what_was_not_declared(http_server: ScriptedServer) -> None:
    with pytest.raises(Refused, match=r"the check a-check asked for test\.send, which it does not declare"):
        client(http_server.url).post(asker("test.page"), SEND, "/e/", BODY, about={})
    assert http_server.requests == []


def test_it_waits_no_longer_than_the_time_out(http_server: ScriptedServer) -> None:
    http_server.route("/e/", delay=5.0)
    outcome = client(http_server.url, timeout=0.3).post(asker(SEND.name), SEND, "/e/", BODY, about={})
    assert isinstance(outcome, NoAnswer)
    assert outcome.message == "it takes the connection but gives no complete answer within 0.3 s"


def test_without_time_left_nothing_is_sent(http_server: ScriptedServer) -> None:
    with pytest.raises(TimedOut):
        client(http_server.url).post(asker(SEND.name, seconds=0.0), SEND, "/e/", BODY, about={})
    assert http_server.requests == []


def test_the_plan_shows_it_as_what_it_is() -> None:
    assert SEND.text == "POST /e/"
