"""What a question may cost, on the real engine: time, rows, memory, size, and how many are asked at once."""

import threading
import time
from collections.abc import Callable

import pytest

from diagnostics.lab.engine import Database
from diagnostics.lab.front import NOT_SETTINGS
from diagnostics.lab.http import Request, Response
from diagnostics.lab.scripted import ScriptedServer
from diagnostics.sources.clickhouse import ClickHouse, Limits
from diagnostics.sources.clickhouse.source import AT_ONCE
from diagnostics.sources.errors import LimitExceeded, TimedOut
from diagnostics.sources.source import Connected
from tests.sources.clickhouse.asking import Asked, Between, Count, counting, counts, failure, server_error

SLOW = counting(
    "SELECT count() AS n FROM numbers(100000000000) WHERE NOT ignore(sipHash64(number))", limits=Limits(rows_to_read=10**12)
)


def test_every_query_is_read_only_limited_and_says_who_asks(clickhouse: ClickHouse, db: Database) -> None:
    clickhouse.rows(counting(limits=Limits(seconds=3, memory=50_000_000, rows_to_read=10, result_rows=5, threads=1)))
    settings = db.queries()[-1].settings
    assert settings["log_comment"].endswith(" report 7f3a-c2 check a-check query test.count")
    assert {
        name: settings[name] for name in settings if name.startswith(("max_", "read", "time", "result", "prio", "stream_like"))
    } == {
        "readonly": "2",
        "max_execution_time": "3",
        "timeout_overflow_mode": "throw",
        "max_memory_usage": "50000000",
        "max_rows_to_read": "10",
        "read_overflow_mode": "throw",
        "max_result_rows": "5",
        "max_result_bytes": "8000000",
        "result_overflow_mode": "throw",
        "max_threads": "1",
        "priority": "100",
        "stream_like_engine_allow_direct_select": "0",
    }


def test_the_server_s_time_limit_is_never_longer_than_the_time_left(asked: Asked, db: Database) -> None:
    asked.within(4.5).rows(counting())
    assert 1 <= int(db.queries()[-1].settings["max_execution_time"]) <= 5 < Limits().seconds


@pytest.mark.parametrize(
    ("sql", "limits", "limit"),
    [
        ("SELECT max(number) AS n FROM numbers(1000)", Limits(rows_to_read=999), "rows to read"),
        ("SELECT number AS n FROM numbers(1000)", Limits(result_rows=999), "rows or bytes of the answer"),
        ("SELECT number AS n FROM numbers(1000)", Limits(result_bytes=7999), "rows or bytes of the answer"),
        ("SELECT uniqExact(number) AS n FROM numbers(2000000)", Limits(memory=5_000_000), "memory"),
        (SLOW.sql, Limits(seconds=1, rows_to_read=10**12), "time"),
    ],
)
def test_a_limit_ends_a_question_and_is_named(clickhouse: ClickHouse, sql: str, limits: Limits, limit: str) -> None:
    error = failure(clickhouse, counting(sql, limits=limits), LimitExceeded)
    assert str(error).startswith(f"test.count would have cost more than diag allows itself ({limit}): ")
    assert "(version" not in str(error)


@pytest.mark.parametrize(
    ("sql", "limits"),
    [
        ("SELECT max(number) AS n FROM numbers(1000)", Limits(rows_to_read=1000)),
        ("SELECT number AS n FROM numbers(1000)", Limits(result_rows=1000, result_bytes=16_000)),
    ],
)
def test_what_is_just_within_a_limit_is_answered(clickhouse: ClickHouse, sql: str, limits: Limits) -> None:
    assert clickhouse.rows(counting(sql, limits=limits))


def test_a_profile_that_allows_no_settings_is_learned_and_told(db: Database, ask: Callable[[str], Asked]) -> None:
    db.readonly(1)
    clickhouse = ask(db.url).within(5)
    assert clickhouse.rows(counting()) == [Count(0)]
    assert all(query.settings == {} for query in db.queries())
    connection = clickhouse.connection()
    assert isinstance(connection, Connected)
    (note,) = connection.notes
    assert note.code == "clickhouse.permission-denied"
    assert note.text.endswith(" set no limits: diag's questions run without limits on time and memory")


def test_a_read_only_profile_that_allows_settings_keeps_its_limits(db: Database, ask: Callable[[str], Asked]) -> None:
    db.readonly(2)
    clickhouse = ask(db.url).within(5)
    assert clickhouse.rows(counting()) == [Count(0)]
    assert "readonly" not in db.queries()[-1].settings
    assert db.queries()[-1].settings["max_memory_usage"] == "100000000"
    connection = clickhouse.connection()
    assert isinstance(connection, Connected)
    assert connection.notes == ()


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (115, "Setting priority is neither a builtin setting nor started with the prefix 'custom_'. (UNKNOWN_SETTING)"),
        (164, "Cannot modify 'priority' setting in readonly mode. (READONLY)"),
        (452, "Setting priority shouldn't be greater than 10. (SETTING_CONSTRAINT_VIOLATION)"),
    ],
)
def test_a_limit_that_the_server_does_not_take_is_left_out(
    db: Database, http_server: ScriptedServer, ask: Callable[[str], Asked], code: int, text: str
) -> None:
    between = Between(db, http_server, lambda request: server_error(code, text) if request.parameter("priority") else None)
    asked = ask(between.url)
    assert asked.within(5).rows(counting()) == [Count(0)]
    assert asked.within(5).rows(counting("SELECT 2 AS n")) == [Count(2)]
    assert sum(request.parameter("priority") is not None for request in http_server.requests) == 1
    assert "priority" not in db.queries()[-1].settings
    assert db.queries()[-1].settings["readonly"] == "2"


def test_an_answer_that_is_too_large_is_not_read_to_the_end(
    db: Database, http_server: ScriptedServer, ask: Callable[[str], Asked]
) -> None:
    large = Response(body=b"x" * 200_001)
    clickhouse = ask(Between(db, http_server, lambda request: large if counts(request) else None).url).within(5)
    error = failure(clickhouse, counting(limits=Limits(result_bytes=100_000)), LimitExceeded)
    assert str(error) == "The answer to test.count is too large"


def test_no_answer_in_time(db: Database, http_server: ScriptedServer, ask: Callable[[str], Asked]) -> None:
    late = Response(delay_s=2.0)
    asked = ask(Between(db, http_server, lambda request: late if counts(request) else None).url)
    asked.source.inventory()
    started = time.monotonic()
    error = failure(asked.within(0.3), counting(), TimedOut)
    assert time.monotonic() - started < 1.7
    assert str(error) == "ClickHouse did not answer test.count within 0.3 s"


def test_a_few_questions_at_a_time_and_who_waits_in_vain_is_told(
    db: Database, http_server: ScriptedServer, ask: Callable[[str], Asked]
) -> None:
    arrived, go_on = threading.Semaphore(0), threading.Event()

    def answer(request: Request) -> Response | None:
        if counts(request):
            arrived.release()
            go_on.wait(5)
        return None

    asked = ask(Between(db, http_server, answer).url)
    asked.source.inventory()
    answers: list[list[Count]] = []

    def one(number: int) -> None:
        answers.append(asked.within(5).rows(counting(f"SELECT {number} AS n FROM numbers(1)")))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(AT_ONCE)]
    try:
        for thread in threads:
            thread.start()
        assert all(arrived.acquire(timeout=5) for _ in threads)
        error = failure(asked.within(0.5), counting("SELECT 99 AS n FROM numbers(1)"), TimedOut)
    finally:
        go_on.set()
        for thread in threads:
            thread.join()
    assert str(error) == "ClickHouse was not asked test.count: it was still busy with other questions of diag"
    assert sorted(answers, key=str) == [[Count(number)] for number in range(AT_ONCE)]
    assert not arrived.acquire(blocking=False)


def test_limits_are_settings_to_the_lab() -> None:
    """The lab hands everything else to the engine as a setting, so that limits are really tried."""
    assert not {"max_execution_time", "max_memory_usage", "readonly", "log_comment", "priority"} & NOT_SETTINGS
