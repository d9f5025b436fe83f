"""Parts that are asked together: at most two exchanges for all that the checks want to know of the server's state.

Whoever needs a part first asks for those of all checks that are under way; the others wait for that answer. Where it
fails, because of a table that may not be read or a function that this server lacks, every check asks its own part alone,
so that what blinds one does not blind the rest.
"""

import threading
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import msgspec
from msgspec import structs

from diagnostics.sources.clickhouse.failures import NoRoom
from diagnostics.sources.clickhouse.guard import allowed
from diagnostics.sources.clickhouse.inventory import Inventory
from diagnostics.sources.clickhouse.nodes import CLUSTERS, PRESENT, Nodes, of_cluster
from diagnostics.sources.clickhouse.part import Cells, Part, declared
from diagnostics.sources.clickhouse.query import Limits, Query, Row
from diagnostics.sources.errors import BadAnswer, Denied, LimitExceeded, Refused, SourceError, TimedOut
from diagnostics.sources.source import Memo

ALONE_AFTER = (Denied, BadAnswer, LimitExceeded, TimedOut)
"""What may be the fault of one part. A lost connection, or a server that takes no more questions, is not."""

TOGETHER = Limits(seconds=4.0)
"""Leaves a check half of its time, to ask alone."""

DROPPED_AT_MOST = 2
"""Parts of tables that may not be read are left out and the rest is asked again, that many times."""


class Asks(Protocol):
    """How the sheet is put to the server, and what is noted of it."""

    def together(self, query: Query[Cells]) -> list[Cells]:
        """Raises what `ClickHouse.rows` raises."""

    def answered(self, part: Part[Any], rows: list[dict[str, Any]]) -> None:
        """Called once for each part that was answered, with what a bundle keeps of it."""

    def may_set(self) -> bool:
        """Whether settings may be sent along with a question."""


class Sheet:
    """The parts of one run, and the nodes that were asked. `cluster` is the one that is configured."""

    def __init__(self, cluster: str | None) -> None:
        self._cluster = cluster
        self._lock = threading.Lock()
        self._expected: dict[str, Part[Any]] = {each.name: each for each in (CLUSTERS, PRESENT)}
        self._answers: dict[str, list[Any] | None] = {}
        self._failed: SourceError | None = None
        self._nodes = Nodes()
        self._alone = Memo()

    def expect(self, names: Iterable[str]) -> None:
        """A check that declares these reads is under way."""
        for name in sorted(names):
            if asked := declared(name):
                self._expected[name] = asked

    def rows(self, part: Part[Row], inventory: Inventory, asks: Asks) -> list[Row]:
        """The rows of `part`, from all nodes that answered. Raises SourceError."""
        with self._lock:
            if self._failed:
                raise self._failed
            if part.name not in self._answers:
                self._expected[part.name] = part
                self._ask(inventory, asks)
            rows = self._answers[part.name]
        return self._alone.get(part.name, lambda: _alone(part, inventory, asks)) if rows is None else rows

    def nodes(self, inventory: Inventory, asks: Asks) -> Nodes:
        """The nodes that `rows` speak of. Raises SourceError."""
        self.rows(PRESENT, inventory, asks)
        return self._nodes

    def _ask(self, inventory: Inventory, asks: Asks) -> None:
        waiting = [each for each in self._expected.copy().values() if each.name not in self._answers]
        answers: dict[str, list[Any]] = {}
        try:
            asked, cells = _told([each for each in waiting if _can_be_asked(each, inventory)], inventory, asks)
            answers = _by_part(asked, cells)
        except SourceError as error:
            if isinstance(error, NoRoom) or not isinstance(error, ALONE_AFTER):
                self._failed = error
                raise
        else:
            if CLUSTERS.name in answers:
                self._nodes = of_cluster(answers[CLUSTERS.name], inventory, self._cluster)
            if self._nodes.several and not self._nodes.unseen:
                answers |= self._everywhere([each for each in asked if each.everywhere], inventory, asks)
            if PRESENT.name in answers:
                self._nodes = structs.replace(self._nodes, answered=tuple(answers[PRESENT.name]))
        for each in waiting:
            self._answers[each.name] = answers.get(each.name)
            if each.name in answers:
                asks.answered(each, msgspec.to_builtins(answers[each.name]))

    def _everywhere(self, parts: Sequence[Part[Any]], inventory: Inventory, asks: Asks) -> dict[str, list[Any]]:
        """The answers of all nodes, or none where only the one that was asked can be seen: its answer still holds."""
        try:
            return _by_part(parts, asks.together(_from_all(parts, inventory, self._nodes.cluster, may_skip=asks.may_set())))
        except SourceError as error:
            self._nodes = structs.replace(self._nodes, unseen=error)
            return {}


def _can_be_asked(part: Part[Any], inventory: Inventory) -> bool:
    """Whoever declared what diag does not ask is told so when it asks; it must not spoil the question of the others."""
    try:
        allowed(part, inventory)
    except Refused:
        return False
    return part.shown_by(inventory)


def _told(parts: Sequence[Part[Any]], inventory: Inventory, asks: Asks) -> tuple[Sequence[Part[Any]], list[Cells]]:
    """Which parts were asked, and the answer. Parts of a table that may not be read are left out."""
    for _ in range(DROPPED_AT_MOST):
        try:
            return parts, asks.together(_joined(parts, inventory))
        except Denied as error:
            readable = [each for each in parts if not any(error.grant.endswith(f" ON {table}") for table in each.tables)]
            if len(readable) == len(parts):
                raise
            parts = readable
    return parts, asks.together(_joined(parts, inventory))


def _alone(part: Part[Row], inventory: Inventory, asks: Asks) -> list[Row]:
    rows = _by_part([part], asks.together(structs.replace(_joined([part], inventory), limits=part.limits)))[part.name]
    asks.answered(part, msgspec.to_builtins(rows))
    return rows


def _joined(parts: Sequence[Part[Any]], inventory: Inventory) -> Query[Cells]:
    return Query(
        name="clickhouse.state",
        why="the state of the server: " + ", ".join(each.why for each in parts),
        sql="\nUNION ALL\n".join(each.member(inventory) for each in parts),
        row=Cells,
        tables=tuple(sorted({table for each in parts for table in each.tables})),
        limits=TOGETHER,
    )


def _from_all(parts: Sequence[Part[Any]], inventory: Inventory, cluster: str, *, may_skip: bool) -> Query[Cells]:
    """Each node is asked all of it in one go, and sends back only what it found. A node that is down is left out."""
    joined = _joined(parts, inventory)
    named = "'" + cluster.replace("\\", "\\\\").replace("'", "\\'") + "'"
    skipping = "\nSETTINGS skip_unavailable_shards = 1" if may_skip else ""
    sql = f"SELECT {COLUMNS} FROM clusterAllReplicas({named}, view(\n{joined.sql}\n)){skipping}"  # noqa: S608 - of parts
    return structs.replace(joined, name="clickhouse.state-of-all-nodes", why=f"{joined.why}, on every node", sql=sql)


def _by_part(parts: Sequence[Part[Any]], cells: Sequence[Cells]) -> dict[str, list[Any]]:
    """The rows of each part. Raises BadAnswer."""
    answers: dict[str, list[Any]] = {each.name: [] for each in parts}
    of_name = {each.name: each for each in parts}
    for row in cells:
        asked = of_name.get(row.part_asked)
        if asked is None or len(row.cells_asked) != len(asked.select):
            raise BadAnswer("ClickHouse answered something else than it was asked", hint=VERSION)
        told = {field: cell for field, cell in zip(asked.select, row.cells_asked, strict=True) if cell is not None}
        try:
            answers[asked.name].append(msgspec.convert({"host": row.node_asked, **told}, asked.row, strict=False))
        except msgspec.ValidationError as error:
            other = f"ClickHouse answered {asked.name} with something else than it was asked for: {error}"
            raise BadAnswer(other, hint=VERSION) from None
    return answers


VERSION = "this version or schema is not one that diag knows"
COLUMNS = ", ".join(Cells.__struct_fields__)
