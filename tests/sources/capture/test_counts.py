"""What capture counts: one reading, two readings, and what is not capture's page of metrics."""

import pytest

from diagnostics.lab.capture import Capture
from diagnostics.lab.http import Request
from diagnostics.sources.capture.counts import KAFKA_CAUSES, MAX_CAUSE, MAX_CAUSES, Counts, Dropped, read_counts
from diagnostics.sources.http import Answer
from tests.sources.answers import answered


def counts(page: str, at: float = 0.0) -> Counts | None:
    return read_counts(answered(200, text=page, content_type="text/plain"), at)


def test_the_page_of_a_healthy_capture() -> None:
    request = Request(method="GET", target="/metrics", headers={})
    found = counts(Capture(brokers=3, brokers_up=2, received_per_s=0.0)(request).body.decode(), at=7.5)
    assert found == Counts(
        at=7.5,
        received=184_201,
        ingested=184_168,
        dropped=(Dropped(cause="token_shape_invalid", events=31), Dropped(cause="event_too_big", events=2)),
        brokers=3,
        connected=2,
        queued=12,
        queue_limit=100_000,
    )


def test_roles_on_one_page_are_added() -> None:
    page = (
        'capture_events_received_total{role="capture"} 10\ncapture_events_received_total{role="capture-ai"} 5\n'
        'capture_events_dropped_total{role="capture",cause="a"} 1\n'
        'capture_events_dropped_total{role="capture-ai",cause="a"} 2\n'
    )
    found = counts(page)
    assert found
    assert (found.received, found.dropped) == (15, (Dropped(cause="a", events=3),))


def test_causes_are_bounded_in_number_and_length() -> None:
    page = "".join(f'capture_events_dropped_total{{cause="{n} {"x" * 500}"}} {n}\n' for n in range(200))
    found = counts("capture_events_received_total 1\n" + page)
    assert found
    assert len(found.dropped) == MAX_CAUSES
    assert all(len(each.cause) <= MAX_CAUSE for each in found.dropped)
    assert found.dropped[0].events == 199


@pytest.mark.parametrize(
    "answer",
    [
        answered(404, text="404 page not found", content_type="text/plain"),
        answered(200, text="<html>login</html>", content_type="text/html"),
        answered(200, text="", content_type="text/plain"),
        answered(200, text="ok", content_type="text/plain"),
        answered(200, text="http_requests_total 12\nprocess_start_time 1\n", content_type="text/plain"),
    ],
)
def test_what_is_not_captures_page_counts_nothing(answer: Answer) -> None:
    assert read_counts(answer, 0.0) is None


def test_the_difference_of_two_readings() -> None:
    first = Counts(at=1.0, received=100, ingested=90, dropped=(Dropped(cause="a", events=10),), produce_errors=3, brokers=1)
    second = Counts(
        at=3.0,
        received=140,
        ingested=100,
        dropped=(Dropped(cause="a", events=12), Dropped(cause="b", events=28)),
        produce_errors=3,
        brokers=1,
        connected=1,
    )
    assert second.since(first) == Counts(
        at=3.0,
        received=40,
        ingested=10,
        dropped=(Dropped(cause="a", events=2), Dropped(cause="b", events=28)),
        brokers=1,
        connected=1,
    )


def test_after_a_restart_everything_is_new() -> None:
    before, after = Counts(at=1.0, received=100_000), Counts(at=3.0, received=12)
    assert after.since(before) == after


def test_drops_are_added_by_cause() -> None:
    found = Counts(at=0.0, dropped=(Dropped(cause="retryable_sink", events=4), Dropped(cause="sink_error", events=1)))
    assert found.dropped_for(*KAFKA_CAUSES) == 5
    assert found.dropped_for("over_quota") == 0
