"""The small HTTP server itself, and its scripted form."""

import threading
import time
from collections.abc import Callable

import httpx
import pytest

from diagnostics.lab.http import Response, Server
from diagnostics.lab.scripted import ScriptedServer


def get(url: str, **more: object) -> httpx.Response:
    return httpx.get(url, trust_env=False, **more)  # type: ignore[arg-type]


def test_a_route_answers_as_written_down(http_server: ScriptedServer) -> None:
    http_server.route("/a", status=503, json={"status": "error"}, headers={"X-Mine": "yes"})
    answer = get(f"{http_server.url}/a?b=1&b=2&c=")
    assert (answer.status_code, answer.json(), answer.headers["x-mine"]) == (503, {"status": "error"}, "yes")
    assert http_server.requests[-1].query == [("b", "1"), ("b", "2"), ("c", "")]


def test_several_answers_come_in_turn_and_the_last_one_stays(http_server: ScriptedServer) -> None:
    for number in (1, 2):
        http_server.route("/a", json=number)
    assert [get(f"{http_server.url}/a").json() for _ in range(3)] == [1, 2, 2]


def test_a_route_may_be_a_function(http_server: ScriptedServer) -> None:
    http_server.route("/a", lambda request: Response.text(f"{request.method} {request.headers['x-name']}"))
    assert get(f"{http_server.url}/a", headers={"X-Name": "me"}).text == "GET me"


def test_without_a_route_there_is_a_page_of_html(http_server: ScriptedServer) -> None:
    answer = get(f"{http_server.url}/nothing")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")


def test_a_body_sent_in_chunks_arrives_whole(http_server: ScriptedServer) -> None:
    http_server.route("/a")
    httpx.post(f"{http_server.url}/a", content=iter([b"one", b"two"]), trust_env=False)
    assert http_server.requests[-1].body == b"onetwo"


def test_a_connection_is_kept_and_answers_do_not_wait(http_server: ScriptedServer) -> None:
    http_server.route("/a", json=1)
    with httpx.Client(trust_env=False) as client:
        client.get(f"{http_server.url}/a")
        began = time.monotonic()
        for _ in range(50):
            client.get(f"{http_server.url}/a")
        assert time.monotonic() - began < 1.8  # a delayed acknowledgement alone takes 40 ms


def test_closing_ends_delays_and_connections() -> None:
    with Server(lambda _: Response(delay_s=30)) as server:
        failed: list[Exception] = []

        def wait() -> None:
            try:
                get(server.url, timeout=30)
            except httpx.HTTPError as error:
                failed.append(error)

        waiting = threading.Thread(target=wait)
        waiting.start()
        while not server.requests:
            time.sleep(0.001)
    waiting.join(2)
    assert not waiting.is_alive()


def test_nothing_listens_on_a_closed_port(closed_port: Callable[[], str]) -> None:
    with pytest.raises(httpx.ConnectError, match="refused"):
        get(closed_port())
