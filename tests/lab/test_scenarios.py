"""Scenario files are data: each loads, starts and holds what it says; a mistake in one is told, with what was meant."""

from pathlib import Path

import pytest

from diagnostics.lab import scenarios, start
from diagnostics.lab.engine import Database
from diagnostics.lab.scenario import DIRECTORY, Scenario, ScenarioError, load

MINIMAL = """
title = "t"
story = "s"
[expect]
status = "healthy"
exit = 0
"""


def scenario(tmp_path: Path, tables: str = "", *, keys: str = "") -> Scenario:
    path = tmp_path / "mine.toml"
    path.write_text(f"{keys}\n{MINIMAL}\n{tables}")
    return load(path)


def numbers(database: Database | None, sql: str) -> list[int]:
    assert database is not None
    return [int(number) for number in database.execute(sql).split()]


def test_every_file_is_listed_healthy_first() -> None:
    ids = [found.id for found in scenarios()]
    assert sorted(ids) == sorted(path.stem for path in DIRECTORY.glob("*.toml"))
    assert scenarios()[0].stage is None


def test_an_empty_scenario_is_the_healthy_install(tmp_path: Path) -> None:
    with start(scenario(tmp_path)) as lab:
        age, days, hours, late = numbers(
            lab.database,
            "SELECT now() - max(_timestamp), uniq(toDate(_timestamp)), uniq(toStartOfHour(_timestamp)), "
            "countIf(inserted_at > now64()) FROM events",
        )
        assert age <= 5
        assert days in (8, 9)
        assert hours >= 8 * 24
        assert late == 0
        assert numbers(lab.database, "SELECT count() FROM events_dead_letter_queue") == [0]


def test_events_end_when_the_scenario_says(tmp_path: Path) -> None:
    with start(scenario(tmp_path, '[events]\nuntil = "3h"\nteams = [5]')) as lab:
        age, teams, team = numbers(lab.database, "SELECT now() - max(_timestamp), uniq(team_id), any(team_id) FROM events")
        assert 3 * 3600 <= age <= 3 * 3600 + 5
        assert (teams, team) == (1, 5)


def test_a_quiet_time_comes_back_every_day(tmp_path: Path) -> None:
    with start(scenario(tmp_path, '[events]\nquiet_for = "8h"\nquiet_since = "5h"')) as lab:
        gaps = numbers(
            lab.database,
            "WITH arraySort(groupArray(toUnixTimestamp(_timestamp))) AS times "
            "SELECT arrayJoin(arrayFilter(gap -> gap > 3600, arrayDifference(times))) FROM events",
        )
        assert len(gaps) == 7
        assert all(8 * 3600 <= gap < 8.5 * 3600 for gap in gaps)


def test_dead_letters_are_spread_from_first_to_last(tmp_path: Path) -> None:
    text = """
        [[dead_letters]]
        count = 10
        error = "no {uuid} of {email} at {ip} {number}"
        since = "100m"
        until = "10m"
        teams = [1, 2]
    """
    with start(scenario(tmp_path, text)) as lab:
        rows = "SELECT count(), uniq(error), now() - min(_timestamp), now() - max(_timestamp) FROM events_dead_letter_queue"
        count, errors, first, last = numbers(lab.database, rows)
        assert (count, errors) == (10, 10)
        assert 6000 <= first <= 6005
        assert 600 <= last <= 605
        assert lab.database is not None
        assert "{" not in lab.database.execute("SELECT error FROM events_dead_letter_queue")


def test_overlay_and_sql_go_into_the_install(tmp_path: Path) -> None:
    overlay = '[[overlay.replicas]]\ntable = "events"\nis_readonly = 1'
    with start(scenario(tmp_path, overlay, keys='sql = ["TRUNCATE TABLE events"]')) as lab:
        assert numbers(lab.database, "SELECT count() FROM events") == [0]
        assert numbers(lab.database, "SELECT is_readonly FROM posthog_system.replicas") == [1]


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        ("[events]\nuntill = '3h'", "Object contains unknown field `untill` - at `$.events` (did you mean `until`?)"),
        ("[[dead_leters]]", "Object contains unknown field `dead_leters` (did you mean `dead_letters`?)"),
        ("[events]\nuntil = 'yesterday'", "Expected `str` matching regex '^\\\\d+[smhd]$' - at `$.events.until`"),
        ("[app]\ndown = ['postgress']", "Invalid enum value 'postgress' - at `$.app.down[0]`"),
        ("[events", "Expected ']' at the end of a table declaration"),
    ],
)
def test_a_mistake_is_told_with_the_file(tmp_path: Path, tables: str, told: str) -> None:
    with pytest.raises(ScenarioError) as raised:
        scenario(tmp_path, tables)
    assert str(raised.value).startswith("mine.toml: ")
    assert told in str(raised.value)
