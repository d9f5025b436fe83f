"""A question about the state of the server, made to be asked together with others: `Part`."""

from collections.abc import Mapping
from typing import Any, Generic

from msgspec import Struct

from diagnostics.sources.clickhouse.inventory import Inventory
from diagnostics.sources.clickhouse.query import Limits, Query, Row

_declared: dict[str, "Part[Any]"] = {}


class Part(Query[Row], Generic[Row], frozen=True, kw_only=True):
    """A `Query` whose answer may come in one exchange with those of other parts, from every node of a cluster.

    `select` are expressions by the name of the row's field; each gives text or a number (times as seconds since 1970).
    `rest` begins with FROM. `optional` names the column without which a field is left at its default: servers differ. The
    row has a field `host`, the node that answered. `{database:String}` is PostHog's database; it takes no other parameters.
    """

    select: dict[str, str]
    rest: str
    optional: dict[str, str]

    def shown_by(self, inventory: Inventory) -> bool:
        """Whether the user sees all tables that it reads."""
        return all(table in inventory.tables for table in self.tables)

    @property
    def everywhere(self) -> bool:
        """Whether every node may have another answer. PostHog's own tables are the same on all, or reached through one."""
        return all(table.startswith("system.") for table in self.tables)

    def member(self, inventory: Inventory) -> str:
        """The SELECT of it that stands beside those of the others. Every value is text, since UNION ALL wants the same types;
        and no alias is the name of a column, since ClickHouse takes the one for the other."""
        columns = frozenset[str]().union(*(inventory.columns(table) for table in self.tables))
        cells = (
            "NULL" if self.optional.get(field, "") not in ("", *columns) else f"toString({expression})"
            for field, expression in self.select.items()
        )
        values = f"CAST([{', '.join(cells)}], 'Array(Nullable(String))')"
        return f"SELECT '{self.name}' AS part_asked, hostName() AS node_asked, {values} AS cells_asked\n{self.rest}"


class Cells(Struct, frozen=True, kw_only=True):
    """A row of the answer to parts that were asked together."""

    part_asked: str
    node_asked: str
    cells_asked: list[str | None]


def part(
    name: str,
    *,
    why: str,
    row: type[Row],
    select: Mapping[str, str],
    rest: str,
    tables: tuple[str, ...],
    optional: Mapping[str, str] | None = None,
    limits: Limits | None = None,
) -> Part[Row]:
    """Declares a part, once, beside the check that reads it: see `Part`."""
    columns = ",\n       ".join(f"{expression} AS {field}" for field, expression in select.items())
    made = Part(
        name=name,
        why=why,
        sql=f"SELECT hostName() AS host, {columns}\n{rest}",
        row=row,
        tables=tables,
        limits=limits or Limits(),
        select=dict(select),
        rest=rest,
        optional=dict(optional or {}),
    )
    _declared[name] = made
    return made


def declared(name: str) -> Part[Any] | None:
    """The part of that name; None where the name is that of another read."""
    return _declared.get(name)


def by_hand(asked: Part[Any]) -> str:
    """Its SQL for people, who are in PostHog's database already."""
    return asked.sql.replace("{database:String}", "currentDatabase()")
