"""What capture says of itself: whether it reaches Kafka.

The Rust capture lists its components on `/_liveness`, as Rust prints them, with 500 when one is not well:
`HealthStatus { healthy: false, components: {"rdkafka": Stalled} }`. Since 2026 that page says only `ok`, and `/` and
`/_readiness` never told. Django tells on `/_readyz?role=events`.
Sources: `rust/common/health`, `rust/common/lifecycle` and `posthog/health.py` of PostHog.
"""

import re

from msgspec import Struct

from diagnostics.sources.http import Answer, Outcome

MAX_COMPONENTS = 20

INDEX_TEXT = "capture"
"""The whole text of `/` in every version of the Rust capture."""

_COMPONENT = re.compile(r'"([\w.-]{1,60})": (Starting|HealthyUntil|Unhealthy|Stalled)')


class Component(Struct, frozen=True, kw_only=True):
    """A part of capture, by its own name (`rdkafka`), and its state: Starting, HealthyUntil, Unhealthy or Stalled."""

    name: str
    state: str


class Liveness(Struct, frozen=True, kw_only=True):
    """`/_liveness` of the Rust capture. `components` is empty where it does not list them."""

    healthy: bool
    components: tuple[Component, ...] = ()

    @property
    def failing(self) -> tuple[Component, ...]:
        """Those that it is unhealthy for."""
        return () if self.healthy else tuple(each for each in self.components if each.state != "HealthyUntil")


def read_liveness(outcome: Outcome) -> Liveness | None:
    """None where there is no such page."""
    if not isinstance(outcome, Answer) or outcome.is_html or outcome.status not in (200, 500):
        return None
    if outcome.body.strip() == "ok":
        return Liveness(healthy=True)
    if not outcome.body.startswith("HealthStatus {"):
        return None
    found = _COMPONENT.findall(outcome.body[:10_000])[:MAX_COMPONENTS]
    components = tuple(Component(name=name, state=state) for name, state in found)
    return Liveness(healthy=outcome.status == 200, components=components)


def read_index(outcome: Outcome) -> bool:
    """Whether the Rust capture itself answers at this address, with nobody in front who keeps its pages from us."""
    return isinstance(outcome, Answer) and outcome.status == 200 and outcome.body.strip() == INDEX_TEXT


def read_kafka_of_django(outcome: Outcome) -> bool | None:
    """Whether Django says that Kafka is connected; None where it does not say."""
    body = outcome.json if isinstance(outcome, Answer) else None
    connected = body.get("kafka_connected") if isinstance(body, dict) else None
    return connected if isinstance(connected, bool) else None
