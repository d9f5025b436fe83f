"""`[thresholds]`: by the names that the checks declare, in their units."""

from pathlib import Path

import pytest

from diagnostics.engine.check import Thresholds
from tests.config.loading import THRESHOLDS, loaded, problem, problems


def test_a_threshold_is_written_quoted_or_as_nested_tables(cwd: Path) -> None:
    for toml in (
        '[thresholds]\n"dead-letters.active-within" = "15m"',
        '[thresholds.dead-letters]\nactive-within = "15m"',
        "[thresholds]\ndead-letters.active-within = 900",
        "thresholds.dead-letters.active-within = 900.0",
    ):
        assert loaded(cwd, toml=toml).thresholds == {"dead-letters.active-within": 900.0}


def test_every_unit_has_its_values_and_the_check_gets_its_own_type(cwd: Path) -> None:
    toml = """
        [thresholds]
        "dead-letters.groups" = 3
        "events.drop-ratio" = 0.25
        "disk.free" = 5e9
        "dead-letters.active-within" = 0
    """
    config = loaded(cwd, toml=toml)
    assert config.thresholds == {
        "dead-letters.groups": 3.0,
        "events.drop-ratio": 0.25,
        "disk.free": 5e9,
        "dead-letters.active-within": 0.0,
    }
    groups = Thresholds(config.thresholds)(THRESHOLDS[1])
    assert groups == 3
    assert isinstance(groups, int)


def test_a_threshold_knows_its_line(cwd: Path) -> None:
    config = loaded(cwd, toml='[thresholds]\n\n"dead-letters.groups" = 3')
    assert str(config.origin("thresholds.dead-letters.groups")) == f"{cwd}/diag.toml, line 3"
    assert str(config.origin("thresholds.disk.free")) == "default"


DURATION = "write a number with a unit, like 500ms, 90s, 15m, 24h or 7d (without one it is seconds; ten years at most)"
COUNT = "write a whole number, not less than 0"
BYTES = "write a whole number of bytes, not less than 0"
RATIO = "write a number that is not less than 0; 0.5 is half"


@pytest.mark.parametrize(
    ("name", "written", "what", "do"),
    [
        ("dead-letters.active-within", '"soon"', "is 'soon', which is not a duration", DURATION),
        ("dead-letters.active-within", "true", "is 'True', which is not a duration", DURATION),
        ("dead-letters.active-within", "nan", "is 'nan', which is not a duration", DURATION),
        ("dead-letters.groups", "1.5", "is '1.5', which is not a whole number", COUNT),
        ("dead-letters.groups", '"3"', "is not a number", COUNT),
        ("dead-letters.groups", "true", "is not a number", COUNT),
        ("dead-letters.groups", "-1", "is '-1', which is out of range", COUNT),
        ("dead-letters.groups", "0x" + "f" * 5000, "is 'a huge number', which is out of range", COUNT),
        ("disk.free", "inf", "is 'inf', which is out of range", BYTES),
        ("events.drop-ratio", "nan", "is 'nan', which is out of range", RATIO),
    ],
)
def test_a_value_that_does_not_fit_the_unit(cwd: Path, name: str, written: str, what: str, do: str) -> None:
    found = problem(cwd, toml=f'[thresholds]\n"{name}" = {written}')
    assert found == (f"the threshold {name} {what}", "CWD/diag.toml, line 2", do)


def test_an_unknown_threshold_names_the_one_that_was_probably_meant(cwd: Path) -> None:
    found = problems(cwd, toml='[thresholds]\n"dead-letter.groups" = 3\nactive-within = 1\nother = 2')
    assert found == [
        ("there is no threshold dead-letter.groups", "CWD/diag.toml, line 2", "did you mean dead-letters.groups?"),
        ("there is no threshold active-within", "CWD/diag.toml, line 3", "did you mean dead-letters.active-within?"),
        ("there is no threshold other", "CWD/diag.toml, line 4", "remove it; `diag config` lists every threshold"),
    ]


def test_thresholds_must_be_a_table(cwd: Path) -> None:
    assert problem(cwd, toml="thresholds = 3") == (
        "thresholds is a table",
        "CWD/diag.toml, line 1",
        'write [thresholds] and then lines like "dead-letters.active-within" = "15m"',
    )


def test_keys_nested_deeper_than_the_stack_are_an_unknown_threshold(cwd: Path) -> None:
    what, where, _ = problem(cwd, toml="thresholds." + ".".join("a" * 3000) + " = 1")
    assert what.startswith("there is no threshold a.a.a.")
    assert where.startswith("CWD/diag.toml")
