"""What tests do to a real Kafka that diag never does: create, write, commit, join, delete, grant."""

import contextlib
import itertools
import time
from collections.abc import Iterator, Mapping
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from diagnostics.sources.kafka import Kafka, KafkaOptions, KafkaTopics
from diagnostics.sources.source import Asker, Recorder
from tests.kafka_broker.broker import Addresses

QUIET = {"log_level": 0}
READS = frozenset(
    f"kafka.{name}" for name in ("offsets", "groups", "committed", "configuration", "waiting", "letters", "existence")
)

_numbers = itertools.count(1)


class Cluster:
    """A cluster that a test may change. `addresses` are its listeners."""

    def __init__(self, addresses: Addresses) -> None:
        self.addresses = addresses
        self._config: dict[str, Any] = {"bootstrap.servers": addresses.plain, **QUIET}
        self._admin = AdminClient(self._config)
        self._producer = Producer({**self._config, "linger.ms": 0})

    def kafka(self, address: str = "", *, seconds: float = 10.0, topics: KafkaTopics | None = None, **options: Any) -> Kafka:
        """diag's source, allowed to ask anything."""
        source = Kafka([address or self.addresses.plain], recorder=Recorder(), options=KafkaOptions(**options), topics=topics)
        return source.bind(Asker("a-check", time.monotonic() + seconds, READS))

    def topic(self, name: str = "", *, partitions: int = 2, **config: str) -> str:
        """Creates a topic; its name, which no other test has."""
        named = f"{name or 'topic'}-{next(_numbers)}"
        settings = {key.replace("_", "."): value for key, value in config.items()}
        for future in self._admin.create_topics([NewTopic(named, partitions, 1, config=settings)]).values():
            future.result(10)
        return named

    def write(
        self, topic: str, count: int, *, partition: int = 0, ago: float = 0.0, headers: Mapping[str, str] | None = None
    ) -> None:
        """Writes messages that are `ago` seconds old."""
        for _ in range(count):
            self._producer.produce(
                topic,
                b"the payload of an event",
                partition=partition,
                timestamp=int((time.time() - ago) * 1000),
                headers={name: value.encode() for name, value in (headers or {}).items()},
            )
        assert self._producer.flush(10) == 0

    def commit(self, group: str, topic: str, offsets: Mapping[int, int]) -> None:
        """As if the group's consumers had read up to `offsets` and left."""
        consumer = self._consumer(group)
        consumer.commit(
            offsets=[TopicPartition(topic, number, offset) for number, offset in offsets.items()], asynchronous=False
        )
        consumer.close()

    def delete_before(self, topic: str, offset: int, *, partition: int = 0) -> None:
        """What retention does."""
        for future in self._admin.delete_records([TopicPartition(topic, partition, offset)]).values():
            future.result(10)

    def group_ids(self) -> set[str]:
        return {group.group_id for group in self._admin.list_consumer_groups().result(10).valid}

    def topic_names(self) -> set[str]:
        return set(self._admin.list_topics(timeout=10).topics)

    @contextlib.contextmanager
    def member(self, group: str, topic: str, *, client: str = "rdkafka") -> Iterator[Consumer]:
        """A consumer that has joined the group and got its partitions, and is not polled any more."""
        consumer = self._consumer(group, **{"client.id": client})
        consumer.subscribe([topic])
        until = time.monotonic() + 20
        while not consumer.assignment() and time.monotonic() < until:
            consumer.poll(0.05)
        assert consumer.assignment()
        yield consumer
        consumer.close()

    @contextlib.contextmanager
    def joining(self, group: str, topic: str) -> Iterator[None]:
        """A consumer that waits to join: the group is being rebalanced for as long as its other members do not poll."""
        consumer = self._consumer(group)
        consumer.subscribe([topic])
        consumer.poll(1.0)
        yield
        consumer.close()

    def grant(self, user: str, kind: ResourceType, name: str, operation: AclOperation = AclOperation.DESCRIBE) -> None:
        binding = AclBinding(kind, name, ResourcePatternType.LITERAL, f"User:{user}", "*", operation, AclPermissionType.ALLOW)
        for future in self._admin.create_acls([binding]).values():
            future.result(10)

    def _consumer(self, group: str, **config: str) -> Consumer:
        return Consumer(
            {
                **self._config,
                "group.id": group,
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "session.timeout.ms": 6000,
                **config,
            }
        )
