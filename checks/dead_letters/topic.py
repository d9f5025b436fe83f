"""Kafka's dead-letter topic: events that a newer plugin server could not process and put aside.

Since September 2025 PostHog puts them into the topic `events_plugin_ingestion_dlq` (and no longer into a table), as they came
and with the step and the reason as headers. Counts those of the window and reads step and reason of the newest 200.
Healthy is none. An older version does not use the topic: none there proves nothing.
It matters because nothing reads this topic: the events stay away until somebody replays them, before Kafka deletes them.
By hand: docker compose logs --since 1h plugins | grep "Event sent to DLQ"
"""

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from msgspec import Struct

from diagnostics import (
    Action,
    Category,
    Code,
    Column,
    Evidence,
    Finding,
    KnownError,
    KnownErrors,
    Stage,
    Status,
    Table,
    Text,
    Threshold,
    Thresholds,
    Window,
    check,
    leading_cause,
    span_s,
)
from diagnostics.report.error_template import template
from diagnostics.sources.kafka import LETTERS, METADATA, Kafka, Letter, Letters

ACTIVE_WITHIN = Threshold(
    "kafka-dead-letters.active-within", 900.0, "s", "dead letters still arrive when the newest is at most this old"
)

DEAD_LETTERS = Code(
    id="kafka.dead-letters",
    worst=Status.FAIL,
    summary="the plugin server cannot process events and puts them aside",
    headline="Events are put aside as dead letters",
    category=Category.DATA_INTEGRITY,
    caused_by=("app.postgres-down", "app.redis-down"),
    weak=True,  # mostly some events: where all of them stop, something else says so
    stops_at=Stage.PLUGIN_SERVER,  # which wrote them there
)

# Groups in the table of the report, and known errors whose fix is named.
SHOWN = 20
FIXES = 3


class Group(Struct, frozen=True, kw_only=True):
    """Dead letters that share step and error template. Times are Unix seconds."""

    step: str
    template: str
    known: KnownError | None
    sample: str
    letters: int
    first: float
    last: float


@check(
    "kafka-dead-letters",
    stage=Stage.KAFKA,
    title="No events are dead-lettered in Kafka",
    finds=[DEAD_LETTERS],
    reads=[METADATA, LETTERS],
    thresholds=[ACTIVE_WITHIN],
)
def kafka_dead_letters(kafka: Kafka, window: Window, known: KnownErrors, limits: Thresholds) -> Iterator[Finding]:
    topic = kafka.topics.dead_letters
    if topic not in kafka.cluster().topics:
        return
    letters = kafka.letters(topic, float(window.seconds))
    if not letters.total:
        yield DEAD_LETTERS.found(f"No message came to {topic} in the last {window}", status=Status.OK)
        return
    groups = grouped(letters.letters, known)
    age = max(0.0, time.time() - letters.letters[0].time) if letters.letters else None
    arriving = age is not None and age <= limits(ACTIVE_WITHIN)
    cause, cause_codes = leading_cause((group.known, group.letters) for group in groups)
    were = "event was" if letters.total == 1 else "events were"
    newest = "" if age is None else f", the newest {span_s(age)} ago" + ("" if arriving else " and none since")
    yield DEAD_LETTERS.found(
        f"{letters.total:,} {were} dead-lettered in Kafka's topic {topic} in the last {window}{newest}",
        status=Status.FAIL if arriving else Status.WARN,
        detail=_read_of(letters),
        affects=[topic],
        evidence=_evidence(groups),
        actions=_actions(groups, letters.total, topic),
        cause=cause,
        cause_codes=cause_codes,
    )


def grouped(letters: Sequence[Letter], known: KnownErrors) -> list[Group]:
    """By step and error template, the largest group first. `letters` come with the newest first."""
    together: dict[tuple[str, str], list[Letter]] = defaultdict(list)
    for letter in letters:
        together[letter.step, template(letter.reason)].append(letter)
    groups = [
        Group(
            step=step,
            template=text,
            known=known.match(members[0].reason),
            sample=members[0].reason,
            letters=len(members),
            first=members[-1].time,
            last=members[0].time,
        )
        for (step, text), members in together.items()
    ]
    return sorted(groups, key=lambda group: (-group.letters, group.step, group.template))


def _read_of(letters: Letters) -> str:
    if not letters.letters:
        return "Their headers could not be read in time, so why and when they were put aside is not known."
    if len(letters.letters) < letters.total:
        return f"The newest {len(letters.letters):,} were looked at."
    return ""


def _evidence(groups: Sequence[Group]) -> list[Evidence]:
    if not groups:
        return []
    columns = (
        Column(name="events", kind="count"),
        Column(name="step", kind="source-text"),
        Column(name="error", kind="error"),
        Column(name="first seen", kind="time"),
        Column(name="last seen", kind="time"),
        Column(name="known as"),
    )
    return [
        Table(
            title="Dead letters by step and reason",
            columns=columns,
            rows=tuple(_row(group) for group in groups[:SHOWN]),
            omitted=len(groups[SHOWN:]),
        ),
        Text(title="The newest reason of the largest group", text=groups[0].sample),
    ]


def _row(group: Group) -> tuple[str | int, ...]:
    return (
        group.letters,
        group.step or "(none)",
        group.sample,
        _time(group.first),
        _time(group.last),
        group.known.meaning if group.known else "",
    )


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z")


def _actions(groups: Sequence[Group], total: int, topic: str) -> list[Action]:
    fixes = dict.fromkeys(group.known.action() for group in groups if group.known)
    lost = "This event stays" if total == 1 else f"These {total:,} events stay"
    return [
        Action(
            text="See what the plugin server says of the newest dead letters",
            commands=(
                'docker compose logs --since 1h plugins | grep "Event sent to DLQ"',
                'kubectl -n posthog logs deployment/posthog-plugins --since 1h | grep "Event sent to DLQ"',
            ),
        ),
        *list(fixes)[:FIXES],
        Action(
            text=f"{lost} away until replayed by hand, once the cause is gone and before Kafka deletes what is in {topic}: "
            "read first how",
            commands=("diag explain kafka.dead-letters",),
        ),
    ]
