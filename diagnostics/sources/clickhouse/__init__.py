"""ClickHouse: what checks declare (`Query`), whom they ask (`ClickHouse`), what is known of the tables (`Inventory`)."""

from diagnostics.sources.clickhouse.address import InvalidAddress
from diagnostics.sources.clickhouse.inventory import Inventory
from diagnostics.sources.clickhouse.part import Part, part
from diagnostics.sources.clickhouse.query import Limits, Query
from diagnostics.sources.clickhouse.source import ClickHouse

__all__ = ["ClickHouse", "InvalidAddress", "Inventory", "Limits", "Part", "Query", "part"]
