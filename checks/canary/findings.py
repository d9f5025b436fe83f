"""What is said of a canary: that it was refused and why, that it arrived and how fast, or which stage saw it last."""

from msgspec import Struct

from checks.canary.watch import DeadLetter, Seen
from checks.capture.findings import LOOK_AT_CAPTURE, LOOK_AT_KAFKA, ROUTE_IT
from checks.plugin_server.findings import READ_LOG
from diagnostics import Action, Category, Code, Evidence, Finding, QueryText, Status, Text, Values, span_s
from diagnostics.report.model import Scalar, Stage
from diagnostics.report.wording import seconds
from diagnostics.sources.capture import CaptureState, Taker
from diagnostics.sources.capture.canary import Reception, Refusal

REJECTED = Code(
    id="capture.rejects-canary",
    worst=Status.FAIL,
    category=Category.SETUP,
    summary="it refuses an event that diag sent",
    caused_by=("capture.misrouted", "capture.cannot-produce", "app.postgres-down"),
    weak=True,  # diag's own event, by whatever token it was given
)
# Whatever keeps events from arriving keeps the canary from it.
LOST = Code(
    id="canary.lost",
    worst=Status.FAIL,
    stage=Stage.CLICKHOUSE,
    category=Category.DATA_INTEGRITY,
    summary="an event that capture took did not arrive",
    headline="An event that capture took did not arrive in ClickHouse",
    symptom=True,
    caused_by=(
        "capture.unreachable",
        "capture.misrouted",
        "capture.cannot-produce",
        "capture.drops-events",
        "kafka.unreachable",
        "kafka.topic-missing",
        "kafka.no-consumer",
        "kafka.lag",
        "plugin-server.unreachable",
        "plugin-server.unhealthy",
        "plugin-server.not-ready",
        "plugin-server.stalled",
        "plugin-server.no-partitions",
        "plugin-server.drops-events",
        "plugin-server.role-missing",
        "dead-letters.active",
        "kafka.dead-letters",
        "app.postgres-down",
        "app.redis-down",
        "clickhouse.table-missing",
        "clickhouse.consumer-failing",
        "clickhouse.view-failing",
        "clickhouse.replica-readonly",
        "clickhouse.too-many-parts",
        "clickhouse.disk-full",
        "clickhouse.distribution-stuck",
        "clickhouse.memory-limit",
        "clickhouse.events-stale",
        "clickhouse.ingestion-lag",
    ),
)
ARRIVED = Code(id="canary.arrived", worst=Status.OK, summary="an event that diag sent arrived")

BY_HAND = """
SELECT toString(uuid), team_id, created_at, _timestamp FROM events
WHERE event = 'posthog_diag_canary' AND timestamp > now() - INTERVAL 1 DAY ORDER BY _timestamp DESC LIMIT 5
""".strip()


class Why(Struct, frozen=True, kw_only=True):
    """What a refusal means: in words, by the code that explains it, and what to do."""

    meaning: str
    actions: tuple[Action, ...]
    codes: tuple[str, ...] = ()


_TOKEN = Action(text="Compare project_token (DIAG_PROJECT_TOKEN) with the project API key in the project's settings")
_QUOTA = Action(
    text="See which tokens are over quota (a self-hosted install should have none)",
    commands=("docker compose exec redis7 redis-cli zrange '@posthog/quota-limits/events' 0 -1 withscores",),
)
_POSTGRES = Action(
    text="See whether Postgres takes connections",
    commands=("docker compose exec db pg_isready -U posthog",),
)
WHY = {
    Refusal.TOKEN: Why(meaning="it does not accept the project token", actions=(_TOKEN,)),
    Refusal.SIZE: Why(meaning="it is too big, though it has but 300 bytes: a limit in front of capture", actions=ROUTE_IT[:1]),
    Refusal.QUOTA: Why(meaning="the project is over its quota or sends too fast", actions=(_QUOTA,)),
    Refusal.ROUTE: Why(meaning="what answers is not capture", actions=ROUTE_IT, codes=("capture.misrouted",)),
    Refusal.POSTGRES: Why(
        meaning="capture cannot look the project up in Postgres", actions=(_POSTGRES,), codes=("app.postgres-down",)
    ),
    Refusal.KAFKA: Why(meaning="capture cannot write to Kafka", actions=LOOK_AT_KAFKA, codes=("capture.cannot-produce",)),
    Refusal.DOWN: Why(meaning="something in front of capture answers in its place", actions=(LOOK_AT_CAPTURE,)),
    Refusal.SILENT: Why(meaning="capture takes requests, but this one had no answer", actions=LOOK_AT_KAFKA),
    Refusal.OTHER: Why(meaning="for a reason that diag does not know", actions=(LOOK_AT_CAPTURE,)),
}


def rejected(state: CaptureState, address: str, reception: Reception) -> Finding:
    """What the other checks on capture see themselves, they tell better than the answer to one event."""
    why = WHY[reception.refusal or Refusal.OTHER]
    seen_by_others = {
        Refusal.ROUTE: bool(state.answered_by(Taker.APP, Taker.NOBODY)),
        Refusal.KAFKA: state.counts is not None or state.kafka is not None,
    }
    codes = () if seen_by_others.get(reception.refusal or Refusal.OTHER) else why.codes
    return REJECTED.found(
        f"Capture at {address} did not take the canary on {reception.path}: {reception.said}",
        detail=f"That means: {why.meaning}.",
        affects=[reception.path],
        actions=why.actions,
        cause=why.meaning if codes else "",
        cause_codes=codes,
        source_text=True,
    )


def unwatched(reception: Reception) -> Finding:
    return LOST.found(
        f"Capture took the canary within {seconds(reception.seconds)}, but diag reaches no ClickHouse to see whether it "
        "arrives",
        status=Status.UNKNOWN,
        actions=[Action(text="Give diag a ClickHouse that it can reach: DIAG_CLICKHOUSE_URL")],
    )


def arrived(reception: Reception, seen: Seen) -> Finding:
    """Times of one clock each: those of two machines may differ by more than an event takes."""
    arrival = seen.arrival
    stored = (arrival.stored_at - arrival.produced_at).total_seconds() if arrival.stored_at else None
    values: dict[str, Scalar] = {
        "answered by capture after": seconds(reception.seconds),
        "from the plugin server to Kafka": _whole((arrival.produced_at - arrival.created_at).total_seconds()),
        "from Kafka to ClickHouse": _whole(stored) if stored is not None else None,
        "seen in ClickHouse after": seconds(reception.seconds + seen.waited),
    }
    return ARRIVED.found(
        f"The canary arrived in ClickHouse {seconds(reception.seconds + seen.waited)} after it was sent",
        evidence=[Values(title="How long each stage took", values=values), _by_hand()],
    )


def lost(reception: Reception, letter: DeadLetter | None, patience: float) -> Finding:
    took = f"Capture took the canary within {seconds(reception.seconds)}"
    if letter:
        return LOST.found(
            f"{took}, and the plugin server put it aside as a dead letter",
            affects=[Stage.PLUGIN_SERVER],
            evidence=[Text(title=f"What {letter.error_location} said", text=letter.error), _by_hand()],
            actions=[Action(text="Read what to do about dead letters", commands=("diag explain dead-letters.active",))],
        )
    return LOST.found(
        f"{took}, but it was not in ClickHouse {span_s(patience)} later; capture was the last that saw it",
        detail="A project token of the right form but of no project is taken as well, and dropped by the plugin server.",
        affects=[Stage.CAPTURE],
        evidence=[_by_hand()],
        actions=[
            _TOKEN,
            READ_LOG,
        ],
    )


def _by_hand() -> Evidence:
    return QueryText(title="The newest canaries", text=BY_HAND)


def _whole(seconds: float) -> str:
    """Kafka's time has whole seconds, so that a difference may be off by one."""
    return f"about {max(0, round(seconds))} s"
