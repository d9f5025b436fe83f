"""Names of machines: hidden where that was asked for, and only what is one."""

import pytest

from tests.report.redaction.sample import redacted

SHOWN_AND_HIDDEN = [
    ("getaddrinfo ENOTFOUND db-prod7.acme-internal.io", "getaddrinfo ENOTFOUND host-…"),
    ("getaddrinfo EAI_AGAIN dbprimary", "getaddrinfo EAI_AGAIN host-…"),
    ("connect to kafka-prod.acme-internal.io:9092 (id 1)", "connect to host-…:9092 (id 1)"),
    ("Kafka posthog-kafka-0.posthog.svc.cluster.local", "Kafka host-…"),
    ("see https://status.acme-internal.io/x.", "see https://host-…/x."),
    ("db7prod:5432 and DB7PROD.ACME-INTERNAL.IO", "host-…:5432 and host-…"),
    ("redis://cache9.acme-internal.io:6379", "redis://host-…:6379"),
    ("host db7prod refused, host=dbprimary, broker=k1:9092", "host host-… refused, host=host-…, broker=host-…:9092"),
    ('could not translate host name "dbprimary"', 'could not translate host name "host-…"'),
    ("[thrd:kprod1:9092/bootstrap]: kprod1:9092/1", "[thrd:host-…:9092/bootstrap]: host-…:9092/1"),
    ("http://ch-0-1:8123/ of ch1.acme.de", "http://host-…:8123/ of host-…"),
]


@pytest.mark.parametrize(("text", "safe"), SHOWN_AND_HIDDEN)
def test_a_machine_is_hidden_where_hosts_are(text: str, safe: str) -> None:
    assert redacted(text) == text
    assert redacted(text, hide_hosts=()) == safe


def test_a_name_that_spells_an_address_goes_as_a_whole() -> None:
    assert redacted("ip-10-0-3-77.eu-west-1.compute.internal", hide_hosts=()) == "host-…"


@pytest.mark.parametrize(
    "text",
    [
        "clickhouse.events-stale, dead-letters.active and app.postgres-down",
        "posthog.events, posthog.person_distinct_id2, system.parts, e.distinct_id, p.id",
        "postgres:5432, kafka:9092, redis7:6379, db:5432, http://plugins:6738/_health, clickhouse:9000, localhost:8123",
        "/etc/clickhouse-server/users.d/posthog.xml, runner.ts:214:17, manage.py, ingestion.md#dead-letters.active",
        "https://github.com/PostHog/posthog/issues/1 and https://posthog.com/docs, docs.sentry.io, example.com",
        "at java.net.Socket.connect(Socket.java:633), java.io.IOException, socket.io, app.kubernetes.io/name=posthog",
        "getaddrinfo ENOTFOUND db, host is down, host: unreachable, Broker: Message size too large",
        "http://HOST:PORT/x, http://{host}:{port}, took:9000, offset:8123, ClickHouse 24.8.7.41, v2.6.1",
        "e.g. to.be or not.at all, took 0.5us",
    ],
)
def test_it_stays(text: str) -> None:
    assert redacted(text, hide_hosts=()) == text
