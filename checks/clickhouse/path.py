"""Whether every table that an event passes in ClickHouse is there: Kafka table, materialized view, `events`."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from checks.clickhouse.state import EVENT_FEEDS, client, path_tables, some
from diagnostics import Action, Category, Code, Evidence, Finding, QueryText, Stage, Status, check
from diagnostics.sources.clickhouse import ClickHouse, Inventory, part
from diagnostics.sources.clickhouse.failures import PERMISSION_DENIED
from diagnostics.sources.clickhouse.part import by_hand
from diagnostics.sources.errors import Denied

MISSING = Code(
    id="clickhouse.table-missing",
    worst=Status.FAIL,
    category=Category.UPGRADING,
    summary="a table or view that events pass is missing",
    headline="A table or view that events pass in ClickHouse is missing",
)


class Named(Struct, frozen=True, kw_only=True):
    host: str = ""
    name: str


# Names and engines only; the definitions stay on the server.
TABLES = part(
    "clickhouse-path.tables",
    why="which tables each node has",
    row=Named,
    select={"name": "name"},
    rest="FROM system.tables WHERE database = {database:String} AND name LIKE '%events%' ORDER BY name LIMIT 500",
    tables=("system.tables",),
)
DETACHED = part(
    "clickhouse-path.detached",
    why="which tables are detached (ClickHouse 24.6 and newer)",
    row=Named,
    select={"name": "table"},
    rest="FROM system.detached_tables WHERE database = {database:String} ORDER BY table LIMIT 500",
    tables=("system.detached_tables",),
)

DEAD_LETTER_FEED = "kafka_events_dead_letter_queue"
DEAD_LETTERS = "events_dead_letter_queue"


@check(
    "clickhouse-path",
    stage=Stage.CLICKHOUSE,
    title="Every table that an event passes is there",
    finds=[MISSING],
    reads=[TABLES, DETACHED],
)
def clickhouse_path(clickhouse: ClickHouse) -> Iterator[Finding]:
    """Follows an event from the Kafka table through its materialized view to `events`, by the names of PostHog since 2021.

    Healthy is a Kafka table, a view that reads it, and all that the view writes to, on every node. Without the Kafka table
    or its view ClickHouse reads nothing; without what they write to, it reads and fails. What waits is kept by Kafka, for
    as long as its retention. Tables that this user may not see are not called missing.
    By hand: SHOW TABLES LIKE '%events%', and see whether kafka_events_json, events_json_mv and events are among them.
    """
    inventory = clickhouse.inventory()
    if inventory.sees_nothing:
        hint = f"give diag's user SHOW TABLES on {inventory.database}"
        raise Denied(f"No table of {inventory.database} is visible to diag's user", grant="", hint=hint, code=PERMISSION_DENIED)
    detached = {row.name for row in clickhouse.rows(DETACHED)} if clickhouse.has(DETACHED) else set[str]()
    for name, why, status in _gaps(inventory):
        if name in detached or not clickhouse.exists(name):
            yield _missing(name, why, status, detached)
        else:
            hint = f"give diag's user SHOW TABLES, SHOW COLUMNS on {inventory.database}"
            raise Denied(
                f"{name} exists, but diag's user does not see it", grant="SHOW TABLES", hint=hint, code=PERMISSION_DENIED
            )
    yield from _missing_elsewhere(clickhouse, path_tables(inventory))


def _gaps(inventory: Inventory) -> Iterator[tuple[str, str, Status]]:
    """What is not listed and should be: the name, what follows from it, and how bad that is."""
    tables = inventory.tables
    if "events" not in tables:
        yield "events", "there is nowhere to store events", Status.FAIL
    feeds = [name for name in EVENT_FEEDS if name in tables]
    if not feeds:
        yield EVENT_FEEDS[0], "ClickHouse reads no events from Kafka", Status.FAIL
    views = [listed for listed in tables.values() if listed.engine == "MaterializedView"]
    read = [feed for feed in feeds if any(feed in view.mentions or "" in view.mentions for view in views)]
    if feeds and not read:
        yield _view_of(feeds[0]), f"nothing takes events out of {feeds[0]}", Status.FAIL
    for name in sorted(path_tables(inventory)):
        target = tables[name].feeds
        if target and target not in tables and "." not in target:
            yield target, f"{name} has nowhere to write to", Status.FAIL
    if DEAD_LETTERS in tables and DEAD_LETTER_FEED not in tables:
        yield DEAD_LETTER_FEED, "dead letters of the plugin server are not stored", Status.WARN


def _view_of(feed: str) -> str:
    return f"{feed.removeprefix('kafka_')}_mv"


def _missing(name: str, why: str, status: Status, detached: set[str]) -> Finding:
    if name in detached:
        return MISSING.found(
            f"{name} is detached: {why}",
            status=status,
            affects=[name],
            evidence=[QueryText(title="Detached tables", text=by_hand(DETACHED))],
            actions=[
                Action(
                    text="Attach it again; what waits in Kafka is read then",
                    commands=client(f"ATTACH TABLE {name}"),
                    changes_something=True,
                )
            ],
        )
    return MISSING.found(
        f"{name} is missing: {why}",
        status=status,
        detail="PostHog may record a migration as applied although ClickHouse refused it, so that it is not run again.",
        affects=[name],
        evidence=_evidence(),
        actions=_actions(),
    )


def _missing_elsewhere(clickhouse: ClickHouse, here: frozenset[str]) -> Iterator[Finding]:
    nodes = clickhouse.nodes()
    if not nodes.several or nodes.unseen:
        return
    listed = clickhouse.rows(TABLES)
    for node in nodes.answered:
        names = {row.name for row in listed if row.host == node.host}
        lacking = sorted(name for name in here if name not in names and "events" in name)
        if names and lacking:
            yield MISSING.found(
                f"{node.host} lacks {some(lacking)}, which another node has",
                affects=[f"{node.host}: {name}" for name in lacking],
                evidence=_evidence(),
                actions=_actions(),
            )


def _evidence() -> Sequence[Evidence]:
    return [QueryText(title="The tables that events pass", text=by_hand(TABLES))]


def _actions() -> Sequence[Action]:
    return (
        Action(text="See what PostHog's migrations of ClickHouse say", commands=MIGRATION_LOGS),
        Action(
            text="Run PostHog's ClickHouse migrations; one that is recorded as applied already is not run again, and its table "
            "has to be made by hand from PostHog's source",
            commands=("docker compose exec web python manage.py migrate_clickhouse",),
            changes_something=True,
            safe=False,
        ),
    )


MIGRATION_LOGS = (
    "docker compose exec web python manage.py migrate_clickhouse --plan",
    "kubectl -n posthog logs -l job-name=posthog-migrate --tail 100",
)
