"""Every setting, declared once: options, environment names, keys of `diag.toml`, help and `diag config` follow from it."""

from enum import Enum

from msgspec import Struct


class Kind(Enum):
    """How a value is written. In `diag.toml` lists may also be arrays, and durations numbers of seconds."""

    TEXT = "text"
    URL = "URL"
    URLS = "comma-separated URLs"
    LIST = "comma-separated words"
    BROKERS = "comma-separated host:port"
    DURATION = "duration"
    BOOL = "true or false"
    PATH = "path"


class Setting(Struct, frozen=True, kw_only=True):
    """One setting.

    `also` are environment names beside the one made from the key. `schemes` and `choices` are the only ones accepted.
    `falls_back_to` is the setting whose value this one takes when it is not set. `secret` means the value as a whole;
    the password inside a URL is a secret in any case.
    """

    key: str
    kind: Kind
    help: str
    example: str
    default: str | float | bool | None = None
    secret: bool = False
    also: tuple[str, ...] = ()
    schemes: tuple[str, ...] = ("http", "https")
    choices: tuple[str, ...] = ()
    falls_back_to: str | None = None

    @property
    def option(self) -> str:
        """`clickhouse.url` is `--clickhouse-url`."""
        return "--" + self.parameter.replace("_", "-")

    @property
    def parameter(self) -> str:
        """The option's name as an identifier: `clickhouse_url`."""
        return self.key.replace(".", "_")

    @property
    def environment(self) -> tuple[str, ...]:
        """The first one that is set wins."""
        return (f"DIAG_{self.parameter.upper()}", *self.also)


SETTINGS: tuple[Setting, ...] = (
    Setting(
        key="site_url",
        kind=Kind.URL,
        help="The PostHog app, as people open it in the browser.",
        example="https://posthog.example.com",
    ),
    Setting(
        key="capture_url",
        kind=Kind.URL,
        help="Where SDKs send events, when that is not the app's address.",
        example="https://events.example.com",
        falls_back_to="site_url",
    ),
    Setting(
        key="plugin_server_urls",
        kind=Kind.URLS,
        help="The plugin servers, one for each role or replica.",
        example="http://plugins:6738",
    ),
    Setting(
        key="project_token",
        kind=Kind.TEXT,
        secret=True,
        help="The project that a canary event is sent to; only `--canary` needs it.",
        example="env:POSTHOG_PROJECT_TOKEN",
    ),
    Setting(
        key="personal_api_key",
        kind=Kind.TEXT,
        secret=True,
        help="A personal API key of a staff user, to read PostHog's System Status.",
        example="env:POSTHOG_PERSONAL_API_KEY",
    ),
    Setting(
        key="clickhouse.url",
        kind=Kind.URL,
        schemes=("http", "https", "chdb"),
        help="ClickHouse's HTTP interface with user, password and database (env:NAME hides the password), or chdb:///path.",
        example="http://default:password@clickhouse:8123/posthog",
    ),
    Setting(
        key="clickhouse.cluster",
        kind=Kind.TEXT,
        help="The cluster for questions that must reach every node; found out when not given.",
        example="posthog",
    ),
    Setting(
        key="clickhouse.ca",
        kind=Kind.PATH,
        help="A file of certificate authorities to trust for ClickHouse, instead of the system's.",
        example="/etc/ssl/clickhouse-ca.pem",
    ),
    Setting(
        key="clickhouse.verify",
        kind=Kind.BOOL,
        default=True,
        help="Whether ClickHouse's TLS certificate is verified.",
        example="true",
    ),
    Setting(
        key="kafka.brokers",
        kind=Kind.BROKERS,
        help="Kafka's bootstrap brokers.",
        example="kafka:9092",
    ),
    Setting(
        key="kafka.security_protocol",
        kind=Kind.TEXT,
        choices=("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"),
        help="How Kafka is spoken to.",
        example="SASL_SSL",
    ),
    Setting(
        key="kafka.sasl_mechanism",
        kind=Kind.TEXT,
        choices=("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"),
        help="How one logs in to Kafka.",
        example="SCRAM-SHA-512",
    ),
    Setting(key="kafka.sasl_user", kind=Kind.TEXT, help="Kafka's user.", example="diag"),
    Setting(
        key="kafka.sasl_password",
        kind=Kind.TEXT,
        secret=True,
        help="The password of Kafka's user.",
        example="file:/run/secrets/kafka-password",
    ),
    Setting(
        key="kafka.ca",
        kind=Kind.PATH,
        help="A file of certificate authorities to trust for Kafka, instead of the system's.",
        example="/etc/ssl/kafka-ca.pem",
    ),
    Setting(
        key="kafka.client_cert",
        kind=Kind.PATH,
        help="The certificate (PEM) that one shows to a Kafka that wants one.",
        example="/etc/ssl/kafka-client.pem",
    ),
    Setting(
        key="kafka.client_key",
        kind=Kind.PATH,
        help="The key (PEM) of that certificate.",
        example="/etc/ssl/kafka-client.key",
    ),
    Setting(
        key="kafka.prefix",
        kind=Kind.TEXT,
        help="What stands before the names of all topics: PostHog's KAFKA_PREFIX.",
        example="posthog-1.",
    ),
    Setting(
        key="kafka.ingestion_topic",
        kind=Kind.TEXT,
        help="The topic that capture writes events to, when it is not events_plugin_ingestion.",
        example="events_plugin_ingestion",
    ),
    Setting(
        key="kafka.clickhouse_topic",
        kind=Kind.TEXT,
        help="The topic that ClickHouse reads events from, when it is not clickhouse_events_json.",
        example="clickhouse_events_json",
    ),
    Setting(
        key="kafka.dead_letter_topic",
        kind=Kind.TEXT,
        help="The topic of events that could not be processed, when it is not events_plugin_ingestion_dlq.",
        example="events_plugin_ingestion_dlq",
    ),
    Setting(
        key="sentry.url",
        kind=Kind.URL,
        default="https://sentry.io",
        help="The base of Sentry's web API: a self-hosted server or a region.",
        example="https://de.sentry.io",
    ),
    Setting(key="sentry.org", kind=Kind.TEXT, help="The slug of the Sentry organization.", example="my-company"),
    Setting(
        key="sentry.projects",
        kind=Kind.LIST,
        help="The slugs or numbers of the Sentry projects that PostHog reports to; all that the token sees when not given.",
        example="posthog-plugin-server",
    ),
    Setting(
        key="sentry.token",
        kind=Kind.TEXT,
        secret=True,
        also=("SENTRY_AUTH_TOKEN",),
        help="A token of a Sentry internal integration that may read issues (event:read, org:read); a DSN cannot.",
        example="env:SENTRY_AUTH_TOKEN",
    ),
    Setting(
        key="http.timeout",
        kind=Kind.DURATION,
        default=5.0,
        help="How long one HTTP request may take.",
        example="5s",
    ),
    Setting(
        key="http.proxy",
        kind=Kind.URL,
        help="The proxy for HTTP requests; HTTP_PROXY, HTTPS_PROXY and NO_PROXY apply when not given.",
        example="http://proxy.example.com:3128",
    ),
    Setting(
        key="http.ca",
        kind=Kind.PATH,
        help="A file of certificate authorities to trust for HTTPS, instead of the system's.",
        example="/etc/ssl/company-ca.pem",
    ),
    Setting(
        key="crash_report_dsn",
        kind=Kind.URL,
        secret=True,
        help="The Sentry DSN that diag reports its own crashes to; it reports none when not given.",
        example="https://key@sentry.example.com/7",
    ),
)

BY_KEY: dict[str, Setting] = {setting.key: setting for setting in SETTINGS}

FILE_NAME = "diag.toml"
"""Looked for in the current directory, then in the user's configuration directory `posthog-diag`."""
