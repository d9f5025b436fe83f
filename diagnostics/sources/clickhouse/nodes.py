"""The nodes of a replicated or sharded ClickHouse: which there are, and who of them answered."""

from collections.abc import Sequence

from msgspec import Struct

from diagnostics.sources.clickhouse.inventory import POSTHOG, Inventory
from diagnostics.sources.clickhouse.part import part
from diagnostics.sources.errors import SourceError


class Listed(Struct, frozen=True, kw_only=True):
    """A node as the configuration of the one that was asked names it, in one cluster."""

    host: str = ""
    cluster: str
    shard: int
    name: str
    address: str
    local: bool
    errors: int


class Present(Struct, frozen=True, kw_only=True):
    """A node that answers. `up_s` are seconds since it started."""

    host: str = ""
    version: str
    up_s: int


CLUSTERS = part(
    "clickhouse.clusters",
    why="which nodes belong together",
    row=Listed,
    select={
        "cluster": "cluster",
        "shard": "shard_num",
        "name": "host_name",
        "address": "host_address",
        "local": "is_local",
        "errors": "errors_count",
    },
    # The server's own examples are no clusters of anybody.
    rest="FROM system.clusters WHERE NOT startsWith(cluster, 'test_') ORDER BY cluster, shard_num, replica_num LIMIT 500",
    tables=("system.clusters",),
)
PRESENT = part(
    "clickhouse.nodes",
    why="which nodes answer",
    row=Present,
    select={"version": "version()", "up_s": "uptime()"},
    rest="FROM system.one",
    tables=("system.one",),
)


class Nodes(Struct, frozen=True, kw_only=True):
    """The nodes of PostHog's cluster, and those that `answered`. Without a cluster of several it is the one that was asked.

    `unseen` says why the others were not asked, where they could not be.
    """

    cluster: str = ""
    listed: tuple[Listed, ...] = ()
    answered: tuple[Present, ...] = ()
    unseen: SourceError | None = None

    @property
    def several(self) -> bool:
        return len(self.listed) > 1

    @property
    def silent(self) -> tuple[Listed, ...]:
        """Those that were asked and did not answer. A name in the configuration need not be the name of the machine, so
        where names do not tell, the ones with errors are the silent ones."""
        missing = len(self.listed) - len(self.answered)
        if self.unseen or missing <= 0:
            return ()
        hosts = [node.host for node in self.answered]
        unmatched = [node for node in self.listed if not any(_same(node.name, host) for host in hosts)]
        if len(unmatched) == missing:
            return tuple(unmatched)
        suspects = sorted((node for node in self.listed if not node.local), key=lambda node: -node.errors)
        return tuple(suspects[:missing])


def of_cluster(clusters: Sequence[Listed], inventory: Inventory, wanted: str | None) -> Nodes:
    """The cluster that is configured, else the one that PostHog's Distributed tables name, else `posthog`, else the only
    one of several nodes that the asked node belongs to."""
    by_name: dict[str, list[Listed]] = {}
    for node in clusters:
        by_name.setdefault(node.cluster, []).append(node)
    of_several = [name for name, nodes in by_name.items() if len(nodes) > 1 and any(node.local for node in nodes)]
    named = wanted or inventory.cluster
    chosen = next((name for name in (named, POSTHOG) if name in by_name), of_several[0] if len(of_several) == 1 else "")
    return Nodes(cluster=chosen, listed=tuple(by_name.get(chosen, [])))


def _same(name: str, host: str) -> bool:
    return name == host or name.startswith(f"{host}.") or host.startswith(f"{name}.")
