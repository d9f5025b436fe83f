"""Kafka: brokers, topics, consumer groups, offsets, and of messages no more than when and why.

Nothing is written or committed and no group is joined. Every question is bounded by the time that is left to who asks it, asked
once a run, and those that can be are asked at the same time.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, TypeVar

from diagnostics.sources.errors import BadAnswer, Denied
from diagnostics.sources.kafka import questions
from diagnostics.sources.kafka.connecting import Contact, contact
from diagnostics.sources.kafka.handle import Handle, started, waited
from diagnostics.sources.kafka.model import Cluster, Group, Letters, Partition, Reading, Retention, Span
from diagnostics.sources.kafka.options import KNOWN_GROUPS, READING_ONLY, KafkaOptions, KafkaTopics, configuration
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
from diagnostics.sources.kafka.recording import Recording
from diagnostics.sources.source import Connected, Connection, Memo, Read, Recorder, Source

if TYPE_CHECKING:
    from confluent_kafka import Consumer
    from confluent_kafka.admin import AdminClient

T = TypeVar("T")

FIRST_PATIENCE = 8.0
"""Seconds for the first answer, which takes librdkafka four round trips. Who is down is found out in half of that."""

PATIENCE = 5.0
"""Seconds that one question may take."""

BETWEEN = 0.8
"""Seconds between the two readings."""

WAITING_FOR = 2.0
"""Seconds to wait for single messages: without their time a lag is still known in messages."""

MOST_PARTITIONS = 2000
MOST_GROUPS = 60
MOST_LETTERS = 200


class Kafka(Source):
    """The cluster at `brokers` (`host:port`). `topics` are the names of those that events pass."""

    id: ClassVar[str] = "kafka"
    label: ClassVar[str] = "Kafka"
    probes: ClassVar[tuple[Read, ...]] = (METADATA,)

    def __init__(
        self,
        brokers: Sequence[str],
        *,
        recorder: Recorder,
        options: KafkaOptions | None = None,
        topics: KafkaTopics | None = None,
    ) -> None:
        self.topics = topics or KafkaTopics()
        self._brokers = tuple(brokers)
        self._options = options or KafkaOptions()
        self._recorder = recorder
        self._handle = Handle(configuration(self._brokers, self._options), READING_ONLY)
        self._memo = Memo()

    def address(self) -> str:
        return ", ".join(self._brokers)

    def connection(self) -> Connection:
        """Connected when a broker answers and those that it sends a client on to can be reached; else NotAnswering."""
        begun = time.monotonic()
        made = self._memo.get("contact", self._contact)
        return made.silence or Connected(seconds=time.monotonic() - begun)

    def cluster(self) -> Cluster:
        """Brokers and topics. Raises Unavailable."""
        self.connected()
        cluster = self._memo.get("contact", self._contact).cluster
        assert cluster is not None
        return cluster

    def groups(self) -> dict[str, Group]:
        """The consumer groups with their members, by id. Raises SourceError."""
        self.asker.may(GROUPS)
        return self._memo.get("groups", self._groups)

    def reading(self, number: Literal[1, 2]) -> Reading:
        """What every partition holds and how far every group has come: at first, and a second later. Raises SourceError."""
        for read in (OFFSETS, GROUPS, COMMITTED):
            self.asker.may(read)
        return self._memo.get(("reading", number), self._first_reading if number == 1 else self._second_reading)

    def retention(self, topics: Sequence[str]) -> dict[str, Retention]:
        """How long each of `topics` keeps messages. Raises SourceError."""
        self.asker.may(CONFIGURATION)
        what = "how long its topics keep messages"
        return self._memo.get(
            ("retention", tuple(topics)),
            lambda: self._ask(CONFIGURATION, lambda admin, limit: questions.retention(admin, topics, limit), what),
        )

    def exists(self, topic: str) -> bool:
        """Whether a topic that is not in the list of all exists. Raises Denied when diag's user may not see it."""
        self.asker.may(EXISTENCE)
        what = f"whether there is a topic {topic}"
        return self._memo.get(
            ("exists", topic), lambda: self._ask(EXISTENCE, lambda admin, limit: questions.exists(admin, topic, limit), what)
        )

    def waiting(self, offsets: Mapping[Partition, int]) -> dict[Partition, float]:
        """When the messages at `offsets` were written, in Unix seconds; without those that did not come in time."""
        self.asker.may(WAITING)
        return self._memo.get(
            ("waiting", frozenset(offsets.items())),
            lambda: self._read(WAITING, lambda reader, limit: questions.times(reader, offsets, limit), "when it got messages"),
        )

    def letters(self, topic: str, seconds: float) -> Letters:
        """The dead letters of the last `seconds` in `topic`. Raises SourceError."""
        self.asker.may(LETTERS)
        return self._memo.get(("letters", topic, seconds), lambda: self._letters(topic, seconds))

    def _contact(self) -> Contact:
        limit = min(FIRST_PATIENCE, self.asker.time_left)
        self._handle.get_ready_to_read()
        with Recording(self._recorder, self.asker, METADATA, "which brokers and topics it has") as exchange:
            made = contact(self._handle, self._brokers, self._options, limit)
            exchange.error = made.silence.message if made.silence else ""
            exchange.answer = made.cluster
        return made

    def _groups(self) -> dict[str, Group]:
        ids, _ = self._known()
        groups = self._ask(GROUPS, lambda admin, limit: questions.described(admin, ids, limit), "who is in its consumer groups")
        return {group.id: group for group in groups}

    def _known(self) -> tuple[tuple[str, ...], str]:
        """The groups to ask about, and why there may be others."""
        return self._memo.get("group ids", self._list_groups)

    def _list_groups(self) -> tuple[tuple[str, ...], str]:
        self.connected()
        try:
            listed = self._ask(GROUPS, questions.group_ids, "which consumer groups there are")
        except (Denied, BadAnswer) as error:
            return KNOWN_GROUPS, str(error)
        ids = sorted(listed, key=lambda group: (group not in KNOWN_GROUPS, group))
        unseen = f"only {MOST_GROUPS} of {len(ids)} consumer groups were looked at" if len(ids) > MOST_GROUPS else ""
        return tuple(ids[:MOST_GROUPS]), unseen

    def _first_reading(self) -> Reading:
        partitions = self.cluster().partitions()[:MOST_PARTITIONS]
        oldest = started(lambda: self._offsets(questions.starts, partitions))
        groups = started(self._all_committed)
        started(lambda: self._memo.get("groups", self._groups))  # whoever wants offsets wants to know whose they are
        ends, at = self._offsets(questions.ends, partitions), time.monotonic()
        begin = waited(oldest, self.asker.time_left)
        committed, unseen = waited(groups, self.asker.time_left)
        return Reading(at=at, spans=_spans(begin, ends), committed=committed, unseen=unseen)

    def _second_reading(self) -> Reading:
        first = self._memo.get(("reading", 1), self._first_reading)
        time.sleep(max(0.0, min(first.at + BETWEEN - time.monotonic(), self.asker.time_left)))
        groups = started(lambda: self._committed(tuple(first.committed))[0] if first.committed else {})
        ends, at = self._offsets(questions.ends, tuple(first.spans)), time.monotonic()
        spans = _spans({each: span.start for each, span in first.spans.items()}, ends)
        return Reading(at=at, spans=spans, committed=waited(groups, self.asker.time_left), unseen=first.unseen)

    def _offsets(
        self,
        question: "Callable[[AdminClient, Sequence[Partition], float], dict[Partition, int]]",
        partitions: Sequence[Partition],
    ) -> dict[Partition, int]:
        return self._ask(OFFSETS, lambda admin, limit: question(admin, partitions, limit), "what its partitions hold")

    def _all_committed(self) -> tuple[dict[str, dict[Partition, int]], str]:
        """Of every group; and why there may be others. Kafka lists no group that one may not see, and says nothing of it, so
        the well-known ones are asked about where nobody seems to read the topics of the path."""
        ids, unseen = self._known()
        committed, denied = self._committed(ids)
        read = {each.topic for offsets in committed.values() for each in offsets}
        others = tuple(id for id in KNOWN_GROUPS if id not in ids)
        if others and not {self.topics.ingestion, self.topics.clickhouse} <= read:
            more, more_denied = self._committed(others)
            committed, denied = committed | more, denied + more_denied
        if denied and not unseen:
            unseen = f"Kafka does not let diag's user see the consumer group {denied[0]}"
        return committed, unseen

    def _committed(self, ids: Sequence[str]) -> tuple[dict[str, dict[Partition, int]], tuple[str, ...]]:
        what = "how far its consumer groups have come"
        return self._ask(COMMITTED, lambda admin, limit: questions.committed(admin, ids, limit), what, requests=len(ids))

    def _letters(self, topic: str, seconds: float) -> Letters:
        partitions = [each for each in self.cluster().partitions() if each.topic == topic]
        since = time.time() - seconds
        what = f"what {topic} holds"
        first = started(
            lambda: self._ask(LETTERS, lambda admin, limit: questions.written_since(admin, partitions, since, limit), what)
        )
        ends = self._ask(LETTERS, lambda admin, limit: questions.ends(admin, partitions, limit), what)
        begin = {each: offset for each, offset in waited(first, self.asker.time_left).items() if offset >= 0 and each in ends}
        each_most = MOST_LETTERS // max(1, len(begin))
        offsets = {each: max(offset, ends[each] - each_most) for each, offset in begin.items()}
        letters = self._read(LETTERS, lambda reader, limit: questions.newest(reader, offsets, ends, limit), what)
        return Letters(letters=tuple(letters), total=sum(ends[each] - offset for each, offset in begin.items()))

    def _ask(self, read: KafkaRead, call: "Callable[[AdminClient, float], T]", what: str, *, requests: int = 1) -> T:
        self.connected()
        limit = min(PATIENCE, self.asker.time_left)
        with Recording(self._recorder, self.asker, read, what, requests=requests) as exchange:
            answer = self._handle.administer(lambda admin: call(admin, limit), limit + 0.1)
            exchange.answer = answer
        return answer

    def _read(self, read: KafkaRead, call: "Callable[[Consumer, float], T]", what: str) -> T:
        self.connected()
        limit = min(WAITING_FOR, self.asker.time_left)
        with Recording(self._recorder, self.asker, read, what) as exchange:
            answer = self._handle.read(lambda reader: call(reader, limit), 2 * limit + 0.1)  # another may be reading
            exchange.answer = answer
        return answer


def _spans(starts: Mapping[Partition, int], ends: Mapping[Partition, int]) -> dict[Partition, Span]:
    return {each: Span(min(starts[each], end), end) for each, end in ends.items() if each in starts}
