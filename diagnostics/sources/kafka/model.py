"""What is known of a Kafka cluster, as plain values. Offsets count messages of one partition; times are Unix seconds."""

from enum import StrEnum

from msgspec import Struct


class Partition(Struct, frozen=True, order=True):
    """One partition of a topic. `str(partition)` is `events_plugin_ingestion/3`."""

    topic: str
    number: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.number}"


class Broker(Struct, frozen=True, kw_only=True):
    """A broker as the cluster advertises it. `trouble` says why it cannot be reached from here; empty when it can."""

    id: int
    address: str
    trouble: str = ""


class Topic(Struct, frozen=True, kw_only=True):
    """`leaders` are the brokers that lead each partition; -1 where none does, so that nobody can write or read there."""

    name: str
    leaders: dict[int, int]

    @property
    def internal(self) -> bool:
        """Kafka's own, and by convention everybody's bookkeeping."""
        return self.name.startswith("_")

    @property
    def leaderless(self) -> tuple[int, ...]:
        return tuple(sorted(number for number, leader in self.leaders.items() if leader < 0))


class Cluster(Struct, frozen=True, kw_only=True):
    """Brokers and topics, by name."""

    brokers: tuple[Broker, ...]
    topics: dict[str, Topic]

    def partitions(self) -> tuple[Partition, ...]:
        """Those that can be asked about: somebody leads them, and can be reached. Kafka's own topics are left out."""
        reachable = {broker.id for broker in self.brokers if not broker.trouble}
        return tuple(
            Partition(topic.name, number)
            for topic in self.topics.values()
            if not topic.internal
            for number, leader in sorted(topic.leaders.items())
            if leader in reachable
        )


class Span(Struct, frozen=True):
    """What a partition holds: messages `start` to `end` - 1."""

    start: int
    end: int


class GroupState(StrEnum):
    """As Kafka calls them, of both generations of its protocol."""

    STABLE = "stable"
    REBALANCING = "rebalancing"
    EMPTY = "empty"
    DEAD = "dead"
    UNKNOWN = "unknown"


class Member(Struct, frozen=True, kw_only=True):
    """A consumer in a group. ClickHouse's name themselves `ClickHouse-HOST-DATABASE-TABLE`, the plugin server's `rdkafka`."""

    client: str
    partitions: tuple[Partition, ...]


class Group(Struct, frozen=True, kw_only=True):
    """A consumer group. `state` is unknown where the broker would not say."""

    id: str
    state: GroupState
    members: tuple[Member, ...] = ()

    @property
    def reads_for_clickhouse(self) -> bool:
        return any(member.client.lower().startswith("clickhouse") for member in self.members)


class Reading(Struct, frozen=True, kw_only=True):
    """What the partitions held and how far every group had come, at one moment. `at` is on the clock of time.monotonic().

    `committed` is by group. It may lie below `start` of the partition: what lies between was deleted before it was read.
    `unseen` says why there may be other groups; empty when these are all.
    """

    at: float
    spans: dict[Partition, Span]
    committed: dict[str, dict[Partition, int]]
    unseen: str = ""

    def readers(self, topic: str) -> tuple[str, ...]:
        """The groups that have come to some offset in the topic."""
        return tuple(group for group, offsets in self.committed.items() if any(each.topic == topic for each in offsets))


class Retention(Struct, frozen=True, kw_only=True):
    """How long a topic keeps messages: seconds, and bytes of one partition. None is without such a limit."""

    seconds: float | None
    bytes: int | None
    compacted: bool

    @property
    def deletes(self) -> bool:
        return not self.compacted and (self.seconds is not None or self.bytes is not None)


class Letter(Struct, frozen=True, kw_only=True):
    """A dead letter, as far as its headers tell why it is one. `step` and `reason` are somebody else's words."""

    partition: Partition
    offset: int
    time: float
    step: str
    reason: str


class Letters(Struct, frozen=True, kw_only=True):
    """The newest dead letters of a topic, the newest first; `total` counts all since the time asked about."""

    letters: tuple[Letter, ...]
    total: int
