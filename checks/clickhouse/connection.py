"""ClickHouse: whether it can be asked."""

from collections.abc import Iterator

from checks.clickhouse.path import MISSING
from checks.clickhouse.state import client
from diagnostics.engine.check import Code, check
from diagnostics.report.model import Action, Category, Finding, Stage, Status
from diagnostics.sources.clickhouse import ClickHouse
from diagnostics.sources.clickhouse.columns import READABLE
from diagnostics.sources.clickhouse.failures import grant_statement
from diagnostics.sources.source import NotConnected

SETUP = Category.SETUP
UNREACHABLE = Code(
    id="clickhouse.unreachable",
    worst=Status.FAIL,
    category=SETUP,
    summary="it does not answer",
    contradicted_by=("app.not-ready",),
)
AUTH_FAILED = Code(
    id="clickhouse.auth-failed",
    worst=Status.FAIL,
    category=SETUP,
    summary="ClickHouse does not accept the credentials",
    headline="ClickHouse does not accept the credentials that diag was given",
)
DATABASE_MISSING = Code(
    id="clickhouse.database-missing",
    worst=Status.FAIL,
    category=SETUP,
    summary="PostHog's tables are not there",
    headline="PostHog's tables are not in the database that diag was pointed at",
)
NOT_CLICKHOUSE = Code(
    id="clickhouse.not-clickhouse",
    worst=Status.FAIL,
    category=SETUP,
    summary="something else answers in place of ClickHouse",
    headline="The address of ClickHouse is answered by something else",
)
UNSUPPORTED = Code(
    id="clickhouse.unsupported-version",
    worst=Status.WARN,
    category=Category.UPGRADING,
    summary="ClickHouse is older than diag supports",
    headline="This ClickHouse is older than diag supports",
)
DENIED = Code(
    id="clickhouse.permission-denied",
    worst=Status.UNKNOWN,
    category=SETUP,
    summary="diag's ClickHouse user lacks a grant",
    headline="diag's ClickHouse user lacks a grant, so it could not look everywhere",
)
CONNECTION = (UNREACHABLE, AUTH_FAILED, DATABASE_MISSING, NOT_CLICKHOUSE, UNSUPPORTED)

HOLDS_NOTHING = "holds no table of PostHog"
"""How the source says that the database is there, and empty."""

OLDEST = (21, 6)
"""What PostHog's Helm chart shipped in February 2022; diag's SQL is written for this and newer."""


@check(
    "clickhouse-connection",
    stage=Stage.CLICKHOUSE,
    title="ClickHouse answers questions",
    finds=[*CONNECTION, DENIED, MISSING],
    probes=ClickHouse,
)
def clickhouse_connection(clickhouse: ClickHouse) -> Iterator[Finding]:
    """Connects to `clickhouse.url`, learns the version, and looks whether PostHog's tables can be seen.

    Healthy is an answer by a ClickHouse of 21.6 or newer that shows the tables of PostHog's database to this user.
    Without it nothing is known about where events are stored, so all other questions to ClickHouse are blocked.
    By hand: curl -sS http://HOST:8123/ping answers `Ok.`, and SHOW TABLES lists `events`.
    """
    connection = clickhouse.connection()
    codes = {code.id: code for code in (*CONNECTION, DENIED)}
    if isinstance(connection, NotConnected):
        if connection.code == DATABASE_MISSING.id and _is_empty(clickhouse, connection):
            yield _all_gone(clickhouse, connection)
            return
        code, hint, commands = codes[connection.code], connection.hint, connection.commands
        yield code.found(
            connection.message,
            affects=[clickhouse.address()],
            actions=[
                Action(text=hint[:1].upper() + hint[1:], commands=commands, changes_something=bool(commands)),
                *_look(code, clickhouse.address()),
            ],
        )
        return
    for note in connection.notes:
        yield codes[note.code].found(note.text, status=Status.INFO)
    version = clickhouse.version()
    if version < OLDEST:
        told = ".".join(map(str, version))
        yield UNSUPPORTED.found(f"ClickHouse {told} is older than 21.6, the oldest that diag supports: answers may be missing")
    found = clickhouse.inventory()
    if found.sees_nothing:
        yield DENIED.found(
            f"The user {clickhouse.user} sees no table of the database {found.database}",
            detail="ClickHouse leaves out what a user may not see, so nothing here tells whether events are stored.",
            affects=[found.database],
            actions=[
                Action(
                    text="Give the user what diag reads, as an administrator of ClickHouse (no payload of events is among it)",
                    commands=tuple(_grants(found.database, clickhouse.user)),
                    changes_something=True,
                )
            ],
        )


def _is_empty(clickhouse: ClickHouse, connection: NotConnected) -> bool:
    """Whether the database is there and named, so that it is PostHog's, and no other that diag sees holds its tables."""
    found = clickhouse.inventory()
    return HOLDS_NOTHING in connection.message and found.database != "default" and not found.elsewhere


def _all_gone(clickhouse: ClickHouse, connection: NotConnected) -> Finding:
    return MISSING.found(
        f"{connection.message}: it came up on another volume, or its migrations never ended",
        detail=f"If PostHog uses another database, {connection.hint}.",
        affects=[clickhouse.inventory().database],
        actions=[
            Action(
                text="See whether the volume that ClickHouse had before is still there, under another project's name perhaps: "
                "what is in it is not lost, and Kafka keeps what came since for as long as its retention",
                commands=(
                    "docker volume ls | grep -i clickhouse",
                    "docker compose ps --all clickhouse",
                    "kubectl -n posthog get pvc",
                ),
            ),
            Action(text="See which databases there are", commands=client("SHOW DATABASES")),
            Action(
                text="On a new install, see why the migrations did not end, and run them; on any other they make empty tables "
                "and hide that the volume is not mounted",
                commands=(
                    "docker compose logs --tail 200 web | grep -iE 'migrat|exception|error'",
                    "kubectl -n posthog get jobs",
                    "docker compose exec web python manage.py migrate_clickhouse",
                ),
                changes_something=True,
                safe=False,
            ),
        ],
    )


def _look(code: Code, address: str) -> list[Action]:
    """Read-only commands that show what ClickHouse itself says."""
    if code is not UNREACHABLE or address.startswith("chdb"):
        return []
    server = "/".join(address.split("/")[:3])
    return [
        Action(
            text="See whether ClickHouse runs and what its log says (docker compose, Kubernetes, any host)",
            commands=(
                "docker compose ps clickhouse",
                "docker compose logs --tail 50 clickhouse",
                "kubectl -n posthog get pods -l clickhouse.altinity.com/chi=posthog",
                f"curl -sS {server}/ping",
            ),
        )
    ]


def _grants(database: str, user: str) -> Iterator[str]:
    """Column by column: a user who may not read a payload cannot leak one."""
    for table in ("events", "events_dead_letter_queue", "ingestion_warnings", "ingestion_warnings_v2"):
        columns = ", ".join(sorted(READABLE[table]))
        yield grant_statement(f"SELECT({columns}) ON {database}.{table}", user) + ";"
    yield grant_statement(f"SHOW TABLES, SHOW COLUMNS ON {database}.*", user) + ";"
