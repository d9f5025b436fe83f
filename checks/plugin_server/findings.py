"""What is said of plugin servers: which ones, what they say themselves, and what to do next."""

import re
from collections.abc import Sequence

from msgspec import Struct

from diagnostics import Action, Column, Evidence, KnownErrors, Table
from diagnostics.sources.plugin_server import Health, HealthStatus

# Checks named in the claim; the table has all.
NAMED = 3

# Since 2026: `CONSUMER_LOOP_BASED_HEALTH_CHECK` in PostHog's consumer.ts.
_REBALANCING = re.compile(r"rebalancing in progress \((\d{1,9})s\)", re.IGNORECASE)


class Explained(Struct, frozen=True, kw_only=True):
    """What the instances' own messages say: for the claim, as a table, and as far as a known error explains them."""

    failing: str
    evidence: tuple[Evidence, ...]
    meaning: str = ""
    fixes: tuple[Action, ...] = ()
    codes: tuple[str, ...] = ()


def listed(instances: Sequence[Health], total: int) -> str:
    """`The plugin server at A`, `1 of 3 plugin servers (A)`."""
    addresses = ", ".join(health.address for health in instances)
    if total == 1:
        return f"The plugin server at {addresses}"
    return f"{len(instances)} of {total} plugin servers ({addresses})"


def announced(instances: Sequence[Health]) -> str:
    """The claim of a healthy install, no more certain than the answers are."""
    who = "The plugin server answers" if len(instances) == 1 else f"{len(instances)} plugin servers answer"
    checks = [check for health in instances for check in health.checks]
    if not checks:
        return f"{who}, but in this version that only proves that the process runs: /_health makes no checks"
    ok = sum(check.status is HealthStatus.OK for check in checks)
    return f"{who}, {ok} of {len(checks)} checks ok" + ("" if ok == len(checks) else " and nothing that matters in the others")


def rebalancing_for(health: Health) -> int | None:
    """For how many seconds its consumers have been rebalancing, when nothing else is wrong with it."""
    found = [_REBALANCING.search(check.message) for check in health.failing]
    seconds = [int(match[1]) for match in found if match]
    return max(seconds) if seconds and len(seconds) == len(found) else None


def explained(instances: Sequence[Health], known: KnownErrors) -> Explained:
    """What is wrong in the words of the instances, and what is known of those words."""
    failing = [(health.address, check) for health in instances for check in health.failing]
    quoted = [f"{check.name} ({check.message})" if check.message else check.name for _, check in failing[:NAMED]]
    more = f" and {len(failing) - NAMED} more" if len(failing) > NAMED else ""
    words = ", ".join(quoted) + more if quoted else "; ".join(dict.fromkeys(health.message for health in instances))
    entries = [entry for _, check in failing if check.message and (entry := known.match(check.message))]
    table = Table(
        title="What the checks say",
        columns=(
            Column(name="address"),
            Column(name="check", kind="source-text"),
            Column(name="status"),
            Column(name="message", kind="source-text"),
        ),
        rows=tuple((address, check.name, check.status.value, check.message) for address, check in failing),
    )
    return Explained(
        failing=f": {words}" if words else "",
        evidence=(table,) if failing else (),
        meaning=entries[0].meaning if entries else "",
        fixes=tuple(dict.fromkeys(entry.action() for entry in entries)),
        codes=tuple(dict.fromkeys(entry.cause for entry in entries if entry.cause)),
    )


READ_LOG = Action(
    text="Read what the plugin server last said, before a restart hides it",
    commands=(
        "docker compose logs --since 15m plugins",
        "kubectl -n posthog logs deployment/posthog-plugins --since 15m",
    ),
)
LOOK_IT_UP = Action(
    text="If it ends again and again, see what is known of the errors in its log: mostly a setting, which no restart mends",
    commands=(
        "docker compose logs --tail 200 plugins | diag explain -",
        "kubectl -n posthog logs deployment/posthog-plugins --previous --tail 200 | diag explain -",
    ),
)
RESTART = Action(
    text="Restart the plugin server (on a plain host, its service): nothing is lost, Kafka keeps what is waiting and it goes "
    "on where it stopped",
    commands=("docker compose restart plugins", "kubectl -n posthog rollout restart deployment/posthog-plugins"),
    changes_something=True,
)


def start_actions(silent: Sequence[Health]) -> tuple[Action, ...]:
    """For one that does not answer: its state, its log, and a restart."""
    hints = dict.fromkeys(health.hint for health in silent if health.hint)
    return (
        *(Action(text=hint[:1].upper() + hint[1:]) for hint in hints),
        Action(
            text="See whether the plugin server runs, and how it ended (137 or oom: for want of memory)",
            commands=(
                "docker compose ps --all plugins",
                "docker inspect -f '{{.Name}} restarts={{.RestartCount}} exit={{.State.ExitCode}} oom={{.State.OOMKilled}}' "
                "$(docker compose ps -aq plugins)",
                "kubectl -n posthog get pods -l role=plugins",
            ),
        ),
        READ_LOG,
        LOOK_IT_UP,
        RESTART,
    )
