"""One exchange with ClickHouse under way, for the record."""

import time
from collections.abc import Mapping
from typing import Any

import msgspec

from diagnostics.report.model import ClickHouseCost, Cost
from diagnostics.sources.clickhouse.query import SOURCE, Query
from diagnostics.sources.source import Exchange, Recorder, now


class Asking:
    """Announced when it begins, unless it was `announced` as part of another; recorded when it ends, whichever way."""

    def __init__(
        self, recorder: Recorder, query: Query[Any], check: str, params: Mapping[str, Any], *, announced: bool = False
    ) -> None:
        if not announced:
            recorder.about_to_ask(SOURCE, query)
        self._recorder = recorder
        self._query = query
        self._check = check
        self._params = msgspec.to_builtins(dict(params), enc_hook=str)
        self._started_at = now()
        self._started = time.monotonic()

    def answered(self, rows: list[dict[str, Any]], cost: ClickHouseCost) -> None:
        self._record(cost, answer=rows)

    def failed(self, error: str) -> None:
        self._record(ClickHouseCost(queries=1), error=error)

    def _record(self, cost: ClickHouseCost, *, answer: Any = None, error: str = "") -> None:
        self._recorder.add(
            Exchange(
                source=SOURCE,
                name=self._query.name,
                check=self._check,
                request=self._query.sql,
                params=self._params,
                started_at=self._started_at,
                duration_s=time.monotonic() - self._started,
                cost=Cost(clickhouse=cost),
                answer=answer,
                error=error,
            )
        )
