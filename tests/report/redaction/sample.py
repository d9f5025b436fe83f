"""A report with something in every field, and ways to put something else into one of them."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import structs

from diagnostics.report.model import (
    Action,
    Blind,
    Category,
    CheckResult,
    Column,
    Completeness,
    Cost,
    Finding,
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
from diagnostics.report.redaction import Redactor

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECRET = "correct-horse-1"
ACTION = Action(text="Restart it", commands=("docker compose restart plugins",), changes_something=True)
TABLE = Table(
    title="By place",
    columns=(Column(name="events", kind="count"), Column(name="who", kind="person"), Column(name="error", kind="source-text")),
    rows=((1161, "bob_0123456", "sorry, too many clients already"), (43, 42, None)),
    omitted=1,
)
VALUES = Values(
    title="What it says", values={"status": "ok", "clickhouse_version": "24.8.7.41", "postgres": False, "seconds": 0.2}
)
FINDING = Finding(
    code="dead-letters.active",
    status=Status.FAIL,
    stage=Stage.PLUGIN_SERVER,
    claim="1,204 events were dead-lettered in 24 h",
    detail="The newest of bob_0123456 is 12 s old.",
    affects=("events_dead_letter_queue",),
    evidence=(
        TABLE,
        Series(title="Every minute", start=NOON, step_s=60, values=(1, 2.5), unit="events"),
        VALUES,
        Text(title="A sample", text="Connection terminated unexpectedly"),
        QueryText(title="The query", text="SELECT count() FROM events_dead_letter_queue"),
    ),
    actions=(ACTION,),
    runbook="ingestion.md#dead-letters.active",
    source_text=True,
    cause="Postgres ran out of connections",
    cause_codes=("app.postgres-down",),
)
CHECK = CheckResult(
    id="dead-letters",
    title="No events are dead-lettered",
    stage=Stage.PLUGIN_SERVER,
    status=Status.FAIL,
    reason="it was asked",
    blocked_by="clickhouse-connection",
    findings=(FINDING,),
)
REPORT = Report(
    id="7f3a-c2",
    tool=Tool(name="posthog-diag", version="0.1.0"),
    started_at=NOON,
    duration_s=1.2,
    complete=False,
    cut_short="deadline",
    runbook="ingestion",
    window=WindowSpan(since=NOON, until=NOON),
    install={"site": "posthog.example.com", "clickhouse_version": "24.8.7.41"},
    verdict=Verdict(
        status="problem",
        code="dead-letters.active",
        stage=Stage.PLUGIN_SERVER,
        confidence="high",
        headline="Events stop at the plugin server",
        why=("Rows arrive in the dead letter queue",),
        against=("The heartbeat is fresh",),
        actions=(ACTION,),
        also=("app.postgres-down",),
    ),
    triage=Triage(category=Category.BUG, escalate=True, escalate_reason="Events are lost", ask=("Since when?",)),
    stages=(StageState(id=Stage.CAPTURE, status=Status.OK, note="nobody looked"),),
    completeness=Completeness(
        looked=21,
        total=24,
        blind=(Blind(check="sentry-issues", status=Status.UNKNOWN, reason="no token"),),
        statement="Looked with 21",
        narrowed=("dead letters only of team 7",),
    ),
    steps=(Step(title="What is in the queue?", status=Status.FAIL, checks=("dead-letters",)),),
    checks=(CHECK,),
    cost=Cost(),
)

Path = tuple[str | int, ...]


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    """Where strings stand in plain data; the name of a dictionary's entry is a leaf as well: `(..., name, "")`."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from leaves(item, (*path, name))
            if path[-1:] in (("install",), ("values",)):
                yield (*path, name, "")
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from leaves(item, (*path, place))


def is_request(path: Path) -> bool:
    """Commands and queries that checks have written keep what they need to be run: the values in the query of a URL."""
    return "commands" in path or path[-3:] == ("evidence", 4, "text")


def empty(value: Any, path: Path = ()) -> Iterator[Path]:
    """Where the sample has nothing to plant into."""
    if value in ("", [], {}):
        yield path
    elif isinstance(value, dict | list):
        for name, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from empty(item, (*path, name))


def planted(seed: str, path: Path) -> Report | None:
    """The report with `seed` at `path`; None where a type forbids it: an enumeration, a time, a literal."""
    data = msgspec.json.decode(msgspec.json.encode(REPORT))
    *way, last = path
    renamed = last == ""
    if renamed:
        *way, last = way
    there = data
    for step in way:
        there = there[step]
    if renamed:
        there[seed] = there.pop(last)
    else:
        there[last] = seed
    try:
        return msgspec.convert(data, Report)
    except msgspec.ValidationError:
        return None


def table(report: Report) -> Table:
    found = report.checks[0].findings[0].evidence[0]
    assert isinstance(found, Table)
    return found


def with_evidence(evidence: Table | Values) -> Report:
    finding = structs.replace(FINDING, evidence=(evidence,))
    return structs.replace(REPORT, checks=(structs.replace(CHECK, findings=(finding,)),))


def with_values(values: dict[Any, Any]) -> Report:
    return with_evidence(Values(title="x", values=values))


def redacted(text: str, *, hide_hosts: Sequence[str] | None = None) -> str:
    """With pseudonyms by kind only: which of them is another test's business. A second pass has to change nothing."""
    redactor = Redactor(hide_hosts=hide_hosts)
    once = redactor.text(text)
    assert redactor.text(once) == once
    return re.sub(r"(person|email|ip|host)-[0-9a-f]{4,}", r"\1-…", once)
