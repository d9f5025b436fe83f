"""Whether the table `events` is there, before it is asked."""

from diagnostics.sources.clickhouse import ClickHouse
from diagnostics.sources.errors import BadAnswer


def columns(clickhouse: ClickHouse) -> frozenset[str]:
    """The columns of `events`; none where ClickHouse shows this user no table at all, though it may read them.

    Raises BadAnswer where the other tables are there and this one is not, and what `ClickHouse.inventory` raises.
    """
    inventory = clickhouse.inventory()
    if inventory.engine("events") is None and not inventory.sees_nothing:
        raise BadAnswer(
            f"there is no table events in the database {inventory.database}, or this user may not see it",
            hint="run PostHog's migrations if it is gone (python manage.py migrate_clickhouse in the web container); "
            f"else let the user see it: GRANT SHOW TABLES, SHOW COLUMNS ON {inventory.database}.* TO {clickhouse.user}",
        )
    return inventory.columns("events")
