"""Keeping what was asked of Kafka and what came of it, and turning its errors into those of sources."""

import time
from types import TracebackType
from typing import Any, Self

import msgspec

from diagnostics.report.model import Cost, KafkaCost
from diagnostics.sources.errors import TimedOut
from diagnostics.sources.kafka import answers
from diagnostics.sources.kafka.handle import Unfinished
from diagnostics.sources.kafka.model import Partition
from diagnostics.sources.kafka.reads import KafkaRead
from diagnostics.sources.source import Asker, Exchange, Recorder, now


class Recording:
    """One exchange, for a `with` block that puts in its `answer` (or `error`). `what` was asked, in words that go on after
    "Kafka does not say". Raises SourceError for confluent-kafka's errors."""

    def __init__(self, recorder: Recorder, asker: Asker, read: KafkaRead, what: str, *, requests: int = 1) -> None:
        self.answer: Any = None
        self.error = ""
        self._recorder = recorder
        self._asker = asker
        self._read = read
        self._what = what
        self._requests = requests

    def __enter__(self) -> Self:
        if not self._asker.time_left:
            raise TimedOut(f"There was no time left to ask Kafka {self._what}", hint="give it more time with --deadline")
        self._recorder.about_to_ask(self._read.source, self._read)
        self._started_at, self._begun = now(), time.monotonic()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        said = self._said(error)
        self._recorder.add(
            Exchange(
                source=self._read.source,
                name=self._read.name,
                check=self._asker.check,
                request=self._read.text,
                params={},
                started_at=self._started_at,
                duration_s=time.monotonic() - self._begun,
                cost=Cost(kafka=KafkaCost(requests=self._requests)),
                answer=None if error or self.error else plain(self.answer),
                error=self.error or (str(said) if said else ""),
            )
        )
        if said is not None and said is not error:
            raise said from None

    def _said(self, error: BaseException | None) -> BaseException | None:
        from confluent_kafka import KafkaException

        if isinstance(error, KafkaException):
            return answers.translated(error, what=self._what)
        if isinstance(error, Unfinished):
            return TimedOut(f"Kafka did not say in time {self._what}", hint=error.hint)
        return error


def plain(value: Any) -> Any:
    """Rows, names and numbers: what a file can hold. A partition becomes its topic and number."""
    if isinstance(value, dict):
        if any(isinstance(key, Partition) for key in value):
            return [[key.topic, key.number, plain(each)] for key, each in value.items()]
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return msgspec.to_builtins(value)
