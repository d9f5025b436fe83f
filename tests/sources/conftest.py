"""A source that may ask anything of a fresh database."""

from collections.abc import Callable, Iterator

import pytest

from diagnostics.lab.engine import Database, Engine
from diagnostics.sources.clickhouse import ClickHouse
from tests.sources.clickhouse.asking import Asked, asking


@pytest.fixture
def db(engine: Engine) -> Database:
    return engine.database()


@pytest.fixture
def ask() -> Iterator[Callable[[str], Asked]]:
    with asking() as make:
        yield make


@pytest.fixture
def asked(db: Database, ask: Callable[[str], Asked]) -> Asked:
    return ask(db.url)


@pytest.fixture
def clickhouse(asked: Asked) -> ClickHouse:
    return asked.within(10)
