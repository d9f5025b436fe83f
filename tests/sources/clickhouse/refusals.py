"""What is said of an address that is no good: the outcome of the connection, without what differs from run to run."""

import time

from diagnostics.sources.clickhouse import ClickHouse
from diagnostics.sources.source import Asker, Connection, NotConnected, Recorder

PASSWORD = "hunter2"


def connect(url: str, *, seconds: float = 5.0, ca: str | None = None, verify: bool = True) -> Connection:
    clickhouse = ClickHouse(url, recorder=Recorder(), ca=ca, verify=verify)
    try:
        asker = Asker("clickhouse-connection", time.monotonic() + seconds, frozenset())
        return clickhouse.bind(asker).connection()
    finally:
        clickhouse.close()


def refusal(url: str, *, seconds: float = 5.0, ca: str | None = None, verify: bool = True) -> NotConnected:
    """Why there is no connection. The password is in no part of it."""
    outcome = connect(url, seconds=seconds, ca=ca, verify=verify)
    assert isinstance(outcome, NotConnected)
    assert PASSWORD not in repr(outcome)
    return outcome


def at(port: int, *, scheme: str = "http") -> str:
    return f"{scheme}://diag:{PASSWORD}@127.0.0.1:{port}/posthog"


def told(outcome: NotConnected, port: int) -> tuple[str, str]:
    """Code and message, without the port, which is another one every time."""
    return outcome.code, outcome.message.replace(f"127.0.0.1:{port}", "HERE")
