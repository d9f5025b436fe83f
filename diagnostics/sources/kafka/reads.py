"""What diag asks of Kafka, and nothing else. All of it only looks: no group is joined, nothing is committed or written."""

from msgspec import Struct


class KafkaRead(Struct, frozen=True, kw_only=True):
    """Requests of one kind. `text` names them as Kafka's protocol does."""

    name: str
    why: str
    text: str
    source: str = "kafka"


METADATA = KafkaRead(name="kafka.metadata", why="which brokers and topics there are", text="Metadata (all topics)")
OFFSETS = KafkaRead(
    name="kafka.offsets", why="what every partition holds", text="ListOffsets (earliest and latest offset of every partition)"
)
GROUPS = KafkaRead(
    name="kafka.groups", why="which consumer groups there are, and their members", text="ListGroups, DescribeGroups"
)
COMMITTED = KafkaRead(
    name="kafka.committed", why="how far the consumer groups have come", text="FindCoordinator, OffsetFetch (of every group)"
)
CONFIGURATION = KafkaRead(
    name="kafka.configuration", why="how long the topics keep messages", text="DescribeConfigs (of the topics on the path)"
)
WAITING = KafkaRead(
    name="kafka.waiting",
    why="since when the oldest unread message waits",
    text="Fetch (one message of each partition with unread ones; its time is kept and nothing else)",
)
LETTERS = KafkaRead(
    name="kafka.letters",
    why="why the newest dead letters are dead",
    text="ListOffsets (by time), Fetch (the newest dead letters; time, step and reason are kept, no value)",
)
EXISTENCE = KafkaRead(
    name="kafka.existence",
    why="whether a topic that is not listed is missing, or hidden from diag",
    text="Metadata (of one topic, which is not created by that)",
)
