"""Why capture drops events: its words for it, what they mean, and what to do.

Sources: `report_dropped_events` in `rust/capture/src` of PostHog, 2023 to 2026; one cause may have had several names.
"""

from msgspec import Struct

from checks.capture.findings import LOOK_AT_KAFKA
from diagnostics import Action


class Cause(Struct, frozen=True, kw_only=True):
    """`meaning` continues "dropped 12 events: "."""

    meaning: str
    actions: tuple[Action, ...]


QUOTA = Cause(
    meaning="their project is over its quota of events",
    actions=(
        Action(
            text="See which tokens are over quota and until when (a self-hosted install should have none)",
            commands=("docker compose exec redis7 redis-cli zrange '@posthog/quota-limits/events' 0 -1 withscores",),
        ),
    ),
)
TOKEN_DROPPER = Cause(
    meaning="their token is on the list of tokens to drop",
    actions=(
        Action(
            text="See the list; take the token out of it, and start capture anew",
            commands=(
                "docker compose exec capture printenv DROP_EVENTS_BY_TOKEN_DISTINCT_ID",
                "kubectl -n posthog exec deploy/posthog-capture -- printenv DROP_EVENTS_BY_TOKEN_DISTINCT_ID",
            ),
        ),
    ),
)
RESTRICTION = Cause(
    meaning="a restriction on their project drops them",
    actions=(Action(text="See the restrictions in the app's admin: /admin/posthog/eventingestionrestrictionconfig/"),),
)
KAFKA = Cause(meaning="Kafka did not take them", actions=LOOK_AT_KAFKA)
_LOOK_AT_SENDER = "docker compose logs --tail 200 capture | grep -iE 'rejected|invalid|exceed'"
SIZE = Cause(
    meaning="they are too big",
    actions=(
        Action(
            text="See which sender it is, and let it send less than 1 MB an event: long texts, base64, whole documents",
            commands=(_LOOK_AT_SENDER,),
        ),
    ),
)
TOKEN = Cause(
    meaning="what they give as project token is none",
    actions=(
        Action(text="See which sender it is, and compare its token with the project's settings", commands=(_LOOK_AT_SENDER,)),
    ),
)
IDS = Cause(
    meaning="they have no distinct_id or no name",
    actions=(Action(text="See which sender it is: every event needs `event` and `distinct_id`", commands=(_LOOK_AT_SENDER,)),),
)
OTHER = Cause(
    meaning="for a cause that diag does not know",
    actions=(Action(text="See what capture says about them", commands=(_LOOK_AT_SENDER,)),),
)

CAUSES: dict[str, Cause] = {
    "over_quota": QUOTA,
    "events_over_quota": QUOTA,
    "token_dropper": TOKEN_DROPPER,
    "event_restriction_drop": RESTRICTION,
    "retryable_sink": KAFKA,
    "non_retryable_sink": KAFKA,
    "kafka_write_error": KAFKA,
    "sink_error": KAFKA,
    "event_too_big": SIZE,
    "oversize_event": SIZE,
    "kafka_message_size": SIZE,
    "ai_event_too_big": SIZE,
    "token_shape_invalid": TOKEN,
    "missing_distinct_id": IDS,
    "no_distinct_id": IDS,
    "missing_event_name": IDS,
    "no_event_name": IDS,
}

IGNORED = frozenset(
    (
        *("exceptions_over_quota", "recordings_over_quota", "survey_responses_over_quota", "llm_events_over_quota"),
        *("missing_session_id", "missing_window_id", "missing_snapshot_data", "invalid_session", "invalid_session_id"),
        *("no_session_id", "ai_opt_in"),
    )
)
"""Of single products and of recordings: ordinary events are not concerned."""
