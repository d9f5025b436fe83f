"""The lag of consumer groups, on the lab's Kafka, whose offsets move as they would. tests/kafka_broker has a real one."""

import re
from typing import Any

import pytest

from checks.kafka.lag import kafka_lag
from diagnostics import Finding, Status, Thresholds
from diagnostics.lab.kafka import Kafka as StandIn
from diagnostics.lab.kafka import Topic
from diagnostics.lab.kafka_broker import KafkaBroker
from diagnostics.sources.errors import Denied
from diagnostics.sources.kafka import KafkaTopics
from tests.looking_at_kafka import looking_at, said

INGESTION = "events_plugin_ingestion"
CLICKHOUSE = "clickhouse_events_json"


@pytest.fixture(autouse=True)
def _in_quick_succession(monkeypatch: pytest.MonkeyPatch) -> None:
    """The readings are a second apart in real life; here enough moves in less."""
    monkeypatch.setattr("diagnostics.sources.kafka.source.BETWEEN", 0.1)


def found(ingestion: Topic | None = None, *, limits: dict[str, float] | None = None, **kafka: Any) -> list[Finding]:
    topics = kafka.pop("topics", {}) | ({INGESTION: ingestion} if ingestion else {})
    with KafkaBroker(StandIn(topics=topics, **kafka)) as broker:
        return list(kafka_lag.function(looking_at(broker.address), Thresholds(limits)))


def statuses(findings: list[Finding]) -> list[tuple[str, Status]]:
    return [(finding.code, finding.status) for finding in findings]


def without_counts(claim: str) -> str:
    """Claims name what came and what was read while the test looked, which differs from run to run."""
    return re.sub(r"[\d,]+ came and [\d,]+ were read in [\d.]+ s", "N came and N were read in N s", claim)


def test_what_is_read_in_time() -> None:
    (finding,) = found(topics={INGESTION: Topic(until="1m"), CLICKHOUSE: Topic(until="1m")})
    assert (finding.code, finding.status) == ("kafka.lag", Status.OK)
    assert finding.claim == "What arrives is read in time by clickhouse-ingestion, group1: nothing waits"


def test_some_unread_messages_are_the_rule() -> None:
    (finding,) = found(Topic(per_second=400, stopped="8s"))
    assert finding.status is Status.OK
    assert re.fullmatch(
        r"What arrives is read in time by clickhouse-ingestion, group1: [\d,]+ messages wait, the oldest for \d+ s",
        finding.claim,
    )


def test_a_topic_at_night_and_a_group_that_read_its_last_message_hours_ago() -> None:
    assert statuses(found(Topic(until="5h"))) == [("kafka.lag", Status.OK)]


def test_one_message_that_nobody_reads_for_hours_is_a_lag() -> None:
    (finding,) = found(Topic(partitions=1, per_second=0.001, until="3h", stopped="4h"), limits={"kafka-lag.retention-share": 1})
    assert finding.status is Status.FAIL
    assert "messages wait in 1 of 1 partition, and none was read" in finding.claim


def test_behind_and_falling_further_behind() -> None:
    (finding,) = found(Topic(per_second=4000, stopped="50m", reads_per_second=2000))
    assert re.fullmatch(
        r"The consumer group clickhouse-ingestion is 50 min behind in events_plugin_ingestion: 12,\d\d\d,\d\d\d messages "
        r"wait in 4 of 4 partitions, more by the second \(N came and N were read in N s\)",
        without_counts(finding.claim),
    )
    assert finding.affects == (INGESTION, "clickhouse-ingestion")
    assert [action.changes_something for action in finding.actions] == [False, False, True]
    assert finding.actions[0].commands[0] == "docker compose exec kafka rpk group describe clickhouse-ingestion"
    assert finding.actions[2].commands[0] == "docker compose restart plugins"


def test_behind_and_catching_up() -> None:
    (finding,) = found(Topic(per_second=4, stopped="50m", reads_per_second=400))
    assert finding.status is Status.FAIL
    assert re.search(
        r"fewer by the second \(N came and N were read in N s; at this pace caught up in \d+ s\)", without_counts(finding.claim)
    )


def test_a_consumer_that_hangs_beside_one_that_reads() -> None:
    """What the other reads does not make it look as if it got less."""
    finding = found(Topic(per_second=400, stopped="50m", stopped_partitions=(0,)))[0]
    assert re.search(
        r"messages wait in 1 of 4 partitions, and none was read \(N came and 0 were read",
        re.sub(r"[\d,]+ came", "N came", finding.claim),
    )


def test_a_stopped_group_that_nobody_is_in() -> None:
    (finding,) = found(Topic(stopped="50m", state="Empty"))
    assert without_counts(finding.claim).endswith(
        "and none was read (N came and N were read in N s), and nobody is in the group"
    )


@pytest.mark.parametrize("topic", [CLICKHOUSE, "clickhouse_events_proto"])
def test_the_group_of_clickhouse_leads_to_clickhouse(topic: str) -> None:
    (finding,) = found(topics={topic: Topic(stopped="50m", group="group1")})
    assert finding.affects == (topic, "group1")
    assert "system.kafka_consumers" in finding.actions[1].commands[0]
    assert "restart" not in " ".join(command for action in finding.actions for command in action.commands)


@pytest.mark.parametrize(("stopped", "status"), [("280s", Status.OK), ("300s", Status.FAIL)])
def test_a_group_is_behind_after_five_minutes(stopped: str, status: Status) -> None:
    assert statuses(found(Topic(stopped=stopped))) == [("kafka.lag", status)]


def test_the_threshold_can_be_set() -> None:
    assert statuses(found(Topic(stopped="300s"), limits={"kafka-lag.behind-for": 900})) == [("kafka.lag", Status.OK)]


@pytest.mark.parametrize("state", ["PreparingRebalance", "CompletingRebalance"])
def test_a_rebalance_does_not_fail(state: Any) -> None:
    (finding,) = found(Topic(stopped="10m", state=state))
    assert said([finding]) == [
        (
            "kafka.lag",
            Status.WARN,
            "The consumer group clickhouse-ingestion is 10 min behind in events_plugin_ingestion and is being rebalanced: its "
            "consumers read nothing until that has ended",
        )
    ]


@pytest.mark.parametrize(("stopped", "limits"), [("31m", {}), ("10m", {"kafka-lag.rebalance-excuses": 300})])
def test_a_rebalance_excuses_no_long_wait(stopped: str, limits: dict[str, float]) -> None:
    (finding,) = found(Topic(stopped=stopped, state="PreparingRebalance"), limits=limits)
    assert said([finding]) == [
        (
            "kafka.lag",
            Status.FAIL,
            f"The consumer group clickhouse-ingestion is {stopped[:2]} min behind in events_plugin_ingestion and is being "
            "rebalanced, which takes less than a minute: probably a consumer ends and starts again and again",
        )
    ]
    assert finding.actions[0].commands[0].startswith("docker inspect -f ")


def test_a_short_rebalance_is_nothing() -> None:
    assert statuses(found(Topic(stopped="45s", state="PreparingRebalance"))) == [("kafka.lag", Status.OK)]


def test_a_hot_partition() -> None:
    lag, hot = found(Topic(partitions=12, per_second=60, stopped="35m", stopped_partitions=(7,)))
    assert "messages wait in 1 of 12 partitions" in lag.claim
    assert said([hot]) == [
        (
            "kafka.hot-partition",
            Status.WARN,
            "100% of what waits in events_plugin_ingestion sits in 1 of 12 partitions (7), while the others are read in time",
        )
    ]
    assert "distinct_id" not in repr(hot)


@pytest.mark.parametrize(("partitions", "late", "hot"), [(8, (0, 1), True), (8, (0, 1, 2), False), (3, (0,), False)])
def test_hot_is_at_most_a_quarter_of_the_partitions(partitions: int, late: tuple[int, ...], hot: bool) -> None:
    codes = [code for code, _ in statuses(found(Topic(partitions=partitions, stopped="35m", stopped_partitions=late)))]
    assert ("kafka.hot-partition" in codes) is hot


def test_a_partition_is_not_hot_when_the_others_hold_as_much() -> None:
    codes = statuses(found(Topic(partitions=4, stopped="35m", stopped_partitions=(0,)), limits={"kafka-lag.hot-share": 1.01}))
    assert codes == [("kafka.lag", Status.FAIL)]


def test_messages_that_were_deleted_unread_and_those_that_follow() -> None:
    lag, deleted, soon = found(Topic(per_second=10, kept="1h", retention="1h", stopped="2h"))
    assert lag.code == "kafka.lag"
    assert re.fullmatch(
        r"Kafka has deleted 36,0\d\d messages of events_plugin_ingestion that the consumer group clickhouse-ingestion had not "
        r"read: these events are lost",
        deleted.claim,
    )
    assert soon.claim == (
        "Kafka deletes what the consumer group clickhouse-ingestion has not read of events_plugin_ingestion any moment: the "
        "oldest unread message is 59 min old, the retention 60 min"
    )
    assert soon.actions[0].changes_something


@pytest.mark.parametrize(("stopped", "codes"), [("47m", ["kafka.lag"]), ("48m", ["kafka.lag", "kafka.retention-loss"])])
def test_what_waits_for_four_fifths_of_the_retention_is_about_to_be_deleted(stopped: str, codes: list[str]) -> None:
    assert [code for code, _ in statuses(found(Topic(kept="1h", retention="1h", stopped=stopped)))] == codes


def test_a_compacted_topic_deletes_nothing_for_its_age() -> None:
    assert statuses(found(Topic(kept="1h", retention="1h", compacted=True, stopped="55m"))) == [("kafka.lag", Status.FAIL)]


def test_a_lag_is_told_though_the_retention_may_not_be_seen() -> None:
    findings: list[Finding] = []
    with KafkaBroker(StandIn(topics={INGESTION: Topic(stopped="1h")}, denied=("configuration",))) as broker:
        with pytest.raises(Denied, match="Kafka does not let diag's user see how long its topics keep messages"):
            findings.extend(kafka_lag.function(looking_at(broker.address), Thresholds()))
        for finding in kafka_lag.function(looking_at(broker.address), Thresholds()):
            assert (finding.code, finding.status) == ("kafka.lag", Status.FAIL)
            break


def test_what_nobody_reads_is_deleted_in_the_end() -> None:
    _, lost = found(Topic(group="", kept="1h", retention="1h"))
    assert said([lost]) == [
        (
            "kafka.retention-loss",
            Status.FAIL,
            "Kafka deletes events of events_plugin_ingestion that nobody has read: its oldest message is 59 min old, the "
            "retention 60 min",
        )
    ]


def test_groups_that_may_not_be_seen_are_no_lag_and_not_healthy() -> None:
    (finding,) = found(Topic(stopped="1h"), denied=("groups",))
    assert said([finding]) == [
        (
            "kafka.lag",
            Status.UNKNOWN,
            "Whether somebody is behind could not be seen: Kafka does not let diag's user see which consumer groups there are",
        )
    ]


def test_a_broker_that_lists_no_groups_is_asked_about_the_well_known_ones() -> None:
    (finding,) = found(Topic(stopped="1h"), lists_groups=False)
    assert finding.affects == (INGESTION, "clickhouse-ingestion")


def test_topics_with_a_prefix_and_a_group_of_any_name() -> None:
    topics = KafkaTopics.named(prefix="eu.", ingestion=None, clickhouse="ch", dead_letters=None)
    held = {"eu.events_plugin_ingestion": Topic(group="whatever", stopped="1h"), "ch": Topic(group="else")}
    with KafkaBroker(StandIn(topics=held)) as broker:
        (finding,) = kafka_lag.function(looking_at(broker.address, topics=topics), Thresholds())
    assert finding.affects == ("eu.events_plugin_ingestion", "whatever")


def test_a_group_s_name_is_put_into_commands_only_when_it_is_plain() -> None:
    (finding,) = found(Topic(group="a; rm -rf /", stopped="1h"))
    assert "a; rm -rf / is 60 min behind" in finding.claim
    assert finding.actions[0].commands[0] == "docker compose exec kafka rpk group describe GROUP"
