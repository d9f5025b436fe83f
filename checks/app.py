"""The app: whether it answers, and what it says of the services it depends on.

Asks `/_preflight/`, `/_readyz`, `/_health` and `/_livez`, and the System Status when there is a personal API key.
Healthy is that at least one of them answers and none reports anything down. Old versions lack `/_readyz`: that is no alarm.
It matters because the plugin server needs the same Postgres, Redis and Kafka for every event, and before 2025 the app itself
took the events.
By hand: docker compose exec web curl -sS -m 10 http://localhost:8000/_readyz
"""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

from msgspec import Struct

from diagnostics import Action, Code, Column, Finding, Stage, Status, Table, check
from diagnostics.report.wording import listed
from diagnostics.sources.app import HEALTH, INSTANCE_STATUS, LIVEZ, PREFLIGHT, READYZ, App, AppState, SystemStatus

UNREACHABLE = Code(
    id="app.unreachable",
    worst=Status.FAIL,
    summary="PostHog's app does not answer",
    weak=True,
    caused_by=("app.postgres-down", "clickhouse.unreachable"),
)
NOT_READY = Code(
    id="app.not-ready",
    worst=Status.FAIL,
    summary="PostHog's app is not ready",
    weak=True,
    caused_by=(
        "app.postgres-down",
        "app.redis-down",
        "kafka.unreachable",
        "clickhouse.unreachable",
        "clickhouse.auth-failed",
        "clickhouse.database-missing",
    ),
)
POSTGRES_DOWN = Code(
    id="app.postgres-down",
    worst=Status.FAIL,
    summary="PostHog cannot use Postgres",
    contradicted_by=("app.events-visible", "canary.arrived"),
)
REDIS_DOWN = Code(id="app.redis-down", worst=Status.FAIL, summary="PostHog cannot use Redis")
CELERY_DOWN = Code(
    id="app.celery-down",
    worst=Status.FAIL,
    summary="PostHog's background worker does not run",
    weak=True,
    caused_by=("app.redis-down", "app.postgres-down"),
)


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

# What cannot be well, or cannot be told, while another is down: Celery's broker and heartbeat are in Redis.
_FOLLOWS: dict[str, tuple[str, ...]] = {
    Dependency.POSTGRES: (Dependency.MIGRATIONS,),
    Dependency.REDIS: (Dependency.CELERY,),
}


@check(
    "app-health",
    stage=Stage.APP,
    title="The app answers and everything it depends on is up",
    finds=[UNREACHABLE, NOT_READY, POSTGRES_DOWN, REDIS_DOWN, CELERY_DOWN],
    reads=[PREFLIGHT, READYZ, HEALTH, LIVEZ, INSTANCE_STATUS],
    probes=App,
)
def app_health(app: App) -> Iterator[Finding]:
    state = app.state()
    if not (state.reached and state.is_posthog):
        yield _unreached(app.address(), state)
        return
    status = app.system_status()
    said = [*_said(state), *_said_by_status(status)]
    down = list(dict.fromkeys(one.dependency for one in said if not one.ok))
    derived = {follower for dependency in down for follower in _FOLLOWS.get(dependency, ())}
    for dependency, raise_it in _SPECIFIC.items():
        if dependency in down and dependency not in derived:
            yield _down(raise_it, dependency, said)
    rest = [dependency for dependency in down if dependency not in derived and dependency not in _SPECIFIC]
    if rest:
        yield _not_ready(rest, said)
    elif state.fails_everywhere:
        yield _fails_everywhere(app.address(), state)
    elif not down:
        yield from _reaches(said)
    if status and status.refusal and not down and not state.fails_everywhere:
        yield _no_system_status(status)


def _said(state: AppState) -> Iterator[Said]:
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


def _said_by_status(status: SystemStatus | None) -> Iterator[Said]:
    if status is None:
        return
    words = {"db_alive": (Dependency.POSTGRES, status.postgres_alive), "redis_alive": (Dependency.REDIS, status.redis_alive)}
    for name, (dependency, ok) in words.items():
        if ok is not None:
            yield Said(dependency=dependency, page="/api/instance_status", name=name, ok=ok)


def _unreached(address: str, state: AppState) -> Finding:
    claim = "The app at {} does not answer: {}" if not state.reached else "What answers at {} is not PostHog's app: {}"
    hint = [Action(text=state.hint[:1].upper() + state.hint[1:])] if state.hint else []
    return UNREACHABLE.found(
        claim.format(address, state.message),
        status=Status.UNKNOWN if state.reached else None,
        affects=[address],
        evidence=[_pages(state)],
        actions=[*hint, _LOOK_AT_WEB],
        source_text=True,
    )


def _reaches(said: Sequence[Said]) -> Iterator[Finding]:
    """Speaks against an outage of what only diag cannot reach, from where it runs."""
    wanted = (Dependency.KAFKA, Dependency.CLICKHOUSE)
    told = [one for one in said if one.dependency in wanted]
    if all(one.ok for one in told) and {one.dependency for one in told} == set(wanted):
        pages = listed(list(dict.fromkeys(one.page for one in told)))
        yield NOT_READY.found(f"The app says in {pages} that it reaches Kafka and ClickHouse", status=Status.OK)


def _no_system_status(status: SystemStatus) -> Finding:
    return UNREACHABLE.found(
        f"The System Status could not be read: {status.refusal}",
        status=Status.INFO,
        actions=[Action(text="Give a personal API key that is allowed to: DIAG_PERSONAL_API_KEY")],
    )


def _down(code: Code, dependency: str, said: Iterable[Said]) -> Finding:
    about = [one for one in said if one.dependency == dependency]
    against = sorted({one.page for one in about if one.ok} - {one.page for one in about if not one.ok})
    pages = listed(list(dict.fromkeys(one.page for one in about if not one.ok)))
    detail = f"{listed(against)} says otherwise: it may come and go." if against else ""
    return code.found(
        f"The app says in {pages} that {dependency} is down",
        detail=detail,
        affects=[dependency],
        evidence=[_table(about)],
        actions=[_LOOK_AT[dependency]],
    )


def _not_ready(dependencies: list[str], said: Iterable[Said]) -> Finding:
    about = [one for one in said if one.dependency in dependencies]
    pages = listed(list(dict.fromkeys(one.page for one in about if not one.ok)))
    named = [
        "its migrations are not up to date" if name == Dependency.MIGRATIONS else f"{name} is down" for name in dependencies
    ]
    return NOT_READY.found(
        f"The app says in {pages} that {listed(named)}",
        detail="During an upgrade this is normal for some minutes.",
        affects=dependencies,
        evidence=[_table(about)],
        actions=[_LOOK_AT.get(name, _LOOK_AT_WEB) for name in dependencies[:1]],
        source_text=True,
    )


def _fails_everywhere(address: str, state: AppState) -> Finding:
    return NOT_READY.found(
        f"The app at {address} fails with an error on every page that it was asked for",
        affects=[address],
        evidence=[_pages(state)],
        actions=[_LOOK_AT_WEB],
    )


def _table(said: Iterable[Said]) -> Table:
    return Table(
        title="What the app says",
        columns=(Column(name="page"), Column(name="check", kind="source-text"), Column(name="up")),
        rows=tuple((one.page, one.name, one.ok) for one in said),
    )


def _pages(state: AppState) -> Table:
    return Table(
        title="What each page answered",
        columns=(Column(name="page"), Column(name="answer")),
        rows=tuple((page.path, page.said) for page in state.pages),
    )


_SPECIFIC: dict[str, Code] = {
    Dependency.POSTGRES: POSTGRES_DOWN,
    Dependency.REDIS: REDIS_DOWN,
    Dependency.CELERY: CELERY_DOWN,
}

_LOOK_AT_WEB = Action(
    text="See whether PostHog's app runs, and what it says",
    commands=(
        "docker compose ps --all web proxy",
        "docker compose logs --tail 100 web",
        "kubectl -n posthog get pods -l role=web",
        "kubectl -n posthog logs deployment/posthog-web --tail 100",
    ),
)
_LOOK_AT: dict[str, Action] = {
    Dependency.POSTGRES: Action(
        text="See whether Postgres takes connections, and whether it has any left",
        commands=(
            "docker compose exec db pg_isready -U posthog",
            "docker compose exec db psql -U posthog "
            "-c \"select count(*), current_setting('max_connections') from pg_stat_activity\"",
        ),
    ),
    Dependency.REDIS: Action(
        text="See whether Redis runs, and whether its memory is full",
        commands=("docker compose ps --all | grep -E 'redis|valkey'", "docker compose exec redis7 redis-cli info memory"),
    ),
    Dependency.CELERY: Action(
        text="See whether the worker runs, and what it says",
        commands=(
            "docker compose ps --all worker",
            "docker compose logs --tail 100 worker",
            "kubectl -n posthog logs deployment/posthog-worker --tail 100",
        ),
    ),
    Dependency.KAFKA: Action(
        text="See whether Kafka runs and has disk left",
        commands=("docker compose ps --all kafka", "docker compose logs --tail 50 kafka"),
    ),
    Dependency.CLICKHOUSE: Action(
        text="See whether ClickHouse answers",
        commands=("docker compose exec clickhouse clickhouse-client -q 'select 1'",),
    ),
    Dependency.MIGRATIONS: Action(
        text="See which migrations are missing; let one that runs come to its end",
        commands=(
            "docker compose exec web python manage.py showmigrations --plan | grep '\\[ \\]'",
            "kubectl -n posthog get jobs",
        ),
    ),
}
