"""Against a real server that is too old to be asked: Debian's ClickHouse 18.16."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from diagnostics.sources.clickhouse import ClickHouse
from diagnostics.sources.source import Connection, NotConnected, Recorder

FETCH = Path(__file__).parents[2] / "engines" / "fetch_clickhouse_18"

CONFIG = """<yandex>
    <logger><level>error</level><console>1</console></logger>
    <listen_host>127.0.0.1</listen_host>
    <http_port>{http}</http_port>
    <tcp_port>{native}</tcp_port>
    <path>{path}/data/</path>
    <tmp_path>{path}/tmp/</tmp_path>
    <mark_cache_size>1000000</mark_cache_size>
    <users_config>{path}/users.xml</users_config>
    <default_profile>default</default_profile>
    <default_database>default</default_database>
</yandex>
"""
USERS = """<yandex>
    <profiles><default/></profiles>
    <quotas><default/></quotas>
    <users><default>
        <password>right</password>
        <networks><ip>127.0.0.1</ip></networks>
        <profile>default</profile>
        <quota>default</quota>
    </default></users>
</yandex>
"""


@pytest.fixture(scope="module")
def installation() -> Path:
    """The directory that Debian's packages were unpacked to, or the root where they are installed."""
    if installed := shutil.which("clickhouse-server"):
        version = subprocess.run([installed, "--version"], capture_output=True, text=True, check=False)
        if "18." in version.stdout or "Unknown option" in version.stdout + version.stderr:
            return Path("/")
    fetched = subprocess.run([FETCH], capture_output=True, text=True, check=False)
    if fetched.returncode:
        pytest.skip(f"no ClickHouse 18 to be had: {fetched.stderr.strip()[-300:]}")
    return Path(fetched.stdout.strip())


class Server:
    def __init__(self, installation: Path, home: Path) -> None:
        self.http, self.native = _free_port(), _free_port()
        home.joinpath("config.xml").write_text(CONFIG.format(http=self.http, native=self.native, path=home))
        home.joinpath("users.xml").write_text(USERS)
        libraries = ":".join(
            str(installation / part) for part in ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "usr/lib")
        )
        self._log = home / "log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [installation / "usr/sbin/clickhouse-server", f"--config-file={home}/config.xml"],
                env=os.environ | {"LD_LIBRARY_PATH": libraries},
                cwd=home,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait(self) -> None:
        """Until it answers; skips, saying why, where it cannot be run."""
        for _ in range(200):
            if self._process.poll() is not None:
                pytest.skip(f"ClickHouse 18 does not run here: {self._log.read_text()[-300:]}")
            try:
                with urlopen(f"http://127.0.0.1:{self.http}/ping", timeout=1):
                    return
            except (URLError, ConnectionError):
                time.sleep(0.05)
        pytest.skip("ClickHouse 18 did not answer within 10 s")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def server(installation: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = Server(installation, tmp_path_factory.mktemp("clickhouse-18"))
    try:
        started.wait()
        yield started
    finally:
        started.close()


def connection(url: str) -> Connection:
    clickhouse = ClickHouse(url, recorder=Recorder())
    try:
        return clickhouse.connection()
    finally:
        clickhouse.close()


def test_it_is_told_apart_from_a_broken_one(server: Server) -> None:
    outcome = connection(f"http://default:right@127.0.0.1:{server.http}/default")
    assert isinstance(outcome, NotConnected)
    assert outcome.code == "clickhouse.unsupported-version", outcome.message
    assert outcome.message == f"The ClickHouse at 127.0.0.1:{server.http} is older than diag can ask (it asks 21.6 and newer)"


def test_its_wrong_password_has_another_code_and_no_header(server: Server) -> None:
    outcome = connection(f"http://default:wrong@127.0.0.1:{server.http}/default")
    assert isinstance(outcome, NotConnected)
    assert outcome.code == "clickhouse.auth-failed"
    assert outcome.message == "ClickHouse does not accept the user default: Wrong password for user default"
    assert "wrong" not in outcome.message + outcome.hint


def test_its_native_port_is_recognised(server: Server) -> None:
    outcome = connection(f"http://default:right@127.0.0.1:{server.native}/default")
    assert isinstance(outcome, NotConnected)
    assert outcome.code == "clickhouse.unreachable"
    assert outcome.message == f"127.0.0.1:{server.native} is ClickHouse's port for its native protocol, and diag speaks HTTP"
    assert outcome.hint == "write the HTTP port, mostly 8123, in clickhouse.url"
