import copy
import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from diagnostics.report import model
from diagnostics.report.json import dump
from diagnostics.report.schema import schema
from tests.report import reports

SCHEMA = json.loads(json.dumps(schema()))
VALIDATOR = Draft202012Validator(SCHEMA)
PROBLEM = json.loads(dump(reports.problem()))


def test_it_is_itself_a_schema_of_draft_2020_12() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("name", reports.ALL)
def test_every_report_is_valid(name: str) -> None:
    VALIDATOR.validate(json.loads(dump(reports.ALL[name]())))


def test_the_reports_that_are_judged_hold_every_kind_of_evidence() -> None:
    found = [
        evidence["kind"] for check in PROBLEM["checks"] for finding in check["findings"] for evidence in finding["evidence"]
    ]
    assert set(found) == {"table", "series", "values", "text", "query"}


def objects(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all objects whose members are fixed."""
    if isinstance(value, dict):
        if path[-1:] not in (("install",), ("redacted",), ("values",)):
            yield path
        for key, item in value.items():
            yield from objects(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from objects(item, (*path, index))


def at(document: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        document = document[key]
    return document


def test_a_member_that_is_always_written_is_required() -> None:
    for path in objects(PROBLEM):
        for name in at(PROBLEM, path):
            without = copy.deepcopy(PROBLEM)
            del at(without, path)[name]
            assert not VALIDATOR.is_valid(without), (*path, name)


def test_members_may_be_added_anywhere() -> None:
    more = copy.deepcopy(PROBLEM)
    for path in objects(PROBLEM):
        at(more, path)["added_later"] = [1]
    VALIDATOR.validate(more)


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        (("schema_version",), 2),
        (("started_at",), "2026-11-23T10:00:00+01:00"),
        (("started_at",), 1763890000),
        (("verdict", "status"), "fine"),
        (("verdict", "stage"), "moon"),
        (("checks", 0, "status"), "FAIL"),
        (("checks", 3, "findings", 0, "evidence", 0, "kind"), "pie-chart"),
        (("checks", 3, "findings", 0, "evidence", 0, "rows"), [[{}]]),
        (("cut_short",), "bored"),
        (("steps",), {}),
    ],
)
def test_what_diag_never_writes_is_not_valid(path: tuple[Any, ...], wrong: Any) -> None:
    changed = copy.deepcopy(PROBLEM)
    at(changed, path[:-1])[path[-1]] = wrong
    assert not VALIDATOR.is_valid(changed)


def test_every_part_has_a_title_and_says_what_it_is() -> None:
    for name, definition in SCHEMA["$defs"].items():
        assert definition["title"] == name
        assert (
            definition["description"] == getattr(model, name).__doc__.replace("\n    ", " ").strip()
            or definition["description"]
        )


def test_every_struct_of_the_report_is_in_it() -> None:
    structs = {name for name, value in vars(model).items() if isinstance(value, type) and issubclass(value, msgspec.Struct)}
    assert structs - {"Struct"} <= set(SCHEMA["$defs"])
