"""How one learns from its counters that a consumer hangs, and not just that nobody sends."""

from datetime import timedelta

from msgspec import Struct

from checks.clickhouse.state import CONSUMERS, EVENT_FEEDS
from checks.events import arrivals as event_arrivals
from checks.events.arrivals import Arrivals
from checks.kafka.lags import oldest_unread
from checks.plugin_server.findings import rebalancing_for
from diagnostics import span_s
from diagnostics.sources.clickhouse import ClickHouse
from diagnostics.sources.errors import SourceError
from diagnostics.sources.kafka import Kafka
from diagnostics.sources.plugin_server import Health, Readiness, Readings
from diagnostics.sources.plugin_server.consumers import Consumer, events_moved

ASKED_LATELY = 60
"""Seconds since a consumer of ClickHouse asked Kafka that count as now: it does so every few seconds."""


class Watched(Struct, frozen=True, kw_only=True):
    """A consumer of events, with the word and the counters of its instance."""

    consumer: Consumer
    health: Health
    readings: Readings

    def settled(self, after: float) -> bool:
        """Whether it had time to get its partitions: it runs for `after` seconds, and Kafka is not moving partitions."""
        up_for = self.readings.up_for
        rebalancing = self.consumer.rebalanced or rebalancing_for(self.health) is not None
        return not rebalancing and (up_for is None or up_for >= after)

    @property
    def says_well(self) -> bool:
        """Whether it calls itself healthy and ready: what it owns up to is told elsewhere."""
        return self.health.up and self.health.ready is not Readiness.NO

    @property
    def moves(self) -> bool:
        """Whether anything was processed between the readings."""
        return bool(self.consumer.batches) or self.consumer.advanced or events_moved(self.readings) > 0

    @property
    def may_be_at_it(self) -> bool:
        """Whether nothing has to end while one looks: it does not ask for more, and its batches take longer than that."""
        consumer = self.consumer
        return not consumer.turns and consumer.batch_s is not None and consumer.batch_s > self.readings.seconds

    def hangs(self, limit: float) -> str:
        """Why it hangs, to follow "it says that it is healthy, but"; empty when that is not sure.

        A consumer that does not ask Kafka holds messages, so that an idle one is never meant.
        """
        consumer, seconds = self.consumer, span_s(self.readings.seconds)
        if not self.says_well or not self.settled(limit) or self.moves or consumer.turns != 0 or self.may_be_at_it:
            return ""
        if consumer.oldest_task is not None and consumer.oldest_task >= limit:
            return f"work that it began {span_s(consumer.oldest_task)} ago does not end"
        if consumer.behind is not None and consumer.behind >= limit:
            return (
                f"its consumer did not ask Kafka for more in {seconds} of looking, and the newest event that it has processed "
                f"is {span_s(consumer.behind)} old"
            )
        return ""

    def rests(self, limit: float) -> bool:
        """Whether it processes nothing, and has not for long: it hangs, or there is nothing for it to take."""
        consumer = self.consumer
        old = consumer.behind is not None and consumer.behind >= limit
        still = not self.moves and not self.may_be_at_it
        return self.says_well and self.settled(limit) and still and old and consumer.partitions != 0


class Waiting(Struct, frozen=True):
    """What Kafka holds for a consumer: how many messages, and since how many seconds the oldest of them waits."""

    messages: int
    seconds: float


def waiting(kafka: Kafka | None, watched: Watched) -> Waiting | None:
    """None without Kafka, and where it does not know the consumer's group."""
    if kafka is None:
        return None
    topic, group, reading = watched.consumer.topic, watched.consumer.group, kafka.reading(1)
    if group not in reading.committed:
        return None
    unread = oldest_unread(group, topic, reading)
    written_at = kafka.waiting(unread) if unread else {}
    oldest = min(written_at.values(), default=watched.readings.at)
    messages = sum(reading.spans[partition].end - offset for partition, offset in unread.items())
    return Waiting(messages, max(0.0, watched.readings.at - oldest))


class Arrived(Struct, frozen=True):
    """What ClickHouse says: seconds since the newest event, how long it usually pauses at this time of day (None with less than
    a day of events), and how many come in this hour of a day at least."""

    ago: float
    usual: float | None
    per_hour: int

    @property
    def overdue(self) -> bool | None:
        """Twice the usual pause is, as for the check of arrivals."""
        return None if self.usual is None else self.ago > 2 * self.usual


def arrived(clickhouse: ClickHouse | None) -> Arrived | None:
    """None without ClickHouse, or without events in it."""
    if clickhouse is None:
        return None
    arrivals = event_arrivals.ask(clickhouse)
    if not arrivals.hours:
        return None
    return Arrived(arrivals.pause, arrivals.usual_pause, _fewest_an_hour(arrivals))


def _fewest_an_hour(arrivals: Arrivals) -> int:
    """In this hour of the days before, on the quietest of them: weekends and holidays count."""
    hour = arrivals.asked_at.replace(minute=0, second=0, microsecond=0)
    days = (hour - timedelta(days=back) for back in range(1, arrivals.days))
    return min((arrivals.by_hour.get(then, 0) for then in days if then > arrivals.hours[0].hour), default=0)


def clickhouse_waits(clickhouse: ClickHouse) -> bool:
    """Whether ClickHouse's own consumers of events ask Kafka, hold partitions and fail at nothing: then nothing is held up
    behind the plugin server. False where ClickHouse does not list them (before 23.8)."""
    try:
        feeds = [each for each in clickhouse.rows(CONSUMERS) if each.table in EVENT_FEEDS]
    except SourceError:
        return False
    asking = [each for each in feeds if each.partitions and each.asked_at - each.polled <= ASKED_LATELY]
    return bool(asking) and not any(each.failed > each.committed for each in feeds)
