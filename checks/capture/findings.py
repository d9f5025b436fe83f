"""What is shown of capture: who answers where, its numbers, and what to do next."""

from collections.abc import Sequence

from diagnostics import Action, Column, Evidence, Table, Values
from diagnostics.report.model import Scalar
from diagnostics.report.wording import listed
from diagnostics.sources.capture import CaptureState, Route, Taker

# Who sends where: the paths of `EVENT_PATHS`, and that for flags.
SENDERS = {
    "/i/v0/e/": "posthog-js",
    "/e/": "older posthog-js",
    "/batch/": "SDKs for servers and phones",
    "/capture/": "curl, older SDKs",
    "/flags/": "feature flags, no events",
}


ANSWERED_BY = {
    Taker.RUST: "capture",
    Taker.DJANGO: "the app as capture",
    Taker.APP: "the app",
    Taker.NOBODY: "nobody",
    Taker.DOWN: "in its place",
    Taker.SILENT: "nobody",
    Taker.BARRED: "a guard in front",
    Taker.OTHER: "another service",
}


def paths(routes: Sequence[Route]) -> str:
    """`/e/`, `/e/ and /batch/`."""
    return listed([route.path for route in routes])


def routes(state: CaptureState) -> Table:
    """Every path with who sends there and what it answers."""
    return Table(
        title="Who answers a request without data",
        columns=(Column(name="path"), Column(name="senders"), Column(name="by"), Column(name="answer", kind="source-text")),
        rows=tuple(
            (each.path, SENDERS[each.path], ANSWERED_BY[each.taker], each.said) for each in (*state.routes, state.flags)
        ),
    )


def numbers(state: CaptureState) -> list[Evidence]:
    """What it counts, where that can be seen."""
    counts = state.counts
    if counts is None:
        return []
    values: dict[str, Scalar] = {
        "events received since it started": counts.received,
        "events written to Kafka": counts.ingested,
        "errors of writing to Kafka": counts.produce_errors,
        "brokers connected": f"{counts.connected} of {counts.brokers}",
        "events that wait for Kafka": f"{counts.queued:,} of at most {counts.queue_limit:,}",
    }
    dropped = {f"dropped: {each.cause}": each.events for each in counts.dropped}
    return [Values(title="What capture counts", values=values | dropped)]


LOOK_AT_CAPTURE = Action(
    text="See whether capture runs and what it says (before 2025 the app itself is capture: web, on Kubernetes events)",
    commands=(
        "docker compose ps --all capture web proxy",
        "docker compose logs --tail 100 capture",
        "kubectl -n posthog get pods -l 'role in (capture, events)'",
    ),
)
LOOK_AT_KAFKA = (
    Action(
        text="See what capture says of Kafka, and whether Kafka runs and has disk left",
        commands=(
            "docker compose logs --tail 100 capture | grep -i kafka",
            "docker compose ps --all kafka",
            "docker compose exec kafka df -h",
            "kubectl -n posthog get pods | grep -i kafka",
        ),
    ),
)
ASK_ELSEWHERE = Action(
    text="If your SDKs send to another address than this one, look there: it is what their host (api_host) says",
    commands=("diag run --capture-url https://ADDRESS",),
)
ROUTE_IT = (
    Action(
        text="See whether capture runs, and which paths the proxy sends to it",
        commands=(
            "docker compose ps --all capture proxy",
            "docker compose exec proxy cat /etc/caddy/Caddyfile",
            "kubectl -n posthog get ingress -o yaml",
        ),
    ),
    Action(
        text="In the proxy, send /e, /i/v0, /batch and /capture with all that is below them to capture (port 3000), before the "
        "rule for the app, and load it anew",
        commands=("docker compose up -d proxy",),
        changes_something=True,
    ),
)
NO_CIRCLE = (
    Action(
        text="See which proxies and load balancers there are before PostHog, and where each of them redirects to",
        commands=("curl -sS -o /dev/null -D - https://posthog.example.com/e/", "kubectl -n posthog get ingress -o yaml"),
    ),
    Action(
        text="Let the one that ends TLS send X-Forwarded-Proto, and set IS_BEHIND_PROXY=true and TRUST_ALL_PROXIES=true for "
        "the app (web, on Kubernetes events); with a CDN, let it talk to PostHog with TLS as well",
        commands=("docker compose up -d web",),
        changes_something=True,
    ),
)
