"""The counters of one plugin server, read twice, so that they tell what happens now.

PostHog serves them on `/_metrics` since late 2022 and on `/metrics` as well since 2024. Versions before that count only for
StatsD, which cannot be asked.
"""

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final

from msgspec import Struct

from diagnostics.sources.errors import BadAnswer
from diagnostics.sources.http import Answer, Outcome
from diagnostics.sources.http.trouble import NoAnswer
from diagnostics.sources.metrics import Metrics, Sample, parse
from diagnostics.sources.plugin_server.health import Health

_TYPE: Final = "# TYPE "


class Page(Struct, frozen=True, kw_only=True):
    """One answer of the metrics page. `at` is the server's own time. `declared` are the names of all metrics that it knows,
    also of those without a sample. Without `metrics`, `why` says what answered instead, `missing` that it was a 404.
    """

    at: datetime
    metrics: Metrics | None = None
    declared: frozenset[str] = frozenset()
    why: str = ""
    missing: bool = False


class Readings(Struct, frozen=True, kw_only=True):
    """Two readings of one instance's counters, `seconds` apart; `at` is the server's time of the later one.

    Without readings `why` says why there are none; `counts_nothing` that this version is too old to have any.
    """

    address: str
    at: float
    before: Metrics
    after: Metrics
    seconds: float = 0.0
    declared: frozenset[str] = frozenset()
    why: str = ""
    counts_nothing: bool = False

    @property
    def readable(self) -> bool:
        return not self.why and not self.counts_nothing

    @property
    def up_for(self) -> float | None:
        """Seconds since the process started; None where it does not say."""
        started = self.after.total("process_start_time_seconds")
        return max(0.0, self.at - started) if started else None

    def samples(self, name: str) -> tuple[Sample, ...]:
        """The samples of the later reading."""
        return self.after.values(name)

    def now(self, name: str, **labels: str) -> float | None:
        """The sum of the later reading's samples with these labels; None without any."""
        return self.after.total(name, **labels)

    def growth(self, name: str, **labels: str) -> tuple[Sample, ...]:
        """The samples of a counter with these labels, each with what came between the readings. One that fell began anew at
        zero."""
        before, after = (_labelled(samples.values(name), labels) for samples in (self.before, self.after))
        earlier = {frozenset(sample.labels.items()): sample.value for sample in before}
        return tuple(
            Sample(sample.labels, _grown(earlier.get(frozenset(sample.labels.items()), 0.0), sample.value)) for sample in after
        )

    def moved(self, name: str, **labels: str) -> float | None:
        """The sum of the growth of a counter's samples with these labels; None where it is not counted."""
        found = [sample.value for sample in self.growth(name, **labels)]
        return math.fsum(found) if found else None


def _labelled(samples: Iterable[Sample], labels: Mapping[str, str]) -> list[Sample]:
    return [sample for sample in samples if labels.items() <= sample.labels.items()]


def _grown(before: float, after: float) -> float:
    return after if after < before else after - before


def read_page(outcome: Outcome, clock: datetime) -> Page:
    """What answered on the metrics page. `clock` serves where the answer bears no date."""
    if isinstance(outcome, NoAnswer):
        return Page(at=clock, why=f"its metrics do not answer: {outcome.message}")
    at = _date(outcome) or clock
    if outcome.status == 404:
        return Page(at=at, why="it answers 404 for its metrics: something in front hides them", missing=True)
    if outcome.status in (401, 403):
        return Page(at=at, why=f"its metrics want credentials (HTTP {outcome.status})")
    if outcome.status != 200:
        return Page(at=at, why=f"it answers {outcome.status} for its metrics")
    if outcome.is_html:
        return Page(at=at, why="a web page answers in place of its metrics")
    try:
        metrics = parse(outcome.body, cut=outcome.cut)
    except BadAnswer as error:
        return Page(at=at, why=str(error))
    if not metrics:
        return Page(at=at, why="its page of metrics holds no number")
    return Page(at=at, metrics=metrics, declared=frozenset(_declared(outcome.body.splitlines())))


def unread(health: Health, page: Page) -> Readings:
    """For an instance whose metrics cannot be read. Without checks in `/_health` its version is from before 2023, of which
    most have no metrics."""
    too_old = page.missing and not health.checks
    nothing = Metrics({})
    return Readings(
        address=health.address,
        at=page.at.timestamp(),
        before=nothing,
        after=nothing,
        why="" if too_old else page.why,
        counts_nothing=too_old,
    )


def _declared(lines: Iterable[str]) -> Iterable[str]:
    return (line[len(_TYPE) :].split(" ", 1)[0] for line in lines if line.startswith(_TYPE))


def _date(answer: Answer) -> datetime | None:
    try:
        date = parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return None
    return date if date.tzinfo else None
