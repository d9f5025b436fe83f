"""The roles of the plugin servers: whether one of them takes ordinary events.

Tells by the names of the checks in `/_health`, and by the topics that are consumed, what each configured instance does.
Healthy is one that takes events, or does everything. A name that diag does not know may stand for that, and alone never alarms:
only beside counters of some minutes that show consumers of other topics and none of events.
It matters because a deployment that is split by role (PLUGIN_SERVER_MODE) and lacks that one is healthy all over, and stores
nothing.
By hand: docker compose ps --all, then docker compose exec plugins printenv PLUGIN_SERVER_MODE for each of its services.
"""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from checks.events.arrivals import ARRIVALS, ARRIVALS_BY_KAFKA
from checks.plugin_server.watch import arrived
from diagnostics import Action, Category, Code, Column, Finding, Stage, Status, Table, Threshold, Thresholds, check, span_s
from diagnostics.sources.clickhouse import ClickHouse
from diagnostics.sources.plugin_server import METRICS, METRICS_ELSEWHERE, Health, PluginServer, Readings
from diagnostics.sources.plugin_server.consumers import consumers
from diagnostics.sources.plugin_server.roles import Role, role_of, strange_checks

ARRIVED_WITHIN = Threshold(
    "plugin-server-roles.arrived-within",
    300.0,
    "s",
    "an event that arrived within this time shows that another one takes events",
)

ROLE_MISSING = Code(
    id="plugin-server.role-missing",
    worst=Status.FAIL,
    summary="it is split by role, and the role that takes events is missing",
    contradicted_by=("app.events-visible", "canary.arrived"),
    category=Category.SETUP,
)

# Of what they do, in the claim; the table has all.
NAMED = 4

# Seconds from the start until every consumer is counted.
SETTLED = 120.0


@check(
    "plugin-server-roles",
    stage=Stage.PLUGIN_SERVER,
    title="One of the plugin servers takes events",
    finds=[ROLE_MISSING],
    reads=[METRICS, METRICS_ELSEWHERE, ARRIVALS, ARRIVALS_BY_KAFKA],
    thresholds=[ARRIVED_WITHIN],
)
def plugin_server_roles(plugin_server: PluginServer, clickhouse: ClickHouse | None, limits: Thresholds) -> Iterator[Finding]:
    instances = plugin_server.health()
    readings = {each.address: each for each in plugin_server.readings()}
    workers = [_worker(health, readings.get(health.address)) for health in instances]
    if any(worker.role is not Role.OTHER for worker in workers):
        return  # one takes events, or may: also one that does not answer, which is told elsewhere
    work = list(dict.fromkeys(each for worker in workers for each in worker.work))
    events = arrived(clickhouse)
    if events is not None and events.ago < limits(ARRIVED_WITHIN):
        yield ROLE_MISSING.found(
            f"{_who(instances)} not take events, but one arrived {span_s(events.ago)} ago: diag was not told of the plugin "
            "server that does",
            status=Status.INFO,
            affects=[health.address for health in instances],
            actions=[_TELL_DIAG],
        )
        return
    yield ROLE_MISSING.found(
        f"{_who(instances)} not take events, only {', '.join(work[:NAMED])}{_more(len(work) - NAMED)}",
        # Where a pause like this one is usual, it may as well be that just nobody sends to the one that takes them.
        status=Status.WARN if events is not None and events.overdue is False else None,
        detail="If there is one more that diag was not told of (plugin_server_urls), look at that one.",
        affects=[health.address for health in instances],
        evidence=[_table(workers)],
        actions=[_LOOK, _ADD, _TELL_DIAG],
        source_text=True,
    )


class Worker(Struct, frozen=True, kw_only=True):
    """An instance, and what it does in words for a claim: its checks, or its topics where diag does not know the checks."""

    health: Health
    role: Role
    work: tuple[str, ...]
    topics: tuple[str, ...]


def _worker(health: Health, readings: Readings | None) -> Worker:
    consumed = consumers(readings) if readings else ()
    role = role_of(health, consumed)
    if role is Role.OTHER and readings and readings.up_for is not None and readings.up_for < SETTLED:
        role = role_of(health, ())  # the consumer of events may just not have begun
    topics = tuple(dict.fromkeys(consumer.topic for consumer in consumed))
    names = tuple(check.name for check in health.checks)
    return Worker(health=health, role=role, work=topics if topics and strange_checks(health) else names, topics=topics)


def _who(instances: Sequence[Health]) -> str:
    if len(instances) == 1:
        return f"The plugin server at {instances[0].address} does"
    return f"The {len(instances)} plugin servers ({', '.join(health.address for health in instances)}) do"


def _more(left_out: int) -> str:
    return f" and {left_out} more" if left_out > 0 else ""


def _table(workers: Sequence[Worker]) -> Table:
    return Table(
        title="What each of them does",
        columns=(Column(name="address"), Column(name="checks", kind="source-text"), Column(name="topics", kind="source-text")),
        rows=tuple(
            (worker.health.address, ", ".join(check.name for check in worker.health.checks), ", ".join(worker.topics))
            for worker in workers
        ),
    )


_LOOK = Action(
    text="See whether the service that takes events (plugins, or ingestion-general since 2026) is there, and why it stopped: "
    "`Invalid PLUGIN_SERVER_MODE` means that image and compose file are of different versions",
    commands=(
        "docker compose ps --all plugins ingestion-general",
        "docker compose logs --tail 50 plugins ingestion-general",
        "kubectl -n posthog get pods | grep -E 'plugins|ingestion'",
    ),
)
_ADD = Action(
    text="Start it: all in one (no PLUGIN_SERVER_MODE), or a service in the mode for events that the image knows",
    commands=(
        "docker compose up -d plugins ingestion-general",
        "kubectl -n posthog rollout restart deployment/posthog-plugins-ingestion",
    ),
    changes_something=True,
)
_TELL_DIAG = Action(
    text="If another one takes events, give diag its address as well",
    commands=("diag run --plugin-server-urls http://plugins:6738,http://ingestion-general:6738",),
)
