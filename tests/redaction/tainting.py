"""An install whose every free text carries secrets and personal data: what servers answer is changed on its way in."""

import contextlib
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from msgspec import structs

from diagnostics.sources import http
from diagnostics.sources.clickhouse import source as clickhouse
from tests.redaction.seeds import Seeds


@contextlib.contextmanager
def tainted(seeds: Seeds) -> Iterator[None]:
    """Meanwhile every text that is free (it has a blank in it; a code or a name has none) ends in a seed."""
    answer, plain = http._answer, clickhouse._plain

    def tainted_answer(*arguments: Any) -> http.Answer:
        return _answer(answer(*arguments), seeds)

    def tainted_rows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{name: _tainted(value, seeds) for name, value in row.items()} for row in plain(rows)]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(http, "_answer", tainted_answer)
        patched.setattr(clickhouse, "_plain", tainted_rows)
        yield


def _answer(answer: http.Answer, seeds: Seeds) -> http.Answer:
    headers = {
        name: f"{value} {seeds.text()}" if name in ("server", "via") else value for name, value in answer.headers.items()
    }
    if answer.json is None:
        return structs.replace(answer, headers=headers, body=_tainted_body(answer.body, seeds))
    content = _tainted(answer.json, seeds)
    return structs.replace(answer, headers=headers, json=content, body=msgspec.json.encode(content).decode())


def _tainted_body(body: str, seeds: Seeds) -> str:
    """Metrics get theirs in a label; other text at its end, a page in its heading."""
    if "# TYPE " in body:
        return body.replace('cause="', f'cause="{_in_a_label(seeds)} ', 1)
    return body.replace("</h1>", f" {seeds.text()}</h1>") if "</h1>" in body else f"{body} {seeds.text()}"


def _in_a_label(seeds: Seeds) -> str:
    return seeds.text().replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _tainted(value: Any, seeds: Seeds) -> Any:
    if isinstance(value, str):
        return f"{value} {seeds.text()}" if " " in value.strip() else value
    if isinstance(value, list):
        return [_tainted(item, seeds) for item in value]
    if isinstance(value, dict):
        return {name: _tainted(item, seeds) for name, item in value.items()}
    return value
