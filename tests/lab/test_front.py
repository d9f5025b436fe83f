"""The ClickHouse of the lab against the client that diag uses, and against bare HTTP where a client hides what arrives."""

import datetime
import threading
import time
import uuid
from typing import Any

import httpx
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from diagnostics.lab.engine import Database, Engine
from tests.lab.clients import Connect, get, post, refused


@pytest.mark.parametrize(
    ("type", "value"),
    [
        ("UInt64", 2**64 - 1),
        ("Int8", -128),
        ("Float64", 0.1),
        ("Bool", True),
        ("String", "o'clock \\ \t\n 🦔"),
        ("Nullable(String)", None),
        ("UUID", uuid.UUID("0192f3a4-0000-4000-8000-000000000001")),
        ("Date", datetime.date(2024, 2, 29)),
        ("DateTime('UTC')", datetime.datetime(2024, 2, 29, 12, 30, 1)),
        ("DateTime64(6, 'UTC')", datetime.datetime(2024, 2, 29, 12, 30, 1, 123456)),
        ("Array(String)", ["a", "it's"]),
        ("Array(UInt32)", []),
    ],
)
def test_values_of_every_type_in_use_come_back_as_they_were_sent(
    plain: Database, connect: Connect, type: str, value: Any
) -> None:
    assert connect(plain).query(f"SELECT {{value:{type}}} AS value", parameters={"value": value}).result_rows == [(value,)]


def test_parameters_too_long_for_a_url_arrive_as_a_form(plain: Database, connect: Connect) -> None:
    ids = [uuid.UUID(int=number) for number in range(1000)]
    assert connect(plain).query("SELECT length({ids:Array(UUID)})", parameters={"ids": ids}).result_rows == [(1000,)]


@pytest.mark.parametrize(
    ("sql", "code", "name", "status"),
    [
        ("SELECT * FROM nowhere", 60, "UNKNOWN_TABLE", 404),
        ("SELECT nothing FROM events", 47, "UNKNOWN_IDENTIFIER", 404),
        ("SELECT noSuchFunction(1)", 46, "UNKNOWN_FUNCTION", 404),
        ("SELECT FROM WHERE", 62, "SYNTAX_ERROR", 400),
        ("SELECT 1 SETTINGS no_such_setting = 1", 115, "UNKNOWN_SETTING", 404),
        ("SELECT {missing:String}", 456, "UNKNOWN_QUERY_PARAMETER", 500),
        ("SELECT throwIf(1)", 395, "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO", 500),
    ],
)
def test_errors_have_the_code_the_name_and_the_status_of_a_server(
    plain: Database, connect: Connect, sql: str, code: int, name: str, status: int
) -> None:
    error = refused(connect(plain), sql)
    assert (error.code, error.name) == (code, name)
    answer = get(plain, sql)
    assert (answer.status_code, answer.headers["x-clickhouse-exception-code"]) == (status, str(code))
    assert answer.text.startswith(f"Code: {code}. DB::Exception: ")
    assert answer.text.endswith("(official build))\n")


def test_a_parameter_that_is_not_of_its_type_is_refused(plain: Database, connect: Connect) -> None:
    error = refused(connect(plain), "SELECT {n:UInt32}", parameters={"n": "1; DROP TABLE events"})
    assert (error.code, error.name) == (457, "BAD_QUERY_PARAMETER")


@pytest.mark.parametrize(
    ("settings", "sql", "code"),
    [
        ({"max_rows_to_read": 999}, "SELECT uniq(uuid) FROM events", 158),
        ({"max_bytes_to_read": 100}, "SELECT uniq(uuid) FROM events", 307),
        ({"max_result_rows": 10}, "SELECT uuid FROM events", 396),
        ({"max_memory_usage": 20_000_000}, "SELECT groupArray(number) FROM numbers(100000000)", 241),
        ({"max_execution_time": 0.2}, "SELECT sum(sipHash64(number)) FROM numbers(100000000000)", 159),
    ],
)
def test_limits_are_enforced(database: Database, connect: Connect, settings: dict[str, Any], sql: str, code: int) -> None:
    database.execute("INSERT INTO kafka_events_json (uuid) SELECT generateUUIDv4() FROM numbers(1000)")
    assert refused(connect(database), sql, settings=settings).code == code
    assert get(database, sql, **{name: str(value) for name, value in settings.items()}).status_code == (
        408 if code == 159 else 500
    )


def test_a_limit_of_one_query_is_not_there_for_the_next(plain: Database, connect: Connect) -> None:
    client = connect(plain)
    refused(client, "SELECT count() FROM system.numbers", settings={"max_rows_to_read": 10})
    assert client.query("SELECT getSetting('max_rows_to_read')").result_rows == [(0,)]


def test_the_summary_counts_what_was_scanned(database: Database, connect: Connect) -> None:
    database.execute("INSERT INTO kafka_events_json (uuid, event) SELECT generateUUIDv4(), 'seen' FROM numbers(1000)")
    summary = connect(database).query("SELECT event, count() FROM events WHERE event = 'seen' GROUP BY event").summary
    assert (summary["read_rows"], summary["result_rows"]) == ("1000", "1")
    assert int(summary["read_bytes"]) > 1000
    assert int(summary["elapsed_ns"]) > 0
    assert uuid.UUID(summary["query_id"])


def test_the_headers_are_those_of_a_server(plain: Database) -> None:
    answer = post(plain, "SELECT 1 AS one", query_id="mine", default_format="JSONCompact")
    assert answer.json()["data"] == [[1]]
    assert answer.headers["x-clickhouse-query-id"] == "mine"
    assert answer.headers["x-clickhouse-format"] == "JSONCompact"
    assert answer.headers["x-clickhouse-timezone"]
    assert "date" in answer.headers


@pytest.mark.parametrize(
    ("sql", "sent", "format"),
    [
        ("SELECT 1", {}, "TabSeparated"),
        ("SELECT 1 FORMAT JSON", {"default_format": "CSV"}, "JSON"),
        ("SELECT 'FORMAT JSON'", {"default_format": "CSV"}, "CSV"),
    ],
)
def test_the_format_is_the_clause_or_the_default(plain: Database, sql: str, sent: dict[str, str], format: str) -> None:
    assert post(plain, sql, headers=None, **sent).headers["x-clickhouse-format"] == format


def test_the_format_may_come_in_a_header(plain: Database) -> None:
    assert post(plain, "SELECT 1 AS a", headers={"X-ClickHouse-Format": "CSVWithNames"}).text == '"a"\n1\n'


def test_a_query_may_stand_in_the_url_the_body_or_both(plain: Database) -> None:
    assert get(plain, "SELECT 1").text == "1\n"
    assert post(plain, "SELECT 1").text == "1\n"
    assert post(plain, "+ 1", query="SELECT 1").text == "2\n"


@pytest.mark.parametrize("path", ["ping", "", "replicas_status"])
def test_ping_needs_no_credentials(engine: Engine, path: str) -> None:
    assert httpx.get(f"http://127.0.0.1:{engine.port}/{path}", trust_env=False).text == "Ok.\n"


def test_a_wrong_password_and_an_unknown_user_are_refused_alike(plain: Database, connect: Connect) -> None:
    for changes in ({"password": "wrong"}, {"username": "nobody"}, {"username": "default", "password": ""}):
        with pytest.raises(DatabaseError) as raised:
            connect(plain, **changes)
        assert raised.value.code == 516
        assert "Authentication failed: password is incorrect, or there is no user with such name." in str(raised.value)
    assert httpx.get(f"http://127.0.0.1:{plain.port}/?query=SELECT+1", trust_env=False).status_code == 403


def test_an_unknown_database_is_told_as_such(plain: Database, connect: Connect) -> None:
    with pytest.raises(DatabaseError) as raised:
        connect(plain, database="nowhere")
    assert (raised.value.code, raised.value.name) == (81, "UNKNOWN_DATABASE")
    assert post(plain, "SELECT 1", database="nowhere").status_code == 404


def test_a_get_cannot_write(plain: Database) -> None:
    answer = get(plain, "CREATE TABLE mine (a Int8) ENGINE = Memory")
    assert (answer.status_code, answer.headers["x-clickhouse-exception-code"]) == (500, "164")
    assert get(plain, "SELECT getSetting('max_threads')", max_threads="1").text == "1\n"


def test_queries_are_kept_as_they_arrived(database: Database, connect: Connect) -> None:
    client = connect(database)
    before = len(database.queries())
    client.query("SELECT {n:UInt8}", parameters={"n": 3}, settings={"max_execution_time": 2, "log_comment": "diag"})
    refused(client, "SELECT nothing")
    first, second = database.queries()[before:]
    assert (first.user, first.database, first.code, first.params) == (database.user, database.name, 0, {"n": "3"})
    assert first.sql == "SELECT {n:UInt8}\n FORMAT Native"
    assert (first.settings["max_execution_time"], first.settings["log_comment"]) == ("2", "diag")
    assert second.code == 47


def test_only_the_owner_may_use_the_control(plain: Database) -> None:
    answer = httpx.post(f"http://127.0.0.1:{plain.port}/lab/queries", auth=(plain.user, plain.password), trust_env=False)
    assert answer.status_code == 403


def test_a_slow_query_does_not_hold_up_others(plain: Database) -> None:
    slow = threading.Thread(target=get, args=(plain, "SELECT sleep(2)"))
    slow.start()
    began = time.monotonic()
    assert get(plain, "SELECT 1").text == "1\n"
    assert time.monotonic() - began < 1.7
    slow.join()
