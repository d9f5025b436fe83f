"""Apache Kafka itself: one node in a process of its own, with listeners of every kind, all on the loopback.

The jars come from Maven Central, once, into a folder of the user's cache. Where there is no Java or Maven, a container takes
its place, which has the plain listener only.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from msgspec import Struct

HERE = Path(__file__).parent
CERTIFICATE = HERE.parent / "sources" / "http" / "loopback.pem"
"""Key and certificate for the loopback, which is its own authority."""

COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
IMAGE = "confluentinc/cp-kafka:7.6.0"
CLUSTER = "MkU3OEVBNTcwNTJENDM2Qg"

PASSWORDS = {"admin": "admin-of-the-tests", "diag": "diag-of-the-tests", "nobody": "nobody-of-the-tests"}
"""`admin` may do anything, `diag` what it is granted, `nobody` nothing at all."""


class NoBroker(Exception):
    """There is no way to run Kafka on this machine, and why."""


class Addresses(Struct, frozen=True, kw_only=True):
    """`plain` needs no login and may do anything; `sent_on` answers, and then names the broker kafka.invalid. The others are
    empty for a container."""

    plain: str
    sent_on: str = ""
    login: str = ""
    tls: str = ""
    mutual_tls: str = ""


def jars() -> Path:
    """The folder of Kafka's jars, fetched if need be. Raises NoBroker."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "posthog-diag" / "kafka-4.1.0"
    if cache.is_dir():
        return cache
    if not (maven := shutil.which("mvn")):
        raise NoBroker("there is no Maven here to fetch Kafka with")
    coming = cache.with_name(f"{cache.name}.{os.getpid()}")
    command = [maven, "-q", "-B", "-f", HERE / "pom.xml", COPY, f"-DoutputDirectory={coming}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        shutil.rmtree(coming, ignore_errors=True)
        raise NoBroker(f"Maven could not fetch Kafka: {(done.stdout + done.stderr).strip()[-300:]}")
    with contextlib.suppress(OSError):  # another run was faster
        coming.rename(cache)
    return cache


class LocalBroker:
    """Kafka in `directory`, from start to kill. Raises NoBroker."""

    def __init__(self, directory: Path) -> None:
        java = shutil.which("java")
        if not java:
            raise NoBroker("there is no Java here to run Kafka with")
        memory = ("-Xms64m", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")
        self._java = (java, *memory, "-cp", f"{jars()}/*")
        self._log = directory / "broker.log"
        ports = free_ports(6)
        self.addresses = Addresses(**{name: f"127.0.0.1:{port}" for name, port in zip(LISTENERS, ports, strict=False)})
        properties = directory / "broker.properties"
        properties.write_text(_properties(directory, ports))
        self._run("kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", str(properties))
        with self._log.open("wb") as log:
            command = [*self._java, "kafka.Kafka", str(properties)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def __enter__(self) -> Self:
        until = time.monotonic() + 60
        while not all(_listens(port) for port in (self.addresses.plain, self.addresses.mutual_tls)):
            if self._process.poll() is not None or time.monotonic() > until:
                self._process.kill()
                raise NoBroker(f"Kafka does not start: {self._log.read_text()[-800:]}")
            time.sleep(0.1)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()

    def _run(self, *arguments: str) -> None:
        done = subprocess.run([*self._java, *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            raise NoBroker(f"Kafka cannot be set up: {(done.stdout + done.stderr).strip()[-800:]}")


# In the order of Addresses; the listener of the controller comes last.
LISTENERS = ("plain", "sent_on", "login", "tls", "mutual_tls")
PROTOCOLS = {"plain": "PLAINTEXT", "sent_on": "PLAINTEXT", "login": "SASL_PLAINTEXT", "tls": "SSL", "mutual_tls": "SSL"}


def _properties(directory: Path, ports: list[int]) -> str:
    names = {listener: listener.upper().replace("_", "") for listener in LISTENERS}
    addresses = {names[listener]: f"127.0.0.1:{port}" for listener, port in zip(LISTENERS, ports, strict=False)}
    controller = f"127.0.0.1:{ports[-1]}"
    advertised = addresses | {names["sent_on"]: "kafka.invalid:9092"}
    protocols = {names[listener]: protocol for listener, protocol in PROTOCOLS.items()} | {"CONTROLLER": "PLAINTEXT"}
    users = " ".join(f'user_{user}="{password}"' for user, password in PASSWORDS.items())
    login = names["login"].lower()
    settings = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@{controller}",
        "controller.listener.names": "CONTROLLER",
        "listeners": ",".join(f"{name}://{each}" for name, each in (addresses | {"CONTROLLER": controller}).items()),
        "advertised.listeners": ",".join(f"{name}://{each}" for name, each in advertised.items()),
        "listener.security.protocol.map": ",".join(f"{name}:{protocol}" for name, protocol in protocols.items()),
        "inter.broker.listener.name": names["plain"],
        f"listener.name.{login}.sasl.enabled.mechanisms": "PLAIN",
        f"listener.name.{login}.plain.sasl.jaas.config": (
            f"org.apache.kafka.common.security.plain.PlainLoginModule required {users};"
        ),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": CERTIFICATE,
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": directory / "authority.pem",
        f"listener.name.{names['mutual_tls'].lower()}.ssl.client.auth": "required",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS;User:admin",
        "log.dirs": directory / "data",
        "num.partitions": 4,
        "auto.create.topics.enable": "true",  # as in the hobby install: looking must not create anything all the same
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 1,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
    }
    certificate, _, _ = CERTIFICATE.read_text().partition("-----BEGIN PRIVATE KEY-----")
    (directory / "authority.pem").write_text(certificate)
    return "".join(f"{name}={value}\n" for name, value in settings.items())


@contextlib.contextmanager
def container() -> Iterator[Addresses]:
    """The same in a container, as far as it goes. Raises NoBroker."""
    if not (os.environ.get("DOCKER_HOST") or Path("/var/run/docker.sock").exists()):
        raise NoBroker("there is no container engine either")
    from docker.errors import DockerException
    from testcontainers.community.kafka import KafkaContainer

    try:
        started = KafkaContainer(IMAGE).with_kraft().start()
    except DockerException as error:
        raise NoBroker(f"no container engine with {IMAGE}: {error}") from error
    try:
        yield Addresses(plain=str(started.get_bootstrap_server()))
    finally:
        started.stop()


def free_ports(number: int) -> list[int]:
    """Ports on which nothing listens now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(number)]
        return [each.getsockname()[1] for each in sockets]


def _listens(address: str) -> bool:
    host, _, port = address.partition(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True
