"""An install whose every free text carries secrets and personal data: what servers answer is changed on its way in."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from msgspec import structs

from diagnostics.sources.clickhouse import failures, unconnected
from diagnostics.sources.clickhouse import source as clickhouse
from diagnostics.sources.http import client as http
from diagnostics.sources.kafka import answers, connecting, questions
from diagnostics.sources.kafka.handle import Handle
from diagnostics.sources.kafka.model import Cluster, Group, Letter, Partition
from tests.redaction.seeds import Seeds

# The inputs whose words a report may quote, and how many seeds each of their texts gets: one of each kind (0), or fewer at a
# time where so much would not be shown whole.
QUOTED = {
    "JSON": 2,
    "name in JSON": 6,
    "redirect": 0,
    "metric label": 0,
    "Sentry's fields": 9,
    "answer to the canary": 0,
    "ClickHouse row": 6,
    "ClickHouse state": 9,
    "ClickHouse error": 0,
    "Kafka header": 7,
    "Kafka group": 9,
    "Kafka broker": 0,
}
# Those of which a report hardly says a word: diag tells in its own words what a page is and what librdkafka's log means.
UNQUOTED = ("header", "text or page", "librdkafka")

# What an input cannot carry: a redirect ends at its query for diag, a header at its line.
NOT_IN = {"header": "\n", "redirect": "?\n "}

# Free texts although they may be one word; anything else without a blank is a code or a name that checks look for.
ONE_WORD = frozenset(["location", "error_location", "culprit", "function", "filename", "posthog_version", "realm"])


@contextlib.contextmanager
def tainted(seeds: Seeds) -> Iterator[None]:
    """Meanwhile every text that is free ends in a few seeds."""
    with pytest.MonkeyPatch.context() as patched:
        _http(seeds, patched)
        _clickhouse(seeds, patched)
        _kafka(seeds, patched)
        yield


def _more(seeds: Seeds, place: str) -> str:
    return seeds.text(place, QUOTED.get(place, 0), without=NOT_IN.get(place, ""))


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
        return f"{words(error)} {_more(seeds, 'ClickHouse error')}"

    patched.setattr(clickhouse, "_plain", tainted_rows)
    for module in (failures, unconnected):
        patched.setattr(module, "server_words", tainted_words)


class _Named(dict[str, str]):
    """Names of consumer groups, each asked for more than once and the same every time."""

    def __init__(self, seeds: Seeds) -> None:
        super().__init__()
        self._seeds = seeds

    def __missing__(self, id: str) -> str:
        self[id] = f"{id} {_more(self._seeds, 'Kafka group')}"
        return self[id]


def _kafka(seeds: Seeds, patched: pytest.MonkeyPatch) -> None:
    letter, group, cluster = answers.letter, answers.group, answers.cluster
    committed, reachable, failed = questions.committed, connecting.reachable, Handle.failures.fget
    named = _Named(seeds)

    def tainted_letter(message: Any) -> Letter:
        read = letter(message)
        step, reason = (f"{text} {_more(seeds, 'Kafka header')}" for text in (read.step, read.reason))
        return structs.replace(read, step=step, reason=reason)

    def tainted_group(described: Any) -> Group:
        read = group(described)
        members = [structs.replace(each, client=f"{each.client} {_more(seeds, 'Kafka group')}") for each in read.members]
        return structs.replace(read, members=tuple(members))

    def tainted_cluster(metadata: Any, troubles: dict[str, str]) -> Cluster:
        read = cluster(metadata, troubles)
        brokers = [structs.replace(each, address=f"{each.address} {_more(seeds, 'Kafka broker')}") for each in read.brokers]
        return structs.replace(read, brokers=tuple(brokers))

    def tainted_committed(*arguments: Any) -> tuple[dict[str, dict[Partition, int]], Sequence[str]]:
        found, denied = committed(*arguments)
        return {named[id]: offsets for id, offsets in found.items()}, denied

    def tainted_reachable(*arguments: Any) -> str:
        trouble = reachable(*arguments)
        return f"{trouble} {_more(seeds, 'Kafka broker')}" if trouble else ""

    def tainted_failures(handle: Handle) -> list[str]:
        assert failed
        return [f"{line} {_more(seeds, 'librdkafka')}" for line in failed(handle)]

    patched.setattr(answers, "letter", tainted_letter)
    patched.setattr(answers, "group", tainted_group)
    patched.setattr(answers, "cluster", tainted_cluster)
    patched.setattr(questions, "committed", tainted_committed)
    patched.setattr(connecting, "reachable", tainted_reachable)
    patched.setattr(Handle, "failures", property(tainted_failures))


def _answer(answer: http.Answer, seeds: Seeds, method: str, path: str) -> http.Answer:
    headers = {name: _header(name, value, seeds) for name, value in answer.headers.items()}
    place = "answer to the canary" if method == "POST" else "Sentry's fields" if path.startswith("/api/0/") else ""
    if answer.json is None:
        return structs.replace(answer, headers=headers, body=_tainted_body(answer.body, seeds, place or "text or page"))
    content = _tainted(answer.json, seeds, place or "JSON")
    return structs.replace(answer, headers=headers, json=content, body=msgspec.json.encode(content).decode())


def _header(name: str, value: str, seeds: Seeds) -> str:
    if name == "location":
        address, mark, query = value.partition("?")
        return f"{address}/{quote(_more(seeds, 'redirect'))}{mark}{query}"
    return f"{value} {_more(seeds, 'header')}" if name in ("server", "via", "www-authenticate") else value


def _tainted_body(body: str, seeds: Seeds, place: str) -> str:
    """Metrics get theirs in a label; other text at its end, a page in its heading."""
    if "# TYPE " in body:
        return body.replace('cause="', f'cause="{_in_a_label(seeds)} ', 1)
    text = _more(seeds, place)
    return body.replace("</h1>", f" {text}</h1>") if "</h1>" in body else f"{body} {text}"


def _in_a_label(seeds: Seeds) -> str:
    return _more(seeds, "metric label").replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _tainted(value: Any, seeds: Seeds, place: str, *, named: str = "") -> Any:
    if isinstance(value, str):
        return f"{value} {_more(seeds, place)}" if named in ONE_WORD or " " in value.strip() else value
    if isinstance(value, list):
        return [_tainted(item, seeds, place) for item in value]
    if isinstance(value, dict):
        content = {name: _tainted(item, seeds, place, named=name) for name, item in value.items()}
        return content | _one_more_name(content, seeds)
    return value


def _one_more_name(content: Mapping[str, Any], seeds: Seeds) -> Mapping[str, Any]:
    """Health pages list by name what they have looked at: `{"checks": {"kafka": "error"}}`, `{"kafka": false}`.

    One that is content is left so.
    """
    checks = content.get("checks")
    if isinstance(checks, dict) and any(said != "ok" for said in checks.values()):
        return {"checks": {**checks, _more(seeds, "name in JSON"): "error"}}
    if content and all(isinstance(said, bool) for said in content.values()) and not all(content.values()):
        return {_more(seeds, "name in JSON"): False}
    return {}
