"""Topics that are missing, and topics that nobody reads."""

import re
from typing import Any

import pytest

from checks.kafka.topics import kafka_topics
from diagnostics import Finding, Status, Thresholds
from diagnostics.lab.kafka import Kafka as StandIn
from diagnostics.lab.kafka import Topic
from diagnostics.lab.kafka_broker import KafkaBroker
from diagnostics.sources.kafka import KafkaTopics
from tests.looking_at_kafka import looking_at, said

INGESTION = "events_plugin_ingestion"
CLICKHOUSE = "clickhouse_events_json"


@pytest.fixture(autouse=True)
def _in_quick_succession(monkeypatch: pytest.MonkeyPatch) -> None:
    """The readings are a second apart in real life; here enough moves in less."""
    monkeypatch.setattr("diagnostics.sources.kafka.source.BETWEEN", 0.05)


def found(*, names: KafkaTopics | None = None, limits: dict[str, float] | None = None, **kafka: Any) -> list[Finding]:
    with KafkaBroker(StandIn(**kafka)) as broker:
        return list(kafka_topics.function(looking_at(broker.address, topics=names), Thresholds(limits)))


def test_topics_that_exist_and_are_read() -> None:
    assert found() == []


def test_one_that_is_missing() -> None:
    (finding,) = found(missing=(CLICKHOUSE,))
    assert said([finding]) == [("kafka.topic-missing", Status.FAIL, "Kafka has 2 topics, but not clickhouse_events_json")]
    assert finding.affects == (CLICKHOUSE,)
    assert finding.actions[0].commands[0] == "docker compose exec kafka rpk topic create clickhouse_events_json"
    assert finding.actions[0].changes_something


def test_both_are_one_finding() -> None:
    (finding,) = found(missing=(CLICKHOUSE, INGESTION))
    assert finding.claim == "Kafka has 1 topic, but not events_plugin_ingestion or clickhouse_events_json"
    assert len(finding.actions) == 2


def test_the_topic_of_before_2022_will_do() -> None:
    assert found(missing=(CLICKHOUSE,), topics={"clickhouse_events_proto": Topic(group="group1")}) == []


def test_a_prefix_that_diag_was_not_told_of_is_no_failure_of_the_install() -> None:
    held = {"eu-1.events_plugin_ingestion": Topic(group="g"), "eu-1.clickhouse_events_json": Topic(group="group1")}
    (finding,) = found(missing=(CLICKHOUSE, INGESTION), topics=held)
    assert said([finding]) == [
        (
            "kafka.topic-missing",
            Status.UNKNOWN,
            "Kafka has no topic events_plugin_ingestion or clickhouse_events_json, but eu-1.clickhouse_events_json: this "
            "install seems to put something before its topics' names",
        )
    ]
    assert finding.actions[0].commands == ("diag run --kafka-prefix eu-1.",)


def test_with_the_prefix_they_are_found() -> None:
    held = {"eu-1.events_plugin_ingestion": Topic(group="g"), "eu-1.clickhouse_events_json": Topic(group="group1")}
    names = KafkaTopics.named(prefix="eu-1.", ingestion=None, clickhouse=None, dead_letters=None)
    assert found(missing=(CLICKHOUSE, INGESTION), topics=held, names=names) == []


def test_a_topic_of_the_path_that_nobody_reads() -> None:
    (finding,) = found(topics={INGESTION: Topic(group="")})
    assert (finding.code, finding.status, finding.affects) == ("kafka.no-consumer", Status.FAIL, (INGESTION,))
    assert re.fullmatch(
        r"No consumer group reads events_plugin_ingestion, which holds 172,8\d\d messages, the newest \d\.\d s old",
        finding.claim,
    )
    assert "KAFKA_TOPIC" in finding.actions[1].text


def test_what_clickhouse_ought_to_read_leads_to_clickhouse() -> None:
    (finding,) = found(topics={CLICKHOUSE: Topic(group="")})
    assert "FROM system.tables" in finding.actions[1].commands[0]


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("ingestion-errortracking-main", Status.FAIL),
        ("events_plugin_ingestion_overflow", Status.FAIL),
        ("error_tracking_events", Status.WARN),
        ("session_recording_snapshot_item_events", Status.WARN),
    ],
)
def test_another_topic_of_events_that_grows_unread(name: str, status: Status) -> None:
    (finding,) = found(topics={name: Topic(group="")})
    assert (finding.code, finding.status, finding.affects) == ("kafka.no-consumer", status, (name,))


@pytest.mark.parametrize("name", ["ingestion-errortracking-main", "exceptions_ingestion", "error_tracking_events"])
def test_where_only_exceptions_go_leads_to_what_reads_exceptions(name: str) -> None:
    (finding,) = found(topics={name: Topic(group="")})
    assert finding.cause == f"nobody reads {name}, where only exceptions go"
    assert finding.actions[1].commands[0] == "docker compose ps --all cymbal ingestion-error-tracking"


@pytest.mark.parametrize(
    "name",
    [
        "events_plugin_ingestion_dlq",
        "session_recording_events_dlq",
        "events-dead-letters",
        "cdp_internal_events",
        "healthcheck-events",
        "_schemas",
        "orders",
    ],
)
def test_topics_that_nobody_has_to_read(name: str) -> None:
    assert found(topics={name: Topic(group="")}) == []


@pytest.mark.parametrize(("until", "told"), [("880s", True), ("900s", False)])
def test_a_topic_that_gets_no_messages_any_more_concerns_nobody(until: str, told: bool) -> None:
    assert bool(found(topics={INGESTION: Topic(group="", per_second=200, until=until)})) is told


def test_an_empty_topic_needs_no_reader() -> None:
    assert found(topics={INGESTION: Topic(group="", per_second=0)}) == []


def test_a_new_group_that_has_committed_nothing_yet_reads_all_the_same() -> None:
    """Members are assigned to the topic through another topic of the same group, as by a consumer of several topics."""
    with KafkaBroker(StandIn(topics={INGESTION: Topic(group="new", per_second=50)})) as broker:
        for log in broker.logs.values():
            log.committed = lambda *_: -1  # type: ignore[method-assign]
        assert list(kafka_topics.function(looking_at(broker.address), Thresholds())) == []


def test_groups_that_may_not_be_seen_leave_it_open() -> None:
    findings = found(denied=("groups",))
    assert {(finding.code, finding.status) for finding in findings} == {("kafka.no-consumer", Status.UNKNOWN)}
    assert findings[0].claim == (
        "Whether anybody reads clickhouse_events_json could not be seen: Kafka does not let diag's user see which consumer "
        "groups there are"
    )
