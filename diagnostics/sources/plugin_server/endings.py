"""Where events end in a plugin server: emitted, dropped (why), put aside or sent on.

PostHog counts that in three ways, by age: the last step of every event (late 2022 to 2025), drops by cause (since 2023), and
the result of its pipeline with the reason (since late 2025). One drop may be counted in two of them, never twice in one.
"""

from collections import Counter
from collections.abc import Callable, Iterable

from msgspec import Struct

from diagnostics.sources.metrics import Sample
from diagnostics.sources.plugin_server.metrics import Readings

LAST_STEP = "events_pipeline_last_step_total"
DROPPED = "ingestion_event_dropped_total"
RESULTS = "ingestion_pipeline_results"

# Ends that say nothing of an ordinary event: messages of clients to PostHog itself, webhooks, session replay.
_OTHERS = frozenset({"client_ingestion_warning", "no_matching_plugin", "no_webhook_action", "no_matching_action", "disabled"})


class Cause(Struct, frozen=True, kw_only=True):
    """Why events are dropped. `names` are PostHog's: a drop cause, the reason of a result, or the step that was the last.

    `deliberate`: somebody in the install set it up that way. `text` continues "events are dropped because".
    """

    id: str
    text: str
    names: frozenset[str]
    deliberate: bool = False


CAUSES = (
    Cause(
        id="no-team",
        text="no project has their token",
        names=frozenset({"invalid_token", "no_token", "failed to resolve team", "populateteamdatastep"}),
    ),
    Cause(
        id="transformation",
        text="a transformation or plugin drops them",
        names=frozenset({"dropped_by_transformation", "transformeventstep", "pluginsprocesseventstep"}),
        deliberate=True,
    ),
    Cause(
        id="blocked",
        text="their token is on the list of tokens to drop (DROP_EVENTS_BY_TOKEN_DISTINCT_ID, or a restriction)",
        names=frozenset({"disallowed", "blacklisted", "blocked_token", "eventdisallowedstep"}),
        deliberate=True,
    ),
    Cause(
        id="too-old",
        text="they are older than the project allows",
        names=frozenset({"event_too_old", "dropoldeventsstep"}),
        deliberate=True,
    ),
    Cause(
        id="invalid",
        text="their id or distinct id is not valid",
        names=frozenset(
            {
                "invalid_uuid",
                "empty_uuid",
                "event has invalid uuid",
                "invalid_distinct_id",
                "skipping_event_invalid_distinct_id",
            }
        ),
    ),
)


class Drop(Struct, frozen=True, kw_only=True):
    """Events dropped for one cause, of which `name` is the id. `cause` None: a reason that diag does not know, `name` is
    PostHog's word for it."""

    cause: Cause | None
    name: str
    events: int


class Endings(Struct, frozen=True, kw_only=True):
    """All events that ended, and those of them that were dropped, most first."""

    events: int
    drops: tuple[Drop, ...]

    def of(self, name: str) -> int:
        """How many were dropped for this cause."""
        return sum(drop.events for drop in self.drops if drop.name == name)


def counts_events(readings: Readings) -> bool:
    """Whether its version and role count what becomes of events, in whichever way."""
    return any(name in readings.declared or readings.samples(name) for name in (LAST_STEP, DROPPED, RESULTS))


Count = Callable[[str], Iterable[Sample]]


def since_start(readings: Readings) -> Endings:
    """Since the process started."""
    return _endings(readings.samples)


def between(readings: Readings) -> Endings:
    """Between the two readings."""
    return _endings(readings.growth)


def merged(several: Iterable[Endings]) -> Endings:
    """Those of several instances together."""
    events, drops = 0, Counter[str]()
    for endings in several:
        events += endings.events
        drops.update({drop.name: drop.events for drop in endings.drops})
    return Endings(events=events, drops=_drops(drops))


def _drops(events: Counter[str]) -> tuple[Drop, ...]:
    """Most first."""
    return tuple(Drop(cause=_BY_ID.get(name), name=name, events=count) for name, count in events.most_common() if count)


def _endings(count: Count) -> Endings:
    results, steps, causes = _of_results(count), _of_last_steps(count), _of_causes(count)
    names = {name for counted in (results, steps, causes) for name in counted if name != _EMITTED}
    dropped = Counter({name: max(counted[name] for counted in (results, steps, causes)) for name in sorted(names)})
    return Endings(events=max(results[_EMITTED], steps[_EMITTED]) + dropped.total(), drops=_drops(dropped))


_EMITTED = ""
_BY_ID = {cause.id: cause for cause in CAUSES}
_CAUSE_OF = {name: cause.id for cause in CAUSES for name in cause.names}


def _of_results(count: Count) -> Counter[str]:
    """Events by the id of their cause, or PostHog's reason; those that were not dropped as _EMITTED.

    Redirected events come again from another topic. Dead letters count as events, and have checks of their own.
    """
    found: Counter[str] = Counter()
    for sample in count(RESULTS):
        labels = sample.labels
        reason = labels.get("details") or labels.get("last_step_name") or labels.get("step_name") or "unknown"
        events = round(sample.value)
        if labels.get("result") == "drop" and reason.lower() not in _OTHERS:
            found[_CAUSE_OF.get(reason.lower(), reason)] += events
        elif labels.get("result") in ("ok", "dlq"):
            found[_EMITTED] += events
    return found


def _of_last_steps(count: Count) -> Counter[str]:
    found: Counter[str] = Counter()
    for sample in count(LAST_STEP):
        found[_CAUSE_OF.get(sample.labels.get("step_name", "").lower(), _EMITTED)] += round(sample.value)
    return found


def _of_causes(count: Count) -> Counter[str]:
    """The same counter serves webhooks and session replay, by `event_type`."""
    found: Counter[str] = Counter()
    for sample in count(DROPPED):
        reason = sample.labels.get("drop_cause", "unknown")
        if sample.labels.get("event_type", "analytics") == "analytics" and reason.lower() not in _OTHERS:
            found[_CAUSE_OF.get(reason.lower(), reason)] += round(sample.value)
    return found
