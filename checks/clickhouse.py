"""ClickHouse: whether it can be asked, and whether events still arrive in it."""

from collections.abc import Iterator

from checks import event_arrivals
from checks.event_arrivals import Arrivals
from diagnostics.engine.check import Code, Threshold, Thresholds, check
from diagnostics.report.model import Action, Category, Evidence, Finding, QueryText, Stage, Status, Values
from diagnostics.report.wording import span_s
from diagnostics.sources.clickhouse import ClickHouse
from diagnostics.sources.clickhouse.columns import READABLE
from diagnostics.sources.clickhouse.failures import grant_statement
from diagnostics.sources.errors import LimitExceeded
from diagnostics.sources.source import NotConnected

SETUP = Category.SETUP
UNREACHABLE = Code(id="clickhouse.unreachable", worst=Status.FAIL, category=SETUP, summary="it does not answer")
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

OLDEST = (21, 6)
"""What PostHog's Helm chart shipped in February 2022; diag's SQL is written for this and newer."""


@check(
    "clickhouse-connection",
    stage=Stage.CLICKHOUSE,
    title="ClickHouse answers questions",
    finds=[*CONNECTION, DENIED],
    probes=ClickHouse,
)
def clickhouse_connection(clickhouse: ClickHouse) -> Iterator[Finding]:
    """Connects to `clickhouse.url`, learns the version, and looks whether PostHog's tables can be seen.

    Healthy is an answer by a ClickHouse of 21.6 or newer that shows the tables of PostHog's database to this user.
    Without it nothing is known about where events are stored, so all other questions to ClickHouse are blocked.
    By hand: curl -sS http://HOST:8123/ping answers `Ok.`, and SHOW TABLES lists `events`.
    """
    connection = clickhouse.connection()
    if isinstance(connection, NotConnected):
        code = next(code for code in CONNECTION if code.id == connection.code)
        yield code.found(
            connection.message,
            affects=[clickhouse.address()],
            actions=[Action(text=connection.hint[:1].upper() + connection.hint[1:]), *_look(code, clickhouse.address())],
        )
        return
    codes = {code.id: code for code in (*CONNECTION, DENIED)}
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
    for table in ("events", "events_dead_letter_queue"):
        columns = ", ".join(sorted(READABLE[table]))
        yield grant_statement(f"SELECT({columns}) ON {database}.{table}", user) + ";"
    yield grant_statement(f"SHOW TABLES, SHOW COLUMNS ON {database}.*", user) + ";"


STALE_AFTER = Threshold("events-arriving.stale-after", 900.0, "s", "a pause shorter than this is never called unusual")
STALE_FACTOR = Threshold("events-arriving.stale-factor", 2.0, "ratio", "how many times the usual pause is too long")

STALE = Code(
    id="clickhouse.events-stale",
    worst=Status.FAIL,
    category=Category.DATA_INTEGRITY,
    summary="no event has arrived for longer than is usual for this install",
    headline="Events no longer reach ClickHouse",
    caused_by=(
        "capture.unreachable",
        "capture.misrouted",
        "capture.cannot-produce",
        "kafka.unreachable",
        "kafka.topic-missing",
        "kafka.no-consumer",
        "kafka.lag",
        "plugin-server.unreachable",
        "plugin-server.unhealthy",
        "plugin-server.not-ready",
        "plugin-server.stalled",
        "plugin-server.no-partitions",
        "plugin-server.drops-events",
        "plugin-server.role-missing",
        "dead-letters.active",
        "app.postgres-down",
        "app.redis-down",
        "clickhouse.table-missing",
        "clickhouse.consumer-failing",
        "clickhouse.view-failing",
        "clickhouse.replica-readonly",
        "clickhouse.too-many-parts",
        "clickhouse.disk-full",
        "clickhouse.distribution-stuck",
        "clickhouse.memory-limit",
    ),
)


@check(
    "events-arriving",
    stage=Stage.CLICKHOUSE,
    title="Events arrive in ClickHouse as they usually do",
    finds=[STALE],
    reads=event_arrivals.READS,
    thresholds=[STALE_AFTER, STALE_FACTOR],
)
def events_arriving(clickhouse: ClickHouse, limits: Thresholds) -> Iterator[Finding]:
    """Looks when the newest row was stored in `events`, and whether this install pauses that long at this hour.

    Healthy is a pause of at most twice what is usual: the longest pause an hour around this time of day a week ago, or the
    second-longest on the days between (one outage is no precedent); 15 minutes are never too long. Nights, weekends and quiet
    installs do not alarm; a public holiday may. With less than a day of history nothing is called unusual.
    Rows that do not arrive are not in any chart, though senders get a success; what Kafka still holds can be saved.
    By hand: SELECT max(_timestamp), now() FROM events WHERE timestamp > now() - INTERVAL 1 DAY.
    """
    arrivals = event_arrivals.ask(clickhouse)
    if not arrivals.hours:
        yield from _none_lately(clickhouse, arrivals)
        return
    usual = arrivals.usual_pause
    ago = span_s(arrivals.pause)
    if usual is None:
        if arrivals.pause > limits(STALE_AFTER):
            yield STALE.found(
                f"The newest event arrived {ago} ago; with less than a day of events before it, that may be usual or not",
                status=Status.INFO,
                evidence=[arrivals.series],
            )
    elif arrivals.pause > max(limits(STALE_AFTER), limits(STALE_FACTOR) * usual):
        claim = f"The newest event arrived {ago} ago; at this hour the longest pause usually is {span_s(usual)}"
        yield from _unless_dated_elsewhere(clickhouse, claim, arrivals, limits(STALE_AFTER))


def _none_lately(clickhouse: ClickHouse, arrivals: Arrivals) -> Iterator[Finding]:
    [total] = clickhouse.rows(event_arrivals.TOTAL)
    if total.events == 0:
        yield STALE.found("No event has ever arrived in this ClickHouse: the table events is empty", status=Status.INFO)
    else:
        claim = f"No event has arrived for {_days(arrivals)} or longer, though the table holds {total.events:,}"
        yield from _unless_dated_elsewhere(clickhouse, claim, arrivals, 86_400)


def _unless_dated_elsewhere(clickhouse: ClickHouse, claim: str, arrivals: Arrivals, recent: float) -> Iterator[Finding]:
    """The alarm, unless rows arrive whose own time is so far off that they were not among those looked at."""
    detail = "" if arrivals.days > 1 else "Only the last day was looked at: more would read too many rows. "
    elsewhere = f"dated over {_days(arrivals)} ago or a day ahead"
    try:
        [outside] = clickhouse.rows(event_arrivals.OUTSIDE, days=arrivals.days)
    except LimitExceeded:
        detail += f"Events {elsewhere} were not looked at: the table is too large."
    else:
        pause = max(0.0, (outside.asked_at - outside.newest).total_seconds())
        if outside.events and pause <= recent:
            yield STALE.found(
                f"Events arrive, the newest {span_s(pause)} ago, but {elsewhere}",
                status=Status.INFO,
                detail="Charts of recent days do not show them: an import of old events, or a wrong clock at the sender.",
            )
            return
    yield STALE.found(claim, detail=detail.strip(), affects=["events"], evidence=_evidence(arrivals), actions=NEXT)


def _days(arrivals: Arrivals) -> str:
    return "a day" if arrivals.days == 1 else f"{arrivals.days} days"


def _evidence(arrivals: Arrivals) -> list[Evidence]:
    by_hand = QueryText(title="The newest event, and how many in a day", text=event_arrivals.BY_HAND)
    if not arrivals.hours:
        return [by_hand]
    usual = span_s(arrivals.usual_pause) if arrivals.usual_pause is not None else None
    values = Values(
        title="Arrival",
        values={
            "newest": arrivals.newest.isoformat(),
            "pause": span_s(arrivals.pause),
            "longest usual pause at this hour": usual,
            "days looked at": arrivals.days,
        },
    )
    return [arrivals.series, values, by_hand]


NEXT = (
    Action(
        text="See whether ClickHouse's consumers fail (ClickHouse 23.8 and newer)",
        commands=(
            'docker compose exec clickhouse clickhouse-client --query "SELECT table, last_poll_time, num_messages_read, '
            'exceptions.text FROM system.kafka_consumers FORMAT Vertical"',
        ),
    ),
    Action(
        text="See what the plugin server, which feeds them, last said (docker compose, Kubernetes)",
        commands=("docker compose logs --tail 50 plugins", "kubectl -n posthog logs deploy/posthog-plugins --tail 50"),
    ),
)
