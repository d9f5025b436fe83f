import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from diagnostics.engine import registry

CHECK = """
from collections.abc import Iterator
from diagnostics import Code, Finding, Stage, Status, Window, check
ODD = Code(id="odd.found", worst=Status.WARN, summary="odd")
@check("{id}", stage=Stage.{stage}, title="Nothing is odd", finds=[ODD])
def look(window: Window) -> Iterator[Finding]:
    yield ODD.found("odd")
"""

OTHER_CODE = CHECK.format(id="new", stage="APP").replace('summary="odd"', 'summary="other"')


def offer(name: str, group: str = registry.CHECKS) -> EntryPoint:
    return EntryPoint(name=name, value=name, group=group)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(name: str, text: str) -> EntryPoint:
        (tmp_path / f"{name}.py").write_text(text)
        return offer(name)

    return write


def test_built_in_checks_come_in_through_the_entry_points_and_stand_in_path_order() -> None:
    found = registry.load()
    assert found.broken == ()
    ids = [check.id for check in found.checks]
    assert ids.index("plugin-server-health") < ids.index("clickhouse-connection") < ids.index("app-health")
    assert {"check.crashed", "dead-letters.active"} <= set(found.codes)
    assert "dead-letters.active" in found.runbooks["ingestion"].sections
    assert found.known.match("sorry, too many clients already")


def test_anybody_s_checks_are_found(module) -> None:
    found = registry.load(
        [
            module("third_late", CHECK.format(id="late", stage="APP")),
            module("third_early", CHECK.format(id="early", stage="KAFKA")),
        ]
    )
    assert [check.id for check in found.checks] == ["early", "late"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("import nowhere_to_be_found", "ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("x = 1", "TypeError: third_sick declares no check: decorate a function with diagnostics.check"),
        (CHECK.format(id="taken", stage="APP"), "ValueError: the check id taken is taken already"),
        (OTHER_CODE, "ValueError: the code odd.found is declared differently by another check"),
        (
            CHECK.format(id="twice", stage="APP") + CHECK.format(id="twice", stage="APP").replace("look", "look_again"),
            "ValueError: the check id twice is taken already",
        ),
    ],
)
def test_a_broken_one_is_reported_and_stops_nobody(module, text: str, problem: str) -> None:
    found = registry.load([module("third_first", CHECK.format(id="taken", stage="APP")), module("third_sick", text)])
    assert [check.id for check in found.checks] == ["taken"]
    assert [(broken.name, broken.error) for broken in found.broken] == [("third_sick", problem)]
    for name in ("third_first", "third_sick"):
        sys.modules.pop(name, None)


def test_a_runbook_package_that_does_not_exist_is_broken() -> None:
    found = registry.load([offer("no_runbooks_here", registry.RUNBOOKS)])
    assert found.broken[0].error == "FileNotFoundError: no_runbooks_here is not a folder of runbooks"


def test_a_runbook_that_cannot_be_read_is_broken_and_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "third_runbooks").mkdir()
    (tmp_path / "third_runbooks" / "own.md").write_text("---\nid: own\ntitle: Own\n---\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = registry.load([offer("third_runbooks", registry.RUNBOOKS)])
    assert found.runbooks == {}
    assert found.broken[0].error.endswith("own.md: front matter: Object missing required field `steps`")


def test_asking_for_help_imports_click_and_no_client() -> None:
    script = (
        "import sys; from diagnostics.cli import cli\n"
        "try: cli(['{flag}'], prog_name='diag')\n"
        "except SystemExit: pass\n"
        "print(sorted({{name.split('.')[0] for name in sys.modules}} & "
        "{{'httpx', 'clickhouse_connect', 'sentry_sdk', 'rich', 'msgspec', 'yaml', 'chdb', 'urllib3'}}))"
    )
    for flag in ("--help", "--version"):
        done = subprocess.run([sys.executable, "-c", script.format(flag=flag)], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == "[]"


def test_a_runbook_whose_id_is_taken_is_broken_and_the_first_one_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("first_runbooks", "second_runbooks"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "book.md").write_text(f"---\nid: same\ntitle: {name}\nsteps: []\n---\n")
    found = registry.load([offer(name, registry.RUNBOOKS) for name in ("first_runbooks", "second_runbooks")])
    assert found.runbooks["same"].front.title == "first_runbooks"
    assert [(broken.name, broken.error) for broken in found.broken] == [
        ("second_runbooks", "RunbookError: the runbook id same is taken already")
    ]
