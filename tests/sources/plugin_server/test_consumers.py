"""What a consumer does is told by counters that every version names differently, and not told where it does not count."""

import pytest

from diagnostics.sources.plugin_server.consumers import MAX_CONSUMERS, Consumer, consumers, events_moved
from tests.sources.plugin_server.pages import CONSUMER, GROUP, TOPIC, consuming, readings

ASSIGNMENT = "# TYPE kafka_consumer_assignment gauge\n"


def turned(times: int) -> str:
    """The turns of a consumer as newer versions count them."""
    return f"kafka_consume_interval_ms_count{{{CONSUMER}}} {times}\n"


def only(before: str, after: str | None = None) -> Consumer:
    (found,) = consumers(readings(before, after))
    return found


def test_a_busy_consumer() -> None:
    found = only(
        consuming(turns=100, batches=40, newest_ms=990_000), consuming(turns=104, batches=42, newest_ms=999_000, batch_ms=200)
    )
    assert found == Consumer(
        address="http://a",
        topic=TOPIC,
        group=GROUP,
        partitions=1,
        turns=4.0,
        batches=2.0,
        batch_s=0.2,
        behind=1.0,
        advanced=True,
    )
    assert found.takes_events


def test_an_idle_consumer_turns_and_advances_nothing() -> None:
    found = only(consuming(turns=100, batches=4, newest_ms=1_000), consuming(turns=102, batches=4, newest_ms=1_000))
    assert (found.turns, found.batches, found.advanced, found.behind) == (2.0, 0.0, False, 999.0)
    assert found.batch_s == 0.2  # of all since the start, since none ended


def test_turns_are_unknown_where_those_that_bring_nothing_may_not_count() -> None:
    """As many turns as batches: this version may count only the turns that brought something, and an idle one looks stuck."""
    assert only(consuming(turns=41, batches=40, newest_ms=0)).turns is None
    assert only(consuming(turns=42, batches=40, newest_ms=0)).turns == 0.0


def test_the_interval_of_newer_versions_counts_every_turn() -> None:
    assert only(turned(7), turned(9)).turns == 2.0


def test_the_newest_of_all_partitions_counts() -> None:
    """The gauge of a partition that went to another instance stays where it was."""
    page = "".join(
        f'latest_processed_timestamp_ms{{topic="{TOPIC}",partition="{number}",groupId="{GROUP}"}} {at}\n'
        for number, at in enumerate((5_000, 990_000, 100))
    )
    assert only(page).behind == 10.0


def test_consumers_that_were_written_anew_name_it_differently() -> None:
    page = f'common_ingestion_latest_processed_timestamp_ms{{topic="{TOPIC}",partition="0",groupId="g"}} 900000\n'
    assert only(page).behind == 100.0


def test_a_clock_that_is_ahead_is_not_behind() -> None:
    assert only(consuming(turns=9, batches=1, newest_ms=1_200_000)).behind == 0.0


@pytest.mark.parametrize(
    ("page", "partitions"),
    [
        (consuming(turns=9, batches=1, newest_ms=0, partitions=3), 3),
        (consuming(turns=9, batches=1, newest_ms=0, partitions=0), 0),
        # Declared, never set, and the consumer that sets it is known to run: it never had one.
        (consuming(turns=9, batches=1, newest_ms=0, partitions=None), 0),
        # Declared by code that is not in use: nothing is known.
        (
            "# TYPE kafka_absolute_partition_count gauge\n"
            f'latest_processed_timestamp_ms{{topic="{TOPIC}",partition="0",groupId="{GROUP}"}} 1\n',
            None,
        ),
        (turned(9), None),
        (ASSIGNMENT + turned(9), 0),
        (
            ASSIGNMENT
            + turned(9)
            + "".join(
                f'kafka_consumer_assignment{{topic_name="{TOPIC}",partition_id="{number}",pod="p",group_id="{GROUP}"}} {held}\n'
                for number, held in enumerate((1, 0, 1))
            ),
            2,
        ),
        (turned(9) + f'kafka_rebalance_partition_count{{topic="{TOPIC}"}} 4\n', 4),
    ],
)
def test_partitions(page: str, partitions: int | None) -> None:
    assert only(page).partitions == partitions


def test_a_rebalance_between_the_readings_is_seen() -> None:
    line = f'kafka_consumer_rebalance_total{{groupId="{GROUP}",type="revoke"}} '
    page = turned(9)
    assert only(page + line + "1\n", page + line + "2\n").rebalanced
    assert not only(page + line + "2\n", page + line + "2\n").rebalanced


def test_the_age_of_its_oldest_work() -> None:
    page = turned(9) + f'consumer_oldest_background_task_age_ms{{pod="p",groupId="{GROUP}"}} 420000\n'
    assert only(page).oldest_task == 420.0


@pytest.mark.parametrize(
    ("topic", "takes"),
    [
        ("events_plugin_ingestion", True),
        ("acme_events_plugin_ingestion", True),
        ("events_plugin_ingestion_overflow", False),
        ("events_plugin_ingestion_dlq", False),
        ("clickhouse_events_json", False),
    ],
)
def test_which_topic_every_event_passes(topic: str, takes: bool) -> None:
    assert only(f'consumed_batch_size_count{{topic="{topic}",groupId="g"}} 1\n').takes_events is takes


def test_hostile_labels_are_but_names() -> None:
    page = 'consumed_batch_size_count{topic="<script>@everyone",groupId="\\u001b[31m",name="x"} 1\n'
    assert only(page).topic == "<script>@everyone"


def test_events_that_move_within_a_batch_are_seen() -> None:
    step = 'events_pipeline_last_step_total{step_name="emitEventStep"} '
    assert events_moved(readings(step + "5\n", step + "9\n")) == 4.0
    assert events_moved(readings(step + "5\n")) == 0.0
    assert events_moved(readings("a 1\n")) == 0.0


def test_a_page_of_very_many_consumers_is_not_gone_through_for_each() -> None:
    page = "".join(f'latest_processed_timestamp_ms{{topic="t{number}",groupId="g"}} 1\n' for number in range(5_000))
    assert len(consumers(readings(page))) == MAX_CONSUMERS
