"""Capture: whether it answers, reaches Kafka, and gets what SDKs send.

Asks every path that SDKs send events to with a GET that holds no data, which capture refuses and nothing stores; and the Rust
capture's own pages, where they can be seen.
Healthy is that capture itself refuses such a request on each of them, and does not say that Kafka is away.
It matters because what capture does not take is lost at once: most senders do not keep it.
By hand: curl -sS -i https://posthog.example.com/e/ answers 400 in a few words, not a web page.
"""

from collections.abc import Iterator, Sequence

from checks.capture.findings import ASK_ELSEWHERE, LOOK_AT_CAPTURE, LOOK_AT_KAFKA, NO_CIRCLE, ROUTE_IT, numbers, paths, routes
from diagnostics import Action, Category, Code, Finding, Stage, Status, Threshold, Thresholds, check
from diagnostics.sources.capture import (
    EVENT_PATHS,
    INDEX,
    LIVENESS,
    METRICS,
    READYZ,
    ROUTES,
    Capture,
    CaptureState,
    Route,
    Taker,
)
from diagnostics.sources.capture.counts import KAFKA_CAUSES
from diagnostics.sources.errors import BadAnswer
from diagnostics.sources.source import NotConnected

QUEUE_SHARE = Threshold(
    "capture-health.queue-share", 0.8, "ratio", "how full of events that wait for Kafka the memory set aside for them may be"
)
WATCH = Threshold("capture-health.watch", 2.0, "s", "how long to watch whether errors of writing to Kafka go on")

UNREACHABLE = Code(
    id="capture.unreachable",
    worst=Status.FAIL,
    category=Category.MAINTENANCE,
    summary="it does not answer",
    contradicted_by=("app.events-visible", "canary.arrived"),
    caused_by=("app.postgres-down", "app.redis-down"),
)
CANNOT_PRODUCE = Code(
    id="capture.cannot-produce",
    worst=Status.FAIL,
    category=Category.MAINTENANCE,
    summary="it cannot write to Kafka",
    contradicted_by=("app.events-visible", "canary.arrived"),
    caused_by=("kafka.unreachable", "kafka.topic-missing"),
)
MISROUTED = Code(
    id="capture.misrouted",
    worst=Status.FAIL,
    category=Category.SETUP,
    summary="the proxy sends events to the wrong service",
    contradicted_by=("app.events-visible", "canary.arrived"),
)


@check(
    "capture-health",
    stage=Stage.CAPTURE,
    title="Capture answers, and does not say that Kafka is away",
    finds=[UNREACHABLE, CANNOT_PRODUCE],
    reads=[INDEX, LIVENESS, READYZ, METRICS, *ROUTES.values()],
    thresholds=[QUEUE_SHARE, WATCH],
    probes=Capture,
)
def capture_health(capture: Capture, limits: Thresholds) -> Iterator[Finding]:
    connection, state = capture.connection(), capture.state()
    if isinstance(connection, NotConnected):
        hint = [Action(text=state.hint[:1].upper() + state.hint[1:])] if state.hint else []
        yield UNREACHABLE.found(
            connection.message, affects=[capture.address()], evidence=[routes(state)], actions=[*hint, LOOK_AT_CAPTURE]
        )
        return
    yield from _partly_down(capture.address(), state)
    if not state.takes_events and not state.direct:
        raise BadAnswer("on no path for events does capture itself answer", hint="see what capture-routes says")
    trouble = [*_without_kafka(state), *_queue(state, limits(QUEUE_SHARE))]
    if not trouble:
        trouble += _errors(capture, state, limits(WATCH))
    if trouble:
        yield _cannot_produce(capture.address(), state, trouble)
    elif not _tells_of_kafka(state):
        yield CANNOT_PRODUCE.found(
            f"Capture answers at {capture.address()}, but what it says of Kafka cannot be seen there",
            status=Status.INFO,
            actions=[Action(text="To see it, give diag the service itself: DIAG_CAPTURE_URL=http://capture:3000")],
        )


@check(
    "capture-routes",
    stage=Stage.CAPTURE,
    title="Every path that SDKs send events to leads to capture",
    finds=[MISROUTED],
    reads=[*ROUTES.values()],
)
def capture_routes(capture: Capture) -> Iterator[Finding]:
    state = capture.state()
    astray = state.answered_by(Taker.APP, Taker.NOBODY)
    if astray:
        yield _misrouted(capture.address(), state, astray)
    elif loops := [route for route in state.answered_by(Taker.BARRED) if _leads_to_itself(capture.address(), route)]:
        yield _in_a_circle(capture.address(), state, loops)
    elif not state.takes_events and (barred := state.answered_by(Taker.BARRED, Taker.OTHER)):
        yield MISROUTED.found(
            f"Nobody can tell where {capture.address()} sends events: it answers {barred[0].said}",
            status=Status.UNKNOWN,
            affects=[capture.address()],
            evidence=[routes(state)],
            actions=[Action(text="Give diag the address that your SDKs send to, or http://capture:3000: DIAG_CAPTURE_URL")],
        )


def _leads_to_itself(address: str, route: Route) -> bool:
    """Whether its answer is a redirect to the very address that was asked."""
    return route.said.partition(" to ")[2].rstrip("/") == f"{address.rstrip('/')}{route.path}".rstrip("/")


def _in_a_circle(address: str, state: CaptureState, loops: Sequence[Route]) -> Finding:
    return MISROUTED.found(
        f"{address} sends {paths(loops)} back to itself ({loops[0].said.partition(' ')[0]}): no event gets in",
        detail="Something behind the proxy takes each request for one without TLS, and asks for one with it.",
        affects=[route.path for route in loops],
        evidence=[routes(state)],
        actions=NO_CIRCLE,
    )


def _partly_down(address: str, state: CaptureState) -> Iterator[Finding]:
    if lost := state.answered_by(Taker.DOWN, Taker.SILENT):
        yield UNREACHABLE.found(
            f"At {address} nobody takes events on {paths(lost)}: {lost[0].said}",
            affects=[route.path for route in lost],
            evidence=[routes(state)],
            actions=[LOOK_AT_CAPTURE],
        )
    elif state.flags.taker is Taker.DOWN:
        yield UNREACHABLE.found(
            f"At {address} feature flags are down ({state.flags.path} answers {state.flags.said}); events are still taken",
            status=Status.WARN,
            affects=[state.flags.path],
            actions=[
                Action(text="See whether the service for flags runs", commands=("docker compose ps --all feature-flags",))
            ],
        )


def _without_kafka(state: CaptureState) -> Iterator[str]:
    """What it says itself, or counts as connected."""
    if state.liveness and (failing := state.liveness.failing):
        states = " and ".join(f"{each.name} is {each.state}" for each in failing)
        yield f"says on {LIVENESS.path} that it is not healthy ({states})"
    elif state.liveness and not state.liveness.healthy:
        yield f"says on {LIVENESS.path} that it is not healthy"
    counts = state.counts
    if counts and counts.brokers and not counts.connected:
        yield (
            f"is connected to none of its {counts.brokers} Kafka brokers"
            if counts.brokers > 1
            else "has no connection to Kafka"
        )
    if state.kafka is False and state.answered_by(Taker.DJANGO) and not state.is_rust:
        yield "says on /_readyz that Kafka is not connected"


def _queue(state: CaptureState, share: float) -> Iterator[str]:
    counts = state.counts
    if counts and counts.queue_limit and counts.queued >= share * counts.queue_limit:
        yield f"holds {counts.queued:,} of at most {counts.queue_limit:,} events that Kafka does not take"


def _errors(capture: Capture, state: CaptureState, watch: float) -> list[str]:
    """Those that come while one looks: the sum since the start tells nothing about now."""
    first = state.counts
    if not first or not (first.produce_errors or first.dropped_for(*KAFKA_CAUSES)):
        return []
    again = capture.again(watch)
    if not again:
        return []
    lately = again.since(first)
    failed = max(lately.produce_errors, lately.dropped_for(*KAFKA_CAUSES))
    return [f"failed to write to Kafka {failed:,} times in {again.at - first.at:.1f} s"] if failed else []


def _cannot_produce(address: str, state: CaptureState, trouble: Sequence[str]) -> Finding:
    starting = state.liveness and all(each.state == "Starting" for each in state.liveness.failing)
    only_starting = starting and len(trouble) == 1 and state.liveness and state.liveness.failing
    return CANNOT_PRODUCE.found(
        f"Capture at {address} {trouble[0]}",
        status=Status.WARN if only_starting else None,
        detail=" ".join(f"It also {each}." for each in trouble[1:]),
        affects=[address],
        evidence=numbers(state),
        actions=LOOK_AT_KAFKA,
    )


def _tells_of_kafka(state: CaptureState) -> bool:
    told_by_liveness = state.liveness is not None and bool(state.liveness.components)
    return told_by_liveness or bool(state.counts and state.counts.brokers) or state.kafka is not None


def _misrouted(address: str, state: CaptureState, astray: Sequence[Route]) -> Finding:
    # An older Django does not know /i/v0/e/, and tells the posthog-js that it serves to send to /e/.
    newer_only = [route.path for route in astray] == [EVENT_PATHS[0]] and not state.is_rust
    status = Status.INFO if newer_only else Status.WARN if [route.path for route in astray] == [EVENT_PATHS[-1]] else None
    to_app = any(route.taker is Taker.APP for route in astray)
    instead = "lead to the app" if to_app else "lead nowhere"
    return MISROUTED.found(
        f"At {address} {paths(astray)} {instead if len(astray) > 1 else instead.replace('lead', 'leads')}, "
        f"not to capture: {astray[0].said}",
        status=status,
        detail="Events that are sent there are refused, mostly with 403 and a page on CSRF."
        if not newer_only
        else "This version takes events on the older paths. An SDK that is newer than the install may send to this one.",
        affects=[route.path for route in astray],
        evidence=[routes(state)],
        actions=[] if newer_only else ROUTE_IT if state.takes_events else (ASK_ELSEWHERE, *ROUTE_IT),
    )
