"""Databases of the lab's engine, and clients for them."""

from typing import Any

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client

from diagnostics.lab.engine import Database, Engine


@pytest.fixture
def database(engine: Engine) -> Database:
    return engine.database()


@pytest.fixture(scope="module")
def plain(engine: Engine) -> Database:
    """Shared by the tests that change nothing."""
    return engine.database()


@pytest.fixture
def connect() -> Any:
    opened: list[Client] = []

    def make(to: Database, /, **changes: Any) -> Client:
        options = {
            "host": "127.0.0.1",
            "port": to.port,
            "username": to.user,
            "password": to.password,
            "database": to.name,
            "autogenerate_session_id": False,
        }
        opened.append(clickhouse_connect.get_client(**{**options, **changes}))
        return opened[-1]

    yield make
    for client in opened:
        client.close_connections()
        client.close()
