"""What diag's source says of a real Kafka whose state is known."""

import json
import time

import pytest
from confluent_kafka.admin import ResourceType

from diagnostics.sources.errors import Denied, Refused, TimedOut
from diagnostics.sources.kafka import GroupState, Partition, Retention, Span
from diagnostics.sources.kafka.source import BETWEEN
from diagnostics.sources.source import Asker
from tests.kafka_broker.cluster import Cluster
from tests.kafka_broker.test_connecting import login


def test_offsets_of_partitions_and_groups(cluster: Cluster) -> None:
    topic = cluster.topic(partitions=2)
    cluster.write(topic, 5, partition=0)
    cluster.write(topic, 2, partition=1)
    cluster.commit("offsets-group", topic, {0: 3})
    reading = cluster.kafka().reading(1)
    assert reading.spans[Partition(topic, 0)] == Span(0, 5)
    assert reading.spans[Partition(topic, 1)] == Span(0, 2)
    assert reading.committed["offsets-group"] == {Partition(topic, 0): 3}
    assert reading.readers(topic) == ("offsets-group",)
    assert reading.unseen == ""


def test_a_second_reading_is_a_second_later_and_sees_what_came_and_what_was_read(cluster: Cluster) -> None:
    topic = cluster.topic(partitions=1)
    cluster.write(topic, 5)
    cluster.commit("moving-group", topic, {0: 1})
    kafka = cluster.kafka()
    first = kafka.reading(1)
    cluster.write(topic, 3)
    cluster.commit("moving-group", topic, {0: 4})
    second = kafka.reading(2)
    assert second.at - first.at >= BETWEEN
    assert (first.spans[Partition(topic, 0)].end, second.spans[Partition(topic, 0)].end) == (5, 8)
    assert second.committed["moving-group"] == {Partition(topic, 0): 4}
    assert kafka.reading(1) is first


def test_members_are_seen_with_what_they_read_and_a_group_that_they_left_is_empty(cluster: Cluster) -> None:
    topic = cluster.topic(partitions=2)
    with cluster.member("members-group", topic, client="ClickHouse-host-posthog-kafka_events_json"):
        group = cluster.kafka().groups()["members-group"]
    assert (group.state, len(group.members)) == (GroupState.STABLE, 1)
    assert set(group.members[0].partitions) == {Partition(topic, 0), Partition(topic, 1)}
    assert group.reads_for_clickhouse
    cluster.write(topic, 1)
    cluster.commit("members-group", topic, {0: 1})
    after = cluster.kafka().groups()["members-group"]
    assert (after.state, after.members) == (GroupState.EMPTY, ())


def test_since_when_the_oldest_unread_message_waits(cluster: Cluster) -> None:
    topic = cluster.topic(partitions=2)
    cluster.write(topic, 2, partition=0, ago=3600)
    cluster.write(topic, 2, partition=0, ago=600)
    cluster.write(topic, 1, partition=1, ago=30)
    now = time.time()
    waiting = cluster.kafka().waiting({Partition(topic, 0): 2, Partition(topic, 1): 0})
    assert {partition.number: round(now - written, -1) for partition, written in waiting.items()} == {0: 600, 1: 30}


def test_a_message_that_is_not_there_has_no_time(cluster: Cluster) -> None:
    topic = cluster.topic(partitions=3)
    cluster.write(topic, 4, partition=0, ago=60)
    cluster.write(topic, 4, partition=1, ago=60)
    cluster.delete_before(topic, 3, partition=1)
    asked = {Partition(topic, 0): 4, Partition(topic, 1): 0, Partition(topic, 2): 0}
    assert cluster.kafka().waiting(asked) == {}


def test_what_was_deleted_before_it_was_read(cluster: Cluster) -> None:
    topic = cluster.topic(partitions=1)
    cluster.write(topic, 9)
    cluster.commit("late-group", topic, {0: 2})
    cluster.delete_before(topic, 6)
    reading = cluster.kafka().reading(1)
    assert reading.spans[Partition(topic, 0)] == Span(6, 9)
    assert reading.committed["late-group"] == {Partition(topic, 0): 2}


def test_how_long_topics_keep_messages(cluster: Cluster) -> None:
    hour = cluster.topic(retention_ms="3600000", retention_bytes="1000000")
    ever = cluster.topic(retention_ms="-1", retention_bytes="-1")
    table = cluster.topic(cleanup_policy="compact")
    got = cluster.kafka().retention([hour, ever, table])
    assert got[hour] == Retention(seconds=3600.0, bytes=1_000_000, compacted=False)
    assert got[ever] == Retention(seconds=None, bytes=None, compacted=False)
    assert [got[each].deletes for each in (hour, ever, table)] == [True, False, False]


def test_dead_letters_are_read_by_their_headers_and_nobody_s_token_or_id_leaves(cluster: Cluster) -> None:
    topic = cluster.topic(partitions=2)
    personal = {"token": "phc_secret", "distinct_id": "jane@customer.example", "event": "$pageview"}
    cluster.write(topic, 1, ago=7200, headers={"dlq-reason": "too old", **personal})
    cluster.write(topic, 2, ago=600, headers={"dlq-step": "a", "dlq-reason": "first", **personal})
    cluster.write(topic, 1, partition=1, ago=60, headers={"dlq_step": "b", "dlq_reason": "second", **personal})
    cluster.write(topic, 1, partition=1, ago=30)
    kafka = cluster.kafka()
    letters = kafka.letters(topic, 3600)
    assert letters.total == 4
    assert [(letter.step, letter.reason) for letter in letters.letters] == [
        ("", ""),
        ("b", "second"),
        ("a", "first"),
        ("a", "first"),
    ]
    recorded = json.dumps([exchange.answer for exchange in kafka._recorder.exchanges])
    assert "second" in recorded
    assert not any(word in recorded for word in ("phc_secret", "jane", "pageview", "payload"))


def test_of_many_dead_letters_all_are_counted_and_the_newest_read(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diagnostics.sources.kafka.source.MOST_LETTERS", 10)
    topic = cluster.topic(partitions=1)
    cluster.write(topic, 50, ago=600, headers={"dlq-reason": "old"})
    cluster.write(topic, 10, ago=60, headers={"dlq-reason": "new"})
    letters = cluster.kafka().letters(topic, 3600)
    assert (letters.total, len(letters.letters), {letter.reason for letter in letters.letters}) == (60, 10, {"new"})


def test_no_dead_letter_in_the_window(cluster: Cluster) -> None:
    topic = cluster.topic(partitions=1)
    cluster.write(topic, 3, ago=7200, headers={"dlq-reason": "old"})
    letters = cluster.kafka().letters(topic, 3600)
    assert (letters.total, letters.letters) == (0, ())


def test_a_user_who_may_see_nothing(secured: Cluster) -> None:
    topic = secured.topic()
    kafka = secured.kafka(secured.addresses.login, **login("nobody"))
    assert topic not in kafka.cluster().topics
    with pytest.raises(Denied, match="does not let diag's user see whether there is a topic"):
        kafka.exists(topic)


def test_a_user_who_may_see_a_topic_and_no_groups(secured: Cluster) -> None:
    topic = secured.topic(partitions=1)
    secured.write(topic, 2)
    secured.commit("group1", topic, {0: 1})
    secured.grant("diag", ResourceType.TOPIC, topic)
    kafka = secured.kafka(secured.addresses.login, **login("diag"))
    reading = kafka.reading(1)
    assert reading.spans[Partition(topic, 0)] == Span(0, 2)
    assert reading.committed == {}
    assert reading.unseen.startswith("Kafka does not let diag's user see the consumer group ")
    with pytest.raises(Denied, match="how long its topics keep messages"):
        kafka.retention([topic])


def test_only_what_a_check_declares_is_asked(cluster: Cluster) -> None:
    kafka = cluster.kafka().bind(Asker("hasty", time.monotonic() + 10, frozenset({"kafka.offsets"})))
    with pytest.raises(Refused, match=r"asked for kafka.groups, which it does not declare"):
        kafka.reading(1)


def test_without_time_nothing_is_asked(cluster: Cluster) -> None:
    kafka = cluster.kafka()
    kafka.connection()
    late = kafka.bind(Asker("late", time.monotonic() - 1, kafka.asker.reads))
    with pytest.raises(TimedOut, match="There was no time left to ask Kafka"):
        late.reading(1)


def test_every_exchange_is_recorded_with_its_cost(cluster: Cluster) -> None:
    kafka = cluster.kafka()
    kafka.reading(1)
    exchanges = kafka._recorder.exchanges
    assert {exchange.name for exchange in exchanges} == {
        "kafka.metadata",
        "kafka.offsets",
        "kafka.groups",
        "kafka.committed",
    }
    assert all(exchange.source == "kafka" and exchange.check == "a-check" and not exchange.error for exchange in exchanges)
    assert kafka._recorder.cost().kafka.requests >= 5
    json.dumps([exchange.answer for exchange in exchanges])
