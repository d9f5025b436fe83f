"""Whether anything still comes into Kafka, asked when events have stopped."""

from typing import Any

import pytest

from checks.kafka.intake import ON_THE_WAY, ended
from diagnostics.lab.http import ClosedPort
from diagnostics.lab.kafka import Kafka as StandIn
from diagnostics.lab.kafka import Topic
from diagnostics.lab.kafka_broker import KafkaBroker
from tests.looking_at_kafka import looking_at

HOUR = 3600.0


def judged(pause: float, **topic: Any) -> bool:
    with KafkaBroker(StandIn(topics={"events_plugin_ingestion": Topic(**topic)})) as broker:
        return ended(looking_at(broker.address), pause)


def test_nothing_has_come_since() -> None:
    assert judged(HOUR, until="1h")


def test_messages_still_come() -> None:
    assert not judged(HOUR)


@pytest.mark.parametrize(("pause", "same"), [(HOUR + ON_THE_WAY - 60, True), (HOUR + ON_THE_WAY + 60, False)])
def test_the_newest_message_may_have_been_on_its_way_for_some_minutes(pause: float, same: bool) -> None:
    assert judged(pause, until="1h") is same


def test_one_partition_that_still_gets_messages_is_enough() -> None:
    assert not judged(HOUR, partitions=12, per_second=0.1)


def test_a_topic_without_messages_tells_nothing() -> None:
    assert not judged(HOUR, per_second=0)


def test_without_the_topic_or_without_kafka_nobody_knows() -> None:
    with KafkaBroker(StandIn(missing=("events_plugin_ingestion",))) as broker:
        assert not ended(looking_at(broker.address), HOUR)
    assert not ended(None, HOUR)


def test_a_kafka_that_does_not_answer_hides_no_alarm() -> None:
    port = ClosedPort()
    assert not ended(looking_at(port.url.removeprefix("http://")), HOUR)
    port.close()
