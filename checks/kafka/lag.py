"""Kafka's consumer groups: how far those that events pass are behind, and whether Kafka deletes what they have not read.

Reads the offsets of every group and partition twice, a second apart, and of each oldest unread message the time at which it was
written (never what it says). Groups are found by the topics they read, not by name.
Healthy is that no unread message waits longer than a few minutes. Some are always unread.
It matters because a group that is behind is the usual reason for events that show up late, and Kafka deletes what waits longer
than its retention: one hour in the hobby install.
By hand: docker compose exec kafka rpk group describe clickhouse-ingestion
"""

import time
from collections.abc import Iterator, Sequence

from checks.kafka.lag_findings import (
    behind,
    deleted,
    hot,
    nearly_deleted,
    rebalancing,
    restarting,
    undated,
    unread_by_all,
    up_to_date,
)
from checks.kafka.lags import Lag, State, lag_of, oldest_held, oldest_unread
from checks.kafka.readers import path_topics, readers
from diagnostics import Category, Code, Finding, Stage, Status, Threshold, Thresholds, check
from diagnostics.sources.kafka import COMMITTED, CONFIGURATION, GROUPS, METADATA, OFFSETS, WAITING, Kafka, Reading

BEHIND_FOR = Threshold(
    "kafka-lag.behind-for", 300.0, "s", "a group is behind when its oldest unread message waits for this long"
)
HOT_SHARE = Threshold(
    "kafka-lag.hot-share", 0.8, "ratio", "at most a quarter of the partitions holds this share of what waits: they are hot"
)
REBALANCE_EXCUSES = Threshold(
    "kafka-lag.rebalance-excuses",
    1800.0,
    "s",
    "a group that is being rebalanced fails when its oldest message waits for longer",
)
RETENTION_SHARE = Threshold(
    "kafka-lag.retention-share", 0.8, "ratio", "a message that waits for this share of the retention is about to be deleted"
)

LAG = Code(
    id="kafka.lag",
    worst=Status.FAIL,
    summary="what arrives is not read in time",
    headline="Events show up late: they wait in Kafka",
    category=Category.PERFORMANCE,
    caused_by=(
        "plugin-server.unreachable",
        "plugin-server.unhealthy",
        "plugin-server.not-ready",
        "plugin-server.stalled",
        "plugin-server.no-partitions",
        "plugin-server.role-missing",
        "app.postgres-down",
        "app.redis-down",
        "clickhouse.unreachable",
        "clickhouse.table-missing",
        "clickhouse.consumer-failing",
        "clickhouse.view-failing",
        "clickhouse.replica-readonly",
        "clickhouse.too-many-parts",
        "clickhouse.disk-full",
        "clickhouse.memory-limit",
    ),
    waiting=True,
)
HOT_PARTITION = Code(
    id="kafka.hot-partition",
    worst=Status.WARN,
    summary="what waits sits in few partitions",
    category=Category.PERFORMANCE,
)
RETENTION_LOSS = Code(
    id="kafka.retention-loss",
    worst=Status.FAIL,
    summary="it deletes events before they are read",
    headline="Kafka deletes events before they are read",
    consequence="Kafka deletes what waits, or is about to",
    category=Category.DATA_INTEGRITY,
    caused_by=("kafka.lag", "kafka.no-consumer"),
    waiting=True,
)


@check(
    "kafka-lag",
    stage=Stage.KAFKA,
    title="Consumer groups keep up with what arrives",
    finds=[LAG, HOT_PARTITION, RETENTION_LOSS],
    reads=[METADATA, OFFSETS, GROUPS, COMMITTED, WAITING, CONFIGURATION],
    thresholds=[BEHIND_FOR, HOT_SHARE, REBALANCE_EXCUSES, RETENTION_SHARE],
    timeout=20.0,
)
def kafka_lag(kafka: Kafka, limits: Thresholds) -> Iterator[Finding]:
    first = kafka.reading(1)
    lags = _lags(kafka, first)
    limit = limits(BEHIND_FOR)
    states = {state: [lag for lag in lags if lag.state(limit) is state] for state in State}
    for lag in states[State.BEHIND]:
        yield behind(LAG, lag, limit, kafka.topics)
    for lag in states[State.REBALANCING]:
        yield restarting(LAG, lag) if (lag.waits or 0) >= limits(REBALANCE_EXCUSES) else rebalancing(LAG, lag, limit)
    for lag in states[State.UNDATED]:
        yield undated(LAG, lag)
    for lag in (*states[State.BEHIND], *states[State.REBALANCING]):
        yield from hot(HOT_PARTITION, lag, limit, limits(HOT_SHARE))
    for lag in lags:
        if lag.deleted:
            yield deleted(RETENTION_LOSS, lag, shown=lag.state(limit) in (State.BEHIND, State.REBALANCING))
    if first.unseen and not lags:
        yield LAG.found(f"Whether somebody is behind could not be seen: {first.unseen}", status=Status.UNKNOWN)
    if lags and all(lag in states[State.UP_TO_DATE] for lag in lags):
        yield up_to_date(LAG, lags)
    yield from _about_to_be_deleted(kafka, first, [*states[State.BEHIND], *states[State.REBALANCING]], limits)


def _lags(kafka: Kafka, first: Reading) -> list[Lag]:
    """Of each group that stands for the way of events, in each topic of the path that it reads."""
    groups = kafka.groups()
    wanted = [(topic, group) for topic in path_topics(kafka.topics) for group in readers(topic, kafka.topics, first, groups)]
    oldest = [oldest_unread(group.id, topic, first) for topic, group in wanted]
    # Two groups may wait at different offsets of one partition, and one question has room for one offset of each.
    written = [kafka.waiting(offsets) if offsets else {} for offsets in oldest]
    second = kafka.reading(2)
    now = time.time()
    return [lag_of(group, topic, first, second, times, now) for (topic, group), times in zip(wanted, written, strict=True)]


def _about_to_be_deleted(kafka: Kafka, first: Reading, late: Sequence[Lag], limits: Thresholds) -> Iterator[Finding]:
    """Asked last, and only where something waits: not everybody may see how topics are configured."""
    unread = [
        topic
        for topic in (kafka.topics.ingestion, kafka.topics.clickhouse)
        if topic in kafka.cluster().topics and not first.readers(topic) and not first.unseen
    ]
    topics = sorted({*unread, *(lag.topic for lag in late)})
    if not topics:
        return
    retention = kafka.retention(topics)
    share = limits(RETENTION_SHARE)
    for lag in late:
        kept = retention[lag.topic]
        if kept.deletes and kept.seconds and lag.waits is not None and lag.waits >= share * kept.seconds:
            yield nearly_deleted(RETENTION_LOSS, lag, kept.seconds)
    for topic in unread:
        kept = retention[topic]
        oldest = {
            each: oldest_held(span) for each, span in first.spans.items() if each.topic == topic and span.end > span.start
        }
        written = kafka.waiting(oldest) if kept.deletes and kept.seconds and oldest else {}
        age = time.time() - min(written.values()) if written else 0.0
        if kept.seconds and age >= share * kept.seconds:
            yield unread_by_all(RETENTION_LOSS, topic, age, kept.seconds)
