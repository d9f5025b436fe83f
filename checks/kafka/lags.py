"""How far a consumer group is behind in a topic, from two readings and the age of its oldest unread messages.

As in LinkedIn's Burrow a lag is judged by what it does, not by its size: a group with much traffic always has unread messages,
and one that is moving its partitions between consumers reads nothing for a moment.
"""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from diagnostics.sources.kafka import Group, GroupState, Partition, Reading, Span


class Pace(Struct, frozen=True, kw_only=True):
    """How many messages came to some partitions, and how many of theirs were read, in the `seconds` between the readings.
    At the end `unread` waited."""

    written: int
    read: int
    unread: int
    seconds: float

    @property
    def left(self) -> float | None:
        """Seconds until nothing waits, if it goes on so; None where what waits does not get less."""
        faster = self.read - self.written
        return self.unread * self.seconds / faster if faster > 0 else None


class State(StrEnum):
    """What a lag is judged to be."""

    UP_TO_DATE = "up to date"
    BEHIND = "behind"
    REBALANCING = "rebalancing"
    UNDATED = "undated"
    """There are unread messages, but since when they wait could not be seen."""


class PartitionLag(Struct, frozen=True, kw_only=True):
    """One partition. `waits`: seconds since the oldest unread message was written, None where that could not be seen.
    `written` and `read` messages between the readings; `deleted` messages were gone before the group read them."""

    partition: Partition
    unread: int
    waits: float | None
    committed: int
    end: int
    written: int
    read: int
    deleted: int


class Lag(Struct, frozen=True, kw_only=True):
    """One group in one topic, by partition, of which there is one at least. `seconds` lie between the readings."""

    topic: str
    group: Group
    partitions: tuple[PartitionLag, ...]
    seconds: float

    @property
    def unread(self) -> int:
        return sum(each.unread for each in self.partitions)

    @property
    def deleted(self) -> int:
        return sum(each.deleted for each in self.partitions)

    @property
    def waits(self) -> float | None:
        """Seconds that the oldest unread message of all partitions waits; None where no partition's could be seen."""
        return max((each.waits for each in self.partitions if each.waits is not None), default=None)

    def behind(self, limit: float) -> tuple[PartitionLag, ...]:
        """The partitions whose oldest unread message waits for `limit` seconds or longer."""
        return tuple(each for each in self.partitions if each.waits is not None and each.waits >= limit)

    def pace(self, limit: float) -> Pace:
        """That of the partitions that are `behind`: those that are read in time would hide a consumer that hangs."""
        late = self.behind(limit)
        return Pace(
            written=sum(each.written for each in late),
            read=sum(each.read for each in late),
            unread=sum(each.unread for each in late),
            seconds=self.seconds,
        )

    def state(self, limit: float) -> State:
        """Unread messages are the rule: only that one of them waits for `limit` seconds or longer is a delay."""
        if not self.unread:
            return State.UP_TO_DATE
        if self.waits is None:
            return State.UNDATED
        if self.waits < limit:
            return State.UP_TO_DATE
        return State.REBALANCING if self.group.state is GroupState.REBALANCING else State.BEHIND


def oldest_unread(group: str, topic: str, reading: Reading) -> dict[Partition, int]:
    """The offset of the oldest message in each partition that the group has not read and Kafka still holds."""
    return {
        partition: offset if offset > reading.spans[partition].start else oldest_held(reading.spans[partition])
        for partition, offset in reading.committed[group].items()
        if partition.topic == topic and partition in reading.spans and offset < reading.spans[partition].end
    }


def oldest_held(span: Span) -> int:
    """The offset of about the oldest message of a partition that is not empty: the very oldest may be deleted before it is
    looked at."""
    return span.start + (span.end - span.start) // 100


def lag_of(group: Group, topic: str, first: Reading, second: Reading, written_at: Mapping[Partition, float], now: float) -> Lag:
    """`written_at` are the times of `oldest_unread` of the first reading; `now` is on the same clock (Unix seconds)."""
    before, after = first.committed[group.id], second.committed.get(group.id, {})
    parts = sorted(each for each in after if each.topic == topic and each in second.spans and each in before)
    seconds = second.at - first.at

    def waits(partition: Partition) -> float | None:
        if after[partition] >= first.spans[partition].end:  # whatever is unread now came since the first reading
            return min(seconds, now - written_at.get(partition, now))
        return max(0.0, now - written_at[partition]) if partition in written_at else None

    def partition(each: Partition) -> PartitionLag:
        span = second.spans[each]
        unread = max(0, span.end - max(after[each], span.start))
        return PartitionLag(
            partition=each,
            unread=unread,
            waits=waits(each) if unread else 0.0,
            committed=after[each],
            end=span.end,
            written=max(0, span.end - first.spans[each].end),
            read=max(0, after[each] - before[each]),
            deleted=max(0, span.start - after[each]),
        )

    return Lag(topic=topic, group=group, partitions=tuple(map(partition, parts)), seconds=seconds)
