"""What every source has in common: who asks, what may be asked, what was asked, and whether there is a connection."""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from datetime import UTC, datetime
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

from msgspec import Struct

from diagnostics.report.model import Cost
from diagnostics.sources.errors import Refused, Unavailable

T = TypeVar("T")

FAIR_WAIT = 0.25
"""Seconds. Who is given less time than this, because the run ends, and does not answer in it, is not called unreachable."""


class Read(Protocol):
    """A question that a source can be asked, declared once beside the check that asks it."""

    @property
    def name(self) -> str:
        """Unique, like `dead-letters.groups`."""

    @property
    def source(self) -> str:
        """The `id` of the source that is asked."""

    @property
    def why(self) -> str:
        """One plain phrase for `--plan` and the progress line: what is asked."""

    @property
    def text(self) -> str:
        """The SQL, or `GET /_health`."""


class Endpoint(Struct, frozen=True, kw_only=True):
    """A GET that a source may make. `path` is relative to the source's base address and may hold `{placeholders}`."""

    name: str
    source: str
    path: str
    why: str

    @property
    def text(self) -> str:
        return f"GET {self.path}"


class Submission(Struct, frozen=True, kw_only=True):
    """The POST of the opt-in canary, the one thing that diag sends. `path` is where that usually goes."""

    name: str
    source: str
    path: str
    why: str

    @property
    def text(self) -> str:
        return f"POST {self.path}"


class Asker(Struct, frozen=True):
    """On whose behalf a source is asked: the check, until when (`time.monotonic()` seconds), and the names it declared."""

    check: str
    deadline: float
    reads: frozenset[str]

    @property
    def time_left(self) -> float:
        """Seconds, never negative."""
        return max(0.0, self.deadline - time.monotonic())

    def may(self, read: Read) -> None:
        """Raises Refused when the check did not declare `read`: what a check touches is a promise."""
        if read.name not in self.reads:
            raise Refused(
                f"the check {self.check} asked for {read.name}, which it does not declare", hint="add it to the check's `reads`"
            )


class Exchange(Struct, frozen=True, kw_only=True):
    """One question and its answer, as it is recorded. `answer` is plain data (rows, or status and body); None on an error."""

    source: str
    name: str
    check: str
    request: str
    params: dict[str, Any]
    started_at: datetime
    duration_s: float
    cost: Cost
    answer: Any = None
    error: str = ""


class Recorder:
    """Keeps every exchange of a run, from all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._exchanges: list[Exchange] = []
        self._listener: Callable[[str, Read], None] | None = None

    def listen(self, listener: Callable[[str, Read], None]) -> None:
        """From now on `listener` hears, from any thread, which source is about to be asked what."""
        self._listener = listener

    def about_to_ask(self, source: str, read: Read) -> None:
        """Call before an exchange: progress names what is being waited for."""
        if self._listener:
            self._listener(source, read)

    def add(self, exchange: Exchange) -> None:
        with self._lock:
            self._exchanges.append(exchange)

    @property
    def exchanges(self) -> list[Exchange]:
        with self._lock:
            return list(self._exchanges)

    def cost(self, check: str | None = None) -> Cost:
        """The cost of one check's exchanges, or of all."""
        total = Cost()
        for exchange in self.exchanges:
            if check is None or exchange.check == check:
                total = total + exchange.cost
        return total


class Note(Struct, frozen=True):
    """Something that a reader should know about a connection that works: a sentence, and the finding code it belongs to."""

    code: str
    text: str


class Connected(Struct, frozen=True, kw_only=True):
    """The probe succeeded. `notes` are what came out beside that (limits that could not be set)."""

    seconds: float
    notes: tuple[Note, ...] = ()


class NotConnected(Struct, frozen=True, kw_only=True):
    """The probe failed. `code` is the finding code, `message` a sentence without secrets, `hint` what to do."""

    code: str
    message: str
    hint: str
    commands: tuple[str, ...] = ()


Connection = Connected | NotConnected


class Once(Generic[T]):
    """Computes a value once, whoever asks first; the others wait for it. An exception is kept and raised again."""

    def __init__(self, compute: Callable[[], T]) -> None:
        self._compute = compute
        self._lock = threading.Lock()
        self._value: list[T] = []
        self._error: Exception | None = None

    def __call__(self) -> T:
        with self._lock:
            if self._error:
                raise self._error
            if not self._value:
                try:
                    self._value.append(self._compute())
                except Exception as error:
                    self._error = error
                    raise
            return self._value[0]


class Memo:
    """Answers that several checks ask for: one exchange, whoever asks first. Errors are remembered too."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: dict[Hashable, Once[Any]] = {}

    def get(self, key: Hashable, compute: Callable[[], T]) -> T:
        with self._lock:
            once = self._answers.setdefault(key, Once(compute))
        value: T = once()
        return value


class Source(ABC):
    """A typed, read-only client for one system. Made once a run, then bound to each check that asks for it.

    `id` is the word used in configuration and findings, `label` the one used in sentences. `probes` are the reads of the
    connection probe, which any check may cause without declaring them.
    """

    id: ClassVar[str]
    label: ClassVar[str]
    probes: ClassVar[tuple[Read, ...]]

    asker: Asker

    def bind(self, asker: Asker) -> Self:
        """The same source, asked on behalf of `asker`: shares connection, memo and recorder with the original."""
        bound = object.__new__(type(self))
        bound.__dict__.update(self.__dict__)
        bound.asker = asker
        return bound

    @abstractmethod
    def connection(self) -> Connection:
        """The outcome of the connection probe, made once. Never raises for a system that is down."""

    def connected(self) -> None:
        """Raises Unavailable when the probe failed."""
        connection = self.connection()
        if isinstance(connection, NotConnected):
            raise Unavailable(connection.message, hint=connection.hint, code=connection.code)

    def learned(self) -> dict[str, str]:
        """What is now known of the install (`clickhouse_version` ...), without asking anything more."""
        return {}

    @abstractmethod
    def address(self) -> str:
        """Where it is, for people: no credentials."""


def now() -> datetime:
    """The wall clock, in UTC."""
    return datetime.now(UTC)
