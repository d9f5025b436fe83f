"""What is said of the events that capture drops: by cause, by share, and whether it goes on."""

import pytest

from checks.capture.drop_causes import CAUSES, IGNORED
from checks.capture.drops import LEAST, MOST, SHARE, WATCH, capture_drops
from diagnostics import Finding, Status, Thresholds
from diagnostics.lab.capture import NOISE
from diagnostics.lab.capture import Capture as StandIn
from diagnostics.lab.http import Server
from diagnostics.lab.scripted import ScriptedServer
from diagnostics.sources.errors import BadAnswer
from tests.checks.capture.asking import capture, counts, itself

AT_ONCE = Thresholds({WATCH.name: 0.0})


def drops(url: str) -> list[Finding]:
    return list(capture_drops.function(capture(url), AT_ONCE))


def only(findings: list[Finding]) -> Finding:
    assert len(findings) == 1, findings
    return findings[0]


def test_a_healthy_capture_needs_no_word_and_no_second_look() -> None:
    with Server(StandIn()) as server:
        assert drops(server.url) == []
    assert sum(request.path == "/metrics" for request in server.requests) == 1


def test_a_quota_that_goes_on(http_server: ScriptedServer) -> None:
    itself(http_server)
    counts(http_server, received=10_000, dropped={"events_over_quota": 9_700})
    counts(http_server, received=10_120, dropped={"events_over_quota": 9_820})
    finding = only(drops(http_server.url))
    assert (finding.code, finding.status, finding.affects) == ("capture.drops-events", Status.FAIL, ("events_over_quota",))
    beginning, _, ending = finding.claim.partition(" within ")
    assert beginning == "Capture dropped 9,700 events since it started (97% of all), and 120 more"
    assert ending.endswith(" s: their project is over its quota of events")
    assert finding.actions[0].commands[0].startswith("docker compose exec redis7 redis-cli zrange")


@pytest.mark.parametrize(
    ("dropped", "statuses"),
    [(49, []), (50, [Status.WARN]), (499, [Status.WARN]), (500, [Status.FAIL])],
)
def test_the_share_decides_when_nothing_comes_while_one_looks(
    http_server: ScriptedServer, dropped: int, statuses: list[Status]
) -> None:
    assert (SHARE.default, MOST.default) == (0.05, 0.5)
    counts(itself(http_server), received=1000, dropped={"token_dropper": dropped})
    assert [each.status for each in drops(http_server.url)] == statuses


@pytest.mark.parametrize(("dropped", "found"), [(19, 0), (20, 1)])
def test_a_few_are_never_worth_a_word(http_server: ScriptedServer, dropped: int, found: int) -> None:
    assert LEAST.default == 20
    counts(itself(http_server), received=20, dropped={"no_distinct_id": dropped})
    assert len(drops(http_server.url)) == found


@pytest.mark.parametrize(("later", "status"), [(1019, Status.WARN), (1020, Status.INFO)])
def test_what_is_over_is_only_noted(http_server: ScriptedServer, later: int, status: Status) -> None:
    itself(http_server)
    counts(http_server, received=1000, dropped={"token_dropper": 90})
    counts(http_server, received=later, dropped={"token_dropper": 90})
    finding = only(drops(http_server.url))
    assert finding.status is status
    assert ("but none now" in finding.claim) is (status is Status.INFO)


def test_causes_that_count_before_an_event_is_received(http_server: ScriptedServer) -> None:
    counts(itself(http_server), received=10, dropped={"token_shape_invalid": 400})
    finding = only(drops(http_server.url))
    assert finding.claim == (
        "Capture dropped 400 events since it started (100% of all): what they give as project token is none"
    )


@pytest.mark.parametrize("cause", sorted(IGNORED))
def test_single_products_and_recordings_are_left_out(http_server: ScriptedServer, cause: str) -> None:
    counts(itself(http_server), received=1000, dropped={cause: 900})
    assert drops(http_server.url) == []


def test_a_cause_of_tomorrow_is_told_in_its_own_word(http_server: ScriptedServer) -> None:
    counts(itself(http_server), received=1000, dropped={"moon_phase": 900})
    finding = only(drops(http_server.url))
    assert finding.claim.endswith(": for a cause that diag does not know")
    assert (finding.detail, finding.source_text) == ("Capture counts them as moon_phase.", True)


def test_several_causes_are_several_findings(http_server: ScriptedServer) -> None:
    counts(itself(http_server), received=1000, dropped={"token_dropper": 300, "retryable_sink": 600})
    assert [each.affects for each in drops(http_server.url)] == [("retryable_sink",), ("token_dropper",)]


def test_where_the_metrics_are_hidden_nobody_looked() -> None:
    with Server(StandIn(public=True)) as server, pytest.raises(BadAnswer) as raised:
        drops(server.url)
    assert str(raised.value) == f"Capture's metrics cannot be seen at {server.url}"
    assert raised.value.hint == "give diag the service itself: DIAG_CAPTURE_URL=http://capture:3000"


def test_the_app_as_capture_counts_nothing_and_does_not_alarm() -> None:
    with Server(StandIn(kind="django")) as server:
        finding = only(drops(server.url))
    assert finding.status is Status.INFO
    assert finding.claim == "The app itself is capture in this version, and does not count what it drops"


def test_every_cause_is_either_judged_or_left_out() -> None:
    assert not CAUSES.keys() & IGNORED
    assert NOISE.keys() <= CAUSES.keys()
