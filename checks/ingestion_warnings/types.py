"""What PostHog's ingestion warnings mean: whether the event was lost, and what the sender has to change.

From PostHog's registry of them, `nodejs/src/ingestion/common/ingestion-warning-types.ts` (2026), and the steps of the plugin
server that raised the older ones. Its severity "error" stands for a lost message, which may be the update of a person
whose event is kept: those are told apart here.
"""

from enum import Enum

from msgspec import Struct


class Effect(Enum):
    """What becomes of the event."""

    DROPPED = "dropped"
    CONFIGURED = "dropped, as the team's settings say"
    CHANGED = "kept, but part of it was refused"
    UNKNOWN = "diag does not know this type"
    NONE = "none: a recording, an empty request, or a note of the SDK"


class Meaning(Struct, frozen=True):
    """`what` follows a number of events: "12 events ..."; `fix` is an imperative sentence."""

    effect: Effect
    what: str
    fix: str = ""


UUID = "Leave uuid out, so that PostHog makes one, or send a real UUID, another one for each event"
IDENTIFY = "Call identify once, when somebody logs in, with the id of that user, and reset when they log out"
COOKIELESS = "Send what cookieless mode needs with every event (time, IP address, user agent, host), or switch that mode off"
SMALLER_PERSON = "Set fewer and smaller person properties, and none that grow; delete the large ones of that person"
SMALLER_GROUP = "Set fewer and smaller group properties"
HEATMAP = "Send $current_url with its https:// and host, and leave $heatmap_data to posthog-js"
CLOCK = "Correct the clock or the time zone of the sender, or do not send timestamp"
ISO = "Send timestamp as ISO 8601, such as 2026-01-31T12:00:00Z, or not at all"
NAMED = "Give every event a name of at most 200 characters"
IDENTIFIED = "Give every event a distinct id that is a text of at most 200 characters"

TYPES = {
    # -------------------- the event is lost
    "message_size_too_large": Meaning(
        Effect.DROPPED,
        "grew beyond 1 MB with the properties of their person and groups",
        "Send fewer and smaller properties: no file contents, no whole responses; see too which transformation adds to them",
    ),
    "group_key_too_long": Meaning(
        Effect.DROPPED, "set a group whose key has over 400 characters", "Use the short id of the group as its key"
    ),
    "schema_validation_failed": Meaning(
        Effect.DROPPED,
        "do not fit the schema that their project enforces",
        "Send the properties that the schema asks for, or stop enforcing it (Data management)",
    ),
    "skipping_event_invalid_distinct_id": Meaning(Effect.DROPPED, "have a distinct id of over 400 characters", IDENTIFIED),
    "skipping_event_invalid_uuid": Meaning(Effect.DROPPED, "have a uuid that is none", UUID),
    "invalid_event_when_process_person_profile_is_false": Meaning(
        Effect.DROPPED,
        "identify, alias or set a group while switching person profiles off",
        "Do not send $process_person_profile: false with $identify, $create_alias, $merge_dangerously and $groupidentify",
    ),
    "pipeline_step_dlq": Meaning(
        Effect.DROPPED,
        "failed and were put aside in the Kafka topic events_plugin_ingestion_dlq",
        "Read why in the plugin server's log, at `Event sent to DLQ`; diag explain dead-letters.elsewhere says how",
    ),
    "cookieless_missing_timestamp": Meaning(Effect.DROPPED, "are cookieless and without a time", COOKIELESS),
    "cookieless_timestamp_out_of_range": Meaning(
        Effect.DROPPED, "are cookieless and too old or too far ahead to be told whose they are", CLOCK
    ),
    "cookieless_missing_user_agent": Meaning(Effect.DROPPED, "are cookieless and without a user agent", COOKIELESS),
    "cookieless_missing_ip": Meaning(Effect.DROPPED, "are cookieless and without an IP address", COOKIELESS),
    "cookieless_missing_host": Meaning(Effect.DROPPED, "are cookieless and without a host", COOKIELESS),
    "missing_event_name": Meaning(Effect.DROPPED, "have no name", NAMED),
    "event_name_too_long": Meaning(Effect.DROPPED, "have too long a name", NAMED),
    "missing_distinct_id": Meaning(Effect.DROPPED, "have no distinct id", IDENTIFIED),
    "distinct_id_too_large": Meaning(Effect.DROPPED, "have too long a distinct id", IDENTIFIED),
    "invalid_event_timestamp": Meaning(Effect.DROPPED, "have a time that is none", ISO),
    "malformed_event_properties": Meaning(
        Effect.DROPPED, "have properties that are no JSON object", "Send properties as a JSON object"
    ),
    "invalid_options": Meaning(Effect.DROPPED, "have options that PostHog does not know", "Update the SDK"),
    "invalid_batch": Meaning(Effect.DROPPED, "came in requests that are no batch of events", "Update the SDK"),
    "missing_event_uuid": Meaning(Effect.DROPPED, "have no uuid, where the endpoint asks for one", "Update the SDK"),
    "invalid_event_uuid": Meaning(Effect.DROPPED, "have a uuid that is none", UUID),
    "duplicate_event_uuid": Meaning(Effect.DROPPED, "have the uuid of another event of the same request", UUID),
    # -------------------- lost because a team wants it so
    "event_dropped_too_old": Meaning(Effect.CONFIGURED, "are older than the team takes"),
    "event_dropped_by_transformation": Meaning(Effect.CONFIGURED, "were dropped by a transformation of the team"),
    # -------------------- the event is kept
    "cannot_merge_already_identified": Meaning(Effect.CHANGED, "were to merge a person who is identified already", IDENTIFY),
    "cannot_merge_with_illegal_distinct_id": Meaning(
        Effect.CHANGED,
        "were to merge a person into an id like null, undefined or anonymous",
        "Call identify and alias only once there is a real user id",
    ),
    "cannot_merge_attepts_exhausted": Meaning(Effect.CHANGED, "were to merge a person, in vain", IDENTIFY),
    "merge_race_condition": Meaning(Effect.CHANGED, "were to merge a person while another merge of it went on", IDENTIFY),
    "merge_move_limit_exceeded": Meaning(Effect.CHANGED, "were to merge a person with too many distinct ids", IDENTIFY),
    "merge_settled_failure": Meaning(Effect.CHANGED, "were to merge a person, in vain", IDENTIFY),
    "person_properties_size_violation": Meaning(Effect.CHANGED, "set too much on a person", SMALLER_PERSON),
    "person_upsert_message_size_too_large": Meaning(Effect.CHANGED, "set too much on a person", SMALLER_PERSON),
    "group_upsert_message_size_too_large": Meaning(Effect.CHANGED, "set too much on a group", SMALLER_GROUP),
    "ignored_invalid_timestamp": Meaning(Effect.CHANGED, "have a time that is none, and got that of their arrival", ISO),
    "event_timestamp_in_future": Meaning(Effect.CHANGED, "are dated over 23 h ahead", CLOCK),
    "ingestion_capacity_overflow": Meaning(
        Effect.CHANGED,
        "are late, since one distinct id sends more than its share",
        "Find the loop that sends so many, or give each user a distinct id of their own",
    ),
    "distinct_id_truncated": Meaning(Effect.CHANGED, "have a distinct id that was cut to 200 characters", IDENTIFIED),
    "invalid_ai_token_property": Meaning(Effect.CHANGED, "have a token count that is no number", "Send numbers as numbers"),
    "invalid_group_set": Meaning(Effect.CHANGED, "have a $group_set that is no JSON object", "Send it as a JSON object"),
    "invalid_process_person_profile": Meaning(
        Effect.CHANGED, "have a $process_person_profile that is neither true nor false", "Send true or false, not as a text"
    ),
    "invalid_type_for_object_field": Meaning(
        Effect.CHANGED, "have a field that is no JSON object where one is expected", "Send $set and its like as JSON objects"
    ),
    "invalid_heatmap_data": Meaning(Effect.CHANGED, "have heatmap data that cannot be read", HEATMAP),
    "rejecting_heatmap_data_with_invalid_url": Meaning(Effect.CHANGED, "have heatmap data without a full address", HEATMAP),
    "rejecting_heatmap_data_with_invalid_items": Meaning(Effect.CHANGED, "have heatmap data that cannot be read", HEATMAP),
    "error_tracking_exception_processing_errors": Meaning(
        Effect.CHANGED, "are exceptions whose stack could not be read", "Upload the source maps of that release"
    ),
    # -------------------- no event at all
    "client_ingestion_warning": Meaning(Effect.NONE, "are notes of the SDK"),
    "empty_batch": Meaning(Effect.NONE, "are empty requests"),
    "replay_lib_version_too_old": Meaning(Effect.NONE, "are recordings of an old SDK"),
    "message_contained_no_valid_rrweb_events": Meaning(Effect.NONE, "are recordings"),
    "message_timestamp_diff_too_large": Meaning(Effect.NONE, "are recordings"),
    "replay_timestamp_invalid": Meaning(Effect.NONE, "are recordings"),
    "replay_timestamp_too_far": Meaning(Effect.NONE, "are recordings"),
    "replay_timestamp_too_far_in_future": Meaning(Effect.NONE, "are recordings"),
}

SEVERITIES = {
    "error": Meaning(Effect.DROPPED, "were dropped for a reason that is newer than diag"),
    "warning": Meaning(Effect.CHANGED, "had a part refused for a reason that is newer than diag"),
    "info": Meaning(Effect.NONE, "are noted for a reason that is newer than diag"),
}
"""By PostHog's own rule, for types that are not above."""


def meaning(type: str, severity: str) -> Meaning:
    """What a warning of this type means; `severity` is empty where the install does not note it."""
    return TYPES.get(type) or SEVERITIES.get(severity) or Meaning(Effect.UNKNOWN, "have a warning that diag does not know")
