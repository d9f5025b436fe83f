import gzip
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from diagnostics.lab.scripted import ScriptedServer
from diagnostics.sources.errors import TimedOut
from diagnostics.sources.http import MAX_BODY, concurrently
from diagnostics.sources.http.address import redirect_target, without_credentials
from diagnostics.sources.http.trouble import Trouble
from diagnostics.sources.source import Endpoint, Recorder
from tests.sources.peer import PAGE, Peer, answer, asker, client, get, no_answer, peers, sends, silent


@pytest.fixture
def peer() -> Iterator[Callable[[Peer], str]]:
    """Starts a server that does as it is told with each connection; its address."""
    with peers() as start:
        yield start


def test_an_answer_carries_its_status_allowed_headers_body_and_json(http_server: ScriptedServer) -> None:
    http_server.route("/page", status=503, json={"status": "error"}, headers={"Set-Cookie": "session=1", "Retry-After": "7"})
    got = answer(get(http_server.url))
    assert (got.status, got.body, got.json, got.cut) == (503, '{"status":"error"}', {"status": "error"}, False)
    assert got.headers["retry-after"] == "7"
    assert "set-cookie" not in got.headers
    assert got.received == len(b'{"status":"error"}')


def test_only_gets_are_made_with_our_name_and_credentials_in_the_header(http_server: ScriptedServer) -> None:
    http_server.route("/page", text="ok")
    client(http_server.url, bearer="phx_secret").get(asker(), PAGE)
    request = http_server.requests[-1]
    assert request.method == "GET"
    assert request.headers["authorization"] == "Bearer phx_secret"
    assert request.headers["user-agent"].startswith("posthog-diag/")


def test_credentials_in_the_address_become_a_header_and_are_shown_nowhere(http_server: ScriptedServer) -> None:
    http_server.route("/page", text="ok")
    recorder = Recorder()
    http = client(http_server.url.replace("//", "//me:s%40cret@") + "/", recorder=recorder)
    http.get(asker(), PAGE)
    assert http_server.requests[-1].headers["authorization"] == "Basic bWU6c0BjcmV0"
    assert http.address == http_server.url
    assert "cret" not in repr(recorder.exchanges)


def test_every_exchange_is_recorded_with_its_cost(http_server: ScriptedServer, closed_port: Callable[[], str]) -> None:
    http_server.route("/page", text="hello")
    recorder = Recorder()
    client(http_server.url, recorder=recorder).get(asker(), PAGE, params=[("a", "b c"), ("a", "d")])
    client(closed_port(), recorder=recorder).get(asker(), PAGE)
    first, second = recorder.exchanges
    assert (first.name, first.check, first.request) == ("test.page", "a-check", f"GET {http_server.url}/page")
    assert first.params == {"query": "a=b+c&a=d"}
    assert (first.answer["status"], first.answer["body"]) == (200, "hello")
    assert (second.answer, second.error) == (None, "nothing listens there (connection refused)")
    assert (recorder.cost().http.requests, recorder.cost().http.bytes) == (2, 5)


def test_the_same_question_is_asked_once_and_a_repeated_attempt_again(http_server: ScriptedServer) -> None:
    http_server.route("/page", text="ok")
    http = client(http_server.url)
    for attempt in (1, 1, 2):
        http.get(asker(), PAGE, attempt=attempt)
    http.get(asker(), PAGE, params=[("page", "2")])
    assert len(http_server.requests) == 3


def test_placeholders_in_the_path_are_filled_and_quoted(http_server: ScriptedServer) -> None:
    http_server.route("/o/a%2Fb%20c/", text="ok")
    endpoint = Endpoint(name="test.fill", source="test", path="/o/{org}/", why="a test")
    assert answer(client(http_server.url).get(asker(), endpoint, fill={"org": "a/b c"})).status == 200


def test_redirects_are_reported_and_not_followed(http_server: ScriptedServer) -> None:
    http_server.route("/page", status=302, headers={"Location": "https://login.invalid/?next=/page"})
    got = answer(get(http_server.url))
    assert (got.status, redirect_target(got.headers["location"])) == (302, "https://login.invalid")
    assert len(http_server.requests) == 1


def test_a_server_that_never_answers(peer: Callable[[Peer], str]) -> None:
    got = no_answer(get(peer(silent), timeout=0.2))
    assert (got.trouble, got.message) == (
        Trouble.TIMED_OUT,
        "it takes the connection but gives no complete answer within 0.2 s",
    )
    assert got.seconds < 1


def test_no_time_left_means_that_nothing_is_asked(http_server: ScriptedServer) -> None:
    with pytest.raises(TimedOut, match=f"^There was no time left to ask {http_server.url}$"):
        client(http_server.url).get(asker(0), PAGE)
    assert http_server.requests == []


def test_the_askers_time_bounds_the_exchange(peer: Callable[[Peer], str]) -> None:
    started = time.monotonic()
    assert no_answer(client(peer(silent)).get(asker(0.4), PAGE)).trouble is Trouble.TIMED_OUT
    assert time.monotonic() - started < 3


def test_whom_the_end_of_the_run_gave_no_fair_time_is_not_called_silent(peer: Callable[[Peer], str]) -> None:
    with pytest.raises(TimedOut):
        client(peer(silent)).get(asker(0.1), PAGE)


def test_headers_that_drip_do_not_outlast_the_limit(peer: Callable[[Peer], str]) -> None:
    started = time.monotonic()
    got = no_answer(get(peer(sends(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", every=0.05, endlessly=True)), timeout=0.2))
    assert (got.trouble, got.message) == (Trouble.TIMED_OUT, "no complete answer within 0.2 s")
    assert time.monotonic() - started < 3


def test_a_body_that_drips_does_not_outlast_the_limit(peer: Callable[[Peer], str]) -> None:
    started = time.monotonic()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
    assert no_answer(get(peer(sends(head, b"x", every=0.05, endlessly=True)), timeout=0.2)).trouble is Trouble.TIMED_OUT
    assert time.monotonic() - started < 3
    for thread in threading.enumerate():
        if thread.name == "diag-asking":
            thread.join(timeout=1)
            assert not thread.is_alive()


def test_an_endless_body_is_read_up_to_the_limit_only(peer: Callable[[Peer], str]) -> None:
    recorder = Recorder()
    url = peer(sends(b"HTTP/1.1 200 OK\r\n\r\n", b"[1]" * 20_000, endlessly=True))
    got = answer(client(url, recorder=recorder).get(asker(), PAGE))
    assert (got.cut, got.json, len(got.body), got.received) == (True, None, MAX_BODY, MAX_BODY)
    assert recorder.cost().http.bytes == MAX_BODY


def test_the_limit_itself_may_be_reached(http_server: ScriptedServer) -> None:
    http_server.route("/page", body=b"x" * MAX_BODY)
    assert answer(get(http_server.url)).cut is False
    http_server.route("/more", body=b"x" * (MAX_BODY + 1))
    more = Endpoint(name="test.more", source="test", path="/more", why="a test")
    assert answer(client(http_server.url).get(asker(), more)).cut is True


def test_gzip_is_unpacked_and_a_bomb_is_not(http_server: ScriptedServer) -> None:
    gzipped = {"Content-Encoding": "gzip"}
    http_server.route("/page", body=gzip.compress(b'{"a": 1}'), headers=gzipped)
    http_server.route("/page", body=gzip.compress(b" " * (4 * MAX_BODY)), headers=gzipped)
    http_server.route("/page", body=b"not gzip at all", headers=gzipped)
    assert answer(get(http_server.url)).json == {"a": 1}
    bomb = answer(get(http_server.url))
    assert (bomb.cut, bomb.json, len(bomb.body)) == (True, None, MAX_BODY)
    assert bomb.received < 20_000
    assert answer(get(http_server.url)).body == ""


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a": NaN}', b"1e999999"])
def test_what_is_not_json_is_text(http_server: ScriptedServer, body: bytes) -> None:
    http_server.route("/page", body=body)
    got = answer(get(http_server.url))
    assert got.json is None
    assert got.body == body.decode("utf-8", "replace")


def test_json_with_a_broken_character_is_json(http_server: ScriptedServer) -> None:
    http_server.route("/page", body=b'{"status": "error", "message": "Caf\xe9"}')
    assert answer(get(http_server.url)).json == {"status": "error", "message": "Caf\N{REPLACEMENT CHARACTER}"}


def test_json_with_half_an_emoji_is_json(http_server: ScriptedServer) -> None:
    http_server.route("/page", body=rb'{"message": "late \ud83d", "whole": "\ud83d\ude00", "path": "C:\\ud83d"}')
    http_server.route("/page", body=rb'{"message": "\ud83d", "share": NaN}')
    http_server.route("/page", body=rb"<p>\ud83d</p>")
    got = [answer(get(http_server.url)).json for _ in range(3)]
    assert got == [{"message": "late ?", "whole": "\N{GRINNING FACE}", "path": "C:\\ud83d"}, None, None]


def test_html_is_known_by_its_looks(http_server: ScriptedServer) -> None:
    http_server.route("/page", text="  <!doctype html>", headers={"Content-Type": "text/plain"})
    http_server.route("/page", text="Bad Gateway", headers={"Content-Type": "text/html"})
    http_server.route("/page", json={"detail": "slow down"}, headers={"Content-Type": "text/html"})
    assert [answer(get(http_server.url)).is_html for _ in range(3)] == [True, True, False]


def test_calls_are_made_at_the_same_time_and_keep_their_order() -> None:
    barrier = threading.Barrier(3, timeout=5)

    def call(number: int) -> int:
        barrier.wait()
        return number

    assert concurrently([lambda n=n: call(n) for n in range(3)]) == [0, 1, 2]  # type: ignore[misc]


def test_an_error_of_a_concurrent_call_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        concurrently([lambda: 1, lambda: 1 // 0])


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("plugins:6738", "http://plugins:6738"),
        ("http://user:pa/ss@host:80/path/?token=1#x", "http://host:80/path"),
        (" https://[::1]:8000/ ", "https://[::1]:8000"),
    ],
)
def test_an_address_is_shown_without_credentials(written: str, shown: str) -> None:
    assert without_credentials(written) == shown


def test_the_sources_are_declared_without_importing_a_client() -> None:
    import subprocess

    imports = "checks.app.health, checks.plugin_server.health, checks.sentry.issues"
    code = f"import sys, {imports}; print('httpx' in sys.modules, 'ssl' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"
