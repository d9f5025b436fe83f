"""The questions to Kafka, one function each. `limit` is in seconds; each raises KafkaException or TimedOut."""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from diagnostics.sources.errors import Denied
from diagnostics.sources.kafka import answers
from diagnostics.sources.kafka.handle import waited
from diagnostics.sources.kafka.model import Group, GroupState, Letter, Partition, Retention

if TYPE_CHECKING:
    from concurrent.futures import Future

    from confluent_kafka import Consumer, Message
    from confluent_kafka.admin import AdminClient

POLL_S = 0.05

Wanted = Literal["earliest", "latest"] | float
"""Which offset; a number is a time in Unix seconds."""


def ends(admin: "AdminClient", partitions: Sequence[Partition], limit: float) -> dict[Partition, int]:
    """The offset of the next message of each partition, without those that give none."""
    return _offsets(admin, partitions, "latest", limit)


def starts(admin: "AdminClient", partitions: Sequence[Partition], limit: float) -> dict[Partition, int]:
    """The offset of the oldest message that each partition still holds."""
    return _offsets(admin, partitions, "earliest", limit)


def written_since(admin: "AdminClient", partitions: Sequence[Partition], moment: float, limit: float) -> dict[Partition, int]:
    """The offset of the first message of each partition written at `moment` (Unix seconds) or later; -1 where there is none."""
    return _offsets(admin, partitions, moment, limit)


def _offsets(admin: "AdminClient", partitions: Sequence[Partition], wanted: Wanted, limit: float) -> dict[Partition, int]:
    from confluent_kafka import KafkaException, TopicPartition
    from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined]

    spec = OffsetSpec.for_timestamp(int(wanted * 1000)) if isinstance(wanted, float) else getattr(OffsetSpec, wanted)()
    if not partitions:
        return {}
    until = time.monotonic() + limit
    asked = admin.list_offsets({TopicPartition(each.topic, each.number): spec for each in partitions}, request_timeout=limit)
    found: dict[Partition, int] = {}
    refusals: list[KafkaException] = []
    for partition, future in asked.items():
        try:
            found[Partition(partition.topic, partition.partition)] = waited(future, until - time.monotonic()).offset
        except KafkaException as error:
            refusals.append(error)
    if refusals and not found:
        raise refusals[0]
    return found


def group_ids(admin: "AdminClient", limit: float) -> list[str]:
    """The ids of all consumer groups that diag's user may see; the others Kafka leaves out without a word."""
    from confluent_kafka import KafkaException

    listing = waited(admin.list_consumer_groups(request_timeout=limit), limit)
    if listing.errors and not listing.valid:
        error = listing.errors[0]
        raise error if isinstance(error, KafkaException) else KafkaException(error)
    return sorted(group.group_id for group in listing.valid)


def described(admin: "AdminClient", ids: Sequence[str], limit: float) -> tuple[Group, ...]:
    """The groups with their members; of unknown state where the broker does not tell."""
    from confluent_kafka import KafkaException

    if not ids:
        return ()
    until = time.monotonic() + limit
    groups = []
    for id, future in admin.describe_consumer_groups(list(ids), request_timeout=limit).items():
        try:
            groups.append(answers.group(waited(future, until - time.monotonic())))
        except KafkaException:
            groups.append(Group(id=id, state=GroupState.UNKNOWN))
    return tuple(groups)


def committed(
    admin: "AdminClient", ids: Sequence[str], limit: float
) -> tuple[dict[str, dict[Partition, int]], tuple[str, ...]]:
    """How far each group has come in every partition that it has read, and the groups that diag's user may not see."""
    from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException

    until = time.monotonic() + limit
    asked: dict[str, Future[Any]] = {}
    for id in ids:  # librdkafka takes one group a call; they are all under way before the first is waited for
        asked |= admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(id)], request_timeout=limit)
    found: dict[str, dict[Partition, int]] = {}
    denied: list[str] = []
    for id, future in asked.items():
        try:
            answer = waited(future, until - time.monotonic())
        except KafkaException as error:
            translated = answers.translated(error, what=f"how far the group {id} has come")
            if not isinstance(translated, Denied):
                raise
            denied.append(id)
            continue
        offsets = {
            Partition(each.topic, each.partition): each.offset
            for each in answer.topic_partitions
            if each.offset >= 0 and each.error is None
        }
        if offsets:
            found[id] = offsets
    return found, tuple(denied)


def retention(admin: "AdminClient", topics: Sequence[str], limit: float) -> dict[str, Retention]:
    """How long each topic keeps its messages."""
    from confluent_kafka.admin import ConfigResource  # type: ignore[attr-defined]

    until = time.monotonic() + limit
    resources = [ConfigResource(ConfigResource.Type.TOPIC, topic) for topic in topics]
    asked = admin.describe_configs(resources, request_timeout=limit)
    return {each.name: answers.retention(waited(future, until - time.monotonic())) for each, future in asked.items()}


def exists(admin: "AdminClient", topic: str, limit: float) -> bool:
    """Whether there is such a topic, for sure: of those that diag's user may not see, the list of all leaves out the name.

    Asking for a topic by its name creates it on many brokers, but not in this way.
    """
    from confluent_kafka import KafkaException, TopicCollection

    (future,) = admin.describe_topics(TopicCollection([topic]), request_timeout=limit).values()
    try:
        waited(future, limit)
    except KafkaException as error:
        if error.args[0].name() == "UNKNOWN_TOPIC_OR_PART":
            return False
        raise
    return True


def times(consumer: "Consumer", offsets: Mapping[Partition, int], limit: float) -> dict[Partition, float]:
    """When the message at each offset was written. Of the messages nothing else is kept."""
    found: dict[Partition, float] = {}
    missing = set(offsets)
    for partition, message in _messages(consumer, offsets, limit):
        if message is not None and (written := answers.written_at(message)) is not None:
            found.setdefault(partition, written)
        missing.discard(partition)
        if not missing:
            break
    return found


def newest(
    consumer: "Consumer", offsets: Mapping[Partition, int], stops: Mapping[Partition, int], limit: float
) -> list[Letter]:
    """The dead letters from `offsets` up to `stops`, the newest first. Of the messages no value is kept."""
    letters: list[Letter] = []
    missing = {partition for partition, offset in offsets.items() if offset < stops[partition]}
    for partition, message in _messages(consumer, {each: offsets[each] for each in missing}, limit):
        if message is not None:
            letters.append(answers.letter(message))
        if message is None or letters[-1].offset + 1 >= stops[partition]:
            missing.discard(partition)
        if not missing:
            break
    return sorted(letters, key=lambda letter: (letter.time, letter.offset), reverse=True)


def _messages(
    consumer: "Consumer", offsets: Mapping[Partition, int], limit: float
) -> "Iterable[tuple[Partition, Message | None]]":
    """The messages from `offsets` on, as they come; None for a partition that has no more, or cannot be read."""
    from confluent_kafka import TopicPartition

    if not offsets:
        return
    until = time.monotonic() + limit
    consumer.assign([TopicPartition(each.topic, each.number, offset) for each, offset in offsets.items()])
    try:
        while time.monotonic() < until:
            message = consumer.poll(POLL_S)  # one with an empty value is falsy
            if message is None or message.topic() is None:
                continue
            partition = Partition(str(message.topic()), int(message.partition() or 0))
            yield partition, None if message.error() else message
    finally:
        consumer.unassign()
