"""Who may do what on the lab's ClickHouse, and the protocol between the lab and the process of its engine."""

from typing import Literal

from msgspec import Struct

OWNER = "lab"
"""The account that may do everything and sees the engine as it is. Its password is made for each start."""


class Node(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A node of a cluster, with what stands in for its tables of `system`. One that is not `up` does not answer; one that
    `lacks` tables of PostHog's database has all others."""

    host: str
    shard: int = 1
    up: bool = True
    lacks: tuple[str, ...] = ()
    overlay: dict[str, str] = {}


class Account(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A user of the engine, enforced by its HTTP front since an embedded engine knows no users.

    `readonly` is the setting of the user's profile. `denied` are tables (`posthog.events`, `system.replicas`) whose SELECT
    is refused. `overlay` names what stands in for a table of `system`: `{"replicas": "posthog_system.replicas"}`. With `nodes`
    the first is the one that is asked, and `clusterAllReplicas` reaches all that are up, unless `remote` is false. `version` is
    what the server calls itself, "" as the engine does.
    """

    user: str
    password: str
    readonly: Literal[0, 1, 2] = 0
    denied: tuple[str, ...] = ()
    overlay: dict[str, str] = {}
    nodes: tuple[Node, ...] = ()
    remote: bool = True
    version: str = ""


class AskedQuery(Struct, frozen=True, kw_only=True):
    """A query that arrived at the front, as it was sent. `code` is the ClickHouse error code of the answer, 0 for none."""

    user: str
    database: str
    sql: str
    settings: dict[str, str]
    params: dict[str, str]
    code: int = 0


class Start(Struct, frozen=True, kw_only=True):
    """First line to the engine's process: where the data lives (None: in memory) and the owner's password."""

    path: str | None
    password: str


class Started(Struct, frozen=True, kw_only=True):
    """First line from the engine's process, once it answers."""

    port: int
    version: str
