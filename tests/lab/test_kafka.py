"""The lab's Kafka answers real clients as a broker does, and its offsets follow the time."""

import socket
import time
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from diagnostics.lab.kafka import BEGINNING, CLICKHOUSE, DEAD_LETTERS, INGESTION, Kafka, Letters, Log, Topic
from diagnostics.lab.kafka_broker import KafkaBroker
from diagnostics.lab.kafka_wire import Record, batch, crc32c, varint
from diagnostics.sources.kafka import GroupState, Partition, Span
from tests.looking_at_kafka import looking_at

START = 1_800_000_000.0


def log(**topic: Any) -> Log:
    return Log("a", Topic(partitions=2, per_second=4, **topic), START)


def test_a_healthy_install() -> None:
    with KafkaBroker(Kafka()) as broker:
        kafka = looking_at(broker.address)
        assert set(kafka.cluster().topics) == {INGESTION, CLICKHOUSE, DEAD_LETTERS}
        groups = kafka.groups()
        reading = kafka.reading(1)
    assert {id: (group.state, len(group.members)) for id, group in groups.items()} == {
        "clickhouse-ingestion": (GroupState.STABLE, 1),
        "group1": (GroupState.STABLE, 1),
    }
    assert groups["group1"].reads_for_clickhouse
    assert reading.readers(INGESTION) == ("clickhouse-ingestion",)
    assert all(0 <= reading.spans[part].end - offset <= 3 for part, offset in reading.committed["group1"].items())


def test_a_day_of_messages_that_keep_arriving() -> None:
    day = log()
    assert (day.first(0, START), day.end(0, START)) == (2 * (BEGINNING - 86400), 2 * BEGINNING)
    assert day.end(0, START + 10) == 2 * BEGINNING + 20
    assert day.at(day.first(0, START)).timestamp == int((START - 86400) * 1000)


def test_messages_that_ended() -> None:
    ended = log(until="1h")
    assert ended.end(0, START + 60) == 2 * (BEGINNING - 3600)


def test_a_group_that_stopped_is_as_far_behind_as_it_says() -> None:
    stopped = log(stopped="1h")
    assert stopped.committed(0, START) == 2 * (BEGINNING - 3600)
    assert stopped.committed(0, START + 60) == stopped.committed(0, START)
    assert log(stopped="1h", reads_per_second=2).committed(0, START + 60) == stopped.committed(0, START) + 60
    assert log(stopped="1h", stopped_partitions=(1,)).committed(0, START) == 2 * BEGINNING - 1


def test_what_waits_for_longer_than_it_is_kept_is_gone() -> None:
    lost = log(stopped="2h", kept="1h")
    assert lost.first(0, START) - lost.committed(0, START) == 2 * 3600


def test_looking_up_a_time() -> None:
    with KafkaBroker(Kafka(dead_letters=(Letters(count=3, reason="r", since="2h", until="1m"),))) as broker:
        assert looking_at(broker.address).letters(DEAD_LETTERS, 86400).total == 3
        assert looking_at(broker.address).letters(DEAD_LETTERS, 3700).total == 2
        assert looking_at(broker.address).letters(DEAD_LETTERS, 30).total == 0
        assert looking_at(broker.address).letters(INGESTION, 3600).total == pytest.approx(7200, abs=40)


def test_messages_have_their_time_and_headers() -> None:
    with KafkaBroker(
        Kafka(dead_letters=(Letters(count=2, reason="n {number}", step="s", since="2h", headers="2026"),))
    ) as broker:
        kafka = looking_at(broker.address)
        letters = kafka.letters(DEAD_LETTERS, 86400).letters
        reading = kafka.reading(1)
        oldest = {Partition(INGESTION, 0): reading.spans[Partition(INGESTION, 0)].start}
        assert time.time() - kafka.waiting(oldest)[Partition(INGESTION, 0)] == pytest.approx(86400, abs=30)
    assert [(letter.step, letter.reason) for letter in letters] == [("s", "n 1"), ("s", "n 0")]
    assert reading.spans[Partition(DEAD_LETTERS, 0)] == Span(0, 2)


def test_a_message_that_is_not_there() -> None:
    with KafkaBroker(Kafka()) as broker:
        assert looking_at(broker.address).waiting({Partition(INGESTION, 0): 0}) == {}


def test_nobody_can_write_join_or_commit() -> None:
    with KafkaBroker(Kafka()) as broker:
        at = {"bootstrap.servers": broker.address, "log_level": 0}
        producer = Producer({**at, "message.timeout.ms": 500})
        producer.produce(INGESTION, b"x")
        producer.flush(2)
        consumer = Consumer({**at, "group.id": "g"})
        consumer.subscribe([INGESTION])
        message = consumer.poll(0.3)
        assert message is None or message.error()
        assert consumer.assignment() == []
        with pytest.raises(KafkaException):
            consumer.commit(offsets=[TopicPartition(INGESTION, 0, 1)], asynchronous=False)
        consumer.close()
        assert AdminClient(at).list_topics(timeout=5).topics
        assert looking_at(broker.address).reading(1).readers(INGESTION) == ("clickhouse-ingestion",)


def test_what_it_was_asked_is_known_and_a_look_asks_only_to_look() -> None:
    with KafkaBroker(Kafka()) as broker:
        kafka = looking_at(broker.address)
        kafka.reading(1)
        kafka.groups()
        assert set(broker.asked) == {
            "ApiVersions",
            "Metadata",
            "ListOffsets",
            "ListGroups",
            "FindCoordinator",
            "OffsetFetch",
            "DescribeGroups",
        }


def test_a_broken_request_ends_its_connection_and_no_other() -> None:
    with KafkaBroker(Kafka()) as broker:
        host, port = broker.advertised
        with socket.create_connection((host, port)) as connection:
            connection.sendall(b"\0\0\0\4junk")
            assert connection.recv(10) == b""
        assert looking_at(broker.address).cluster().topics


@pytest.mark.parametrize(("number", "encoded"), [(0, b"\0"), (-1, b"\1"), (1, b"\2"), (300, b"\xd8\4"), (-65, b"\x81\1")])
def test_variable_numbers(number: int, encoded: bytes) -> None:
    assert varint(number) == encoded


def test_checksums_and_batches() -> None:
    assert crc32c(b"123456789") == 0xE3069283
    assert batch([]) == b""
    assert batch([Record(offset=7, timestamp=1)])[:8] == (7).to_bytes(8)
