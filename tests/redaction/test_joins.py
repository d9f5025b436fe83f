"""Pseudonyms keep joins within a report, in all its formats, and nowhere else."""

import re
from pathlib import Path

import pytest

from tests.cli.diag import diag
from tests.cli.third_party import distribution

# Two groups of one error, as the dead-letter check finds them: the same two persons in both, written in different ways.
BODY = '''
from collections.abc import Iterator
from diagnostics import Code, Column, Finding, Stage, Status, Table, check

TWICE = Code(id="twice.seen", worst=Status.FAIL, summary="somebody is seen twice")


@check("twice", stage=Stage.APP, title="Nobody is seen twice", finds=[TWICE])
def look() -> Iterator[Finding]:
    """Looks at nothing."""
    who = Table(title="Who", columns=(Column(name="who", kind="person"),), rows=(("bob_0123456",), ("Jane.Doe@corp.example",)))
    for location in ("one", "other"):
        claim = f'{location}: person with distinct id "bob_0123456" failed, and so did jane.doe%40corp.example'
        yield TWICE.found(claim, affects=[location], evidence=[who], source_text=True)
'''
FORMATS = ("report.txt", "report.md", "report.slack", "report.eml", "report.html", "report.json", "report.xml")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    """The files of two runs, by name."""
    folder = tmp_path_factory.mktemp("joins")
    environment = distribution(folder / "site", twice=BODY) | {"DIAG_SITE_URL": "http://127.0.0.1:9"}
    return [written(folder, environment) for _ in range(2)]


def written(folder: Path, environment: dict[str, str]) -> dict[str, str]:
    outputs = [argument for name in FORMATS for argument in ("-o", name)]
    result = diag("run", "--only", "twice", *outputs, cwd=folder, environment=environment)
    assert result.returncode == 1, result.stderr
    return {name: (folder / name).read_text(encoding="utf-8") for name in FORMATS}


def pseudonyms(text: str) -> set[str]:
    return set(re.findall(r"\b(?:person|email)-[0-9a-f]{4,}", text.replace("<wbr>", "")))


def test_a_person_has_one_name_in_both_groups_and_in_every_format(runs: list[dict[str, str]]) -> None:
    for files in runs:
        names = pseudonyms(files["report.json"])
        assert sorted(name.partition("-")[0] for name in names) == ["email", "person"]
        assert {name: pseudonyms(text) for name, text in files.items()} == dict.fromkeys(files, names)
        assert all(files["report.json"].count(name) >= 4 for name in names)


def test_in_the_next_report_it_has_another(runs: list[dict[str, str]]) -> None:
    one, other = (pseudonyms(files["report.json"]) for files in runs)
    assert one != other
