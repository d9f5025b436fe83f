"""What an instance does, by the names that each generation gives its checks; a name that nobody knows proves nothing."""

import pytest

from diagnostics.lab.plugin_server import CHECKS
from diagnostics.sources.plugin_server.consumers import Consumer
from diagnostics.sources.plugin_server.health import Health, HealthStatus, ServiceCheck
from diagnostics.sources.plugin_server.roles import Role, role_of


def health(*names: str) -> Health:
    checks = tuple(ServiceCheck(name=name, status=HealthStatus.OK) for name in names)
    return Health(address="http://a", reached=True, recognised=True, status=HealthStatus.OK, checks=checks)


@pytest.mark.parametrize(
    ("names", "role"),
    [
        (["analytics-ingestion"], Role.EVENTS),
        (["analytics-ingestion", "on-event-ingestion", "session-recordings-blob"], Role.EVENTS),
        (["ingestion-consumer-events_plugin_ingestion"], Role.EVENTS),
        (["ingestion-consumer-acme_events_plugin_ingestion", "a-new-one"], Role.EVENTS),
        (["analytics-ingestion-overflow"], Role.OTHER),
        (["ingestion-consumer-events_plugin_ingestion_historical"], Role.OTHER),
        (["session-recordings-blob", "session-recordings-blob-overflow"], Role.OTHER),
        (["cdp-processed-events", "cdp-function-callbacks"], Role.OTHER),
        (["webhooks-ingestion", "on-event-ingestion"], Role.OTHER),
        (["logs-ingestion-consumer"], Role.OTHER),
        (["cdp-processed-events", "a-service-of-tomorrow"], Role.UNKNOWN),
        (["ingestion-consumer-my_own_topic"], Role.UNKNOWN),
        (["CdpProcessedEventsConsumer", "SessionRecordingIngester"], Role.OTHER),
        ([], Role.UNKNOWN),
    ],
)
def test_by_its_checks(names: list[str], role: Role) -> None:
    assert role_of(health(*names), ()) is role


def test_the_topic_that_it_consumes_counts_as_well() -> None:
    consumer = Consumer(address="http://a", topic="events_plugin_ingestion", group="g")
    assert role_of(health("cdp-processed-events"), (consumer,)) is Role.EVENTS


def reads(*topics: str) -> tuple[Consumer, ...]:
    return tuple(Consumer(address="http://a", topic=topic, group="g") for topic in topics)


@pytest.mark.parametrize(
    ("names", "topics", "role"),
    [
        (["a-service-of-tomorrow"], ["clickhouse_events_json"], Role.OTHER),
        (["cdp", "a-service-of-tomorrow"], ["cdp_internal_events", "clickhouse_app_metrics2"], Role.OTHER),
        (["a-service-of-tomorrow"], ["acme_session_recording_snapshot_item_overflow", "jobs"], Role.OTHER),
        (["a-service-of-tomorrow"], ["ingestion-errortracking-main", "logs_ingestion"], Role.OTHER),
        (["a-service-of-tomorrow"], ["events_plugin_ingestion_overflow"], Role.OTHER),
        (["a-service-of-tomorrow"], ["clickhouse_events_json", "acme.events_plugin_ingestion"], Role.EVENTS),
        (["a-service-of-tomorrow"], ["ingestion-general-main"], Role.EVENTS),
        (["a-service-of-tomorrow"], ["clickhouse_events_json", "my_own_topic"], Role.UNKNOWN),
        (["ingestion-consumer-my_own_topic"], ["clickhouse_events_json"], Role.UNKNOWN),
        (["a-service-of-tomorrow"], [], Role.UNKNOWN),
        ([], ["clickhouse_events_json"], Role.UNKNOWN),
    ],
)
def test_by_its_topics_where_diag_does_not_know_the_checks(names: list[str], topics: list[str], role: Role) -> None:
    assert role_of(health(*names), reads(*topics)) is role


@pytest.mark.parametrize(("role", "names"), CHECKS.items())
def test_the_roles_of_the_stand_in(role: str, names: tuple[str, ...]) -> None:
    assert role_of(health(*names), ()) is (Role.EVENTS if role in ("", "ingestion") else Role.OTHER)
