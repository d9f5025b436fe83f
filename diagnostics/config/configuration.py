"""The settings in effect, typed, and where each came from."""

from typing import Any, Literal
from urllib.parse import urlsplit

from msgspec import Struct


class Origin(Struct, frozen=True):
    """Where a value came from. `str(origin)` is for people: `environment DIAG_SITE_URL`, `/srv/diag.toml, line 3`."""

    kind: Literal["option", "environment", "file", "discovered", "default"]
    where: str = ""

    def __str__(self) -> str:
        words = {"file": "", "discovered": "discovered from ", "default": "default, "}
        return words.get(self.kind, f"{self.kind} ") + self.where if self.where else self.kind


DEFAULT = Origin("default")


class Section(Struct, frozen=True, kw_only=True):
    """A group of settings. It does not show its values, so that no log or traceback does."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: values withheld>"

    def __rich_repr__(self) -> Any:
        return ()


class ClickHouseSettings(Section, frozen=True, kw_only=True):
    """`url` holds the credentials; `ca` is an absolute path."""

    url: str | None = None
    cluster: str | None = None
    ca: str | None = None
    verify: bool = True


class KafkaSettings(Section, frozen=True, kw_only=True):
    """`brokers` are `host:port`; `ca`, `client_cert` and `client_key` absolute paths. Topics are full names."""

    brokers: tuple[str, ...] = ()
    security_protocol: str | None = None
    sasl_mechanism: str | None = None
    sasl_user: str | None = None
    sasl_password: str | None = None
    ca: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    prefix: str | None = None
    ingestion_topic: str | None = None
    clickhouse_topic: str | None = None
    dead_letter_topic: str | None = None


class SentrySettings(Section, frozen=True, kw_only=True):
    """`projects` are slugs or numbers. Whether `token` is of a kind that can read issues is for the source to say."""

    url: str = "https://sentry.io"
    org: str | None = None
    projects: tuple[str, ...] = ()
    token: str | None = None


class HttpSettings(Section, frozen=True, kw_only=True):
    """`timeout` is in seconds."""

    timeout: float = 5.0
    proxy: str | None = None
    ca: str | None = None


class Configuration(Section, frozen=True, kw_only=True):
    """Everything that was configured, discovered or is a default. Made by `load`.

    `thresholds` are the ones that were set, in the unit of their declaration. `hints` are sentences, perhaps followed by
    lines with a command, about what was seen of the install but cannot be used from here.
    """

    site_url: str | None = None
    capture_url: str | None = None
    plugin_server_urls: tuple[str, ...] = ()
    project_token: str | None = None
    personal_api_key: str | None = None
    crash_report_dsn: str | None = None
    clickhouse: ClickHouseSettings = ClickHouseSettings()
    kafka: KafkaSettings = KafkaSettings()
    sentry: SentrySettings = SentrySettings()
    http: HttpSettings = HttpSettings()
    thresholds: dict[str, float] = {}
    hints: tuple[str, ...] = ()
    origins: dict[str, Origin] = {}
    hidden: tuple[str, ...] = ()

    def value(self, key: str) -> Any:
        """The value in effect of `clickhouse.url`. Raises AttributeError for a key that does not exist."""
        value: Any = self
        for name in key.split("."):
            value = getattr(value, name)
        return value

    def origin(self, key: str) -> Origin:
        """Where the value of `clickhouse.url` or `thresholds.NAME` came from."""
        return self.origins.get(key, DEFAULT)

    def secrets(self) -> tuple[str, ...]:
        """Every value that must not be printed: tokens, keys, passwords (inside URLs as written, decoded, and with their
        user), and passwords of the install that were seen on the way. The longest come first."""
        return self.hidden

    def hosts(self) -> tuple[str, ...]:
        """The names of the install's machines, as its addresses write them; what everybody has (sentry.io) is none of them."""
        urls = (
            self.site_url,
            self.capture_url,
            *self.plugin_server_urls,
            self.clickhouse.url,
            self.sentry.url,
            self.http.proxy,
        )
        named = [urlsplit(url if "//" in url else f"//{url}").hostname for url in (*urls, *self.kafka.brokers) if url]
        return tuple(dict.fromkeys(name for name in named if name and not _is_everybodys(name)))

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing that could be looked at."""
        sentry = self.sentry.token and self.sentry.org
        addresses = (self.site_url, self.capture_url, self.plugin_server_urls, self.clickhouse.url, self.kafka.brokers, sentry)
        return not any(addresses)


def _is_everybodys(host: str) -> bool:
    return host == "localhost" or host == "sentry.io" or host.endswith(".sentry.io")
