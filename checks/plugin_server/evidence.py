"""What the counters of plugin servers show, as tables, and where an event's time goes."""

from collections.abc import Sequence

from msgspec import Struct

from diagnostics import Column, Status, Table, span_s
from diagnostics.engine.check import Code
from diagnostics.report.model import Finding
from diagnostics.sources.plugin_server import Readings
from diagnostics.sources.plugin_server.consumers import Consumer

_STEP_MS = "events_pipeline_step_ms"

# More rows than this are no evidence but a dump.
SHOWN = 20


class Step(Struct, frozen=True, kw_only=True):
    """A step of the pipeline: how many events passed it, and what one took on average, in milliseconds."""

    name: str
    events: int
    ms: float


def unread(code: Code, readings: Sequence[Readings], what: str) -> list[Finding]:
    """For the instances whose counters cannot be seen: unknown, or merely noted where their version has none. `what` continues
    "it cannot be seen"."""
    blind = [each for each in readings if each.why]
    too_old = [each.address for each in readings if each.counts_nothing]
    found = [
        code.found(
            f"What the plugin server at {each.address} counts cannot be seen: {each.why}",
            status=Status.UNKNOWN,
            affects=[each.address],
            source_text=True,
        )
        for each in blind
    ]
    if too_old:
        claim = f"This version of the plugin server ({', '.join(too_old)}) serves no counters, so that it cannot be seen {what}"
        found.append(code.found(claim, status=Status.INFO, detail="They came in late 2022.", affects=too_old))
    return found


def uncounted(code: Code, readings: Sequence[Readings], what: str) -> Finding:
    """For counters that can be seen, none of which is about what a plugin server does. `what` continues "it cannot be seen"."""
    addresses = [each.address for each in readings]
    return code.found(
        f"What is counted at {', '.join(addresses)} says nothing of events, so that it cannot be seen {what}",
        status=Status.UNKNOWN,
        affects=addresses,
    )


def at_work(consumers: Sequence[Consumer], seconds: float) -> Table:
    """What each consumer did between the readings."""
    rows = [
        (
            each.address,
            each.topic,
            each.partitions,
            None if each.turns is None else round(each.turns),
            None if each.batches is None else round(each.batches),
            None if each.batch_s is None else round(each.batch_s, 2),
            None if each.behind is None else span_s(each.behind),
        )
        for each in consumers
    ]
    return Table(
        title=f"What its consumers did in {span_s(seconds)}",
        columns=(
            Column(name="address"),
            Column(name="topic", kind="source-text"),
            Column(name="partitions", kind="count"),
            Column(name="asked Kafka", kind="count"),
            Column(name="batches ended", kind="count"),
            Column(name="seconds a batch", kind="number"),
            Column(name="newest event is old"),
        ),
        rows=tuple(rows[:SHOWN]),
        omitted=max(0, len(rows) - SHOWN),
    )


def steps(readings: Readings) -> list[Step]:
    """The steps by the time that events spend in them: between the readings, since the start where nothing passed."""
    names = {sample.labels.get("step_name", "") for sample in readings.samples(f"{_STEP_MS}_count")}
    for count in (readings.moved, readings.now):
        found = []
        for name in sorted(names):
            events, spent_ms = count(f"{_STEP_MS}_count", step_name=name), count(f"{_STEP_MS}_sum", step_name=name)
            if events and spent_ms:
                found.append(Step(name=name, events=round(events), ms=spent_ms / events))
        if found:
            return sorted(found, key=lambda step: -step.events * step.ms)
    return []


def spent(taken: Sequence[Step]) -> Table:
    """Where the time of an event goes."""
    return Table(
        title="Where the time goes",
        columns=(
            Column(name="step", kind="source-text"),
            Column(name="events", kind="count"),
            Column(name="milliseconds an event", kind="number"),
        ),
        rows=tuple((step.name, step.events, round(step.ms, 1)) for step in taken[:SHOWN]),
        omitted=max(0, len(taken) - SHOWN),
    )
