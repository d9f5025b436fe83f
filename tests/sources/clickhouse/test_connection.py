"""Whatever stands at `clickhouse.url`, the connection says what it is and what to do, and never who was asking."""

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from diagnostics.lab.engine import Database, Engine
from diagnostics.lab.http import Request, Response
from diagnostics.lab.scripted import ScriptedServer
from diagnostics.sources.clickhouse import ClickHouse
from diagnostics.sources.errors import TimedOut, Unavailable
from diagnostics.sources.source import Asker, Connected, NotConnected, Note, Recorder
from tests.sources.clickhouse.refusals import PASSWORD, at, connect, refusal, told
from tests.sources.clickhouse.servers import (
    Talk,
    deaf,
    dripping,
    dripping_headers,
    endless,
    forwarding,
    hanging_up,
    listening,
    saying,
    silent,
)

HTML = "<!DOCTYPE html><html><body>Sign in</body></html>"


def test_a_refused_connection(closed_port: Callable[[], str]) -> None:
    port = int(closed_port().rpartition(":")[2])
    outcome = refusal(at(port))
    assert told(outcome, port) == ("clickhouse.unreachable", "Nothing listens on HERE: the connection is refused")
    assert outcome.hint.startswith("see whether clickhouse.url names")


def test_a_name_that_nobody_knows() -> None:
    outcome = refusal(f"http://diag:{PASSWORD}@nothing.invalid:8123/posthog")
    assert (outcome.code, outcome.message) == ("clickhouse.unreachable", "The name nothing.invalid cannot be resolved")


def test_no_answer_to_an_attempt_to_connect_takes_the_time_left_and_not_twice_that() -> None:
    with deaf() as port:
        started = time.monotonic()
        outcome = refusal(at(port), seconds=1.5)
        assert time.monotonic() - started < 2.8
    assert told(outcome, port) == ("clickhouse.unreachable", "HERE does not answer: no connection within 1.5 s")


def test_a_server_that_says_nothing() -> None:
    with listening(silent) as port:
        outcome = refusal(at(port), seconds=0.3)
    assert told(outcome, port) == ("clickhouse.unreachable", "HERE accepts the connection and then says nothing for 0.3 s")


@pytest.mark.parametrize("talk", [dripping, dripping_headers])
def test_a_server_that_answers_byte_by_byte_is_left_in_time(talk: Talk) -> None:
    with listening(talk) as port:
        started = time.monotonic()
        outcome = refusal(at(port), seconds=0.4)
        assert time.monotonic() - started < 3
    assert told(outcome, port) == ("clickhouse.unreachable", "HERE accepts the connection and then says nothing for 0.4 s")


def test_a_server_that_hangs_up_may_expect_tls() -> None:
    with listening(hanging_up) as port:
        outcome = refusal(at(port))
    assert told(outcome, port) == ("clickhouse.unreachable", "HERE hangs up on plain HTTP: it may expect TLS")


def test_the_native_port() -> None:
    text = b"Port 9000 is for clickhouse-client program.\r\nYou must use port 8123 for HTTP.\r\n"
    with listening(saying(b"HTTP/1.0 400 Bad Request\r\n\r\n" + text)) as port:
        outcome = refusal(at(port))
    message = "HERE is ClickHouse's port for its native protocol, and diag speaks HTTP"
    assert told(outcome, port) == ("clickhouse.unreachable", message)


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (Response.text(HTML, kind="text/html"), "HERE answers, but is not ClickHouse: a web page with status 200"),
        (Response(body=HTML.encode()), "HERE answers, but is not ClickHouse: a web page with status 200"),
        (Response.text(HTML, status=403, kind="text/html"), "HERE answers, but is not ClickHouse: a web page with status 403"),
        (Response.text(HTML, status=404, kind="text/html"), "HERE answers, but is not ClickHouse: a web page with status 404"),
        (Response.json({"status": "ok"}), "HERE answers, but is not ClickHouse: JSON with status 200"),
        (Response.json({"detail": "no"}, status=401), "HERE answers, but is not ClickHouse: JSON with status 401"),
        (Response.text("Ok.\n"), "HERE answers, but is not ClickHouse: text that makes no sense here with status 200"),
        (Response(), "HERE answers, but is not ClickHouse: an empty answer with status 200"),
        (Response.text("1\t2\n"), "HERE answers, but is not ClickHouse: text that makes no sense here with status 200"),
        (Response.text("24.8\tUTC\n"), "HERE answers, but is not ClickHouse: text that makes no sense here with status 200"),
    ],
)
def test_something_else_answers(http_server: ScriptedServer, response: Response, message: str) -> None:
    http_server.route("/", lambda _: response)
    port = int(http_server.url.rpartition(":")[2])
    assert told(refusal(at(port)), port) == ("clickhouse.not-clickhouse", message)


def test_a_redirect_is_not_followed(http_server: ScriptedServer) -> None:
    location = f"https://login.example.com/sso?next={PASSWORD}"
    http_server.route("/", status=302, headers={"Location": location})
    port = int(http_server.url.rpartition(":")[2])
    message = "HERE redirects to login.example.com: that is not ClickHouse's HTTP interface"
    assert told(refusal(at(port)), port) == ("clickhouse.not-clickhouse", message)
    assert {request.path for request in http_server.requests} == {"/"}


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_proxy_that_does_not_reach_clickhouse(http_server: ScriptedServer, status: int) -> None:
    http_server.route("/", lambda _: Response.text(HTML, status=status, kind="text/html"))
    outcome = refusal(at(int(http_server.url.rpartition(":")[2])))
    assert outcome.code == "clickhouse.unreachable"
    assert outcome.message == f"Something before ClickHouse answers {status}: it does not reach ClickHouse either"
    assert len([request for request in http_server.requests if b"version()" in request.body]) == 1


def test_a_compressed_answer_is_not_unpacked() -> None:
    bomb = gzip.compress(b"0" * 100_000_000)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    with listening(saying(head + bomb)) as port:
        started = time.monotonic()
        outcome = refusal(at(port))
        assert time.monotonic() - started < 2  # unpacking and parsing it takes half a minute
    assert outcome.code == "clickhouse.not-clickhouse"


def test_whom_the_end_of_the_run_gave_no_fair_time_is_not_called_silent() -> None:
    with listening(silent) as port, pytest.raises(TimedOut, match=r"^There was no time left to ask ClickHouse$"):
        refusal(at(port), seconds=0.1)


def test_an_endless_answer_is_cut_off() -> None:
    with listening(endless) as port:
        outcome = refusal(at(port))
    message = "HERE answers with more than 4,000,000 bytes, as ClickHouse never does"
    assert told(outcome, port) == ("clickhouse.not-clickhouse", message)


def test_bytes_that_are_no_http() -> None:
    with listening(saying(b"\x00\x01\x02SSH-2.0-OpenSSH\r\n")) as port:
        outcome = refusal(at(port))
    assert outcome.code == "clickhouse.unreachable"


@pytest.fixture
def db(engine: Engine) -> Database:
    return engine.database()


def test_a_wrong_password(db: Database) -> None:
    outcome = refusal(f"http://{db.user}:{PASSWORD}@127.0.0.1:{db.port}/{db.name}")
    assert outcome.code == "clickhouse.auth-failed"
    assert outcome.message == (
        f"ClickHouse does not accept the user {db.user}: Authentication failed: password is incorrect, "
        "or there is no user with such name. (AUTHENTICATION_FAILED)"
    )
    assert outcome.hint.startswith("check user and password in clickhouse.url")


@pytest.mark.parametrize("header", [True, False])
def test_the_code_of_an_error_is_also_read_from_the_text(http_server: ScriptedServer, header: bool) -> None:
    text = "Code: 194. DB::Exception: diag: Authentication failed: password required. (REQUIRED_PASSWORD) (version 24.8.7.41)"
    headers = (("X-ClickHouse-Exception-Code", "194"),) if header else ()
    http_server.route("/", lambda _: Response(status=401, headers=headers, body=text.encode()))
    outcome = refusal(at(int(http_server.url.rpartition(":")[2])))
    assert outcome.code == "clickhouse.auth-failed"
    assert outcome.message == (
        "ClickHouse does not accept the user diag: Authentication failed: password required. (REQUIRED_PASSWORD)"
    )


def test_a_clickhouse_in_trouble_is_not_something_else(http_server: ScriptedServer) -> None:
    text = "Code: 202. DB::Exception: Too many simultaneous queries. Maximum: 100. (TOO_MANY_SIMULTANEOUS_QUERIES)"
    http_server.route(
        "/", lambda _: Response(status=500, headers=(("X-ClickHouse-Exception-Code", "202"),), body=text.encode())
    )
    outcome = refusal(at(int(http_server.url.rpartition(":")[2])))
    assert outcome.code == "clickhouse.unreachable"
    assert outcome.message == (
        "ClickHouse answers, but cannot serve: Too many simultaneous queries. Maximum: 100. (TOO_MANY_SIMULTANEOUS_QUERIES)"
    )


@pytest.mark.parametrize("late", [b"version()", b"system.settings"])
def test_which_of_the_first_two_answers_comes_last_makes_no_difference(http_server: ScriptedServer, late: bytes) -> None:
    """The two are asked for at the same time; a ClickHouse before 19.x fails at the second."""

    def answer(request: Request) -> Response:
        if late in request.body:
            time.sleep(0.3)
        if b"version()" in request.body:
            return Response(status=200, headers=(("X-ClickHouse-Timezone", "UTC"),), body=b"18.16.1\tUTC\n")
        text = "Code: 47, e.displayText() = DB::Exception: Unknown identifier: readonly, e.what() = DB::Exception"
        return Response(status=500, headers=(("X-ClickHouse-Exception-Code", "47"),), body=text.encode())

    http_server.route("/", answer)
    assert refusal(at(int(http_server.url.rpartition(":")[2]))).code == "clickhouse.unsupported-version"


def test_a_database_that_does_not_exist(db: Database) -> None:
    outcome = refusal(db.url.replace(f"/{db.name}", "/nothing"))
    assert (outcome.code, outcome.message) == ("clickhouse.database-missing", "There is no database nothing")
    assert "; this user sees: default, posthog_" in outcome.hint  # the first fifty, however many the tests have made


def test_a_database_without_posthog_s_tables(db: Database) -> None:
    outcome = refusal(db.url.replace(f"/{db.name}", "/default"))
    assert (outcome.code, outcome.message) == ("clickhouse.database-missing", "The database default holds no table of PostHog")


def test_a_database_that_may_not_be_seen_is_not_missing(db: Database) -> None:
    db.hide("*")
    assert isinstance(connect(db.url), Connected)


@pytest.fixture(scope="module")
def posthog() -> Iterator[Database]:
    """An engine whose database is called `posthog`, as in the Helm chart and the hobby install."""
    with Engine() as engine:
        yield engine.database("posthog")


def test_without_a_database_in_the_url_posthog_s_is_found_and_it_says_so(posthog: Database) -> None:
    clickhouse = ClickHouse(posthog.url.removesuffix("/posthog"), recorder=Recorder())
    connection = clickhouse.connection()
    assert isinstance(connection, Connected)
    assert connection.notes == (
        Note("clickhouse.database-missing", "clickhouse.url names no database: PostHog's tables were found in posthog"),
    )
    assert clickhouse.learned()["clickhouse_database"] == "posthog"
    assert clickhouse.inventory().engine("events") == "ReplacingMergeTree"
    clickhouse.close()


def test_a_database_that_is_named_is_not_replaced_but_the_right_one_is_pointed_out(posthog: Database) -> None:
    outcome = refusal(posthog.url.replace("/posthog", "/default"))
    assert (outcome.code, outcome.message) == ("clickhouse.database-missing", "The database default holds no table of PostHog")
    assert outcome.hint == "PostHog's tables are in the database posthog: write /posthog at the end of clickhouse.url"


def test_an_embedded_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    outcome = refusal(f"chdb://{tmp_path}/store")
    assert (outcome.code, outcome.message) == ("clickhouse.unreachable", f"The embedded store {tmp_path}/store does not exist")
    assert list(tmp_path.iterdir()) == []


def test_the_connection_is_tried_once_and_everything_on_it_says_why(http_server: ScriptedServer) -> None:
    http_server.route("/", status=502)
    clickhouse = ClickHouse(http_server.url, recorder=Recorder())
    first = clickhouse.connection()
    with pytest.raises(Unavailable) as raised:
        clickhouse.bind(Asker("other", time.monotonic() + 5, frozenset())).version()
    assert isinstance(first, NotConnected)
    assert (str(raised.value), raised.value.code) == (first.message, "clickhouse.unreachable")
    assert len([request for request in http_server.requests if b"version()" in request.body]) == 1
    clickhouse.close()


def test_it_takes_three_requests_in_two_round_trips(db: Database) -> None:
    connections: list[socket.socket] = []
    together = threading.Barrier(2)  # nothing passes before the two questions that need no answer of each other are both there

    def counted(connection: socket.socket) -> None:
        connections.append(connection)
        together.wait(5)
        forwarding(db.port)(connection)

    recorder = Recorder()
    with listening(counted) as port:
        clickhouse = ClickHouse(db.url.replace(f":{db.port}/", f":{port}/"), recorder=recorder)
        assert isinstance(clickhouse.connection(), Connected)
        clickhouse.close()
    assert (len(connections), len(db.queries())) == (2, 3)
    assert [exchange.name for exchange in recorder.exchanges] == ["clickhouse.handshake", "clickhouse.inventory"]


def test_version_and_database_are_learned_and_nothing_is_asked_for_it(db: Database) -> None:
    clickhouse = ClickHouse(db.url, recorder=Recorder())
    assert clickhouse.learned() == {}
    assert db.queries() == []
    assert clickhouse.version() >= (24, 8)
    version = ".".join(map(str, clickhouse.version()))
    assert clickhouse.learned() == {"clickhouse_version": version, "clickhouse_database": db.name}
    clickhouse.close()


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_the_proxy_of_the_environment_is_used(proxied: pytest.MonkeyPatch, http_server: ScriptedServer) -> None:
    proxied.setenv("http_proxy", http_server.url)
    outcome = refusal(f"http://diag:{PASSWORD}@nothing.invalid:8123/posthog")
    assert outcome.code == "clickhouse.not-clickhouse"
    assert all(request.target.startswith("http://nothing.invalid:8123/") for request in http_server.requests)


def test_a_proxy_that_is_down_is_named(proxied: pytest.MonkeyPatch, closed_port: Callable[[], str]) -> None:
    proxied.setenv("http_proxy", closed_port())
    outcome = refusal(f"http://diag:{PASSWORD}@nothing.invalid:8123/posthog")
    assert outcome.message == "The proxy of the environment (http_proxy) did not connect to nothing.invalid:8123"


def test_no_proxy_is_used_for_this_computer_nor_where_it_is_excepted(
    proxied: pytest.MonkeyPatch, http_server: ScriptedServer, closed_port: Callable[[], str]
) -> None:
    proxied.setenv("http_proxy", http_server.url)
    assert refusal(closed_port()).message.startswith("Nothing listens on ")
    proxied.setenv("no_proxy", ".invalid")
    assert refusal("http://nothing.invalid:8123").message == "The name nothing.invalid cannot be resolved"
    assert http_server.requests == []


def test_the_user_of_this_computer_is_not_told(http_server: ScriptedServer) -> None:
    refusal(at(int(http_server.url.rpartition(":")[2])))
    agent = http_server.requests[0].headers["user-agent"]
    assert agent.startswith("posthog-diag/")
    assert "os_user" not in agent


def test_addresses_are_without_credentials(db: Database) -> None:
    clickhouse = ClickHouse(db.url, recorder=Recorder())
    assert clickhouse.address() == f"http://127.0.0.1:{db.port}/{db.name}"
