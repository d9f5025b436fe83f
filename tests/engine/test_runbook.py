from pathlib import Path

import pytest

from diagnostics.engine.runbook import RunbookError, known_errors, load, parse

FRONT = "---\nid: small\ntitle: A small one\nsteps:\n  - title: Is it up?\n    checks: [oracle-connection]\n---\n"
HERE = Path("small.md")


def test_front_matter_and_sections_are_read() -> None:
    book = parse(HERE, FRONT + "Prose.\n\n## oracle.bad\n\nIt is bad.\n\n## oracle.odd\n\nOdd.\n")
    assert (book.id, book.front.steps[0].checks, book.front.also) == ("small", ("oracle-connection",), ("*",))
    assert book.sections == {"oracle.bad": "## oracle.bad\n\nIt is bad.\n", "oracle.odd": "## oracle.odd\n\nOdd.\n"}


def test_a_shell_comment_in_a_fence_does_not_end_a_section() -> None:
    book = parse(HERE, FRONT + "## oracle.bad\n\n```sh\n# look first\n## twice\nls\n```\nEnd.\n")
    assert list(book.sections) == ["oracle.bad"]
    assert book.sections["oracle.bad"].endswith("ls\n```\nEnd.\n")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("no front matter", "must begin with front matter"),
        ("---\nid: [\n---\n", "front matter: "),
        ("---\nid: x\ntitle: y\n---\n", "missing required field `steps`"),
        ("---\nid: x\ntitle: y\nsteps: []\nstep: []\n---\n", "unknown field `step`"),
    ],
)
def test_a_runbook_that_cannot_be_read_names_itself_and_the_problem(text: str, problem: str) -> None:
    with pytest.raises(RunbookError, match=f"small.md.*{problem}"):
        parse(HERE, text)


def test_a_runbook_runs_the_checks_of_its_steps_and_those_beside_them() -> None:
    book = parse(HERE, FRONT.replace("steps:", "also: ['click*']\nsteps:"))
    assert [book.includes(id) for id in ("oracle-connection", "clickhouse-parts", "sentry")] == [True, True, False]


def test_the_same_id_twice_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(FRONT)
    (tmp_path / "b.md").write_text(FRONT)
    with pytest.raises(RunbookError, match="the runbook id small is taken by"):
        load([tmp_path])


def test_the_first_known_error_that_matches_wins_whatever_the_case(tmp_path: Path) -> None:
    entry = "[[known]]\nid = '{0}'\npattern = '{1}'\nmeaning = 'm'\nfix = 'f'\nseen_in = 's'\n"
    (tmp_path / "known-errors.toml").write_text(entry.format("first", "too many") + entry.format("second", "too"))
    known = known_errors([tmp_path])
    assert (found := known.match("TOO MANY clients")) is not None
    assert found.id == "first"
    assert (found := known.match("too few")) is not None
    assert found.id == "second"
    assert known.match("enough") is None


def test_a_broken_catalogue_names_itself(tmp_path: Path) -> None:
    (tmp_path / "known-errors.toml").write_text("[[known]]\nid = 'x'\n")
    with pytest.raises(RunbookError, match=r"known-errors\.toml: Object missing required field"):
        known_errors([tmp_path])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[knwon]]\nid = 'x'\n", "Object contains unknown field `knwon`"),
        (
            "[[known]]\nid = 'x'\npattern = '('\nmeaning = 'm'\nfix = 'f'\nseen_in = 's'\n",
            "the pattern of x is no regular expression: missing ), unterminated subpattern at position 0",
        ),
    ],
)
def test_what_is_wrong_with_a_catalogue_is_said(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "known-errors.toml").write_text(text)
    with pytest.raises(RunbookError) as raised:
        known_errors([tmp_path])
    assert str(raised.value) == f"{tmp_path / 'known-errors.toml'}: {problem}"
