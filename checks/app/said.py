"""What the app's pages say of each service that it depends on."""

from collections.abc import Iterator, Sequence
from enum import StrEnum

from msgspec import Struct

from diagnostics.sources.app import AppState, SystemStatus


class Dependency(StrEnum):
    """What the app depends on, as people call it."""

    POSTGRES = "Postgres"
    REDIS = "Redis"
    CELERY = "Celery"
    KAFKA = "Kafka"
    CLICKHOUSE = "ClickHouse"
    MIGRATIONS = "migrations"


class Said(Struct, frozen=True, kw_only=True):
    """One page's word on one dependency; `dependency` is the page's own name where it has none here."""

    dependency: str
    page: str
    name: str
    ok: bool


# PostHog's names in `/_readyz` (posthog/health.py).
_READYZ = {
    "postgres": Dependency.POSTGRES,
    "postgres_flags": Dependency.POSTGRES,
    "postgres_migrations_uptodate": Dependency.MIGRATIONS,
    "kafka_connected": Dependency.KAFKA,
    "clickhouse": Dependency.CLICKHOUSE,
    "celery_broker": Dependency.CELERY,
    "cache": Dependency.REDIS,
}


def says_well(said: Sequence[Said]) -> bool:
    """Whether a page speaks that looks at the services. `/_health` does not look further than the migrations."""
    return any(one.page != "/_health" for one in said)


def said_by_pages(state: AppState) -> Iterator[Said]:
    """What the pages say that anybody may read."""
    for ready in state.readyz or ():
        dependency = _READYZ.get(ready.name, ready.name)
        yield Said(dependency=dependency, page="/_readyz", name=ready.name, ok=ready.ok)
    if state.migrated is not None:
        yield Said(dependency=Dependency.MIGRATIONS, page="/_health", name="migrations up to date", ok=state.migrated)
    if flags := state.preflight:
        # `"kafka": false` stands here on healthy installs of 2026 (PostHog/posthog#57184): /_readyz decides where there is one.
        kafka = flags.kafka if state.readyz is None else None
        words = {
            "db": (Dependency.POSTGRES, flags.postgres),
            "redis": (Dependency.REDIS, flags.redis),
            "celery": (Dependency.CELERY, flags.celery),
            "kafka": (Dependency.KAFKA, kafka),
            "clickhouse": (Dependency.CLICKHOUSE, flags.clickhouse),
        }
        for name, (dependency, ok) in words.items():
            if ok is not None:
                yield Said(dependency=dependency, page="/_preflight/", name=name, ok=ok)


def said_by_status(status: SystemStatus | None) -> Iterator[Said]:
    """What the System Status says, where a personal API key opens it."""
    if status is None:
        return
    words = {"db_alive": (Dependency.POSTGRES, status.postgres_alive), "redis_alive": (Dependency.REDIS, status.redis_alive)}
    for name, (dependency, ok) in words.items():
        if ok is not None:
            yield Said(dependency=dependency, page="/api/instance_status", name=name, ok=ok)
