"""What the lab's Kafka holds: topics with messages that keep arriving, and groups that read them or have stopped.

No message exists: where a log begins and ends, when an offset was written and how far a group has come are functions of
time, so that a topic of a week costs nothing and the second of two readings differs from the first as it would in real life.
librdkafka's own mock broker is not used: it lists no groups, knows no topic's configuration and looks up no times.
"""

import math
from typing import Literal

from msgspec import Struct

from diagnostics.lab.ago import Ago, seconds
from diagnostics.lab.kafka_wire import Record

INGESTION = "events_plugin_ingestion"
CLICKHOUSE = "clickhouse_events_json"
DEAD_LETTERS = "events_plugin_ingestion_dlq"

GROUPS = {INGESTION: "clickhouse-ingestion", CLICKHOUSE: "group1"}
"""Who reads the topics of PostHog's self-hosted install."""

# When the first message of every topic was written: longer ago than anything is kept. Seconds before the start.
BEGINNING = 30 * 86400


class Topic(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A topic and the group that reads it.

    `per_second` messages arrive, evenly over the partitions, until `until` ago; those older than `kept` are deleted,
    `retention` is what the configuration says. The group has read nothing since `stopped` ago (only in `stopped_partitions`,
    when given), but for `reads_per_second`. `group` "" is nobody. `state` is what the group says of itself; `members` hold the
    partitions.
    """

    partitions: int = 4
    per_second: float = 2.0
    until: Ago = "0s"
    kept: Ago = "24h"
    retention: Ago = "24h"
    compacted: bool = False
    group: str | None = None
    members: int = 1
    state: Literal["Stable", "PreparingRebalance", "CompletingRebalance", "Empty"] = "Stable"
    stopped: Ago = "0s"
    stopped_partitions: tuple[int, ...] = ()
    reads_per_second: float = 0.0


class Letters(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Messages of one kind in the dead-letter topic, evenly from `since` ago to `until` ago.

    `headers`: their names are written with a hyphen by plugin servers of 2025, with an underscore by those of 2026.
    """

    count: int
    reason: str
    since: Ago
    until: Ago = "0s"
    step: str = "processPersonsStep"
    headers: Literal["2025", "2026"] = "2025"


class Kafka(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Kafka. `configured` false: diag's user has no access to it. `advertised` is the address that it sends clients on to.

    `missing` topics do not exist; `topics` add to those of a healthy install, or replace them by name. `denied` is what
    the user of diag may not see; `lists_groups` false: an old or restricted broker.
    """

    up: bool = True
    configured: bool = True
    advertised: str = ""
    missing: tuple[str, ...] = ()
    denied: tuple[Literal["groups", "configuration"], ...] = ()
    lists_groups: bool = True
    topics: dict[str, Topic] = {}
    dead_letters: tuple[Letters, ...] = ()

    def logs(self, start: float) -> "dict[str, Log]":
        """Every topic that exists, by name; `start` is when the lab started, in Unix seconds."""
        healthy = {INGESTION: Topic(), CLICKHOUSE: Topic(), DEAD_LETTERS: Topic(partitions=1, per_second=0, group="")}
        topics = {name: topic for name, topic in (healthy | self.topics).items() if name not in self.missing}
        letters = tuple(_letter(letters, start, number) for letters in self.dead_letters for number in range(letters.count))
        return {
            name: Log(name, topic, start, tuple(sorted(letters)) if name == DEAD_LETTERS else ())
            for name, topic in topics.items()
        }


class Log:
    """One topic over time: offsets, timestamps and how far its group has come. Times are Unix seconds.

    `letters` are (time, headers) of the messages that it holds in partition 0 beside those that arrive evenly.
    """

    def __init__(
        self, name: str, topic: Topic, start: float, letters: tuple[tuple[float, tuple[tuple[str, bytes], ...]], ...] = ()
    ) -> None:
        self.name = name
        self.topic = topic
        self.group = GROUPS.get(name, "") if topic.group is None else topic.group
        self._start = start
        self._letters = letters
        self._rate = topic.per_second / topic.partitions

    def first(self, partition: int, now: float) -> int:
        """The offset at which the log begins."""
        if self._letters:
            return 0
        return min(self._written_by(now - seconds(self.topic.kept)), self.end(partition, now))

    def end(self, partition: int, now: float) -> int:
        """The offset of the next message."""
        if self._letters:
            return len(self._letters) if partition == 0 else 0
        return self._written_by(min(now, self._start - seconds(self.topic.until) if self.topic.until != "0s" else now))

    def committed(self, partition: int, now: float) -> int:
        """How far the group has come, which may lie before the beginning of the log."""
        stopped = seconds(self.topic.stopped)
        if not stopped or (self.topic.stopped_partitions and partition not in self.topic.stopped_partitions):
            return min(self._written_by(now - 0.5), self.end(partition, now))
        read = math.floor(self.topic.reads_per_second / self.topic.partitions * max(0.0, now - self._start))
        return min(self._written_by(self._start - stopped) + read, self.end(partition, now))

    def at(self, offset: int) -> Record:
        """The message at `offset` of any partition, which must exist there."""
        if self._letters:
            time, headers = self._letters[offset]
            return Record(offset=offset, timestamp=int(time * 1000), headers=headers)
        return Record(offset=offset, timestamp=int((self._start - BEGINNING + offset / self._rate) * 1000))

    def since(self, partition: int, time: float, now: float) -> int | None:
        """The offset of the first message written at `time` or later; None when there is none."""
        first, end = self.first(partition, now), self.end(partition, now)
        if self._letters:
            return next((number for number in range(end) if self._letters[number][0] >= time), None)
        offset = max(first, self._written_by(time))
        return offset if offset < end else None

    def _written_by(self, time: float) -> int:
        """How many messages a partition had got by then."""
        if not self._rate:
            return 0
        return max(0, math.ceil((time - self._start + BEGINNING) * self._rate))


def _letter(letters: Letters, start: float, number: int) -> tuple[float, tuple[tuple[str, bytes], ...]]:
    since, until = seconds(letters.since), seconds(letters.until)
    time = start - since + (since - until) * number / max(1, letters.count - 1)
    mark = "-" if letters.headers == "2025" else "_"
    said = {
        f"dlq{mark}reason": letters.reason.replace("{number}", str(number)),
        f"dlq{mark}step": letters.step,
        f"dlq{mark}timestamp": str(int(time * 1000)),
        "token": "phc_TheTokenOfAProjectInTheLab00000000000000000",
        "distinct_id": f"person-{number}@customer.example",
        "event": "$pageview",
    }
    return time, tuple((name, value.encode()) for name, value in said.items())
