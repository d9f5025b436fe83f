"""The checks on a real Kafka: what they claim, word for word, of states that really are so."""

import re

from checks.dead_letters.topic import kafka_dead_letters
from checks.kafka.lag import kafka_lag
from checks.kafka.topics import kafka_topics
from diagnostics import Finding, KnownErrors, Status, Thresholds, Window
from diagnostics.report.error_template import template
from diagnostics.sources.kafka import GroupState, Kafka, KafkaTopics
from tests.kafka_broker.cluster import Cluster
from tests.looking_at_kafka import A_DAY, said


def path(cluster: Cluster, **config: str) -> KafkaTopics:
    """Two topics of their own for a test, and one for dead letters."""
    return KafkaTopics(
        ingestion=cluster.topic("ingestion", partitions=2, **config),
        clickhouse=cluster.topic("clickhouse", partitions=2),
        dead_letters=cluster.topic("dead_letters", partitions=1),
        prefix="none.",
    )


def lag(kafka: Kafka) -> list[Finding]:
    return list(kafka_lag.function(kafka, Thresholds()))


def test_groups_that_have_read_everything(cluster: Cluster) -> None:
    topics = path(cluster)
    cluster.write(topics.ingestion, 5)
    cluster.write(topics.clickhouse, 5)
    cluster.commit("reads-a", topics.ingestion, {0: 5})
    cluster.commit("reads-b", topics.clickhouse, {0: 5})
    assert said(lag(cluster.kafka(topics=topics))) == [
        ("kafka.lag", Status.OK, "What arrives is read in time by reads-a, reads-b: nothing waits")
    ]


def test_a_group_without_members_that_is_behind(cluster: Cluster) -> None:
    topics = path(cluster)
    cluster.write(topics.ingestion, 30, partition=0, ago=1800)
    cluster.write(topics.ingestion, 10, partition=1, ago=1200)
    cluster.commit("left", topics.ingestion, {0: 5, 1: 0})
    (finding,) = lag(cluster.kafka(topics=topics))
    assert (finding.code, finding.status) == ("kafka.lag", Status.FAIL)
    claim = re.sub(r"in [0-9.]+ s\)", "in 1.0 s)", finding.claim)
    assert claim == (
        f"The consumer group left is 30 min behind in {topics.ingestion}: 35 messages wait in 2 of 2 partitions, "
        "and none was read (0 came and 0 were read in 1.0 s), and nobody is in the group"
    )


def test_messages_that_were_deleted_unread(cluster: Cluster) -> None:
    topics = path(cluster, retention_ms="3600000")
    cluster.write(topics.ingestion, 30, ago=3400)
    cluster.commit("lost", topics.ingestion, {0: 5})
    cluster.delete_before(topics.ingestion, 12)
    found = said(lag(cluster.kafka(topics=topics)))
    assert found[1:] == [
        (
            "kafka.retention-loss",
            Status.FAIL,
            f"Kafka has deleted 7 messages of {topics.ingestion} that the consumer group lost had not read: these events are "
            "lost",
        ),
        (
            "kafka.retention-loss",
            Status.FAIL,
            f"Kafka deletes what the consumer group lost has not read of {topics.ingestion} in 3 min: the oldest unread "
            "message is 57 min old, the retention 60 min",
        ),
    ]


def test_a_group_that_is_being_rebalanced_does_not_fail(cluster: Cluster) -> None:
    topics = path(cluster)
    cluster.write(topics.ingestion, 5, ago=900)
    cluster.commit("unsettled", topics.ingestion, {0: 1})
    with cluster.member("unsettled", topics.ingestion), cluster.joining("unsettled", topics.ingestion):
        kafka = cluster.kafka(topics=topics)
        assert kafka.groups()["unsettled"].state is GroupState.REBALANCING
        (finding,) = lag(kafka)
    assert (finding.status, finding.claim) == (
        Status.WARN,
        f"The consumer group unsettled is 15 min behind in {topics.ingestion} and is being rebalanced: its consumers read "
        "nothing until that has ended",
    )


def test_a_group_that_was_given_up_is_no_lag_while_another_reads(cluster: Cluster) -> None:
    topics = path(cluster)
    cluster.write(topics.ingestion, 9, ago=9000)
    cluster.commit("given-up", topics.ingestion, {0: 1})
    cluster.commit("in-use", topics.ingestion, {0: 9})
    with cluster.member("in-use", topics.ingestion):
        (finding,) = lag(cluster.kafka(topics=topics))
    assert (finding.status, finding.claim) == (Status.OK, "What arrives is read in time by in-use: nothing waits")


def test_a_topic_that_is_missing_is_not_made_by_looking_for_it(cluster: Cluster) -> None:
    topics = KafkaTopics(ingestion=cluster.topic("here"), clickhouse="not-there")
    findings = list(kafka_topics.function(cluster.kafka(topics=topics), Thresholds()))
    assert [finding.claim for finding in findings if finding.code == "kafka.topic-missing"] == [
        f"Kafka has {len(cluster.topic_names())} topics, but not not-there"
    ]
    assert "not-there" not in cluster.topic_names()


def test_a_topic_that_nobody_reads(cluster: Cluster) -> None:
    topics = path(cluster)
    cluster.write(topics.ingestion, 3)
    cluster.write(topics.clickhouse, 3, ago=90000)
    findings = list(kafka_topics.function(cluster.kafka(topics=topics), Thresholds()))
    (finding,) = [each for each in findings if {topics.ingestion, topics.clickhouse} & set(each.affects)]
    assert finding.status is Status.FAIL
    assert finding.claim.startswith(f"No consumer group reads {topics.ingestion}, which holds 3 messages, the newest ")


def test_dead_letters(cluster: Cluster) -> None:
    topics = path(cluster)
    for number in range(3):
        reason = f"Invalid value {number} in column 12"
        cluster.write(topics.dead_letters, 1, ago=60, headers={"dlq_step": "normalizeEventStep", "dlq_reason": reason})
    kafka = cluster.kafka(topics=topics)
    (finding,) = kafka_dead_letters.function(kafka, Window(*A_DAY), KnownErrors(), Thresholds())
    assert (finding.status, finding.claim) == (
        Status.FAIL,
        f"3 events were dead-lettered in Kafka's topic {topics.dead_letters} in the last 24 h, the newest 60 s ago",
    )
    (row,) = finding.evidence[0].rows
    assert (*row[:2], template(row[2])) == (3, "normalizeEventStep", "Invalid value <number> in column <number>")
