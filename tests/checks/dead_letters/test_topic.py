"""The dead-letter topic: how many, how new, why; and nobody's person in the report."""

from typing import Any

import pytest

from checks.dead_letters.topic import kafka_dead_letters
from diagnostics import Finding, KnownError, KnownErrors, Status, Table, Thresholds, Window
from diagnostics.lab.kafka import DEAD_LETTERS, Letters
from diagnostics.lab.kafka import Kafka as StandIn
from diagnostics.lab.kafka_broker import KafkaBroker
from diagnostics.report.error_template import template
from tests.looking_at_kafka import A_DAY, looking_at, said

KNOWN = KnownErrors(
    [
        KnownError(
            id="clients",
            pattern="too many clients",
            meaning="Postgres ran out of connections",
            fix="Raise max_connections.",
            seen_in="PostHog/posthog#1",
            cause="app.postgres-down",
        )
    ]
)


def found(*letters: Letters, limits: dict[str, float] | None = None, known: KnownErrors = KNOWN, **kafka: Any) -> list[Finding]:
    with KafkaBroker(StandIn(dead_letters=letters, **kafka)) as broker:
        return list(kafka_dead_letters.function(looking_at(broker.address), Window(*A_DAY), known, Thresholds(limits)))


def rows(finding: Finding) -> list[tuple[Any, ...]]:
    table = finding.evidence[0]
    assert isinstance(table, Table)
    assert table.columns[2].kind == "error"  # of which the report shows the template
    return [(*row[:2], template(str(row[2]))) for row in table.rows]


def test_an_empty_topic() -> None:
    claim = "No message came to events_plugin_ingestion_dlq in the last 24 h"
    assert said(found()) == [("kafka.dead-letters", Status.OK, claim)]


def test_an_install_without_the_topic() -> None:
    assert found(missing=(DEAD_LETTERS,)) == []


@pytest.mark.parametrize("headers", ["2025", "2026"])
def test_letters_that_still_arrive(headers: Any) -> None:
    (finding,) = found(
        Letters(count=40, reason="sorry, too many clients already", since="2h", until="30s", headers=headers),
        Letters(
            count=3, reason="cannot read {number} of 9", step="normalizeEventStep", since="2h", until="1h", headers=headers
        ),
    )
    assert said([finding]) == [
        (
            "kafka.dead-letters",
            Status.FAIL,
            "43 events were dead-lettered in Kafka's topic events_plugin_ingestion_dlq in the last 24 h, the newest 30 s ago",
        )
    ]
    assert (finding.cause, finding.cause_codes) == ("Postgres ran out of connections", ("app.postgres-down",))
    assert rows(finding) == [
        (40, "processPersonsStep", "sorry, too many clients already"),
        (3, "normalizeEventStep", "cannot read <number> of <number>"),
    ]
    assert [action.text for action in finding.actions][1] == "Raise max_connections."
    assert finding.actions[-1].commands == ("diag explain kafka.dead-letters",)


def test_one_letter() -> None:
    (finding,) = found(Letters(count=1, reason="x", since="2h", until="2h"))
    assert said([finding]) == [
        (
            "kafka.dead-letters",
            Status.WARN,
            "1 event was dead-lettered in Kafka's topic events_plugin_ingestion_dlq in the last 24 h, the newest 2 h ago and "
            "none since",
        )
    ]


@pytest.mark.parametrize(("until", "status"), [("880s", Status.FAIL), ("901s", Status.WARN)])
def test_after_a_quarter_of_an_hour_it_is_over(until: str, status: Status) -> None:
    (finding,) = found(Letters(count=5, reason="x", since="1h", until=until))
    assert finding.status is status


def test_letters_of_before_the_window_do_not_alarm() -> None:
    assert said(found(Letters(count=5, reason="x", since="3d", until="2d")))[0][1] is Status.OK


def test_of_many_the_newest_are_looked_at() -> None:
    (finding,) = found(Letters(count=450, reason="x", since="1h"))
    assert finding.claim.startswith("450 events were dead-lettered")
    assert finding.detail == "The newest 200 were looked at."
    assert rows(finding) == [(200, "processPersonsStep", "x")]


def test_hostile_reasons_are_data_and_cut() -> None:
    reason = "\x1b[31m<script>@everyone " + "y" * 5000
    (finding,) = found(Letters(count=2, reason=reason, since="1h", step="`rm`"))
    assert reason not in repr(finding)
    assert len(finding.evidence[1].text) <= 1000
    assert all("rm" not in command for action in finding.actions for command in action.commands)


def test_token_and_person_stay_where_they_are() -> None:
    (finding,) = found(Letters(count=2, reason="x", since="1h"))
    assert not any(word in repr(finding) for word in ("phc_", "customer.example", "pageview"))
