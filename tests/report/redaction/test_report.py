"""Nothing that is planted anywhere in a report gets through, and what is its structure stays."""

import msgspec
import pytest
from msgspec import structs

from diagnostics.report.model import Privacy, Stage, StageState, Status, Step
from diagnostics.report.redaction import RedactionFailed, Redactor
from tests.report.redaction.sample import CHECK, FINDING, REPORT, SECRET, TABLE, empty, is_request, leaves, planted, table

# What diag itself makes. Everything else that can hold text is tried.
STRUCTURE = {"id", "tool.name", "tool.version"}
# Names that others refer to: those that look like one cannot be replaced.
IDENTIFIERS = {
    "runbook",
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

LEAVES = [path for path in leaves(msgspec.json.decode(msgspec.json.encode(REPORT))) if planted("x", path) is not None]
OPEN = [path for path in LEAVES if ".".join(map(str, path)) not in STRUCTURE]


def test_all_of_the_report_is_tried() -> None:
    assert {".".join(map(str, path)) for path in LEAVES} >= STRUCTURE | IDENTIFIERS
    assert list(empty(msgspec.json.decode(msgspec.json.encode(REPORT)))) == [("privacy", "redacted"), ("digest",)]
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


@pytest.mark.parametrize("path", sorted(STRUCTURE | IDENTIFIERS))
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


def test_a_name_of_somebody_elses_check_is_the_same_wherever_it_stands() -> None:
    name = "jane.doe@corp.com"
    steps = (structs.replace(REPORT.steps[0], checks=(name, "dead-letters")),)
    clean = Redactor(key=b"k").report(
        structs.replace(REPORT, steps=steps, checks=(structs.replace(CHECK, id=name), structs.replace(CHECK, blocked_by=name)))
    )
    [shown, kept] = clean.steps[0].checks
    assert shown.startswith("email-")
    assert kept == "dead-letters"
    assert shown == clean.checks[0].id == clean.checks[1].blocked_by


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


def test_the_last_look_finds_what_the_rules_have_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    redactor = Redactor([SECRET])
    monkeypatch.setattr(
        "diagnostics.report.redaction.redactor.through",
        lambda report, gate: report if "Gate" in type(gate).__name__ else REPORT,
    )
    report = planted(SECRET, ("triage", "ask", 0))
    assert report is not None
    with pytest.raises(RedactionFailed) as caught:
        redactor.report(report)
    assert str(caught.value) == "A configured secret was still in the report after redaction. The report is not printed."
