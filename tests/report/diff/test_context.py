"""What else is said of two reports: whether they can be compared at all, and what about them changed."""

from datetime import timedelta

import pytest
from msgspec import structs

from diagnostics.report.diff import compare
from diagnostics.report.model import Report, Tool, WindowSpan
from tests.report import reports

OLD = reports.problem()
LATER = structs.replace(OLD, id="0000-02", started_at=OLD.started_at + timedelta(hours=2))


def installed(report: Report, **facts: str) -> Report:
    return structs.replace(report, install={**report.install, **facts})


def looking_back(report: Report, hours: float) -> Report:
    return structs.replace(
        report, window=WindowSpan(since=report.window.until - timedelta(hours=hours), until=report.window.until)
    )


def narrowed(report: Report, *to: str) -> Report:
    return structs.replace(report, completeness=structs.replace(report.completeness, narrowed=to))


@pytest.mark.parametrize(
    ("old", "new", "caveat"),
    [
        (OLD, OLD, "Both files hold the same report."),
        (LATER, OLD, "The new report is 2 h older than the old one: swap the two files."),
        (OLD, structs.replace(LATER, runbook="replay"), "They walk different runbooks: ingestion, then replay."),
        (
            OLD,
            installed(LATER, app_address="https://other.example.com"),
            "They seem to be of different installs: the addresses differ.",
        ),
    ],
)
def test_reports_that_do_not_speak_of_the_same_are_not_comparable(old: Report, new: Report, caveat: str) -> None:
    difference = compare(old, new)
    assert difference.caveats == (caveat,)
    assert not difference.comparable


@pytest.mark.parametrize(
    ("old", "new", "caveat"),
    [
        (
            OLD,
            looking_back(LATER, 1),
            "They look back differently far: 24 h, then 60 min. Counts are compared by the hour, and what happened before that "
            "time is not in them.",
        ),
        (
            OLD,
            narrowed(LATER, "dead letters only of team 7"),
            "They look at different parts of the install: all of it, then dead letters only of team 7.",
        ),
        (
            OLD,
            structs.replace(LATER, complete=False),
            "The new report was cut short: what it does not show may still be there.",
        ),
    ],
)
def test_what_else_to_keep_in_mind(old: Report, new: Report, caveat: str) -> None:
    difference = compare(old, new)
    assert difference.caveats == (caveat,)
    assert difference.comparable


@pytest.mark.parametrize(
    "new",
    [
        installed(LATER, clickhouse_address="http://127.0.0.1:8123/posthog"),
        installed(LATER, clickhouse_address="http://clickhouse-2:8123/posthog"),
        structs.replace(LATER, install={}),
        looking_back(LATER, 24.001),
    ],
)
def test_one_other_address_is_still_the_same_install(new: Report) -> None:
    assert compare(OLD, new).caveats == ()


@pytest.mark.parametrize("address", ["http://127.0.0.1:{}", "127.0.0.1:{}", "localhost:{}, kafka:9092", "http://[::1]:{}/x"])
def test_addresses_on_the_loopback_do_not_tell_installs_apart(address: str) -> None:
    old, new = (structs.replace(report, install={"x_address": address.format(port)}) for report, port in ((OLD, 1), (LATER, 2)))
    difference = compare(old, new)
    assert (difference.caveats, difference.shifts) == ((), ())
    elsewhere = structs.replace(new, install={"x_address": "http://10.127.0.1/"})
    assert compare(structs.replace(old, install={"x_address": "http://10.127.0.2/"}), elsewhere).caveats


def test_hidden_hosts_of_the_same_install_are_the_same() -> None:
    hidden = [installed(report, app_address=f"https://host-{name}/") for report, name in ((OLD, "aaaa"), (LATER, "bbbb"))]
    assert compare(*hidden).caveats == ()


def test_a_narrowed_run_resolves_nothing() -> None:
    fixed = narrowed(
        structs.replace(reports.healthy(), id="0000-02", started_at=LATER.started_at), "dead letters only of team 7"
    )
    difference = compare(OLD, fixed)
    assert difference.counts["resolved"] == 0
    assert {change.note for change in difference.changes} == {"the new run was narrowed: dead letters only of team 7"}
    both = compare(narrowed(OLD, "dead letters only of team 7"), fixed)
    assert both.counts["not_visible"] == 0


def test_verdict_versions_window_and_tool_shift() -> None:
    healthy = structs.replace(
        reports.healthy(), id="0000-02", started_at=LATER.started_at, tool=Tool(name="posthog-diag", version="0.2.0")
    )
    new = looking_back(installed(healthy, clickhouse_version="25.8.1.1", posthog_version="1.43.0"), 48)
    told = [(shift.what, shift.old, shift.new) for shift in compare(OLD, new).shifts]
    assert told == [
        ("root cause", "app.postgres-down", ""),
        ("events stop at", "plugin-server", ""),
        ("ClickHouse", "24.8.7.41", "25.8.1.1"),
        ("PostHog", "", "1.43.0"),
        ("looked back", "24 h", "48 h"),
        ("posthog-diag", "0.1.0", "0.2.0"),
    ]


def test_checks_that_could_look_only_once_are_named() -> None:
    blind = structs.replace(reports.inconclusive(), id="0000-02", started_at=LATER.started_at)
    difference = compare(OLD, blind)
    assert [spot.check for spot in difference.blinded] == [
        "plugin-server-health",
        "plugin-server-heartbeat",
        "sentry-issues",
        "dead-letters",
    ]
    assert difference.sighted == ()
    back = compare(blind, structs.replace(LATER, started_at=LATER.started_at + timedelta(hours=1)))
    assert back.sighted == ("plugin-server-health", "plugin-server-heartbeat", "sentry-issues", "dead-letters")
    assert back.blinded == ()
