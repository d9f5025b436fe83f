"""Kafka's wire format, as far as the lab's stand-in answers: the fields of requests and responses, and record batches.

After https://kafka.apache.org/protocol, in the versions before "flexible" fields, which every client still speaks.
"""

import struct
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from msgspec import Struct

T = TypeVar("T")

Headers = tuple[tuple[str, bytes], ...]


class Record(Struct, frozen=True, kw_only=True):
    """A message as far as diag may care: never a key or value. `timestamp` in milliseconds."""

    offset: int
    timestamp: int
    headers: Headers = ()


class Reader:
    """Takes the fields of a request one after another. Raises struct.error when there are too few bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def _take(self, form: str) -> int:
        (value,) = struct.unpack_from(form, self._data, self._at)
        self._at += struct.calcsize(form)
        return int(value)

    def int8(self) -> int:
        return self._take(">b")

    def int16(self) -> int:
        return self._take(">h")

    def int32(self) -> int:
        return self._take(">i")

    def int64(self) -> int:
        return self._take(">q")

    def string(self) -> str | None:
        """None for a null."""
        length = self.int16()
        if length < 0:
            return None
        self._at += length
        return self._data[self._at - length : self._at].decode()

    def array(self, item: Callable[[], T]) -> list[T] | None:
        """None for a null."""
        length = self.int32()
        return None if length < 0 else [item() for _ in range(length)]


class Writer:
    """Puts the fields of a response one after another."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def int8(self, value: int) -> "Writer":
        return self.raw(struct.pack(">b", value))

    def int16(self, value: int) -> "Writer":
        return self.raw(struct.pack(">h", value))

    def int32(self, value: int) -> "Writer":
        return self.raw(struct.pack(">i", value))

    def int64(self, value: int) -> "Writer":
        return self.raw(struct.pack(">q", value))

    def string(self, value: str | None) -> "Writer":
        if value is None:
            return self.int16(-1)
        encoded = value.encode()
        return self.int16(len(encoded)).raw(encoded)

    def blob(self, value: bytes) -> "Writer":
        return self.int32(len(value)).raw(value)

    def array(self, items: Sequence[T], write: Callable[[T], object]) -> "Writer":
        self.int32(len(items))
        for item in items:
            write(item)
        return self

    def raw(self, value: bytes) -> "Writer":
        self._parts.append(value)
        return self

    def bytes(self) -> bytes:
        return b"".join(self._parts)


def varint(value: int) -> bytes:
    """Zigzag: small negative numbers are short, too."""
    left = (value << 1) ^ (value >> 63)
    out = bytearray()
    while left > 0x7F:
        out.append(left & 0x7F | 0x80)
        left >>= 7
    out.append(left)
    return bytes(out)


def batch(records: Sequence[Record]) -> bytes:
    """A record batch of format 2 (Kafka 0.11 and later) with consecutive offsets; empty for no records."""
    if not records:
        return b""
    first, last = records[0], records[-1]
    body = b"".join(_record(record, first) for record in records)
    newest = max(record.timestamp for record in records)
    tail = struct.pack(">hiqqqhii", 0, last.offset - first.offset, first.timestamp, newest, -1, -1, -1, len(records)) + body
    head = struct.pack(">ibI", -1, 2, crc32c(tail))
    return struct.pack(">qi", first.offset, len(head) + len(tail)) + head + tail


def _record(record: Record, first: Record) -> bytes:
    headers = b"".join(
        varint(len(name.encode())) + name.encode() + varint(len(value)) + value for name, value in record.headers
    )
    body = (
        b"\0"
        + varint(record.timestamp - first.timestamp)
        + varint(record.offset - first.offset)
        + varint(-1)  # no key
        + varint(0)  # an empty value
        + varint(len(record.headers))
        + headers
    )
    return varint(len(body)) + body


def _table() -> Iterable[int]:
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        yield value


_CRC32C = tuple(_table())


def crc32c(data: bytes) -> int:
    """Castagnoli's checksum, which Python does not bring."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC32C[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF
