"""The app: whether it answers, and what it says of the services it depends on.

Asks `/_preflight/`, `/_readyz`, `/_health` and `/_livez`, and the System Status when there is a personal API key.
Healthy is that at least one of them says so, none reports anything down, and none breaks with a 500. `/_livez` alone says only
that the process runs. Old versions lack `/_readyz`: that is no alarm.
It matters because the plugin server needs the same Postgres, Redis and Kafka for every event, and before 2025 the app itself
took the events.
By hand: docker compose exec web curl -sS -m 10 http://localhost:8000/_readyz
"""

from collections.abc import Iterable, Iterator, Sequence

from checks.app.actions import ASK_DIRECTLY, LOOK_AT, LOOK_AT_WEB, READ_THE_LOG
from checks.app.said import Dependency, Said, said_by_pages, said_by_status, says_well
from diagnostics import Action, Code, Column, Finding, Stage, Status, Table, check
from diagnostics.report.wording import listed
from diagnostics.sources.app import (
    HEALTH,
    INSTANCE_STATUS,
    LIVEZ,
    PREFLIGHT,
    READYZ,
    App,
    AppState,
    Page,
    Standing,
    SystemStatus,
)

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
    said = [*said_by_pages(state), *said_by_status(status)]
    down = list(dict.fromkeys(one.dependency for one in said if not one.ok))
    derived = {follower for dependency in down for follower in _FOLLOWS.get(dependency, ())}
    for dependency, raise_it in _SPECIFIC.items():
        if dependency in down and dependency not in derived:
            yield _down(raise_it, dependency, said)
    rest = [dependency for dependency in down if dependency not in derived and dependency not in _SPECIFIC]
    if rest:
        yield _not_ready(rest, said)
    troubles = [] if _explains_errors(down) else _troubles(state, said)
    if troubles:
        yield _fails(app.address(), state, troubles, said)
    elif not down:
        yield from _reaches(said) if said else [_says_nothing(app.address(), state)]
    if status and status.refusal and not down and not troubles:
        yield _no_system_status(status)


def _explains_errors(down: Iterable[str]) -> bool:
    """Whether what is down makes pages fail, so that their errors are no news. Celery works behind the pages."""
    return any(dependency != Dependency.CELERY for dependency in down)


def _troubles(state: AppState, said: Sequence[Said]) -> tuple[Page, ...]:
    """The pages that the app broke on. What only a proxy refuses is trouble where no page says that the app is well."""
    failed = state.standing(Standing.FAILED)
    return failed if says_well(said) else (*failed, *state.standing(Standing.PROXY))


def _unreached(address: str, state: AppState) -> Finding:
    claim = "The app at {} does not answer: {}" if not state.reached else "What answers at {} is not PostHog's app: {}"
    hint = [Action(text=state.hint[:1].upper() + state.hint[1:])] if state.hint else []
    return UNREACHABLE.found(
        claim.format(address, state.message),
        status=Status.UNKNOWN if state.reached else None,
        affects=[address],
        evidence=[_pages(state)],
        actions=[*hint, LOOK_AT_WEB],
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
        actions=[LOOK_AT[dependency]],
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
        actions=[LOOK_AT.get(name, LOOK_AT_WEB) for name in dependencies[:1]],
        source_text=True,
    )


def _fails(address: str, state: AppState, troubles: Sequence[Page], said: Sequence[Said]) -> Finding:
    well = sorted({one.page for one in said if one.ok and one.page != "/_health"})
    alive = ", though its process is alive (/_livez)" if state.alive and not well else ""
    claim = (
        f"The app at {address} fails with an error on every page that it was asked for"
        if state.fails_everywhere
        else f"The app at {address} answers {listed(_by_status(troubles))}{alive}"
    )
    return NOT_READY.found(
        claim,
        # One page that breaks while another looked at the services and found them well is seldom what stops anybody.
        status=Status.WARN if well else None,
        detail=_why_fails(troubles, well),
        affects=[address],
        evidence=[_pages(state)],
        actions=[READ_THE_LOG, LOOK_AT_WEB],
    )


def _by_status(troubles: Sequence[Page]) -> list[str]:
    """`500 on /_readyz and /_health`, one for each status."""
    statuses = sorted({page.status for page in troubles})
    return [f"{status} on {listed([page.path for page in troubles if page.status == status])}" for status in statuses]


def _why_fails(troubles: Sequence[Page], well: Sequence[str]) -> str:
    errors = any(page.standing is Standing.FAILED for page in troubles)
    proxys = any(page.standing is Standing.PROXY for page in troubles)
    return " ".join(
        (
            *(["An error like this is the app's own: what broke stands in its log."] if errors else []),
            *(["502, 503 and 504 are the word of a proxy that got no answer from the app."] if proxys else []),
            *([f"{listed(well)} {'says' if len(well) == 1 else 'say'} that what the app depends on is up."] if well else []),
        )
    )


def _says_nothing(address: str, state: AppState) -> Finding:
    """An answer of `/_livez` is none to the question: it looks at nothing."""
    alive = "says that its process is alive (/_livez), but" if state.alive else "answers, but"
    return NOT_READY.found(
        f"The app at {address} {alive} diag could read no page that says whether it is well",
        status=Status.UNKNOWN,
        affects=[address],
        evidence=[_pages(state)],
        actions=[ASK_DIRECTLY],
        source_text=True,
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
