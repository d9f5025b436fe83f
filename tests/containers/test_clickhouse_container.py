"""Against ClickHouse as its makers ship it. Needs a container engine and the image; says so where there is none."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from diagnostics.lab.schema import Era, tables
from tests.cli.diag import diag

IMAGE = "clickhouse/clickhouse-server:24.8"

pytestmark = pytest.mark.containers


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server with PostHog's tables and three dead letters."""
    if not (os.environ.get("DOCKER_HOST") or Path("/var/run/docker.sock").exists()):
        pytest.skip("no container engine: /var/run/docker.sock is not there and DOCKER_HOST is not set")
    import clickhouse_connect
    from docker.errors import DockerException
    from testcontainers.community.clickhouse import ClickHouseContainer

    try:
        container: Any = ClickHouseContainer(IMAGE, port=8123).start()
    except DockerException as error:
        pytest.skip(f"no container engine with {IMAGE}: {error}")
    try:
        host, port = container.get_container_host_ip(), int(container.get_exposed_port(8123))
        client = clickhouse_connect.get_client(host=host, port=port, username="test", password="test", database="test")
        for statement in tables(Era.Y2024):
            client.command(statement)
        client.command(
            "INSERT INTO events_dead_letter_queue (id, team_id, error_location, error, _timestamp) "
            "SELECT generateUUIDv4(), 1, 'plugin_server_ingest_event', 'sorry, too many clients already', now() FROM numbers(3)"
        )
        yield f"http://test:test@{host}:{port}/test"
    finally:
        container.stop()


def test_dead_letters_of_a_containerised_clickhouse_are_found(url: str, tmp_path: Path) -> None:
    done = diag("run", "--format", "json", "--only", "dead-letters", cwd=tmp_path, environment={"DIAG_CLICKHOUSE_URL": url})
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert report["verdict"]["code"] == "app.postgres-down"
    claims = [finding["claim"] for check in report["checks"] for finding in check["findings"]]
    assert claims[0].startswith("3 events were dead-lettered in the last 24 h, in 1 team, the newest ")
