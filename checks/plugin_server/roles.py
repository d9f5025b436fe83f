"""The roles of the plugin servers: whether one of them takes ordinary events.

Tells by the names of the checks in `/_health`, and by the topics that are consumed, what each configured instance does.
Healthy is one that takes events, or does everything. A name that diag does not know may stand for that, and never alarms.
It matters because a deployment that is split by role (PLUGIN_SERVER_MODE) and lacks that one is healthy all over, and stores
nothing.
By hand: docker compose ps --all, then docker compose exec plugins printenv PLUGIN_SERVER_MODE for each of its services.
"""

from collections.abc import Iterator, Sequence

from checks.events.arrivals import ARRIVALS, ARRIVALS_BY_KAFKA
from checks.plugin_server.watch import arrived
from diagnostics import Action, Category, Code, Column, Finding, Stage, Status, Table, Threshold, Thresholds, check, span_s
from diagnostics.sources.clickhouse import ClickHouse
from diagnostics.sources.plugin_server import METRICS, METRICS_ELSEWHERE, Health, PluginServer
from diagnostics.sources.plugin_server.consumers import consumers
from diagnostics.sources.plugin_server.roles import Role, role_of

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

# Of the names of checks in the claim; the table has all.
NAMED = 4


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
    consumed = {readings.address: consumers(readings) for readings in plugin_server.readings()}
    if any(role_of(health, consumed.get(health.address, ())) is not Role.OTHER for health in instances):
        return  # one takes events, or may: also one that does not answer, which is told elsewhere
    names = list(dict.fromkeys(check.name for health in instances for check in health.checks))
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
        f"{_who(instances)} not take events, only {', '.join(names[:NAMED])}{_more(len(names) - NAMED)}",
        detail="If there is one more that diag was not told of (plugin_server_urls), look at that one.",
        affects=[health.address for health in instances],
        evidence=[_table(instances)],
        actions=[_LOOK, _ADD, _TELL_DIAG],
        source_text=True,
    )


def _who(instances: Sequence[Health]) -> str:
    if len(instances) == 1:
        return f"The plugin server at {instances[0].address} does"
    return f"The {len(instances)} plugin servers ({', '.join(health.address for health in instances)}) do"


def _more(left_out: int) -> str:
    return f" and {left_out} more" if left_out > 0 else ""


def _table(instances: Sequence[Health]) -> Table:
    return Table(
        title="What each of them does, by its checks",
        columns=(Column(name="address"), Column(name="check", kind="source-text")),
        rows=tuple((health.address, check.name) for health in instances for check in health.checks),
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
