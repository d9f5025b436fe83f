"""From confluent-kafka's answers to plain values, and from its errors to those of sources."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from diagnostics.sources.errors import BadAnswer, Denied, SourceError, TimedOut
from diagnostics.sources.excerpt import excerpt
from diagnostics.sources.kafka.model import Broker, Cluster, Group, GroupState, Letter, Member, Partition, Retention, Topic

if TYPE_CHECKING:
    from confluent_kafka import KafkaException, Message

STATES = {
    "STABLE": GroupState.STABLE,
    "PREPARING_REBALANCING": GroupState.REBALANCING,
    "COMPLETING_REBALANCING": GroupState.REBALANCING,
    "ASSIGNING": GroupState.REBALANCING,
    "RECONCILING": GroupState.REBALANCING,
    "EMPTY": GroupState.EMPTY,
    "DEAD": GroupState.DEAD,
}

MAX_TEXT = 1000
"""Characters kept of a header: whoever can send events can make errors long."""

# What a dead letter's headers may tell. Everything else that stands there (token, distinct_id, the event's name) stays there.
REASONS = ("dlq-reason", "dlq_reason")
STEPS = ("dlq-step", "dlq_step")


def cluster(metadata: Any, troubles: dict[str, str]) -> Cluster:
    """From a ClusterMetadata. `troubles` say of a broker's address why it cannot be reached from here."""
    brokers = sorted(metadata.brokers.values(), key=lambda broker: broker.id)
    return Cluster(
        brokers=tuple(Broker(id=each.id, address=address(each), trouble=troubles.get(address(each), "")) for each in brokers),
        topics={
            name: Topic(name=name, leaders={number: partition.leader for number, partition in topic.partitions.items()})
            for name, topic in sorted(metadata.topics.items())
            if topic.error is None
        },
    )


def address(broker: Any) -> str:
    """`host:port`."""
    host = f"[{broker.host}]" if ":" in broker.host else broker.host
    return f"{host}:{broker.port}"


def group(described: Any) -> Group:
    """From a ConsumerGroupDescription."""
    members = tuple(
        Member(
            client=excerpt(str(member.client_id or ""), MAX_TEXT),
            partitions=tuple(Partition(each.topic, each.partition) for each in _assigned(member)),
        )
        for member in described.members or ()
    )
    state = STATES.get(described.state.name, GroupState.UNKNOWN)
    return Group(id=described.group_id, state=state, members=members)


def _assigned(member: Any) -> Iterable[Any]:
    return (member.assignment.topic_partitions if member.assignment else None) or ()


def retention(entries: dict[str, Any]) -> Retention:
    """From the ConfigEntry of each name. Raises BadAnswer when Kafka gives no number."""

    def number(name: str) -> int | None:
        entry = entries.get(name)
        try:
            value = int(str(entry.value)) if entry else -1
        except ValueError:
            raise BadAnswer(f"Kafka gives no number for {name}") from None
        return None if value < 0 else value

    milliseconds = number("retention.ms")
    policy = entries.get("cleanup.policy")
    return Retention(
        seconds=None if milliseconds is None else milliseconds / 1000,
        bytes=number("retention.bytes"),
        compacted="delete" not in str(policy.value) if policy else False,
    )


def written_at(message: "Message") -> float | None:
    """Unix seconds at which a message was written; None where the broker keeps no times (before 0.10)."""
    kind, milliseconds = message.timestamp()
    return milliseconds / 1000 if kind and milliseconds > 0 else None


def letter(message: "Message") -> Letter:
    headers = list(dict(message.headers() or []).items())
    return Letter(
        partition=Partition(str(message.topic()), int(message.partition() or 0)),
        offset=int(message.offset() or 0),
        time=written_at(message) or 0.0,
        step=_text(headers, STEPS),
        reason=_text(headers, REASONS),
    )


def _text(headers: Sequence[tuple[str, Any]], names: Sequence[str]) -> str:
    value = next((value for name, value in headers if name in names), b"")
    return excerpt(value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or ""), MAX_TEXT)


def translated(error: "KafkaException", *, what: str) -> SourceError:
    """The source's error for one of confluent-kafka's; `what` was asked."""
    name = error.args[0].name()
    if name.endswith("AUTHORIZATION_FAILED"):
        thing = name.removesuffix("_AUTHORIZATION_FAILED").lower().replace("_", " ")
        return Denied(
            f"Kafka does not let diag's user see {what}",
            grant=f"Describe on the {thing}",
            hint=f"allow diag's user to describe the {thing}: kafka-acls.sh --add --operation Describe",
        )
    if name in (
        "_TIMED_OUT",
        "REQUEST_TIMED_OUT",
        "_TRANSPORT",
        "_ALL_BROKERS_DOWN",
        "_WAIT_COORD",
        "COORDINATOR_NOT_AVAILABLE",
    ):
        return TimedOut(f"Kafka did not say in time {what}", hint="look again, with more time: --deadline")
    if name in ("_UNSUPPORTED_FEATURE", "UNSUPPORTED_VERSION"):
        return BadAnswer(f"this Kafka is too old to say {what}")
    return BadAnswer(f"Kafka does not say {what} ({name.lower().lstrip('_')})")
