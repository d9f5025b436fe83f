"""Which consumer groups stand for the way of an event: the plugin server's and ClickHouse's, not bystanders or ghosts."""

from collections.abc import Mapping

from diagnostics.sources.kafka import Group, GroupState, KafkaTopics, Reading

FOR_CLICKHOUSE = frozenset({"group1", "clickhouse_events_json"})
"""ClickHouse's groups: `group1` where one hosts PostHog oneself, the topic's name in PostHog's own cloud."""

FOR_INGESTION = frozenset(
    {
        "clickhouse-ingestion",
        "ingestion",
        "events-ingestion-consumer",
        "clickhouse-ingestion-overflow",
        "clickhouse-ingestion-historical",
    }
)
"""The plugin server's, 2021 to 2026; INGESTION_CONSUMER_GROUP_ID can name another."""

BYSTANDERS = frozenset(
    {
        "async_handlers",
        "clickhouse-plugin-server-async",
        "clickhouse-plugin-server-async-onevent",
        "clickhouse-plugin-server-async-webhooks",
        "property-defs-consumer",
        "property-definitions-rs",
    }
)
"""They read what ClickHouse reads, for exports, webhooks and lists of property names: events show up without them."""


def path_topics(topics: KafkaTopics) -> tuple[str, ...]:
    """Every topic that an event may pass, in the order of the path; not all of them exist everywhere."""
    return (topics.ingestion, *topics.overflow, *topics.for_clickhouse)


def readers(topic: str, topics: KafkaTopics, reading: Reading, groups: Mapping[str, Group]) -> tuple[Group, ...]:
    """The groups whose lag in `topic` is that of events.

    A group keeps its place for a week after its last consumer left: one without members is a ghost when another reads. Of
    several without members the one that came furthest was the last.
    """
    found = [groups.get(id, Group(id=id, state=GroupState.UNKNOWN)) for id in reading.readers(topic)]
    if topic in topics.for_clickhouse:
        wanted = [group for group in found if group.reads_for_clickhouse or group.id in FOR_CLICKHOUSE]
        found = wanted or [group for group in found if group.id not in BYSTANDERS]
    alive = [group for group in found if group.members or group.state is GroupState.REBALANCING]
    if alive:
        return tuple([group for group in alive if group.id in FOR_INGESTION | FOR_CLICKHOUSE] or alive)
    return tuple(sorted(found, key=lambda group: -_progress(group.id, topic, reading))[:1])


def _progress(group: str, topic: str, reading: Reading) -> int:
    return sum(offset for partition, offset in reading.committed[group].items() if partition.topic == topic)
