"""What error texts do to the groups: those PostHog is known to write, and those that somebody writes on purpose."""

import pytest

from diagnostics.lab.engine import Database, Engine
from tests.checks.dead_letters.looking import one, put, result, table
from tests.checks.dead_letters.written import PLUGIN_SERVER, WRITTEN, error_sql


def written(db: Database, location: str, text: str, count: int) -> None:
    """Rows of the last five minutes."""
    db.execute(
        "INSERT INTO events_dead_letter_queue (id, team_id, error_location, error, _timestamp) "
        f"SELECT generateUUIDv4(number), 1 + number % 5, '{location}', {error_sql(text)}, now() - 290 + number % 200 "
        f"FROM numbers({count})"
    )


@pytest.mark.parametrize("half", [slice(None, None, 2), slice(1, None, 2)])
def test_what_posthog_writes_falls_into_one_stable_group_an_error(engine: Engine, half: slice) -> None:
    db, seen = engine.database(), WRITTEN[half]
    for location, text, _ in seen:
        written(db, location, text, 2000)
    finding = one(result(db))
    assert finding.claim.startswith(f"{2000 * len(seen):,} events were dead-lettered in the last 24 h, in 5 teams, the newest ")
    groups = table(finding)
    assert groups.omitted == 0
    assert sorted(row[:3] for row in groups.rows) == sorted((2000, location, template) for location, _, template in seen)


def test_all_that_posthog_writes_makes_at_most_fifty_groups() -> None:
    assert len({(location, template) for location, _, template in WRITTEN}) == len(WRITTEN) <= 50


HOSTILE = [
    "\x1b[2J\x1b]0;owned\x07 gone",
    "line one\nline two\r\n\tline three",
    "``` </details> <script>alert(1)</script> | a | b |",
    "@everyone <!channel> #123 https://evil.example/?q=1",
    "\u202egnitupmoc\u2066",
    "nul \x00 byte",
    "\udcff\udcfe not UTF-8 \udc80",
    'quotes " without an end',
    "'; DROP TABLE events; --",
    "{seconds:UInt32} \\1 \\\\1 %s {0}",
    "ü" * 5000,
    "9" * 5000,
]


def test_hostile_texts_are_counted_and_cut(engine: Engine) -> None:
    db = engine.database()
    for text in HOSTILE:
        put(db, text, location=text)
    db.execute("INSERT INTO events_dead_letter_queue (team_id, error, _timestamp) SELECT 2, repeat('x', 1000000), now() - 300")
    finding = one(result(db))
    assert finding.claim == f"{len(HOSTILE) + 1} events were dead-lettered in the last 24 h, in 1 team, the newest 5 min ago"
    rows = table(finding).rows
    assert len(rows) == len(HOSTILE) + 1
    assert max(len(str(row[1])) for row in rows) <= 100
    assert max(len(str(row[2])) for row in rows) <= 200
    assert not any("\n" in str(row[2]) for row in rows)


def test_more_different_errors_than_are_told_apart_are_counted_together(engine: Engine) -> None:
    db = engine.database()
    put(db, "ingestEvent failed. Error: the real one", count=3)
    written(db, PLUGIN_SERVER, "ingestEvent failed. Error: unlike any other: {word}", 1400)
    finding = one(result(db))
    assert finding.claim.startswith("1,403 events were dead-lettered in the last 24 h, in 5 teams,")
    groups = table(finding)
    assert (PLUGIN_SERVER, "the real one") in [row[1:3] for row in groups.rows]
    rare = next(row for row in groups.rows if row[2] == "(various)")
    assert rare[1] == "(202 rarer errors)"  # 700 words, one of all that hold digits, and the real one; 500 are told apart
    assert sum(int(row[0] or 0) for row in groups.rows) + groups.omitted == 1403


def test_errors_without_end_do_not_hide_the_dead_letters(engine: Engine) -> None:
    db = engine.database()
    written(db, PLUGIN_SERVER, "ingestEvent failed. Error: Could not find person with distinct id {email}", 200_000)
    put(db, "ingestEvent failed. Error: sorry, too many clients already", count=70)
    finding = one(result(db))
    assert finding.claim.startswith("200,070 events were dead-lettered in the last 24 h, in 5 teams,")
    assert (
        finding.detail
        == "The errors are too many to tell apart within diag's limits: they are grouped by their first letters only."
    )
    assert [row[0] for row in table(finding).rows] == [200_000, 70]
    assert table(finding).rows[1][2] == "sorry, too many clients already"
