"""What tests of questions share: a source that may ask anything, and something between it and the lab's engine."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection

import pytest
from msgspec import Struct

from diagnostics.lab.engine import Database
from diagnostics.lab.http import HOST, Request, Response
from diagnostics.lab.scripted import ScriptedServer
from diagnostics.sources.clickhouse import ClickHouse, Limits, Query
from diagnostics.sources.errors import SourceError
from diagnostics.sources.source import Asker, Recorder


class Count(Struct, frozen=True):
    n: int


def counting(sql: str = "SELECT count() AS n FROM events", *tables: str, limits: Limits | None = None) -> Query[Count]:
    return Query(name="test.count", why="to count", sql=sql, row=Count, tables=tables or ("events",), limits=limits or Limits())


class Asked:
    """A ClickHouse source, bound to a check that may ask whatever a test asks."""

    def __init__(self, url: str) -> None:
        self.recorder = Recorder()
        self.source = ClickHouse(url, recorder=self.recorder, report="7f3a-c2")

    def within(self, seconds: float) -> ClickHouse:
        return self.source.bind(Asker("a-check", time.monotonic() + seconds, frozenset(["test.count", "test.everything"])))


@contextmanager
def asking() -> Iterator[Callable[[str], Asked]]:
    """Makes sources, and closes them in the end."""
    made: list[Asked] = []

    def make(url: str) -> Asked:
        made.append(Asked(url))
        return made[-1]

    yield make
    for asked in made:
        asked.source.close()


def failure(clickhouse: ClickHouse, query: Query[Count], kind: type[SourceError]) -> SourceError:
    with pytest.raises(kind) as raised:
        clickhouse.rows(query)
    assert type(raised.value) is kind
    assert raised.value.hint
    return raised.value


def counts(request: Request) -> bool:
    return b" AS n FROM" in request.body


def server_error(code: int, text: str) -> Response:
    headers = (("X-ClickHouse-Exception-Code", str(code)),)
    return Response(status=500, headers=headers, body=f"Code: {code}. DB::Exception: {text} (version 22.8.11.15)\n".encode())


class Between:
    """Stands between diag and the lab's engine, and answers some requests itself."""

    def __init__(self, db: Database, server: ScriptedServer, answer: Callable[[Request], Response | None]) -> None:
        self.url = db.url.replace(f":{db.port}/", f":{server.url.rpartition(':')[2]}/")
        self._port = db.port
        server.route("/", lambda request: answer(request) or self._forwarded(request))

    def _forwarded(self, request: Request) -> Response:
        behind = HTTPConnection(HOST, self._port)
        try:
            behind.request(request.method, request.target, request.body, {"Authorization": request.headers["authorization"]})
            response = behind.getresponse()
            return Response(status=response.status, headers=tuple(response.getheaders()), body=response.read())
        finally:
            behind.close()
