"""Kafka as diag asks it: read-only, bounded, recorded; no group is joined, nothing committed or written."""

from diagnostics.sources.kafka.connecting import NotAnswering
from diagnostics.sources.kafka.model import (
    Broker,
    Cluster,
    Group,
    GroupState,
    Letter,
    Letters,
    Member,
    Partition,
    Reading,
    Retention,
    Span,
    Topic,
)
from diagnostics.sources.kafka.options import KafkaOptions, KafkaTopics
from diagnostics.sources.kafka.reads import (
    COMMITTED,
    CONFIGURATION,
    EXISTENCE,
    GROUPS,
    LETTERS,
    METADATA,
    OFFSETS,
    WAITING,
    KafkaRead,
)
from diagnostics.sources.kafka.source import Kafka
from diagnostics.sources.kafka.trouble import Unanswered, Why

__all__ = [
    "COMMITTED",
    "CONFIGURATION",
    "EXISTENCE",
    "GROUPS",
    "LETTERS",
    "METADATA",
    "OFFSETS",
    "WAITING",
    "Broker",
    "Cluster",
    "Group",
    "GroupState",
    "Kafka",
    "KafkaOptions",
    "KafkaRead",
    "KafkaTopics",
    "Letter",
    "Letters",
    "Member",
    "NotAnswering",
    "Partition",
    "Reading",
    "Retention",
    "Span",
    "Topic",
    "Unanswered",
    "Why",
]
