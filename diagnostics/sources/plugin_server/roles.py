"""Which part of the plugin server's work an instance does, by the checks of its `/_health` and the topics that it consumes.

PostHog's PLUGIN_SERVER_MODE splits it into roles; without one, an instance does everything. The names of the checks are those
of pluginsServer.ts (2023 to 2025) and of the services since.
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


_EVENTS = re.compile(r"(analytics-|events-)?ingestion|ingestion-consumer-\S*events_plugin_ingestion")

# Everything that is known to be something else: overflow and historical lanes take only what the main lane sends on.
_OTHER = re.compile(
    r"analytics-ingestion-(overflow|historical)|ingestion-consumer-\S*_(overflow|historical|dlq)"
    r"|on-event-ingestion|webhooks-ingestion|async-\S+"
    r"|session-?re(cordings?|play)\S*|recordings?-\S+"
    r"|jobs-?\S*|scheduled-tasks\S*|scheduler|graphile\S*"
    r"|cdp\S*|cyclotron\S*|hogflow\S*"
    r"|(ingestion-)?(logs|traces|error-?tracking)\S*|property-def\S*|evaluation-scheduler"
    r"|server-commands|pubsub"
)


def role_of(health: Health, consumers: Sequence[Consumer]) -> Role:
    """UNKNOWN as soon as one of its checks is of a kind that diag does not know, and for versions without checks."""
    names = [check.name for check in health.checks]
    if any(_EVENTS.fullmatch(name) for name in names) or any(consumer.takes_events for consumer in consumers):
        return Role.EVENTS
    if names and all(_OTHER.fullmatch(name) for name in names):
        return Role.OTHER
    return Role.UNKNOWN
