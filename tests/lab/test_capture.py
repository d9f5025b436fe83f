"""The lab's capture answers as PostHog's do, and what it takes goes into ClickHouse."""

import time
from typing import Any

import httpx
import pytest

from diagnostics.lab.capture import PATHS, Capture
from diagnostics.lab.delivery import Delivery
from diagnostics.lab.engine import Database
from diagnostics.lab.http import Handler, Server
from diagnostics.lab.schema import Era

EVENT = {"api_key": "phc_x", "event": "posthog_diag_canary", "uuid": "7ae0b1f2-0000-4000-8000-000000000000", "distinct_id": "d"}


def ask(handler: Handler, target: str, *, event: Any = None) -> httpx.Response:
    with Server(handler) as server:
        if event is None:
            return httpx.get(server.url + target, trust_env=False)
        return httpx.post(server.url + target, json=event, trust_env=False)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("slash", ["", "/"])
def test_rust_refuses_a_request_without_data_in_plain_text(path: str, slash: str) -> None:
    answer = ask(Capture(), path + slash)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "text/plain; charset=utf-8")
    assert answer.text.startswith("failed to parse request")


def test_django_refuses_it_in_json() -> None:
    answer = ask(Capture(kind="django"), "/e/")
    assert (answer.status_code, answer.json()["code"]) == (400, "no_data")


@pytest.mark.parametrize(
    ("capture", "answer"),
    [
        (Capture(), (200, '{"status":"Ok"}')),
        (Capture(kind="django"), (200, '{"status":1}')),
        (Capture(refuses="quota"), (429, "billing limit reached")),
        (Capture(refuses="size"), (413, "maximum event size exceeded")),
        (Capture(brokers_up=0), (503, "transient error, please retry")),
    ],
)
def test_an_event_is_taken_or_refused(capture: Capture, answer: tuple[int, str]) -> None:
    said = ask(capture, "/i/v0/e/", event=EVENT)
    assert (said.status_code, said.text) == answer


def test_an_event_without_a_token_is_refused() -> None:
    assert ask(Capture(), "/e/", event={"event": "x"}).status_code == 401


def test_the_proxy_sends_paths_elsewhere() -> None:
    capture = Capture(to_app=("/e",), missing=("/batch",))
    assert (ask(capture, "/e/").status_code, ask(capture, "/e/").headers["location"]) == (302, "/login?next=/")
    refused = ask(capture, "/e/", event=EVENT)
    assert (refused.status_code, "CSRF verification failed" in refused.text) == (403, True)
    assert (ask(capture, "/batch/").status_code, ask(capture, "/batch/").headers["server"]) == (404, "nginx/1.25.3")
    assert ask(capture, "/capture/").status_code == 400


def test_in_its_place_the_proxy_answers_for_events_and_the_app_for_the_rest() -> None:
    capture = Capture(gateway=502)
    assert (ask(capture, "/e/").status_code, ask(capture, "/e/", event=EVENT).status_code) == (502, 502)
    assert ask(capture, "/metrics").status_code == 302


def test_behind_a_proxy_its_own_pages_are_the_apps() -> None:
    assert [ask(Capture(public=True), path).status_code for path in ("/", "/_liveness", "/metrics")] == [302, 302, 302]


def test_without_kafka_every_page_says_so() -> None:
    capture = Capture(brokers=2, brokers_up=0, received_per_s=0.0)
    liveness = ask(capture, "/_liveness")
    assert (liveness.status_code, '"rdkafka": Stalled' in liveness.text) == (500, True)
    lines = ask(capture, "/metrics").text.splitlines()
    assert 'capture_kafka_broker_connected{broker="2"} 0' in lines
    assert 'capture_events_dropped_total{cause="retryable_sink"} 92100' in lines
    assert ask(Capture(kind="django", brokers_up=0), "/_readyz?role=events").status_code == 503


def stored(database: Database, table: str, column: str) -> list[str]:
    """The uuids in it, once there are some."""
    until = time.monotonic() + 10
    while not (found := database.execute(f"SELECT {column} FROM {table} WHERE event = 'posthog_diag_canary'").split()):
        assert time.monotonic() < until
        time.sleep(0.02)
    return found


@pytest.mark.parametrize(
    ("sent", "table", "column"), [("arrives", "events", "uuid"), ("dead-letter", "events_dead_letter_queue", "event_uuid")]
)
def test_what_it_takes_goes_into_clickhouse(database: Database, sent: Any, table: str, column: str) -> None:
    with Delivery(Capture(sent=sent, delay_s=0.0), database, Era.Y2024) as delivery:
        assert ask(delivery, "/i/v0/e/", event=EVENT).status_code == 200
        assert stored(database, table, column) == [EVENT["uuid"]]


def test_what_it_refuses_or_loses_does_not(database: Database) -> None:
    for capture in (Capture(refuses="token", delay_s=0.0), Capture(sent="lost", delay_s=0.0)):
        with Delivery(capture, database, Era.Y2024) as delivery:
            ask(delivery, "/i/v0/e/", event=EVENT)
    assert database.execute("SELECT count() FROM events").strip() == "0"


def test_what_is_under_way_ends_with_the_lab(database: Database) -> None:
    started = time.monotonic()
    with Delivery(Capture(delay_s=60.0), database, Era.Y2024) as delivery:
        ask(delivery, "/i/v0/e/", event=EVENT)
    assert time.monotonic() - started < 30
    assert database.execute("SELECT count() FROM events").strip() == "0"


def test_an_event_that_clickhouse_does_not_take_is_lost_without_a_word(database: Database) -> None:
    database.execute("DROP TABLE events")
    with Delivery(Capture(delay_s=0.0), database, Era.Y2024) as delivery:
        assert ask(delivery, "/i/v0/e/", event=EVENT).status_code == 200
