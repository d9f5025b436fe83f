"""Fields, columns, commands and hosts: what a report says of a text decides what is taken out of it."""

from typing import Any

import pytest
from msgspec import structs

from diagnostics.report.model import Column, Table, Values
from diagnostics.report.redaction import RedactionFailed, Redactor
from tests.report.redaction.sample import REPORT, SECRET, planted, table, with_evidence, with_values


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


@pytest.mark.parametrize(
    "secret", ["Sommer-2024-Regenbogen", "Regen.Bogen.1984.Haus", "Wiese:12:Himmel:34:Blau", 'Regen"1"bogen']
)
def test_a_secret_goes_out_of_an_error_before_its_template_is_made(secret: str) -> None:
    error = f"login with {secret} by jane.doe@corp.com failed 17 times"
    report = with_evidence(Table(title="By error", columns=(Column(name="error", kind="error"),), rows=((error,),)))
    redactor = Redactor([secret])
    clean = redactor.report(report)
    assert table(clean).rows == (("login with secret-removed by <email> failed <number> times",),)
    assert redactor.report(clean) == clean
