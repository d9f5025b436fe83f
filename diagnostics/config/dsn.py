"""Sentry DSNs: `https://<key>[:<secret>]@<host>[/prefix]/<project id>`. A DSN only sends; from it one learns where to look."""

import re
from urllib.parse import urlsplit

from msgspec import Struct

# PostHog's hobby installer writes this when no Sentry is given.
PLACEHOLDER_HOST = "sentry.example.com"

# `o123.ingest.us.sentry.io`, and `o123.ingest.sentry.io` of organizations older than the regions: those live in `us`.
INGEST = re.compile(r"(?:.+\.)?ingest(?:\.([a-z]{2,8}))?\.sentry\.io")


class Dsn(Struct, frozen=True, kw_only=True):
    """Where the events of a DSN can be looked up: the base of the web API and the number of the project."""

    web_url: str
    project: str
    secrets: tuple[str, ...]


def parse_dsn(text: str) -> Dsn | None:
    """None for anything that is not a DSN."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    prefix, _, project = parts.path.rstrip("/").rpartition("/")
    if parts.scheme not in ("http", "https") or not host or not parts.username or not re.fullmatch(r"[0-9]{1,19}", project):
        return None
    if ingest := INGEST.fullmatch(host):
        web_url = f"https://{ingest[1] or 'us'}.sentry.io"
    else:
        address = f"[{host}]" if ":" in host else host
        web_url = f"{parts.scheme}://{address}" + (f":{port}" if port else "") + prefix
    secrets = tuple(secret for secret in (parts.username, parts.password) if secret)
    return Dsn(web_url=web_url, project=project, secrets=secrets)


def is_placeholder(text: str) -> bool:
    """Whether it is the DSN that stands for "no Sentry" in a PostHog install: `https://public@sentry.example.com/1`.

    The first hobby installers wrote it with single quotes around it, which a shell keeps.
    """
    return text.strip().strip("'\"").startswith(f"https://public@{PLACEHOLDER_HOST}/")


def is_sentrys_own(web_url: str) -> bool:
    """Whether the address belongs to sentry.io, and not to a server that anybody may run."""
    parts = urlsplit(web_url)
    return parts.scheme == "https" and f".{parts.hostname}".endswith(".sentry.io")
