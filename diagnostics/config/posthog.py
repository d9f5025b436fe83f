"""What PostHog's own environment names mean. They are the same in a container's environment and in a compose file."""

import re
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from diagnostics.config.discovery import Discoverer
from diagnostics.config.dsn import is_placeholder, parse_dsn
from diagnostics.config.errors import Invalid, shown
from diagnostics.config.urls import composed
from diagnostics.config.values import WORDS, broker

HTTP_PORT, HTTPS_PORT = 8123, 8443
NATIVE_PORTS = frozenset({9000, 9440})

SECRET_NAME = re.compile(r".*(?:PASSWORD|SECRET|SECRET_KEY|_TOKEN|SALT_KEYS|ACCESS_KEY)")
# Shorter than this a value is more likely to be an ordinary word of the report than a secret worth the name.
SHORTEST_SECRET = 6

Environment = Mapping[str, str]


def switched(environment: Environment, name: str) -> bool | None:
    """A boolean as PostHog reads it; None when it is not set or not a boolean."""
    return WORDS.get(environment.get(name, "").strip().lower())


def is_secure(environment: Environment, host: str) -> bool:
    """Whether PostHog speaks TLS to ClickHouse.

    Production Django takes CLICKHOUSE_SECURE for true when it is not set, and for false with DEBUG or TEST. A ClickHouse on
    this very host without the setting is a developer's: plain HTTP.
    """
    secure = switched(environment, "CLICKHOUSE_SECURE")
    if secure is not None:
        return secure
    local = host in ("localhost", "::1") or host.startswith("127.")
    return not (local or switched(environment, "DEBUG") or switched(environment, "TEST"))


def clickhouse_url(environment: Environment, scheme: str, address: str) -> str:
    """The URL for an address, with PostHog's user, password and database. The defaults are those of PostHog's code."""
    return composed(
        scheme,
        address,
        user=environment.get("CLICKHOUSE_USER") or "default",
        password=environment.get("CLICKHOUSE_PASSWORD") or "",
        database=environment.get("CLICKHOUSE_DATABASE") or "default",
    )


def add_clickhouse(found: Discoverer, environment: Environment, url: str, where: str) -> tuple[str, str] | None:
    """ClickHouse at `url`, with what else the environment says about it. Returns what more can go with."""
    noted = found.add_url("clickhouse.url", url, where)
    if not noted:
        return None
    this = ("clickhouse.url", noted)
    if cluster := environment.get("CLICKHOUSE_CLUSTER", ""):
        found.add("clickhouse.cluster", cluster, where, goes_with=this)
    if noted.startswith("https:") and switched(environment, "CLICKHOUSE_VERIFY") is False:
        found.add("clickhouse.verify", False, where, goes_with=this)
    return this


def add_kafka(found: Discoverer, environment: Environment, hosts: str, where: str) -> None:
    """Kafka at `hosts`: `h:p,h:p`, or `kafka://h:p,kafka+ssl://h:p` as in KAFKA_URL."""
    plain = [re.sub(r"^kafka(\+ssl)?://", "", host.strip()).rstrip("/") for host in hosts.split(",") if host.strip()]
    try:
        brokers = tuple(broker(host) for host in plain)
    except Invalid as invalid:
        found.hint("kafka.brokers", f"{where} was not used: it {invalid.what}. Set DIAG_KAFKA_BROKERS instead.")
        return
    if not brokers:
        return
    found.add("kafka.brokers", brokers, where)
    protocol = environment.get("KAFKA_SECURITY_PROTOCOL", "").upper() or ("SSL" if "kafka+ssl://" in hosts else "")
    for key, value in (
        ("kafka.security_protocol", protocol),
        ("kafka.sasl_mechanism", environment.get("KAFKA_SASL_MECHANISM", "").upper()),
        ("kafka.sasl_user", environment.get("KAFKA_SASL_USER", "")),
        ("kafka.sasl_password", environment.get("KAFKA_SASL_PASSWORD", "")),
        ("kafka.prefix", environment.get("KAFKA_PREFIX", "")),
        ("kafka.ingestion_topic", environment.get("INGESTION_CONSUMER_CONSUME_TOPIC", "")),
        ("kafka.clickhouse_topic", environment.get("CLICKHOUSE_JSON_EVENTS_KAFKA_TOPIC", "")),
        ("kafka.dead_letter_topic", environment.get("INGESTION_CONSUMER_DLQ_TOPIC", "")),
    ):
        if value:
            found.add(key, value, where, goes_with=("kafka.brokers", brokers))
    if environment.get("KAFKA_CLIENT_CERT_B64", "").strip():
        found.hint(
            "kafka.client_cert",
            "PostHog shows Kafka a certificate (KAFKA_CLIENT_CERT_B64). To show it, too, put it and its key into files and set "
            "DIAG_KAFKA_CLIENT_CERT and DIAG_KAFKA_CLIENT_KEY:\n"
            '  echo "$KAFKA_CLIENT_CERT_B64" | base64 -d > kafka-client.pem',
        )


def add_sentry(found: Discoverer, dsn_text: str, where: str) -> None:
    """Where the errors that PostHog reports can be looked up."""
    if is_placeholder(dsn_text):
        found.hint("sentry.token", f"{where} is PostHog's placeholder: this install reports no errors to Sentry.")
        return
    dsn = parse_dsn(dsn_text)
    if dsn is None:
        found.hint("sentry.token", f"{where} is not a Sentry DSN, so PostHog reports no errors to Sentry.")
        return
    found.hide(*dsn.secrets)
    if web_url := found.add_url("sentry.url", dsn.web_url, where):
        found.add("sentry.projects", (dsn.project,), where, goes_with=("sentry.url", web_url))
        found.hint(
            "sentry.token",
            f"PostHog reports errors to Sentry (project {dsn.project} at {shown(dsn.web_url)}), but a DSN can only send. To "
            "look them up, set DIAG_SENTRY_ORG and DIAG_SENTRY_TOKEN (an internal integration with event:read and org:read).",
        )


def hide_secrets(found: Discoverer, environment: Environment) -> None:
    """Passwords and keys by their names, and passwords inside URLs such as DATABASE_URL's."""
    for name, value in environment.items():
        if SECRET_NAME.fullmatch(name):
            found.hide(*(part for part in value.split(",") if len(part) >= SHORTEST_SECRET))
        elif "://" in value and "@" in value:
            try:
                password = urlsplit(value).password or ""
            except ValueError:
                continue
            if len(password) >= SHORTEST_SECRET:
                found.hide(password, unquote(password))
