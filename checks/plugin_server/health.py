"""The plugin server: whether every instance answers, says that it is healthy, and consumes.

Asks `/_health` and `/_ready` of each configured instance (one for each role or replica), and compares that with what the app
says of the plugin server.
Healthy is a 200 whose checks are all ok; a word that diag does not know is neither that nor an alarm. Versions before 2023 run
no checks: their `ok` says only that the process runs.
It matters because no event gets beyond Kafka without it, and Kafka deletes what waits too long.
By hand: docker compose exec web curl -sS -m 5 -i http://plugins:6738/_health
"""

import re
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from msgspec import structs

from checks.plugin_server.findings import NAMED, READ_LOG, RESTART, announced, explained, listed, rebalancing_for, start_actions
from diagnostics import (
    Action,
    Code,
    Finding,
    KnownErrors,
    Stage,
    Status,
    Threshold,
    Thresholds,
    Values,
    check,
    span_s,
)
from diagnostics.sources.app import INSTANCE_STATUS, PREFLIGHT, App
from diagnostics.sources.plugin_server import HEALTH, READY, Health, HealthStatus, PluginServer, Readiness
from diagnostics.sources.plugin_server.roles import Role, role_of

REBALANCING = Threshold(
    "plugin-server-health.rebalancing-for",
    60.0,
    "s",
    "a consumer that is rebalancing for this long is not ready; shorter is normal after a start or a change of replicas",
)

UNREACHABLE = Code(
    id="plugin-server.unreachable",
    worst=Status.FAIL,
    summary="it does not answer",
    contradicted_by=("app.events-visible", "canary.arrived"),
    # What it was seen to end on: it stops without Redis or a topic, and waits for migrations before it starts.
    caused_by=("app.postgres-down", "app.redis-down", "app.not-ready", "kafka.unreachable", "kafka.topic-missing"),
)
UNHEALTHY = Code(
    id="plugin-server.unhealthy",
    worst=Status.FAIL,
    summary="it says itself that it is unhealthy",
    contradicted_by=("app.events-visible", "canary.arrived"),
    caused_by=("app.postgres-down", "app.redis-down", "kafka.unreachable", "kafka.topic-missing"),
)
NOT_READY = Code(
    id="plugin-server.not-ready",
    worst=Status.FAIL,
    summary="it runs, but its consumer takes no events",
    contradicted_by=("app.events-visible", "canary.arrived"),
    caused_by=("app.postgres-down", "app.redis-down", "kafka.unreachable", "kafka.topic-missing"),
)
# Services of a split plugin server by their names in PostHog's compose file and Kubernetes: none takes ordinary events.
_OTHER_WORK = re.compile(r"replay|recording|cdp|logs|traces|error-?tracking|cyclotron|hogflow|jobs|scheduler", re.IGNORECASE)
# What these lanes get are ordinary events, only not at once.
_LANES = re.compile(r"overflow|historical", re.IGNORECASE)

_NOT_FROM_HERE = (
    "Its port is not published in a default install: if diag runs outside PostHog's network, it may just not get there."
)
_NOT_NAMED_FOR_EVENTS = (
    "By its name it does other work than ordinary events, whose checks are ok elsewhere: missing events have another cause."
)

DISAGREES = Code(
    id="plugin-server.heartbeat-disagrees",
    worst=Status.INFO,
    summary="the app and the plugin server do not agree on whether the plugin server is up",
)


@check(
    "plugin-server-health",
    stage=Stage.PLUGIN_SERVER,
    title="The plugin server answers and says that it is healthy",
    finds=[UNREACHABLE, UNHEALTHY, NOT_READY],
    reads=[HEALTH, READY],
    thresholds=[REBALANCING],
    probes=PluginServer,
)
def plugin_server_health(plugin_server: PluginServer, known: KnownErrors, limits: Thresholds) -> Iterator[Finding]:
    instances = plugin_server.health()
    total = len(instances)
    answering = [health for health in instances if health.recognised]
    rebalancing = {health.address: seconds for health in answering if (seconds := rebalancing_for(health)) is not None}
    judged = [health for health in answering if health.address not in rebalancing]
    sick = [health for health in judged if health.status is HealthStatus.ERROR]
    degraded = [health for health in judged if health.status is HealthStatus.DEGRADED and not _only_noise(health, known)]
    unknown = [health for health in judged if _not_clear(health)]
    unready = [health for health in judged if health.status is not HealthStatus.ERROR and health.ready is Readiness.NO]
    silent = [health for health in instances if not health.reached and not health.barred]
    named_otherwise = [health for health in silent if _OTHER_WORK.search(_host(health)) and _goes_on(answering)]
    yield from _unreached([health for health in silent if health not in named_otherwise], total)
    yield from _unreached(named_otherwise, total, Status.WARN, _NOT_NAMED_FOR_EVENTS)
    yield from _unrecognised([health for health in instances if health.barred or (health.reached and not health.recognised)])
    beside = [health for health in sick if _spares_events(health, answering)]
    yield from _unhealthy([health for health in sick if health not in beside], total, known, Status.FAIL, "unhealthy")
    yield from _unhealthy(beside, total, known, Status.WARN, "unhealthy", _NOT_OF_EVENTS)
    yield from _unhealthy(degraded, total, known, Status.WARN, "degraded")
    yield from _not_understood(unknown, total)
    yield from _not_ready(unready, total)
    yield from _still_rebalancing(rebalancing, limits(REBALANCING))
    troubled = {health.address for group in (sick, degraded, unknown, unready) for health in group} | set(rebalancing)
    if answering and not troubled and len(answering) == total:
        yield UNHEALTHY.found(announced(answering), status=Status.OK)


@check(
    "plugin-server-heartbeat",
    stage=Stage.PLUGIN_SERVER,
    title="The app sees the plugin server as it is",
    finds=[DISAGREES],
    reads=[PREFLIGHT, INSTANCE_STATUS, HEALTH],
)
def plugin_server_heartbeat(app: App, plugin_server: PluginServer) -> Iterator[Finding]:
    """Compares the app's word on the plugin server (`/_preflight/`, or the System Status) with `/_health`.

    Healthy is that both agree. They do not for every healthy plugin server whose version writes no heartbeat into Redis any
    more, and for apps that ask a CDP_API_URL that fits only PostHog's own cloud.
    It matters because the System Status page then sends people to restart what works.
    By hand: docker compose exec web curl -sS -m 5 http://localhost:8000/_preflight/
    """
    heartbeat = _heartbeat(app)
    instances = plugin_server.health()
    up = [health for health in instances if health.up]
    silent = [health for health in instances if not health.reached and not health.barred]
    down = [*silent, *(health for health in instances if health.status is HealthStatus.ERROR)]
    if not up and not down:  # silence would count as an answer to "Is the plugin server alive?"
        yield DISAGREES.found(
            "The app's word on the plugin server could not be compared: the plugin server's own is not understood",
            status=Status.UNKNOWN,
        )
    elif heartbeat is False and up:
        yield _disagreement("down", up, heartbeat, _APP_IS_WRONG, [_CDP_API_URL])
    elif heartbeat is True and down and not up:
        yield _disagreement("up", down, heartbeat, _HEARTBEAT_PROVES_LITTLE, [])


def _only_noise(health: Health, known: KnownErrors) -> bool:
    """Whether every remark is one that is known to mean nothing for ingestion."""
    entries = [known.match(check.message) for check in health.failing]
    return bool(entries) and all(entry is not None and not entry.ingestion for entry in entries)


def _spares_events(sick: Health, answering: Sequence[Health]) -> bool:
    """Whether all that it complains of is other work than ordinary events, of which somebody says that it goes on."""
    if not sick.failing or any(_LANES.search(check.name) for check in sick.failing):
        return False
    return role_of(structs.replace(sick, checks=sick.failing), ()) is Role.OTHER and _goes_on(answering)


def _goes_on(answering: Sequence[Health]) -> bool:
    """Whether a check of ordinary events is ok somewhere."""
    fine = [
        structs.replace(health, checks=tuple(check for check in health.checks if check.status is HealthStatus.OK))
        for health in answering
    ]
    return any(role_of(health, ()) is Role.EVENTS for health in fine)


def _not_clear(health: Health) -> bool:
    """Whether it, or one of its checks while nothing else is wrong, says what diag does not know."""
    return health.status is HealthStatus.UNKNOWN or (health.status is HealthStatus.OK and bool(health.not_understood))


def _host(health: Health) -> str:
    return urlsplit(health.address).hostname or ""


def _unreached(
    silent: Sequence[Health], total: int, status: Status | None = None, detail: str = _NOT_FROM_HERE
) -> Iterator[Finding]:
    if silent:
        why = f": {silent[0].message}" if len(silent) == 1 else ""
        yield UNREACHABLE.found(
            f"{listed(silent, total)} {'does' if len(silent) == 1 else 'do'} not answer{why}",
            status=status,
            detail=detail,
            affects=[health.address for health in silent],
            evidence=[Values(title="What each said", values={health.address: health.message for health in silent})],
            actions=start_actions(silent),
        )


def _unrecognised(strange: Sequence[Health]) -> Iterator[Finding]:
    for health in strange:
        yield UNREACHABLE.found(
            health.told,
            status=Status.UNKNOWN,
            affects=[health.address],
            actions=[Action(text=health.hint[:1].upper() + health.hint[1:])] if health.hint else [],
            source_text=True,
        )


def _unhealthy(
    sick: Sequence[Health], total: int, known: KnownErrors, status: Status, word: str, detail: str = ""
) -> Iterator[Finding]:
    if sick:
        one = len(sick) == 1
        cause = explained(sick, known)
        yield UNHEALTHY.found(
            f"{listed(sick, total)} {'says' if one else 'say'} of {'itself' if one else 'themselves'}: {word}{cause.failing}",
            status=status,
            detail=detail,
            affects=[health.address for health in sick],
            evidence=cause.evidence,
            actions=[*cause.fixes, READ_LOG, RESTART],
            cause=cause.meaning,
            cause_codes=cause.codes,
            source_text=True,
        )


def _not_understood(unknown: Sequence[Health], total: int) -> Iterator[Finding]:
    for health in unknown:
        yield UNHEALTHY.found(
            f"{listed([health], total)} answers, but {health.message or _in_its_words(health)}",
            status=Status.UNKNOWN,
            affects=[health.address],
            source_text=True,
        )


def _in_its_words(health: Health) -> str:
    strange = health.not_understood
    words = ", ".join(f'{check.name} "{check.word}"' for check in strange[:NAMED])
    more = f" and {len(strange) - NAMED} more" if len(strange) > NAMED else ""
    return f"says of {words}{more}, which diag does not know"


def _not_ready(unready: Sequence[Health], total: int) -> Iterator[Finding]:
    if unready:
        one = len(unready) == 1
        yield NOT_READY.found(
            f"{listed(unready, total)} {'runs' if one else 'run'}, but /_ready says that the consumer is not ready",
            detail="In the first minutes after a start this is normal.",
            affects=[health.address for health in unready],
            actions=[READ_LOG, RESTART],
        )


def _still_rebalancing(rebalancing: dict[str, int], limit: float) -> Iterator[Finding]:
    for address, seconds in rebalancing.items():
        too_long = seconds >= limit
        judgement = f"longer than the usual {span_s(limit)}" if too_long else f"which is normal for up to {span_s(limit)}"
        yield NOT_READY.found(
            f"The consumer of the plugin server at {address} has been rebalancing for {span_s(seconds)}, {judgement}",
            status=Status.FAIL if too_long else Status.INFO,
            affects=[address],
            actions=[READ_LOG, RESTART] if too_long else [],
        )


def _heartbeat(app: App) -> bool | None:
    preflight = app.state().preflight
    if preflight is not None and preflight.plugins is not None:
        return preflight.plugins
    status = app.system_status()
    return status.plugin_server_alive if status else None


def _disagreement(word: str, instances: Sequence[Health], heartbeat: bool, why: str, actions: Sequence[Action]) -> Finding:
    said = {f"{health.address}/_health": health.status.value if health.reached else health.message for health in instances}
    addresses = ", ".join(health.address for health in instances)
    other = "up" if word == "down" else "down"
    return DISAGREES.found(
        f"The app says that the plugin server is {word}, but asked itself at {addresses} it is {other}: believe that",
        detail=why,
        affects=[health.address for health in instances],
        evidence=[Values(title="Who says what", values={"the app, of the plugin server": heartbeat, **said})],
        actions=actions,
    )


_NOT_OF_EVENTS = "These checks are of other work, and those of ordinary events are ok: missing events have another cause."
_APP_IS_WRONG = (
    "Newer plugin servers no longer write the heartbeat into Redis that the app looks for, and newer apps ask CDP_API_URL, "
    "whose default fits only PostHog's own cloud. Events are not affected."
)
_HEARTBEAT_PROVES_LITTLE = (
    "The heartbeat comes from one process of perhaps several, counts for 30 s after its last beat, and says nothing of the "
    "consumer."
)
_CDP_API_URL = Action(
    text="To make the System Status right, set CDP_API_URL=http://plugins:6738 for the app (services web and worker); events "
    "do not need it",
    changes_something=True,
)
