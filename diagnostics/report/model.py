"""The report as one value. Every renderer renders it, `--format json` is it, `diag schema` describes it.

Times are RFC 3339 UTC, durations seconds, sizes bytes. Within a `SCHEMA_VERSION` fields are added, never renamed or removed.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

SCHEMA_VERSION = 1

Moment = Annotated[datetime, Meta(tz=True, extra_json_schema={"pattern": "Z$"})]

Scalar = str | int | float | bool | None


class Status(StrEnum):
    """What became of a check, or what a finding says; most serious first. Not being able to look is never healthy."""

    FAIL = "fail"
    WARN = "warn"
    UNKNOWN = "unknown"
    BLOCKED = "blocked"
    SKIPPED = "skipped"
    INFO = "info"
    OK = "ok"

    @property
    def rank(self) -> int:
        """0 for the most serious."""
        return _RANK[self]

    @property
    def looked(self) -> bool:
        """Whether somebody looked: only then does the absence of findings mean anything."""
        return self not in (Status.UNKNOWN, Status.BLOCKED, Status.SKIPPED)


_RANK = {status: rank for rank, status in enumerate(Status)}


def worst(statuses: list[Status], default: Status = Status.OK) -> Status:
    """The most serious of `statuses`, `default` when there is none."""
    return min(statuses, key=lambda status: status.rank, default=default)


class Stage(StrEnum):
    """Where on the path an event can stop, in the order it travels."""

    CAPTURE = "capture"
    KAFKA = "kafka"
    PLUGIN_SERVER = "plugin-server"
    CLICKHOUSE = "clickhouse"
    APP = "app"


class Category(StrEnum):
    """The tags of the support handbook."""

    USER_EXPERIENCE = "User experience"
    PERFORMANCE = "Performance"
    DOCS_CONFUSION = "Docs confusion"
    DATA_INTEGRITY = "Data integrity"
    SETUP = "Deployments/Setup"
    UPGRADING = "Deployments/Upgrading"
    MAINTENANCE = "Deployments/Maintenance"
    NON_SELF_SERVE = "Non-self-serve"
    BILLING = "Billing"
    FEATURE_REQUEST = "Feature request"
    BUG = "Bug"


class Action(Struct, frozen=True, kw_only=True):
    """What to do next: an imperative sentence and the exact commands. `safe` means no data can be lost by it."""

    text: str
    commands: tuple[str, ...] = ()
    changes_something: bool = False
    safe: bool = True


class Column(Struct, frozen=True, kw_only=True):
    """A column of a table. `kind` tells renderers how to align it and the redactor what it holds.

    Cells of an `error` column are whole error texts; what is shown is their template, made when they have been redacted.
    """

    name: str
    kind: Literal["text", "source-text", "error", "count", "bytes", "number", "time", "person", "host", "team", "code"] = "text"


class Table(Struct, frozen=True, kw_only=True, tag_field="kind", tag="table"):
    """Rows of evidence; `omitted` rows were left out by the one who made it."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Scalar, ...], ...]
    omitted: int = 0


class Series(Struct, frozen=True, kw_only=True, tag_field="kind", tag="series"):
    """A number over time: `values[i]` belongs to the `step_s` seconds that begin at `start + i * step_s`."""

    title: str
    start: Moment
    step_s: float
    values: tuple[float, ...]
    unit: str = ""


class Values(Struct, frozen=True, kw_only=True, tag_field="kind", tag="values"):
    """Named single values."""

    title: str
    values: dict[str, Scalar]


class Text(Struct, frozen=True, kw_only=True, tag_field="kind", tag="text"):
    """A passage, mostly somebody else's words (`source_text`)."""

    title: str
    text: str
    source_text: bool = True


class QueryText(Struct, frozen=True, kw_only=True, tag_field="kind", tag="query"):
    """The query or request behind a claim, ready to be run by hand."""

    title: str
    text: str
    language: Literal["sql", "http"] = "sql"


Evidence = Table | Series | Values | Text | QueryText


class Measure(Struct, frozen=True, kw_only=True):
    """The number that a claim is about, so that two reports can be compared: `value` of `unit` ("events", "s").

    `counted_s` is the length of the time in which it was counted, in seconds: over another time the same trouble counts to
    another number, so such measures are compared by their rate. None for what is so at one moment, like a lag.
    """

    value: float
    unit: str
    worse: Literal["higher", "lower"] = "higher"
    counted_s: float | None = None


class Finding(Struct, frozen=True, kw_only=True):
    """One fact with a stable code.

    `claim` says what and how much in one sentence. `affects` names what it is about (a table, a role, a team): together
    with the code it identifies the finding from one report to the next. `cause` is the known cause in plain words,
    `cause_codes` the codes that the evidence points to. `source_text`: claim or detail quote somebody outside. `measure` is
    the number that tells whether it became worse.
    """

    code: str
    status: Status
    stage: Stage | None
    claim: str
    detail: str = ""
    affects: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    actions: tuple[Action, ...] = ()
    runbook: str = ""
    source_text: bool = False
    cause: str = ""
    cause_codes: tuple[str, ...] = ()
    measure: Measure | None = None


class ClickHouseCost(Struct, frozen=True, kw_only=True):
    """What was asked of ClickHouse, as its own summary counts it."""

    queries: int = 0
    read_rows: int = 0
    read_bytes: int = 0
    elapsed_s: float = 0.0


class HttpCost(Struct, frozen=True, kw_only=True):
    """What was asked over HTTP of everything else; `bytes` are those received, `sent` the events of `--canary`."""

    requests: int = 0
    bytes: int = 0
    sent: int = 0


class KafkaCost(Struct, frozen=True, kw_only=True):
    """What was asked of Kafka."""

    requests: int = 0


class Cost(Struct, frozen=True, kw_only=True):
    """What looking cost the install."""

    clickhouse: ClickHouseCost = ClickHouseCost()
    http: HttpCost = HttpCost()
    kafka: KafkaCost = KafkaCost()

    def __add__(self, other: "Cost") -> "Cost":
        ours, theirs = self.clickhouse, other.clickhouse
        http, more = self.http, other.http
        return Cost(
            clickhouse=ClickHouseCost(
                queries=ours.queries + theirs.queries,
                read_rows=ours.read_rows + theirs.read_rows,
                read_bytes=ours.read_bytes + theirs.read_bytes,
                elapsed_s=ours.elapsed_s + theirs.elapsed_s,
            ),
            http=HttpCost(requests=http.requests + more.requests, bytes=http.bytes + more.bytes, sent=http.sent + more.sent),
            kafka=KafkaCost(requests=self.kafka.requests + other.kafka.requests),
        )


class CheckResult(Struct, frozen=True, kw_only=True):
    """What became of one check. `reason` says why it could not look, or was not asked to. One that could not even be
    loaded has no stage."""

    id: str
    title: str
    stage: Stage | None
    status: Status
    reason: str = ""
    blocked_by: str | None = None
    duration_s: float = 0.0
    findings: tuple[Finding, ...] = ()
    cost: Cost = Cost()


class Step(Struct, frozen=True, kw_only=True):
    """A step of the runbook, with the ids of the checks that answer it."""

    title: str
    status: Status
    checks: tuple[str, ...]


class StageState(Struct, frozen=True, kw_only=True):
    """A stage of the path; `note` says in a few words what is wrong there or why nobody looked."""

    id: Stage
    status: Status
    note: str = ""


class Blind(Struct, frozen=True, kw_only=True):
    """A check that could not look."""

    check: str
    status: Status
    reason: str


class Completeness(Struct, frozen=True, kw_only=True):
    """How much could be looked at: `looked` of `total` checks. `narrowed` says what the reader narrowed the run to: nothing
    else was looked at, though the checks looked."""

    looked: int
    total: int
    blind: tuple[Blind, ...]
    statement: str
    narrowed: tuple[str, ...] = ()


class Verdict(Struct, frozen=True, kw_only=True):
    """The conclusion. `stage` is where events stop; `code` the root cause; `also` failing codes that it does not explain."""

    status: Literal["healthy", "warning", "problem", "inconclusive"]
    code: str | None
    stage: Stage | None
    confidence: Literal["high", "medium", "low"]
    headline: str
    why: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()
    also: tuple[str, ...] = ()


class Triage(Struct, frozen=True, kw_only=True):
    """For the support hero: the handbook's tag, whether to call the secondary on-call, what to ask next."""

    category: Category
    escalate: bool
    escalate_reason: str
    ask: tuple[str, ...] = ()


class Tool(Struct, frozen=True, kw_only=True):
    """What made the report."""

    name: str
    version: str


class WindowSpan(Struct, frozen=True, kw_only=True):
    """The time looked at."""

    since: Moment
    until: Moment


class Privacy(Struct, frozen=True, kw_only=True):
    """How many values of each kind were taken out before anything was printed."""

    redacted: dict[str, int] = field(default_factory=dict)


class Report(Struct, frozen=True, kw_only=True):
    """All of it. `digest` is written with the document and covers the rest of it, whatever the order of its members or the
    blanks between them: `diag render --verify` tells whether the document was changed. A report in memory has none."""

    schema_version: int = SCHEMA_VERSION
    id: str
    tool: Tool
    started_at: Moment
    duration_s: float
    complete: bool
    cut_short: Literal["deadline", "interrupted"] | None
    runbook: str
    window: WindowSpan
    install: dict[str, str]
    verdict: Verdict
    triage: Triage
    stages: tuple[StageState, ...]
    completeness: Completeness
    steps: tuple[Step, ...]
    checks: tuple[CheckResult, ...]
    cost: Cost
    privacy: Privacy = Privacy()
    digest: str = ""

    @property
    def findings(self) -> list[Finding]:
        """Every finding, most serious first, in path order among equals."""
        stages = list(Stage)
        found = [finding for check in self.checks for finding in check.findings]
        return sorted(found, key=lambda f: (f.status.rank, stages.index(f.stage) if f.stage else len(stages)))
