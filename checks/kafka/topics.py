"""Kafka's topics: whether those that events pass exist, and whether somebody reads what arrives.

Lists all topics, the consumer groups that have read from each, and whether messages still arrive (two readings of the offsets,
a second apart, and the time of the newest message).
Healthy is that both topics of the path exist and no topic of events grows that no consumer group reads.
It matters because what goes to a topic without a reader is deleted after the retention, and nothing says so.
By hand: docker compose exec kafka rpk topic list; docker compose exec kafka rpk group list
"""

import re
import time
from collections.abc import Iterator

from checks.kafka.readers import path_topics
from diagnostics import Action, Category, Code, Finding, Stage, Status, Threshold, Thresholds, check, span_s
from diagnostics.report.wording import count
from diagnostics.sources.kafka import COMMITTED, EXISTENCE, GROUPS, METADATA, OFFSETS, WAITING, Kafka, Reading

GROWS_WITHIN = Threshold(
    "kafka-topics.grows-within", 900.0, "s", "a topic that nobody reads still gets messages when its newest is at most this old"
)

MISSING = Code(
    id="kafka.topic-missing", worst=Status.FAIL, summary="a topic that events need does not exist", category=Category.SETUP
)
NO_CONSUMER = Code(
    id="kafka.no-consumer",
    worst=Status.FAIL,
    summary="nobody reads a topic that events go to",
    category=Category.SETUP,
    caused_by=(
        "plugin-server.unreachable",
        "plugin-server.unhealthy",
        "plugin-server.role-missing",
        "clickhouse.unreachable",
        "clickhouse.table-missing",
    ),
    waiting=True,
)

# Nobody is meant to read these: dead letters wait for people, compacted topics are tables, `cdp_` is not about arriving events.
UNREAD_ON_PURPOSE = re.compile(r"dlq|dead.?letter|^_|healthcheck|heartbeat|(?:^|\W)cdp_|changelog|_test$", re.IGNORECASE)
OF_EVENTS = re.compile(r"event|ingest|exception|error.?tracking|recording|replay|heatmap", re.IGNORECASE)
INGESTION = re.compile(r"ingest", re.IGNORECASE)
EXCEPTIONS = re.compile(r"exception|error.?tracking", re.IGNORECASE)

# Partitions whose newest message is looked at.
MOST = 20


@check(
    "kafka-topics",
    stage=Stage.KAFKA,
    title="The topics that events pass exist, and are read",
    finds=[MISSING, NO_CONSUMER],
    reads=[METADATA, OFFSETS, GROUPS, COMMITTED, EXISTENCE, WAITING],
    thresholds=[GROWS_WITHIN],
    timeout=20.0,
)
def kafka_topics(kafka: Kafka, limits: Thresholds) -> Iterator[Finding]:
    yield from _missing(kafka)
    first, second = kafka.reading(1), kafka.reading(2)
    assigned = {part.topic for group in kafka.groups().values() for member in group.members for part in member.partitions}
    held = {partition.topic for partition, span in second.spans.items() if span.end > span.start}
    unread = [
        topic
        for topic in sorted(held)
        if not first.readers(topic) and topic not in assigned and not UNREAD_ON_PURPOSE.search(topic)
    ]
    unread = [topic for topic in unread if topic in path_topics(kafka.topics) or OF_EVENTS.search(topic)]
    newest = _newest(kafka, second, unread)
    for topic in unread:
        grown = sum(second.spans[each].end - first.spans[each].end for each in second.spans if each.topic == topic)
        if grown > 0 or (topic in newest and newest[topic] <= limits(GROWS_WITHIN)):
            yield _unread(topic, kafka, second, newest.get(topic, 0.0))


def _missing(kafka: Kafka) -> Iterator[Finding]:
    topics, listed = kafka.topics, kafka.cluster().topics
    wanted = [topics.ingestion]
    if topics.clickhouse_before_2022 not in listed:
        wanted.append(topics.clickhouse)
    missing = [topic for topic in wanted if topic not in listed and not kafka.exists(topic)]
    if not missing:
        return
    named = " or ".join(missing)
    alike = sorted(name for name in listed if any(name.endswith(topic) for topic in missing))
    if alike:
        yield MISSING.found(
            f"Kafka has no topic {named}, but {alike[0]}: this install seems to put something before its topics' names",
            status=Status.UNKNOWN,
            affects=missing,
            actions=[
                Action(text="Look again with its prefix", commands=(f"diag run --kafka-prefix {_prefix(alike[0], missing)}",))
            ],
        )
        return
    have = count(len(listed), "topic")
    yield MISSING.found(f"Kafka has {have}, but not {named}", affects=missing, actions=[_create(topic) for topic in missing])


def _prefix(name: str, missing: list[str]) -> str:
    prefix = next(name.removesuffix(topic) for topic in missing if name.endswith(topic))
    return prefix if re.fullmatch(r"[\w.-]+", prefix) else "PREFIX"


def _create(topic: str) -> Action:
    tool = f"kafka-topics.sh --bootstrap-server localhost:9092 --create --topic {topic} --partitions 1"
    return Action(
        text=f"Create {topic}, or let Kafka create topics by itself (first command: Redpanda; others: Apache Kafka)",
        commands=(
            f"docker compose exec kafka rpk topic create {topic}",
            f"docker compose exec kafka {tool}",
            f"kubectl -n posthog exec posthog-posthog-kafka-0 -- {tool}",
        ),
        changes_something=True,
    )


def _newest(kafka: Kafka, reading: Reading, topics: list[str]) -> dict[str, float]:
    """How many seconds ago the newest message of each topic was written, where that can be seen."""
    last = {each: span.end - 1 for each, span in reading.spans.items() if each.topic in topics and span.end > span.start}
    written = kafka.waiting(dict(sorted(last.items())[:MOST])) if last else {}
    now = time.time()
    ages: dict[str, float] = {}
    for partition, moment in written.items():
        ages[partition.topic] = min(ages.get(partition.topic, now), max(0.0, now - moment))
    return ages


def _unread(topic: str, kafka: Kafka, reading: Reading, age: float) -> Finding:
    held = sum(span.end - span.start for each, span in reading.spans.items() if each.topic == topic)
    if reading.unseen:
        return NO_CONSUMER.found(
            f"Whether anybody reads {topic} could not be seen: {reading.unseen}", status=Status.UNKNOWN, affects=[topic]
        )
    on_the_path = topic in path_topics(kafka.topics)
    return NO_CONSUMER.found(
        f"No consumer group reads {topic}, which holds {count(held, 'message')}, the newest {span_s(age)} old",
        status=Status.FAIL if on_the_path or INGESTION.search(topic) else Status.WARN,
        cause="" if on_the_path or not EXCEPTIONS.search(topic) else f"nobody reads {topic}, where only exceptions go",
        affects=[topic],
        actions=[
            Action(
                text="See which consumer groups there are, and what they read (Redpanda, Apache Kafka)",
                commands=(
                    "docker compose exec kafka rpk group list",
                    "docker compose exec kafka kafka-consumer-groups.sh --bootstrap-server localhost:9092 --describe "
                    "--all-groups",
                ),
            ),
            _who(topic, kafka),
        ],
    )


def _who(topic: str, kafka: Kafka) -> Action:
    if topic in kafka.topics.for_clickhouse:
        sql = "SELECT name, engine FROM system.tables WHERE database = 'posthog' AND engine = 'Kafka' LIMIT 50"
        return Action(
            text=f"ClickHouse reads {topic}: see whether its Kafka tables are there (never SELECT from one: that takes its "
            "messages)",
            commands=(f'docker compose exec clickhouse clickhouse-client --query "{sql}"',),
        )
    if EXCEPTIONS.search(topic):
        return Action(
            text=f"What reads {topic} is the plugin server's service for error tracking, before 2026 cymbal: see whether it "
            "runs, and which topic it is told to read, against what capture writes exceptions to (KAFKA_ERROR_TRACKING_TOPIC)",
            commands=(
                "docker compose ps --all cymbal ingestion-error-tracking",
                "docker compose logs --tail 50 cymbal ingestion-error-tracking",
                "kubectl -n posthog get pods | grep -E 'cymbal|error'",
            ),
        )
    return Action(
        text=f"The plugin server reads {topic}: see whether the service runs that has its role, and which Kafka (KAFKA_HOSTS) "
        "and topic it is told to read (INGESTION_CONSUMER_CONSUME_TOPIC), against what capture writes to (KAFKA_TOPIC)",
        commands=("docker compose ps --all", "kubectl -n posthog get pods"),
    )
