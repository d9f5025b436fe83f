"""An install whose every free text carries secrets and personal data: what servers answer is changed on its way in."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from msgspec import structs

from diagnostics.sources import http
from diagnostics.sources.clickhouse import failures, unconnected
from diagnostics.sources.clickhouse import source as clickhouse
from diagnostics.sources.kafka import answers, connecting, questions
from diagnostics.sources.kafka.model import Cluster, Group, Letter, Partition
from tests.redaction.seeds import KINDS, Seeds

# The inputs whose words a report may show. Of what librdkafka logs it shows none: those sentences are diag's own.
PLACES = (
    "JSON",
    "name in JSON",
    "text or page",
    "header",
    "redirect",
    "metric label",
    "Sentry's fields",
    "answer to the canary",
    "ClickHouse row",
    "ClickHouse state",
    "ClickHouse error",
    "Kafka header",
    "Kafka group",
    "Kafka broker",
)
# A server's name ends at a slash for diag, a redirect at its query.
NOT_IN = {"header": "/\n", "redirect": "?\n "}

# Free texts although they may be one word; anything else without a blank is a code or a name that checks look for.
ONE_WORD = frozenset(["location", "error_location", "culprit", "function", "filename", "shortId"])


@contextlib.contextmanager
def tainted(seeds: Seeds) -> Iterator[None]:
    """Meanwhile every text that is free ends in a few seeds."""
    with pytest.MonkeyPatch.context() as patched:
        _http(seeds, patched)
        _clickhouse(seeds, patched)
        _kafka(seeds, patched)
        yield


def _http(seeds: Seeds, patched: pytest.MonkeyPatch) -> None:
    answer = http._answer

    def tainted_answer(response: Any, *more: Any) -> http.Answer:
        return _answer(answer(response, *more), seeds, response.request.method, response.request.url.path)

    patched.setattr(http, "_answer", tainted_answer)


def _clickhouse(seeds: Seeds, patched: pytest.MonkeyPatch) -> None:
    plain, words = clickhouse._plain, failures.server_words

    def tainted_rows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [_tainted(row, seeds, "ClickHouse state" if "cells_asked" in row else "ClickHouse row") for row in plain(rows)]

    def tainted_words(error: BaseException) -> str:
        return f"{words(error)} {seeds.text('ClickHouse error', len(KINDS))}"

    patched.setattr(clickhouse, "_plain", tainted_rows)
    for module in (failures, unconnected):
        patched.setattr(module, "server_words", tainted_words)


def _kafka(seeds: Seeds, patched: pytest.MonkeyPatch) -> None:
    letter, group, cluster = answers.letter, answers.group, answers.cluster
    committed, reachable = questions.committed, connecting.reachable

    def tainted_letter(message: Any) -> Letter:
        read = letter(message)
        step, reason = (f"{text} {seeds.text('Kafka header')}" for text in (read.step, read.reason))
        return structs.replace(read, step=step, reason=reason)

    def tainted_group(described: Any) -> Group:
        read = group(described)
        members = [structs.replace(each, client=f"{each.client} {seeds.text('Kafka group')}") for each in read.members]
        return structs.replace(read, members=tuple(members))

    def tainted_cluster(metadata: Any, troubles: dict[str, str]) -> Cluster:
        read = cluster(metadata, troubles)
        brokers = [
            structs.replace(each, address=f"{each.address} {seeds.text('Kafka broker', len(KINDS))}") for each in read.brokers
        ]
        return structs.replace(read, brokers=tuple(brokers))

    def tainted_committed(*arguments: Any) -> tuple[dict[str, dict[Partition, int]], Sequence[str]]:
        found, denied = committed(*arguments)
        return {named[id]: offsets for id, offsets in found.items()}, denied

    class Named(dict[str, str]):
        """Asked for twice, and the same name both times."""

        def __missing__(self, id: str) -> str:
            self[id] = f"{id} {seeds.text('Kafka group', 9)}"
            return self[id]

    named = Named()
    patched.setattr(answers, "letter", tainted_letter)
    patched.setattr(answers, "group", tainted_group)
    patched.setattr(answers, "cluster", tainted_cluster)
    patched.setattr(questions, "committed", tainted_committed)
    patched.setattr(connecting, "reachable", lambda *arguments: _told(reachable(*arguments), seeds, "Kafka broker"))


def _told(text: str, seeds: Seeds, place: str) -> str:
    return f"{text} {seeds.text(place)}" if text else ""


def _answer(answer: http.Answer, seeds: Seeds, method: str, path: str) -> http.Answer:
    headers = {name: _header(name, value, seeds) for name, value in answer.headers.items()}
    place = "answer to the canary" if method == "POST" else "Sentry's fields" if path.startswith("/api/0/") else ""
    if answer.json is None:
        return structs.replace(answer, headers=headers, body=_tainted_body(answer.body, seeds, place))
    content = _tainted(answer.json, seeds, place or "JSON")
    return structs.replace(answer, headers=headers, json=content, body=msgspec.json.encode(content).decode())


def _header(name: str, value: str, seeds: Seeds) -> str:
    if name == "location":
        address, mark, query = value.partition("?")
        return f"{address}/{quote(seeds.text('redirect', 5, without=NOT_IN['redirect']))}{mark}{query}"
    return (
        f"{value} {seeds.text('header', without=NOT_IN['header'])}" if name in ("server", "via", "www-authenticate") else value
    )


def _tainted_body(body: str, seeds: Seeds, place: str) -> str:
    """Metrics get theirs in a label; other text at its end, a page in its heading."""
    if "# TYPE " in body:
        return body.replace('cause="', f'cause="{_in_a_label(seeds)} ', 1)
    text = seeds.text(place or "text or page")
    return body.replace("</h1>", f" {text}</h1>") if "</h1>" in body else f"{body} {text}"


def _in_a_label(seeds: Seeds) -> str:
    return seeds.text("metric label").replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _tainted(value: Any, seeds: Seeds, place: str, *, named: str = "") -> Any:
    if isinstance(value, str):
        return f"{value} {seeds.text(place)}" if named in ONE_WORD or " " in value.strip() else value
    if isinstance(value, list):
        return [_tainted(item, seeds, place) for item in value]
    if isinstance(value, dict):
        content = {name: _tainted(item, seeds, place, named=name) for name, item in value.items()}
        return content | _with_a_name_of_its_own(value, seeds)
    return value


def _with_a_name_of_its_own(value: Mapping[str, Any], seeds: Seeds) -> dict[str, Any]:
    """A health page lists by name what it has looked at; one that is content is left so."""
    checks = value.get("checks")
    if not isinstance(checks, dict) or all(said == "ok" for said in checks.values()):
        return {}
    return {"checks": {**checks, seeds.text("name in JSON", 6): "error"}}
