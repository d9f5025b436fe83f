"""What a service counts of itself: the text of its metrics page, as typed samples.

Capture and the plugin server serve Prometheus text or OpenMetrics, depending on their age and on what is asked for. Counters
are written with and without `_total`; here either name finds them.
"""

import math
from collections.abc import Iterator, Mapping

from msgspec import Struct

from diagnostics.sources.errors import BadAnswer

MAX_LINES = 20_000
"""A plugin server with every histogram writes about 5,000, in 300 KB; 20,000 take half a second."""

# The parser's time grows with the square of a line's length, and label values may be what a sender made up. PostHog's own lines
# have some hundred characters.
MAX_LINE = 4096

# From here on a float does not count by one any more, and nothing has happened so often or is that large.
MAX_VALUE = 2.0**53


class Sample(Struct, frozen=True):
    """One number. The values of `labels` may be anybody's words."""

    labels: Mapping[str, str]
    value: float


class Metrics:
    """Every sample of a page, by name."""

    def __init__(self, samples: Mapping[str, tuple[Sample, ...]]) -> None:
        self._samples = samples

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._samples)

    def values(self, name: str) -> tuple[Sample, ...]:
        """The samples of `name`, whether the page writes it with `_total` or without; empty when it has none."""
        other = name.removesuffix("_total") if name.endswith("_total") else f"{name}_total"
        return self._samples.get(name) or self._samples.get(other, ())

    def total(self, name: str, **labels: str) -> float | None:
        """The sum of those samples of `name` that have these labels; None when there is none."""
        found = [sample.value for sample in self.values(name) if labels.items() <= sample.labels.items()]
        return math.fsum(found) if found else None


def parse(text: str, *, cut: bool = False) -> Metrics:
    """The samples of a page. `cut`: its end is missing, so that its last line may be half a number.

    Lines that are too long or beyond MAX_LINES are left out, and so are samples that are no number or one of MAX_VALUE and
    more. Raises BadAnswer for what is no page of metrics.
    """
    from prometheus_client.parser import text_string_to_metric_families

    samples: dict[str, list[Sample]] = {}
    try:
        for family in text_string_to_metric_families("\n".join(_lines(text, cut=cut))):
            for sample in family.samples:
                if abs(sample.value) < MAX_VALUE:  # false for NaN as well
                    samples.setdefault(sample.name, []).append(Sample(sample.labels, float(sample.value)))
    except (ValueError, IndexError, OverflowError):  # the parser's own text quotes the page
        raise BadAnswer("what answers is not a page of metrics", hint="look at it by hand") from None
    return Metrics({name: tuple(found) for name, found in samples.items()})


def _lines(text: str, *, cut: bool) -> Iterator[str]:
    lines = text.split("\n", MAX_LINES)
    if cut or len(lines) > MAX_LINES:
        lines.pop()
    return (line for line in lines if len(line) <= MAX_LINE)
