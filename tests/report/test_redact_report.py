"""Nothing that is planted anywhere in a report gets through, and what is its structure stays."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
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
from diagnostics.report.redact import RedactionFailed, Redactor

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
    ),
    steps=(Step(title="What is in the queue?", status=Status.FAIL, checks=("dead-letters",)),),
    checks=(CHECK,),
    cost=Cost(),
)

# Text of these never leaves the program, so nothing has to be taken out of it. Everything else that can hold text is tried.
STRUCTURE = {
    "id",
    "runbook",
    "tool.name",
    "tool.version",
    "verdict.code",
    "verdict.also.0",
    "completeness.blind.0.check",
    "steps.0.checks.0",
    "checks.0.id",
    "checks.0.blocked_by",
    "checks.0.findings.0.code",
    "checks.0.findings.0.runbook",
    "checks.0.findings.0.cause_codes.0",
}

SEEDS = {
    "secret": f"x {SECRET} y",
    "secret in base64": "x ZGVmYXVsdDpjb3JyZWN0LWhvcnNlLTE= y",
    "posthog-token": "x phx_AbCdEfGhIjKlMn y",
    "dsn-key": "https://0123456789abcdef0123456789abcdef@o1.ingest.sentry.io/42",
    "bearer": "Authorization: Bearer 0a1b2c3d4e5f",
    "basic": "Authorization: Basic ZGVmYXVsdDpodW50ZXIy",
    "jwt": "x eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4 y",
    "cloud-key": "x AKIAIOSFODNN7EXAMPLE y",
    "private-key": "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----",
    "password": "postgres://u:hunter2hunter2@db/x",
    "email": "x jane.doe@corp.com y",
    "ip": "x 203.0.113.77 y",
    "ipv6": "x 2001:db8:cafe::77 y",
    "person": 'distinct id "jane-doe-77"',
    "url-query": "https://h/p?q=jane+doe+77",
    "card": "x 4111 1111 1111 1111 y",
}
PLANTED = {
    "secret": SECRET,
    "secret in base64": "Y29ycmVjdC1ob3JzZS0x",
    "posthog-token": "AbCdEfGhIjKlMn",
    "dsn-key": "0123456789abcdef",
    "bearer": "0a1b2c3d4e5f",
    "basic": "ZGVmYXVsdDpodW50ZXIy",
    "jwt": "eyJ",
    "cloud-key": "AKIA",
    "private-key": "MIIEvQ",
    "password": "hunter2hunter2",
    "email": "jane.doe",
    "ip": "203.0.113.77",
    "ipv6": "cafe",
    "person": "jane-doe-77",
    "url-query": "jane+doe",
    "card": "4111 1111",
}

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


LEAVES = [path for path in leaves(msgspec.json.decode(msgspec.json.encode(REPORT))) if planted("x", path) is not None]
OPEN = [path for path in LEAVES if ".".join(map(str, path)) not in STRUCTURE]


def test_all_of_the_report_is_tried() -> None:
    assert {".".join(map(str, path)) for path in LEAVES} >= STRUCTURE
    assert list(empty(msgspec.json.decode(msgspec.json.encode(REPORT)))) == [("privacy", "redacted")]
    assert ("checks", 0, "findings", 0, "evidence", 2, "values", "status", "") in OPEN


@pytest.mark.parametrize("kind", SEEDS)
def test_nothing_planted_in_any_text_gets_through(kind: str) -> None:
    for path in OPEN:
        if kind == "url-query" and is_request(path):
            continue
        report = planted(SEEDS[kind], path)
        assert report is not None
        encoded = msgspec.json.encode(Redactor([SECRET]).report(report)).decode()
        assert PLANTED[kind] not in encoded, path


@pytest.mark.parametrize("path", sorted(STRUCTURE))
def test_a_secret_in_the_structure_is_known_to_be_everywhere(path: str) -> None:
    """Codes and ids cannot be replaced, so a password that is one of them counts as an everyday word, and the user is told."""
    report = planted(SECRET, tuple(int(step) if step.isdigit() else step for step in path.split(".")))
    assert report is not None
    redactor = Redactor([SECRET])
    redactor.report(report)
    assert len(redactor.warnings) == 1


@pytest.mark.parametrize(
    "word", ["inconclusive", "dead-letters", "plugin-server-health", "deadline", "2026-11-23", "source_text"]
)
def test_a_password_that_the_report_says_anyway_does_not_suppress_it(word: str) -> None:
    redactor = Redactor([word])
    report = planted(f"password={word}", ("checks", 0, "reason"))
    assert report is not None
    report = structs.replace(report, stages=(*report.stages, StageState(id=Stage.APP, status=Status.OK, note=word)))
    steps = (*report.steps, Step(title="x", status=Status.OK, checks=("plugin-server-health",)))
    verdict = structs.replace(report.verdict, status="inconclusive")
    clean = redactor.report(structs.replace(report, steps=steps, verdict=verdict))
    assert clean.checks[0].reason == "password=password-removed"
    assert clean.stages[1].note == word
    assert len(redactor.warnings) == 1


def test_a_clean_report_comes_out_as_it_went_in_but_for_its_people() -> None:
    clean = Redactor(key=b"k").report(REPORT)
    who, numeric = (row[1] for row in table(clean).rows)
    assert str(who).startswith("person-")
    assert str(numeric).startswith("person-")
    assert clean.checks[0].findings[0].detail == f"The newest of {who} is 12 s old."
    assert clean.privacy.redacted == {"person": 3}
    evidence = (structs.replace(TABLE, rows=((1161, who, TABLE.rows[0][2]), (43, numeric, None))), *FINDING.evidence[1:])
    finding = structs.replace(FINDING, detail=clean.checks[0].findings[0].detail, evidence=evidence)
    expected = structs.replace(
        REPORT, checks=(structs.replace(CHECK, findings=(finding,)),), privacy=Privacy(redacted={"person": 3})
    )
    assert clean == expected


def test_a_second_time_changes_nothing() -> None:
    for kind, seed in SEEDS.items():
        redactor = Redactor([SECRET])
        report = planted(seed, ("checks", 0, "findings", 0, "evidence", 3, "text"))
        assert report is not None
        once = redactor.report(report)
        assert sum(once.privacy.redacted.values()) == 4, kind
        assert redactor.report(once) == once


def test_what_was_taken_out_is_counted_by_kind() -> None:
    text = f"{SECRET} and {SECRET}, bob@corp.com, 10.0.0.5, phc_abcdef"
    report = structs.replace(REPORT, checks=(), triage=structs.replace(REPORT.triage, ask=(text,)))
    assert Redactor([SECRET]).report(report).privacy.redacted == {"email": 1, "ip": 1, "posthog-token": 1, "secret": 2}


def test_fields_are_known_by_their_names() -> None:
    values: dict[str, Any] = {
        "password": "hunter2",
        "clickhouse password": "not set",
        "project token": "abcdef0123",
        "sentry token": "invalid",
        "newest distinct_id": "jane",
        "distinct_id": "null",
        "librdkafka version": "10.2.3.4",
        "client": "10.2.3.4",
        "jane@corp.com": 1,
        "eve@corp.com": 2,
        "tokens": 12,
    }
    clean = Redactor(key=b"k").report(with_values(values))
    shown = next(e for e in clean.checks[0].findings[0].evidence if isinstance(e, Values)).values
    names = list(shown)
    assert [shown[name] for name in names[:4]] == ["password-removed", "not set", "secret-removed", "invalid"]
    assert str(shown["newest distinct_id"]).startswith("person-")
    assert shown["distinct_id"] == "null"
    assert shown["librdkafka version"] == "10.2.3.4"
    assert str(shown["client"]).startswith("ip-")
    assert [name[:6] for name in names[8:]] == ["email-", "email-", "tokens"]
    assert len(shown) == len(values)


def test_names_that_differ_only_in_what_is_taken_out_stay_apart() -> None:
    clean = Redactor([SECRET, "hunter2!"]).report(with_values({SECRET: 1, "hunter2!": 2}))
    assert (
        with_values({"secret-removed": 1, "secret-removed'": 2}).checks[0].findings[0].evidence
        == clean.checks[0].findings[0].evidence
    )


def test_cells_beyond_the_columns_are_redacted_as_well() -> None:
    long = Table(title="x", columns=(Column(name="n"),), rows=(("a", SECRET, "bob@corp.com"),))
    assert "removed" in str(table(Redactor([SECRET]).report(with_evidence(long))).rows[0][1])


@pytest.mark.parametrize("name", ["distinct_id", "password"])
def test_columns_are_known_by_their_names(name: str) -> None:
    one = Table(title="x", columns=(Column(name=name),), rows=(("jane-doe-77",),))
    assert table(Redactor().report(with_evidence(one))).rows[0][0] != "jane-doe-77"


def test_a_command_can_still_be_run() -> None:
    command = (
        'curl -H "Authorization: Bearer $TOKEN" "https://sentry.example.com/api/0/issues/?statsPeriod=24h&query=is:unresolved"'
    )
    report = planted(command, ("verdict", "actions", 0, "commands", 0))
    assert report is not None
    clean = Redactor().report(structs.replace(report, checks=()))
    assert clean.verdict.actions[0].commands == (command,)
    assert clean.privacy.redacted == {}


def test_hosts_stay_unless_they_shall_not() -> None:
    assert Redactor().report(REPORT).install["site"] == "posthog.example.com"
    assert Redactor(hide_hosts=["posthog.example.com"]).report(REPORT).install["site"].startswith("host-")


def test_a_report_with_lone_surrogates_can_be_printed() -> None:
    report = planted("a", ("checks", 0, "reason"))
    assert report is not None
    broken = structs.replace(report, checks=(structs.replace(report.checks[0], reason="a\ud800\x00"),))
    assert Redactor().report(broken).checks[0].reason == "a\\ud800\x00"


@pytest.mark.parametrize("odd", [b"correct-horse-1", object(), ["x"], {1}])
def test_what_no_report_holds_is_not_printed(odd: Any) -> None:
    with pytest.raises(RedactionFailed, match="TypeError"):
        Redactor().report(with_values({"x": odd}))


def test_the_last_look_finds_what_the_rules_have_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    redactor = Redactor([SECRET])
    monkeypatch.setattr(
        "diagnostics.report.redact.through", lambda report, gate: report if "Gate" in type(gate).__name__ else REPORT
    )
    report = planted(SECRET, ("triage", "ask", 0))
    assert report is not None
    with pytest.raises(RedactionFailed) as caught:
        redactor.report(report)
    assert str(caught.value) == "A configured secret was still in the report after redaction. The report is not printed."


def table(report: Report) -> Table:
    found = report.checks[0].findings[0].evidence[0]
    assert isinstance(found, Table)
    return found


def with_evidence(evidence: Table | Values) -> Report:
    finding = structs.replace(FINDING, evidence=(evidence,))
    return structs.replace(REPORT, checks=(structs.replace(CHECK, findings=(finding,)),))


def with_values(values: dict[Any, Any]) -> Report:
    return with_evidence(Values(title="x", values=values))
