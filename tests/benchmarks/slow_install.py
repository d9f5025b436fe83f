"""How long a full run takes, what it asks, and what it takes where every answer comes a second late.

    python -m tests.benchmarks.slow_install

Every HTTP answer of the lab, ClickHouse's among them, is held back by a second; then Kafka's as well. Target for a late
install: under 4 s. Medians of runs in turns, since machines are shared and noisy.
"""

import contextlib
import http.client
import json
import os
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from diagnostics.lab import scenarios, start
from diagnostics.lab.http import Handler, Request, Response, Server
from diagnostics.lab.kafka_broker import KafkaBroker

ROUNDS = 3
LATE_S = 1.0
DIAG = str(Path(sys.executable).with_name("diag"))


def late(port: int) -> Handler:
    """What the server at `port` answers, a second later."""

    def relay(request: Request) -> Response:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        with contextlib.closing(connection):
            connection.request(request.method, request.target, body=request.body, headers=dict(request.headers))
            answer = connection.getresponse()
            headers = tuple(
                (name, value) for name, value in answer.getheaders() if name.lower() not in ("content-length", "date")
            )
            return Response(status=answer.status, headers=headers, body=answer.read(), delay_s=LATE_S)

    return relay


class LateBroker(KafkaBroker):
    """Answers a second later, as over a long line: what is asked meanwhile is not held up by it."""

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError, struct.error, KeyError):
            stream = connection.makefile("rb")
            while size := stream.read(4):
                answer = self._answer(stream.read(int.from_bytes(size)))
                threading.Timer(LATE_S, self._send, (connection, answer)).start()

    @staticmethod
    def _send(connection: socket.socket, answer: bytes) -> None:
        with contextlib.suppress(OSError):
            connection.sendall(answer)


@contextlib.contextmanager
def behind_a_slow_line(environment: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The same install, through relays."""
    with contextlib.ExitStack() as stack:
        relayed = dict(environment)
        for name, value in environment.items():
            if value.startswith("http"):
                port = urlsplit(value).port
                assert port
                server = stack.enter_context(Server(late(port)))
                relayed[name] = value.replace(f":{port}", f":{server.port}")
        yield relayed


def run(environment: Mapping[str, str]) -> tuple[float, dict[str, object]]:
    begun = time.perf_counter()
    command = [DIAG, "run", "--format", "json"]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, check=False)
    taken = time.perf_counter() - begun
    report = json.loads(done.stdout)
    if report["verdict"]["status"] != "healthy":
        raise SystemExit(f"not healthy: {report['verdict']}")
    return taken, report


def main() -> None:
    healthy = next(scenario for scenario in scenarios() if scenario.id == "healthy")
    with start(healthy) as lab, behind_a_slow_line(lab.environment) as slow, LateBroker(healthy.kafka) as broker:
        installs = {
            "healthy install": lab.environment,
            "every HTTP answer 1 s late": slow,
            "Kafka's answers as well": slow | {"DIAG_KAFKA_BROKERS": broker.address},
        }
        taken: dict[str, list[float]] = {name: [] for name in installs}
        for _ in range(ROUNDS):
            for name, environment in installs.items():
                seconds, report = run(environment)
                taken[name].append(seconds)
    for name, times in taken.items():
        print(f"{statistics.median(times):6.2f} s  (worst {max(times):.2f} s)  {name}")
    print(json.dumps(report["cost"], indent=2))


if __name__ == "__main__":
    main()
