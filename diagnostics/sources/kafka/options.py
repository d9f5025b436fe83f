"""How Kafka is reached and what PostHog calls its topics there."""

from typing import Any

from msgspec import Struct

SETUP_MS = 4000
"""Milliseconds that a broker may take to accept a connection, encryption and login included."""


class KafkaOptions(Struct, frozen=True, kw_only=True):
    """`ca`, `client_cert` and `client_key` are paths of PEM files. Without `security_protocol` a user's password is never
    sent in clear text, and a certificate means TLS."""

    security_protocol: str | None = None
    sasl_mechanism: str | None = None
    sasl_user: str | None = None
    sasl_password: str | None = None
    ca: str | None = None
    client_cert: str | None = None
    client_key: str | None = None

    def __repr__(self) -> str:
        return "<KafkaOptions: values withheld>"

    @property
    def protocol(self) -> str:
        """One of librdkafka's four."""
        if self.security_protocol:
            return self.security_protocol
        if self.sasl_user:
            return "SASL_SSL"
        return "SSL" if self.ca or self.client_cert else "PLAINTEXT"


class KafkaTopics(Struct, frozen=True, kw_only=True):
    """The full names of the topics on the path of an event."""

    ingestion: str = "events_plugin_ingestion"
    clickhouse: str = "clickhouse_events_json"
    dead_letters: str = "events_plugin_ingestion_dlq"
    prefix: str = ""

    @classmethod
    def named(cls, *, prefix: str, ingestion: str | None, clickhouse: str | None, dead_letters: str | None) -> "KafkaTopics":
        """PostHog puts its KAFKA_PREFIX before the names that stand in its code; INGESTION_CONSUMER_CONSUME_TOPIC,
        CLICKHOUSE_JSON_EVENTS_KAFKA_TOPIC and INGESTION_CONSUMER_DLQ_TOPIC replace them as a whole."""
        usual = cls()
        return cls(
            ingestion=ingestion or prefix + usual.ingestion,
            clickhouse=clickhouse or prefix + usual.clickhouse,
            dead_letters=dead_letters or prefix + usual.dead_letters,
            prefix=prefix,
        )

    @property
    def overflow(self) -> tuple[str, ...]:
        """Side roads of the ingestion topic: where the events of one person or a past import go when they are too many."""
        return (f"{self.prefix}events_plugin_ingestion_overflow", f"{self.prefix}events_plugin_ingestion_historical")

    @property
    def clickhouse_before_2022(self) -> str:
        return f"{self.prefix}clickhouse_events_proto"

    @property
    def for_clickhouse(self) -> tuple[str, ...]:
        """What ClickHouse reads; the others are the plugin server's."""
        return (self.clickhouse, self.clickhouse_before_2022)


# Who reads the topics of the path in PostHog's versions of 2021 to 2026, ClickHouse's groups included. Only asked about where
# the broker does not tell which groups there are: the names can be changed.
KNOWN_GROUPS = (
    "clickhouse-ingestion",
    "ingestion",
    "events-ingestion-consumer",
    "clickhouse-ingestion-overflow",
    "clickhouse-ingestion-historical",
    "group1",
    "clickhouse_events_json",
    "clickhouse-plugin-server-async",
)


def configuration(brokers: tuple[str, ...], options: KafkaOptions) -> dict[str, Any]:
    """What librdkafka needs for a client that only looks."""
    chosen = {
        "security.protocol": options.protocol,
        "sasl.mechanism": (options.sasl_mechanism or "PLAIN") if options.protocol.startswith("SASL") else None,
        "sasl.username": options.sasl_user,
        "sasl.password": options.sasl_password,
        "ssl.ca.location": options.ca,
        "ssl.certificate.location": options.client_cert,
        "ssl.key.location": options.client_key,
    }
    return {
        "bootstrap.servers": ",".join(brokers),
        "client.id": "posthog-diag",
        "socket.connection.setup.timeout.ms": SETUP_MS,
        "socket.keepalive.enable": True,
        "reconnect.backoff.ms": 50,
        "reconnect.backoff.max.ms": 500,
        "log_level": 6,
        "log.connection.close": True,
        "enable.metrics.push": False,  # newer brokers may ask a client for its own metrics; diag has none to give
        **{name: value for name, value in chosen.items() if value},
    }


READING_ONLY: dict[str, Any] = {
    # librdkafka wants a group to be named. It is joined by subscribing alone, which diag never does.
    "group.id": "posthog-diag-never-joined",
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "auto.offset.reset": "error",
    "enable.partition.eof": True,
    "allow.auto.create.topics": False,
    "fetch.wait.max.ms": 100,
    # One message is wanted of each partition, or some hundred of a small topic: no broker shall send megabytes for that.
    "queued.min.messages": 1,
    "fetch.queue.backoff.ms": 10,
    "max.partition.fetch.bytes": 262_144,
    "fetch.max.bytes": 1_048_576,
}
