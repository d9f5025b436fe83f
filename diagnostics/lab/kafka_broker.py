"""Stands in for a Kafka broker: one node on a free port of the loopback that answers what a look at it asks.

It knows no request that would write, join a group or commit: a client that tried would be cut off, and `asked` names every
request that came.
"""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from diagnostics.lab.ago import seconds
from diagnostics.lab.http import HOST
from diagnostics.lab.kafka import Kafka, Log
from diagnostics.lab.kafka_wire import Reader, Writer, batch

NODE = 1

# What a fetch brings at most: diag asks for one message or for some hundred.
RECORDS = 500

# Bytes: a real broker closes the connection for more (`socket.request.max.bytes`), like that of a client that speaks TLS.
LONGEST_REQUEST = 104_857_600

# Error codes of the protocol.
OFFSET_OUT_OF_RANGE, UNKNOWN_TOPIC = 1, 3
TOPIC_DENIED, GROUP_DENIED, CLUSTER_DENIED = 29, 30, 31

Answer = Callable[["KafkaBroker", Reader, Writer], object]


class KafkaBroker:
    """Serves `kafka` until it is closed. `asked` are the names of the requests received, in order."""

    def __init__(self, kafka: Kafka) -> None:
        self.kafka = kafka
        self.asked: list[str] = []
        self.logs = kafka.logs(time.time())
        self._listener = socket.create_server((HOST, 0))
        self.address = f"{HOST}:{self._listener.getsockname()[1]}"
        self._connections: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._accept, daemon=True, name="lab-kafka")
        self._thread.start()

    @property
    def advertised(self) -> tuple[str, int]:
        """Where clients are sent on to."""
        host, _, port = (self.kafka.advertised or self.address).rpartition(":")
        return host, int(port)

    def close(self) -> None:
        """Stops listening and cuts the connections that are still open."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for connection in tuple(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True, name="lab-kafka-client").start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError, struct.error, KeyError, UnicodeDecodeError):
            stream = connection.makefile("rb")
            while 0 < (size := int.from_bytes(stream.read(4))) <= LONGEST_REQUEST:
                connection.sendall(self._answer(stream.read(size)))
        self._connections.discard(connection)

    def _answer(self, request: bytes) -> bytes:
        """Raises KeyError for a request that the stand-in does not know: the connection is then cut."""
        fields = Reader(request)
        key, _version, correlation = fields.int16(), fields.int16(), fields.int32()
        fields.string()  # the client's id
        name, _, answer = REQUESTS[key]
        self.asked.append(name)
        out = Writer().int32(correlation)
        answer(self, fields, out)
        body = out.bytes()
        return len(body).to_bytes(4) + body


def _versions(_: KafkaBroker, __: Reader, out: Writer) -> None:
    """The one answer with "flexible" fields: a client asks this first, in the newest version that it knows."""
    out.int16(0).raw(bytes([len(REQUESTS) + 1]))
    for key, (_name, version, _answer) in REQUESTS.items():
        out.int16(key).int16(version).int16(version).int8(0)
    out.int32(0).int8(0)


def _metadata(broker: KafkaBroker, fields: Reader, out: Writer) -> None:
    wanted = fields.array(fields.string)
    names = list(broker.logs) if wanted is None else [name or "" for name in wanted]
    host, port = broker.advertised

    def partition(number: int) -> None:
        out.int16(0).int32(number).int32(NODE).array([NODE], out.int32).array([NODE], out.int32)

    def topic(name: str) -> None:
        log = broker.logs.get(name)
        out.int16(0 if log else UNKNOWN_TOPIC).string(name).int8(0)
        out.array(range(log.topic.partitions) if log else (), partition)

    out.int32(0).array([NODE], lambda node: out.int32(node).string(host).int32(port).string(None))
    out.string("lab").int32(NODE).array(names, topic)


def _list_offsets(broker: KafkaBroker, fields: Reader, out: Writer) -> None:
    fields.int32()
    now = time.time()
    asked = _by_topic(fields, lambda: (fields.int32(), fields.int64()))

    def found(log: Log, number: int, wanted: int) -> tuple[int, int]:
        if wanted == -1:
            return -1, log.end(number, now)
        if wanted == -2:
            return -1, log.first(number, now)
        offset = log.since(number, wanted / 1000, now)
        return (-1, -1) if offset is None else (log.at(offset).timestamp, offset)

    def partition(name: str, number: int, wanted: int) -> None:
        log = broker.logs.get(name)
        moment, offset = found(log, number, wanted) if log else (-1, -1)
        out.int32(number).int16(0 if log else UNKNOWN_TOPIC).int64(moment).int64(offset)

    _write_topics(out, asked, partition)


def _find_coordinator(broker: KafkaBroker, fields: Reader, out: Writer) -> None:
    fields.string()
    host, port = broker.advertised
    denied = "groups" in broker.kafka.denied
    out.int32(0).int16(GROUP_DENIED if denied else 0).string(None).int32(NODE).string(host).int32(port)


def _offset_fetch(broker: KafkaBroker, fields: Reader, out: Writer) -> None:
    group = fields.string()
    asked = fields.array(lambda: (fields.string() or "", fields.array(fields.int32) or []))
    now = time.time()
    own = {name: log for name, log in broker.logs.items() if log.group == group}
    if asked is None:
        asked = [(name, list(range(log.topic.partitions))) for name, log in own.items()]

    def partition(name: str, number: int) -> None:
        offset = own[name].committed(number, now) if name in own else -1
        out.int32(number).int64(offset).string("").int16(0)

    out.int32(0)
    _write_topics(out, [(name, [(number,) for number in numbers]) for name, numbers in asked], partition)
    out.int16(GROUP_DENIED if "groups" in broker.kafka.denied else 0)


def _list_groups(broker: KafkaBroker, _: Reader, out: Writer) -> None:
    groups = sorted({log.group for log in broker.logs.values() if log.group})
    out.int32(0)
    if "groups" in broker.kafka.denied or not broker.kafka.lists_groups:
        out.int16(CLUSTER_DENIED).array((), out.string)
    else:
        out.int16(0).array(groups, lambda group: out.string(group).string("consumer"))


def _describe_groups(broker: KafkaBroker, fields: Reader, out: Writer) -> None:
    groups = [group or "" for group in fields.array(fields.string) or []]

    def described(group: str) -> None:
        own = [log for log in broker.logs.values() if log.group == group]
        state = own[0].topic.state if own else "Dead"
        members = own[0].topic.members if own and state != "Empty" else 0

        def member(number: int) -> None:
            share = [(log.name, list(range(number, log.topic.partitions, members))) for log in own]
            assigned = Writer().int16(0)
            assigned.array(share, lambda each: assigned.string(each[0]).array(each[1], assigned.int32))
            client = "ClickHouse-chi-0-0-posthog-kafka_events_json" if group == "group1" else "rdkafka"
            out.string(f"{client}-{number}").string(client).string("/172.18.0.9")
            out.blob(b"").blob(assigned.int32(-1).bytes() if state == "Stable" else b"")

        out.int16(GROUP_DENIED if "groups" in broker.kafka.denied else 0).string(group).string(state)
        out.string("consumer").string("range").array(range(members), member)

    out.int32(0).array(groups, described)


def _describe_configs(broker: KafkaBroker, fields: Reader, out: Writer) -> None:
    asked = fields.array(lambda: (fields.int8(), fields.string() or "", fields.array(fields.string))) or []

    def described(resource: tuple[int, str, object]) -> None:
        kind, name, _ = resource
        log = broker.logs.get(name)
        denied = "configuration" in broker.kafka.denied
        out.int16(TOPIC_DENIED if denied else 0 if log else UNKNOWN_TOPIC).string(None).int8(kind).string(name)
        out.array(list(_configuration(log).items()) if log and not denied else (), entry)

    def entry(pair: tuple[str, str]) -> None:
        out.string(pair[0]).string(pair[1]).int8(0).int8(5).int8(0).array((), out.string)

    out.int32(0).array(asked, described)


def _configuration(log: Log) -> dict[str, str]:
    return {
        "retention.ms": str(seconds(log.topic.retention) * 1000),
        "retention.bytes": "-1",
        "cleanup.policy": "compact" if log.topic.compacted else "delete",
        "max.message.bytes": "1048588",
    }


def _fetch(broker: KafkaBroker, fields: Reader, out: Writer) -> None:
    fields.int32(), fields.int32(), fields.int32(), fields.int32(), fields.int8()
    now = time.time()
    asked = _by_topic(fields, lambda: (fields.int32(), fields.int64(), fields.int32()))
    if not any(_holds(broker.logs[name], part[0], part[1], now) for name, parts in asked for part in parts):
        time.sleep(0.05)  # a broker waits for messages; one that did not would be asked again at once, for ever

    def partition(name: str, number: int, offset: int, _: int) -> None:
        log = broker.logs[name]
        first, end = log.first(number, now), log.end(number, now)
        outside = not first <= offset <= end
        records = [] if outside else [log.at(each) for each in range(offset, min(end, offset + RECORDS))]
        out.int32(number).int16(OFFSET_OUT_OF_RANGE if outside else 0).int64(end).int64(end).array((), out.int64)
        out.blob(batch(records))

    out.int32(0)
    _write_topics(out, asked, partition)


def _holds(log: Log, number: int, offset: int, now: float) -> bool:
    """Whether there is anything to send: a message, or an error."""
    return offset != log.end(number, now)


def _by_topic(fields: Reader, item: Callable[[], tuple[int, ...]]) -> list[tuple[str, list[tuple[int, ...]]]]:
    """Topics with what is asked of each of their partitions, whose number comes first."""
    return fields.array(lambda: (fields.string() or "", fields.array(item) or [])) or []


def _write_topics(out: Writer, asked: list[tuple[str, list[tuple[int, ...]]]], partition: Callable[..., object]) -> None:
    out.array(asked, lambda each: out.string(each[0]).array(each[1], lambda part: partition(each[0], *part)))


# Key: (name, the one version answered, the answer). Without Produce a client takes the broker for one from before 2017 and
# asks for messages in the format of then; it gets no answer.
REQUESTS: dict[int, tuple[str, int, Answer]] = {
    0: ("Produce", 3, lambda *_: None),
    1: ("Fetch", 4, _fetch),
    2: ("ListOffsets", 1, _list_offsets),
    3: ("Metadata", 4, _metadata),
    9: ("OffsetFetch", 3, _offset_fetch),
    10: ("FindCoordinator", 1, _find_coordinator),
    15: ("DescribeGroups", 1, _describe_groups),
    16: ("ListGroups", 1, _list_groups),
    18: ("ApiVersions", 3, _versions),
    32: ("DescribeConfigs", 1, _describe_configs),
}
