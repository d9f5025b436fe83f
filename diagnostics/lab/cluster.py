"""A cluster of which there is only one engine: what each node would answer, from what stands in for its tables of `system`."""

import re

from diagnostics.lab.account import Account, Node
from diagnostics.lab.sql import quoted

# A string, which is left alone, or a table of `system`.
SYSTEM_TABLE = re.compile(r"""'(?:[^'\\]|\\.|'')*'|(?<![\w.`])`?system`?\s*\.\s*`?(\w+)`?""", re.DOTALL)
HOST_NAME = re.compile(r"""'(?:[^'\\]|\\.|'')*'|\b(hostName)\(\)""", re.DOTALL)
VERSION = re.compile(r"""'(?:[^'\\]|\\.|'')*'|\b(version)\(\)""", re.DOTALL)
# Asks every node all of a SELECT.
FAN_OUT = re.compile(r"clusterAllReplicas\('(?:[^'\\]|\\.)*', view\((.*)\)\)", re.DOTALL)


class NodeDown(Exception):
    """A node did not answer, and it was not said that one may be left out."""


class NotReachable(Exception):
    """The user may not ask other nodes."""


def as_seen_by(sql: str, account: Account) -> str:
    """The query over what this user sees in place of the tables of `system`. Raises NodeDown and NotReachable."""
    fan_out = FAN_OUT.search(sql) if account.nodes else None
    if fan_out is None:
        return _on(account.nodes[0] if account.nodes else None, sql, account)
    if not account.remote:
        raise NotReachable
    if not all(node.up for node in account.nodes) and "skip_unavailable_shards = 1" not in sql:
        raise NodeDown
    answers = [_on(node, fan_out[1], account) for node in account.nodes if node.up]
    return sql.replace(fan_out[0], f"({' UNION ALL '.join(answers)})")


def _on(node: Node | None, sql: str, account: Account) -> str:
    overlay = account.overlay | (node.overlay if node else {})
    seen = SYSTEM_TABLE.sub(lambda found: overlay.get(found[1] or "", found[0]), sql)
    if account.version:
        seen = VERSION.sub(lambda found: quoted(account.version) if found[1] else found[0], seen)
    return HOST_NAME.sub(lambda found: quoted(node.host) if found[1] else found[0], seen) if node else seen
