"""The ways to ask the ClickHouse of the lab: the client that diag uses, and bare HTTP where that hides what arrives."""

from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error

from diagnostics.lab.engine import Database

Connect = Callable[..., Client]


def get(to: Database, /, sql: str = "", **parameters: str) -> httpx.Response:
    auth = httpx.BasicAuth(to.user, to.password)
    url = f"http://127.0.0.1:{to.port}/"
    return httpx.get(url, params={"query": sql, "database": to.name, **parameters}, auth=auth, trust_env=False)


def post(to: Database, /, sql: str, *, headers: Mapping[str, str] | None = None, **parameters: str) -> httpx.Response:
    url = f"http://127.0.0.1:{to.port}/"
    credentials = {"X-ClickHouse-User": to.user, "X-ClickHouse-Key": to.password}
    return httpx.post(url, params=parameters, content=sql, headers={**credentials, **(headers or {})}, trust_env=False)


def refused(client: Client, sql: str, **more: Any) -> Error:
    with pytest.raises(Error) as raised:
        client.query(sql, **more)
    return raised.value
