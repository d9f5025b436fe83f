"""Whether events come into Kafka while one looks: by the offsets of their topic, or by what capture itself counts."""

from msgspec import Struct

from diagnostics import span_s
from diagnostics.sources.capture import METRICS, Capture, Taker
from diagnostics.sources.kafka import COMMITTED, GROUPS, OFFSETS, Kafka

READS = (METRICS, OFFSETS, GROUPS, COMMITTED)

WATCH = 2.0
"""Seconds to watch capture, as its own checks do: whoever asks first waits, the others get the same answer."""


class Inflow(Struct, frozen=True, kw_only=True):
    """How many came, and that in words that follow "while"."""

    events: int
    text: str


def inflow(kafka: Kafka | None, capture: Capture | None, topic: str) -> Inflow | None:
    """None where nobody counts. Kafka is believed first: what capture writes may go to other topics, too."""
    return _by_offsets(kafka, topic) or _by_capture(capture)


def _by_offsets(kafka: Kafka | None, topic: str) -> Inflow | None:
    if kafka is None:
        return None
    first = {each: span.end for each, span in kafka.reading(1).spans.items() if each.topic == topic}
    if not first:
        return None
    second = kafka.reading(2)
    events = sum(max(0, second.spans[each].end - end) for each, end in first.items() if each in second.spans)
    seconds = second.at - kafka.reading(1).at
    return Inflow(events=events, text=f"{events:,} messages came into {topic} in {span_s(seconds)}")


def _by_capture(capture: Capture | None) -> Inflow | None:
    """Of the Rust capture on whose paths events are taken: one for recordings serves none of them. `ingested` is what Kafka
    has confirmed."""
    state = capture.state() if capture else None
    if capture is None or state is None or state.counts is None or not state.answered_by(Taker.RUST):
        return None
    first, again = state.counts, capture.again(WATCH)
    if again is None or not again.ingested or again.received < first.received:  # not counted, or started anew
        return None
    events = max(0, again.ingested - first.ingested)
    return Inflow(events=events, text=f"capture wrote {events:,} events to Kafka in {span_s(again.at - first.at)}")
