"""Discovery from PostHog's environment names, as they are set where PostHog runs, and from sentry-cli's.

These are the addresses that PostHog itself uses, so they are taken to be reachable from here.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from diagnostics.config.discovery import Discoverer, Discovery
from diagnostics.config.posthog import (
    HTTP_PORT,
    HTTPS_PORT,
    NATIVE_PORTS,
    add_clickhouse,
    add_kafka,
    add_sentry,
    clickhouse_url,
    hide_secrets,
    is_secure,
)

HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)(?::([0-9]{1,5}))?")

# The names under which PostHog keeps secrets that may turn up in an error text. Nobody else's are looked at.
SECRETS = (
    "CDP_REDIS_PASSWORD",
    "CLICKHOUSE_API_PASSWORD",
    "CLICKHOUSE_APP_PASSWORD",
    "CLICKHOUSE_PASSWORD",
    "CYCLOTRON_DATABASE_URL",
    "DATABASE_URL",
    "ENCRYPTION_SALT_KEYS",
    "INTERNAL_API_SECRET",
    "KAFKA_SASL_PASSWORD",
    "PERSONS_DATABASE_URL",
    "PGPASSWORD",
    "PLUGIN_SERVER_API_TOKEN",
    "POSTHOG_DB_PASSWORD",
    "POSTHOG_REDIS_PASSWORD",
    "POSTHOG_SECRET",
    "REDIS_URL",
    "SECRET_KEY",
)


def discover(environ: Mapping[str, str]) -> Discovery:
    """What PostHog's names in `environ` say. An empty value is as good as none."""
    found = Discoverer()
    environment = {name: value for name, value in environ.items() if value.strip()}
    if site_url := environment.get("SITE_URL"):
        found.add_url("site_url", site_url, _where("SITE_URL"))
    if plugin_server := environment.get("CDP_API_URL"):
        found.add_url("plugin_server_urls", plugin_server, _where("CDP_API_URL"))
    if host := environment.get("CLICKHOUSE_HOST"):
        _clickhouse(found, environment, host.strip())
    for name in ("KAFKA_HOSTS", "KAFKA_URL"):
        if hosts := environment.get(name):
            add_kafka(found, environment, hosts, _where(name))
            break
    _sentry(found, environment)
    hide_secrets(found, {name: environment[name] for name in SECRETS if name in environment})
    return found.discovery()


def _where(name: str) -> str:
    return f"{name} in the environment"


def _clickhouse(found: Discoverer, environment: Mapping[str, str], written: str) -> None:
    """CLICKHOUSE_HOST has no port; one that stands there all the same is used unless it is the native protocol's."""
    where = _where("CLICKHOUSE_HOST")
    match = HOST.fullmatch(written)
    if not match:
        found.hint("clickhouse.url", f"{where} was not used: it is not the name of a host. Set DIAG_CLICKHOUSE_URL instead.")
        return
    host = match[1].strip("[]")
    secure = is_secure(environment, host)
    given = int(match[2] or 0)
    port = given if given and given not in NATIVE_PORTS else HTTPS_PORT if secure else HTTP_PORT
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    url = clickhouse_url(environment, "https" if secure else "http", address)
    this = add_clickhouse(found, environment, url, where)
    ca = environment.get("CLICKHOUSE_CA", "").strip()
    if this and secure and ca and _is_file(ca):
        found.add("clickhouse.ca", ca, _where("CLICKHOUSE_CA"), goes_with=this)


def _is_file(path: str) -> bool:
    try:
        return Path(path).is_file()
    except OSError:
        return False


def _sentry(found: Discoverer, environment: Mapping[str, str]) -> None:
    """sentry-cli's names come first: whoever set them meant a look-up, while the DSN is for sending."""
    if url := environment.get("SENTRY_URL"):
        found.add_url("sentry.url", url, _where("SENTRY_URL"))
    if org := environment.get("SENTRY_ORG"):
        found.add("sentry.org", org.strip(), _where("SENTRY_ORG"))
    if project := environment.get("SENTRY_PROJECT"):
        found.add("sentry.projects", (project.strip(),), _where("SENTRY_PROJECT"))
    if dsn := environment.get("SENTRY_DSN"):
        add_sentry(found, dsn, _where("SENTRY_DSN"))
