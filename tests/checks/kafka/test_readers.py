"""Whose lag is that of events: neither a bystander's nor a ghost's."""

from checks.kafka.readers import readers
from diagnostics.sources.kafka import Group, GroupState, KafkaTopics, Member, Partition, Reading, Span

TOPICS = KafkaTopics()


def member(client: str = "rdkafka") -> Member:
    return Member(client=client, partitions=())


def group(id: str, *members: Member, state: GroupState = GroupState.STABLE) -> Group:
    return Group(id=id, state=state if members or state is not GroupState.STABLE else GroupState.EMPTY, members=members)


def found(topic: str, *groups: Group, offsets: dict[str, int] | None = None) -> list[str]:
    part = Partition(topic, 0)
    reading = Reading(
        at=0.0,
        spans={part: Span(0, 100)},
        committed={each.id: {part: (offsets or {}).get(each.id, 50)} for each in groups},
    )
    return [each.id for each in readers(topic, TOPICS, reading, {each.id: each for each in groups})]


def test_a_group_of_any_name() -> None:
    assert found(TOPICS.ingestion, group("whatever", member())) == ["whatever"]


def test_a_group_that_its_consumers_left_counts_while_no_other_reads() -> None:
    assert found(TOPICS.ingestion, group("clickhouse-ingestion")) == ["clickhouse-ingestion"]


def test_a_ghost_does_not_count_beside_one_that_reads() -> None:
    assert found(TOPICS.ingestion, group("clickhouse-ingestion"), group("ingestion", member())) == ["ingestion"]


def test_a_group_that_is_being_rebalanced_is_alive() -> None:
    one = Group(id="new", state=GroupState.REBALANCING)
    assert found(TOPICS.ingestion, group("old"), one) == ["new"]


def test_of_several_ghosts_the_one_that_came_furthest_was_the_last() -> None:
    assert found(TOPICS.ingestion, group("a"), group("b"), offsets={"a": 10, "b": 90}) == ["b"]


def test_somebody_s_own_consumer_does_not_count_beside_posthog_s() -> None:
    assert found(TOPICS.ingestion, group("clickhouse-ingestion", member()), group("my-copy", member())) == [
        "clickhouse-ingestion"
    ]


def test_exports_and_property_lists_do_not_stand_for_clickhouse() -> None:
    bystanders = (group("clickhouse-plugin-server-async", member()), group("property-defs-consumer", member()))
    assert found(TOPICS.clickhouse, *bystanders, group("group1")) == ["group1"]
    assert found(TOPICS.clickhouse, *bystanders) == []


def test_clickhouse_is_known_by_its_clients_whatever_its_group_is_called() -> None:
    others = (group("exports", member()), group("ours", member("ClickHouse-host-posthog-kafka_events_json")))
    assert found(TOPICS.clickhouse, *others) == ["ours"]


def test_a_group_that_could_not_be_described_counts() -> None:
    part = Partition(TOPICS.ingestion, 0)
    reading = Reading(at=0.0, spans={part: Span(0, 9)}, committed={"x": {part: 1}})
    assert readers(TOPICS.ingestion, TOPICS, reading, {}) == (Group(id="x", state=GroupState.UNKNOWN),)
