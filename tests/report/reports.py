"""Hand-made reports, one for every kind of thing that a reader may get to see. Numbers are made up, but they agree."""

from datetime import UTC, datetime, timedelta

from msgspec import structs

from diagnostics.report.model import (
    Action,
    Blind,
    Category,
    CheckResult,
    ClickHouseCost,
    Column,
    Completeness,
    Cost,
    Finding,
    HttpCost,
    Privacy,
    QueryText,
    Report,
    Series,
    Stage,
    StageState,
    Status,
    Step,
    Table,
    Text,
    Tool,
    Triage,
    Values,
    Verdict,
    WindowSpan,
)

STARTED = datetime(2026, 11, 23, 10, 0, 0, 250_000, tzinfo=UTC)
DAY = WindowSpan(since=STARTED - timedelta(hours=24), until=STARTED)

ALIVE, SENTRY, LETTERS = (
    "Is the plugin server alive and healthy?",
    "Does Sentry show errors?",
    "What is in the dead letter queue?",
)

TITLES = {
    "plugin-server-health": (Stage.PLUGIN_SERVER, "The plugin server answers and says that it is healthy"),
    "plugin-server-heartbeat": (Stage.PLUGIN_SERVER, "The app sees the plugin server's heartbeat"),
    "sentry-issues": (Stage.PLUGIN_SERVER, "Sentry shows no errors that touch ingestion"),
    "dead-letters": (Stage.PLUGIN_SERVER, "No events are dead-lettered"),
    "clickhouse-connection": (Stage.CLICKHOUSE, "ClickHouse answers queries"),
    "events-arriving": (Stage.CLICKHOUSE, "Events arrive in ClickHouse"),
    "app-health": (Stage.APP, "The app is up and sees what it depends on"),
}

SEE_CONNECTIONS = Action(
    text="See whether Postgres is out of connections",
    commands=(
        "docker compose exec db psql -U posthog "
        "-c \"select count(*), current_setting('max_connections') from pg_stat_activity\"",
    ),
)
RESTART = Action(
    text="Raise the limit or put a pooler in front, then restart the plugin server: Kafka keeps what is waiting",
    commands=("docker compose restart plugins",),
    changes_something=True,
)
REPLAY = Action(text="The 1,204 events stay lost until they are replayed by hand: diag explain dead-letters.active tells how")

LETTERS_CLAIM = "1,204 events were dead-lettered in 24 h by 3 teams, the last 12 s ago"

DEAD_LETTERS = Finding(
    code="dead-letters.active",
    status=Status.FAIL,
    stage=Stage.PLUGIN_SERVER,
    claim=LETTERS_CLAIM,
    affects=("events_dead_letter_queue",),
    cause="Postgres refuses its connections",
    cause_codes=("app.postgres-down",),
    runbook="ingestion.md#dead-letters.active",
    actions=(SEE_CONNECTIONS, RESTART, REPLAY),
    evidence=(
        Table(
            title="By place and error",
            columns=(
                Column(name="events", kind="count"),
                Column(name="place", kind="source-text"),
                Column(name="error", kind="source-text"),
                Column(name="last seen", kind="time"),
            ),
            rows=(
                (
                    1161,
                    "plugin_server_ingest_event:processPersonsStep",
                    "sorry, too many clients already",
                    "2026-11-23T09:59:48Z",
                ),
                (43, "plugin_server_ingest_event", "Connection terminated unexpectedly", "2026-11-23T09:31:05Z"),
            ),
        ),
        Series(
            title="Every 30 min",
            start=STARTED - timedelta(hours=6),
            step_s=1800,
            values=(0, 0, 0, 0, 0, 0, 0, 12, 330, 411, 260, 191),
            unit="events",
        ),
        QueryText(
            title="The query behind it",
            text="SELECT error_location, error, count()\nFROM events_dead_letter_queue\n"
            "WHERE _timestamp > now() - INTERVAL 1 DAY\nGROUP BY error_location, error",
        ),
    ),
)

POSTGRES_DOWN = Finding(
    code="app.postgres-down",
    status=Status.FAIL,
    stage=Stage.APP,
    claim="/_readyz says that Postgres does not answer",
    runbook="ingestion.md#app.postgres-down",
    actions=(SEE_CONNECTIONS,),
    evidence=(
        Values(title="/_readyz", values={"http": "up", "postgres": False, "celery": True, "answered in (s)": 0.21}),
        QueryText(title="The request behind it", text="GET /_readyz?role=web", language="http"),
    ),
)

SENTRY_ERRORS = Finding(
    code="sentry.errors",
    status=Status.WARN,
    stage=Stage.PLUGIN_SERVER,
    claim='"sorry, too many clients already" was reported 1,180 times since 09:11, new today',
    source_text=True,
    evidence=(
        Table(
            title="Issues that touch ingestion",
            columns=(
                Column(name="issue", kind="code"),
                Column(name="times", kind="count"),
                Column(name="title", kind="source-text"),
                Column(name="first seen", kind="time"),
            ),
            rows=(("POSTHOG-4X1", 1180, "error: sorry, too many clients already", "2026-11-23T09:11:40Z"),),
            omitted=1,
        ),
        Text(
            title="Its newest event",
            text="error: sorry, too many clients already\n    at Parser.parseErrorMessage (pg-protocol/src/parser.ts:369)\n"
            "    at processPersonsStep (worker/ingestion/event-pipeline/processPersonsStep.ts:17)",
        ),
    ),
)

HEARTBEAT = Finding(
    code="plugin-server.heartbeat-disagrees",
    status=Status.INFO,
    stage=Stage.PLUGIN_SERVER,
    claim="The app says that the plugin server is down, /_health that it is up: believe /_health, the app reads a Redis key",
)

ANSWERS = Finding(
    code="plugin-server.healthy",
    status=Status.OK,
    stage=Stage.PLUGIN_SERVER,
    claim="/_health answers in 14 ms, 3 of 3 checks are ok",
    evidence=(QueryText(title="The request behind it", text="GET /_health", language="http"),),
)


def check(
    id: str, status: Status = Status.OK, *findings: Finding, reason: str = "", blocked_by: str | None = None
) -> CheckResult:
    """The result of one of the real checks."""
    stage, title = TITLES[id]
    looked = status.looked
    return CheckResult(
        id=id,
        title=title,
        stage=stage,
        status=status,
        reason=reason,
        blocked_by=blocked_by,
        duration_s=0.12 if looked else 0.0,
        findings=findings,
        cost=Cost(clickhouse=ClickHouseCost(queries=2, read_rows=74_300, read_bytes=1_900_000, elapsed_s=0.04))
        if looked and "a" in id and stage is Stage.CLICKHOUSE
        else Cost(),
    )


def states(**statuses: tuple[Status, str]) -> tuple[StageState, ...]:
    """The path: nobody looks at capture and Kafka; the other stages are fine but for those given."""
    nobody = (Status.SKIPPED, "no check looks at this stage")
    known = {"capture": nobody, "kafka": nobody} | statuses
    return tuple(
        StageState(id=stage, status=status, note=note)
        for stage in Stage
        for status, note in [known.get(stage.replace("-", "_"), (Status.OK, ""))]
    )


def completeness(checks: tuple[CheckResult, ...], more: str = "") -> Completeness:
    """As the engine states it."""
    blind = tuple(Blind(check=c.id, status=c.status, reason=c.reason) for c in checks if not c.status.looked)
    looked = len(checks) - len(blind)
    dark = "Nothing was seen of: capture, kafka; a problem there is not ruled out."
    statement = " ".join(part for part in (f"Looked with {looked} of {len(checks)} checks.", more, dark) if part)
    return Completeness(looked=looked, total=len(checks), blind=blind, statement=statement)


def report(
    verdict: Verdict, checks: tuple[CheckResult, ...], steps: tuple[Status, Status, Status], **changes: object
) -> Report:
    """A report of all checks; `steps` are the statuses of the runbook's three steps."""
    made = Report(
        id="7f3a-c2",
        tool=Tool(name="posthog-diag", version="0.1.0"),
        started_at=STARTED,
        duration_s=1.24,
        complete=True,
        cut_short=None,
        runbook="ingestion",
        window=DAY,
        install={
            "plugin_server_address": "http://plugins:6738",
            "clickhouse_address": "http://clickhouse:8123/posthog",
            "clickhouse_version": "24.8.7.41",
            "app_address": "https://posthog.example.com",
        },
        verdict=verdict,
        triage=Triage(category=Category.MAINTENANCE, escalate=False, escalate_reason=""),
        stages=states(),
        completeness=completeness(checks),
        steps=(
            Step(title=ALIVE, status=steps[0], checks=("plugin-server-health", "plugin-server-heartbeat")),
            Step(title=SENTRY, status=steps[1], checks=("sentry-issues",)),
            Step(title=LETTERS, status=steps[2], checks=("dead-letters",)),
        ),
        checks=checks,
        cost=Cost(
            clickhouse=ClickHouseCost(queries=9, read_rows=1_912_000, read_bytes=74_100_000, elapsed_s=0.41),
            http=HttpCost(requests=6, bytes=48_000),
        ),
        privacy=Privacy(redacted={"secret": 2, "ip": 12}),
    )
    return structs.replace(made, **changes)


def problem() -> Report:
    """Postgres is out of connections: dead letters, a failing app, errors in Sentry."""
    checks = (
        check("plugin-server-health", Status.OK, ANSWERS),
        check("plugin-server-heartbeat", Status.INFO, HEARTBEAT),
        check("sentry-issues", Status.WARN, SENTRY_ERRORS),
        check("dead-letters", Status.FAIL, DEAD_LETTERS),
        check("clickhouse-connection"),
        check("events-arriving"),
        check("app-health", Status.FAIL, POSTGRES_DOWN),
    )
    verdict = Verdict(
        status="problem",
        code="app.postgres-down",
        stage=Stage.PLUGIN_SERVER,
        confidence="high",
        headline="Events stop at the plugin server: Postgres refuses its connections.",
        why=(f"{LETTERS_CLAIM}.", "/_readyz says that Postgres does not answer."),
        actions=(SEE_CONNECTIONS, REPLAY, RESTART),
    )
    return report(
        verdict,
        checks,
        (Status.OK, Status.WARN, Status.FAIL),
        stages=states(
            plugin_server=(Status.FAIL, "Postgres refuses its connections"), app=(Status.FAIL, "Postgres does not answer")
        ),
        triage=Triage(
            category=Category.MAINTENANCE,
            escalate=False,
            escalate_reason="",
            ask=("When did it begin, and what was changed shortly before (upgrade, configuration, more traffic)?",),
        ),
    )


def warning() -> Report:
    """Dead letters that came and went; Sentry is not configured."""
    claim = "43 events were dead-lettered in 24 h, the last 5 h ago: they were not reprocessed"
    burst = structs.replace(
        DEAD_LETTERS, code="dead-letters.past-burst", status=Status.WARN, claim=claim, cause="", cause_codes=()
    )
    burst = structs.replace(burst, actions=(REPLAY,), evidence=burst.evidence[1:2])
    checks = (
        check("plugin-server-health", Status.OK, ANSWERS),
        check("plugin-server-heartbeat"),
        check("sentry-issues", Status.SKIPPED, reason="no Sentry is configured (sentry.org or DIAG_SENTRY_ORG)"),
        check("dead-letters", Status.WARN, burst),
        check("clickhouse-connection"),
        check("events-arriving"),
        check("app-health"),
    )
    verdict = Verdict(
        status="warning",
        code="dead-letters.past-burst",
        stage=Stage.PLUGIN_SERVER,
        confidence="medium",
        headline=f"{claim}.",
        against=("Not looked at: sentry-issues (no Sentry is configured (sentry.org or DIAG_SENTRY_ORG)).",),
        actions=(REPLAY,),
    )
    changed = {
        "stages": states(plugin_server=(Status.WARN, "events were put aside")),
        "completeness": completeness(checks, "Could not look at everything in: plugin-server."),
        "triage": Triage(category=Category.DATA_INTEGRITY, escalate=False, escalate_reason=""),
    }
    return report(verdict, checks, (Status.OK, Status.SKIPPED, Status.WARN), **changed)


def healthy() -> Report:
    """Everything was looked at and nothing is wrong."""
    checks = tuple(check(id) if id != "plugin-server-health" else check(id, Status.OK, ANSWERS) for id in TITLES)
    verdict = Verdict(
        status="healthy",
        code=None,
        stage=None,
        confidence="high",
        headline="Nothing is wrong where events could be lost.",
        why=tuple(f"{title}." for _, title in TITLES.values()),
        against=(
            "This does not prove that clients send: a browser's ad blocker, a wrong project token or address, or a filter in "
            "the app can hide events that this path never got, or got and stored.",
        ),
    )
    ask = (
        "Does an event that you send with curl to your capture address show up? Which answer do you get?",
        "Which project and which filters are you looking at?",
    )
    triage = Triage(category=Category.USER_EXPERIENCE, escalate=False, escalate_reason="", ask=ask)
    return report(verdict, checks, (Status.OK, Status.OK, Status.OK), triage=triage)


def inconclusive() -> Report:
    """ClickHouse could be reached but not read, the plugin server is not configured, Sentry refuses the token."""
    no_plugin_server = "no plugin server is configured (plugin_server_urls or DIAG_PLUGIN_SERVER_URLS)"
    grant = Action(
        text="Let diag read the dead letter queue",
        commands=("GRANT SELECT ON posthog.events_dead_letter_queue TO diag",),
        changes_something=True,
    )
    denied = Finding(
        code="clickhouse.permission-denied",
        status=Status.UNKNOWN,
        stage=Stage.CLICKHOUSE,
        claim="ClickHouse does not let diag read posthog.events_dead_letter_queue",
        actions=(grant,),
    )
    refused = Finding(
        code="sentry.unauthorized",
        status=Status.UNKNOWN,
        stage=Stage.PLUGIN_SERVER,
        claim="Sentry refuses the token (401)",
        detail="An internal integration's token with event:read and org:read is needed; an organization token reads no issues.",
    )
    checks = (
        check("plugin-server-health", Status.SKIPPED, reason=no_plugin_server),
        check("plugin-server-heartbeat", Status.SKIPPED, reason=no_plugin_server),
        check("sentry-issues", Status.UNKNOWN, refused, reason="Sentry refuses the token (401)"),
        check("dead-letters", Status.UNKNOWN, denied, reason=denied.claim),
        check("clickhouse-connection"),
        check("events-arriving"),
        check("app-health"),
    )
    verdict = Verdict(
        status="inconclusive",
        code=None,
        stage=None,
        confidence="low",
        headline="Nothing is known to be broken, but too little could be looked at to call this install healthy.",
        why=tuple(f"Nobody could look at: {title}" for title in (ALIVE, SENTRY, LETTERS)),
        against=tuple(f"Not looked at: {c.id} ({c.reason})." for c in checks if c.reason),
        actions=(grant,),
    )
    ask = tuple(f"Could you run it again so that {c.id} can look? It could not: {c.reason}." for c in checks if c.reason)
    return report(
        verdict,
        checks,
        (Status.SKIPPED, Status.UNKNOWN, Status.UNKNOWN),
        stages=states(plugin_server=(Status.SKIPPED, no_plugin_server)),
        completeness=completeness(checks, "Could not look at everything in: plugin-server."),
        triage=Triage(category=Category.USER_EXPERIENCE, escalate=False, escalate_reason="", ask=ask),
    )


def cut_short() -> Report:
    """The deadline came while ClickHouse was still asked; what depends on it was blocked."""
    late = Finding(
        code="check.timed-out",
        status=Status.UNKNOWN,
        stage=Stage.CLICKHOUSE,
        claim="clickhouse-connection was still looking after 5 s, when the run's deadline came ended it",
    )
    blocked = {"reason": "ClickHouse does not answer", "blocked_by": "clickhouse-connection"}
    checks = (
        check("plugin-server-health", Status.OK, ANSWERS),
        check("plugin-server-heartbeat"),
        check("sentry-issues"),
        check("dead-letters", Status.BLOCKED, **blocked),
        check("clickhouse-connection", Status.UNKNOWN, late, reason="did not finish within 5 s"),
        check("events-arriving", Status.BLOCKED, **blocked),
        check("app-health"),
    )
    verdict = Verdict(
        status="inconclusive",
        code=None,
        stage=None,
        confidence="low",
        headline="Nothing is known to be broken, but too little could be looked at to call this install healthy.",
        why=(f"Nobody could look at: {LETTERS}", "The run was cut short before every check had finished."),
    )
    return report(
        verdict,
        checks,
        (Status.OK, Status.OK, Status.BLOCKED),
        stages=states(clickhouse=(Status.UNKNOWN, "did not finish within 5 s")),
        duration_s=5.02,
        complete=False,
        cut_short="deadline",
    )


HOSTILE = (
    "\x1b[31mred\x1b[0m \x1b]8;;http://evil.example\x07link\x1b]8;;\x07 \x9b2J "
    "</details><script>alert(1)</script> | `tick` ```\n```\n# heading\n@posthog #123 <!channel> "
    "\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe ![x](http://evil.example/x.png) [click](javascript:x) <!-- --> ~~~\r\n- item\t\x00\x07"
)


def hostile(text: str = HOSTILE) -> Report:
    """`problem()`, with `text` in every place that takes free text."""
    words = structs.replace(
        DEAD_LETTERS,
        code=text,
        claim=text,
        detail=text,
        affects=(text,),
        cause=text,
        cause_codes=(text,),
        runbook=text,
        actions=(Action(text=text, commands=(text,)),),
        evidence=(
            Table(title=text, columns=(Column(name=text), Column(name=text, kind="time")), rows=((text, text), (text, None))),
            Series(title=text, start=STARTED, step_s=60, values=(1, 2, 3), unit=text),
            Values(title=text, values={text: text}),
            Text(title=text, text=text),
            QueryText(title=text, text=text),
        ),
    )
    base = problem()
    blind = check("sentry-issues", Status.UNKNOWN, structs.replace(words, status=Status.UNKNOWN), reason=text)
    skipped = structs.replace(check("events-arriving", Status.SKIPPED, reason=text), id=text, title=text)
    noted = structs.replace(words, status=Status.INFO)
    fine = check("app-health", Status.OK, structs.replace(words, status=Status.OK))
    checks = (
        check("dead-letters", Status.FAIL, words),
        blind,
        skipped,
        check("plugin-server-heartbeat", Status.INFO, noted),
        fine,
    )
    return structs.replace(
        base,
        id=text,
        tool=Tool(name=text, version=text),
        runbook=text,
        install={"app_address": text, "clickhouse_version": text, text: text},
        verdict=structs.replace(
            base.verdict,
            code=text,
            headline=text,
            why=(text, text),
            against=(text,),
            actions=(Action(text=text, commands=(text,), changes_something=True, safe=False),),
            also=(text,),
        ),
        triage=Triage(category=Category.BUG, escalate=True, escalate_reason=text, ask=(text,)),
        stages=tuple(structs.replace(state, note=text) for state in base.stages),
        completeness=structs.replace(completeness(checks), statement=text),
        steps=(Step(title=text, status=Status.FAIL, checks=(text, "dead-letters", "app-health")),),
        checks=checks,
        privacy=Privacy(redacted={text: 3}),
    )


def huge(findings: int = 10_000) -> Report:
    """As many findings, each of its own code and with a table, and values of a megabyte."""
    base = problem()
    long = "sorry, too many clients already; " * 30_000
    columns = (Column(name="events", kind="count"), Column(name="place"), Column(name="error"))
    table = Table(
        title="By place", columns=columns, rows=tuple((n, f"place {n}", f"error {n} " + "x" * 200) for n in range(25))
    )
    first = structs.replace(DEAD_LETTERS, detail=long, evidence=(Text(title="All of it", text=long), table))
    many = tuple(
        structs.replace(DEAD_LETTERS, code=f"dead-letters.{n}", status=Status.WARN, claim=f"claim {n}", evidence=(table,))
        for n in range(findings - 1)
    )
    checks = (check("dead-letters", Status.FAIL, first, *many), *base.checks[:3], *base.checks[4:])
    return structs.replace(base, checks=checks)


ALL = {
    "problem": problem,
    "warning": warning,
    "healthy": healthy,
    "inconclusive": inconclusive,
    "cut_short": cut_short,
    "hostile": hostile,
}
