"""Which part of the plugin server's work an instance does, by the checks of its `/_health` and the topics that it consumes.

PostHog's PLUGIN_SERVER_MODE splits it into roles; without one, an instance does everything. The names of the checks are those
of pluginsServer.ts (2023 to 2025) and of the services since, some of which are names of classes (`CdpProcessedEventsConsumer`).
The topics are those of plugin-server/src/config/kafka-topics.ts, behind the prefix of the install.
"""

import re
from collections.abc import Sequence
from enum import StrEnum

from diagnostics.sources.plugin_server.consumers import Consumer
from diagnostics.sources.plugin_server.health import Health


class Role(StrEnum):
    """What an instance does, as far as events are concerned."""

    EVENTS = "takes events"
    OTHER = "does other work"
    UNKNOWN = "unknown"


_EVENTS = re.compile(r"(analytics-|events-)?ingestion|ingestion-consumer-\S*events_plugin_ingestion", re.IGNORECASE)

# Everything that is known to be something else: overflow and historical lanes take only what the main lane sends on.
_OTHER = re.compile(
    r"analytics-ingestion-(overflow|historical)|ingestion-consumer-\S*_(overflow|historical|dlq)"
    r"|on-event-ingestion|webhooks-ingestion|async-\S+"
    r"|session-?re(cordings?|play)\S*|recordings?-\S+"
    r"|jobs-?\S*|scheduled-tasks\S*|scheduler|graphile\S*"
    r"|cdp\S*|cyclotron\S*|hogflow\S*"
    r"|(ingestion-)?(logs|traces|error-?tracking)\S*|property-def\S*|evaluation-scheduler"
    r"|server-commands|pubsub",
    re.IGNORECASE,
)

# What a check for ordinary events may be called tomorrow, or with a topic of the install's own.
_SOUNDS_LIKE_EVENTS = re.compile(r"ingest|event", re.IGNORECASE)

_OTHER_TOPIC = re.compile(
    r"events_plugin_ingestion_(overflow|historical|dlq|async|ai)"
    r"|session_?re(cording|play)|clickhouse_\w|plugin_log_entries|log_entries|app_metrics|conversion_events_buffer"
    r"|cdp_|cyclotron|(^|[_.-])(jobs|scheduled_tasks)(_|$)"
    r"|(^|[_.-])(logs|traces|metrics)[_-]ingestion|ingestion-(logs|traces|heatmaps|client-?warnings)"
    r"|error[_-]?tracking|exceptions[_-]",
    re.IGNORECASE,
)
_EVENTS_TOPIC = re.compile(r"(^|[_.-])ingestion-[\w-]+$", re.IGNORECASE)


def role_of(health: Health, consumers: Sequence[Consumer]) -> Role:
    """UNKNOWN for versions without checks, and as soon as one of its checks is of a kind that diag does not know, unless the
    topics that it consumes tell: since 2023 every consumer that runs is counted, also an idle one."""
    names = [check.name for check in health.checks]
    topics = [_role_of_topic(consumer) for consumer in consumers]
    if any(_EVENTS.fullmatch(name) for name in names) or Role.EVENTS in topics:
        return Role.EVENTS
    strange = strange_checks(health)
    reads_only_other = bool(topics) and all(role is Role.OTHER for role in topics)
    told_by_topics = reads_only_other and not any(_SOUNDS_LIKE_EVENTS.search(name) for name in strange)
    return Role.OTHER if names and (not strange or told_by_topics) else Role.UNKNOWN


def strange_checks(health: Health) -> list[str]:
    """The names of checks that diag does not know."""
    return [check.name for check in health.checks if not (_EVENTS.fullmatch(check.name) or _OTHER.fullmatch(check.name))]


def _role_of_topic(consumer: Consumer) -> Role:
    if consumer.takes_events:
        return Role.EVENTS
    if _OTHER_TOPIC.search(consumer.topic):
        return Role.OTHER
    return Role.EVENTS if _EVENTS_TOPIC.search(consumer.topic) else Role.UNKNOWN
