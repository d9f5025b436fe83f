"""Capture's drops: events that it answered with success, or refused, and did not pass on.

Reads the Rust capture's counters of what it received and dropped since it started, by cause; a second time when they are many.
Healthy is a few: scanners without a token, now and then an event that is too big; quotas of single products are normal.
What is dropped here leaves no trace further down, and for quotas and restrictions the sender even gets a success.
By hand: docker compose exec capture curl -sS localhost:3000/metrics | grep capture_events_
"""

from collections.abc import Iterator

from msgspec import Struct

from checks.capture.drop_causes import CAUSES, IGNORED, OTHER
from checks.capture.findings import numbers
from diagnostics import Category, Code, Finding, Stage, Status, Threshold, Thresholds, check, span_s
from diagnostics.sources.capture import METRICS, Capture, CaptureState, Counts
from diagnostics.sources.errors import BadAnswer

SHARE = Threshold("capture-drops.share", 0.05, "ratio", "the share of all events that is much for one cause to drop")
MOST = Threshold("capture-drops.most", 0.5, "ratio", "the share that is an alarm even if none was dropped while diag looked")
LEAST = Threshold("capture-drops.least", 20, "count", "fewer dropped events than this are never worth a word")
WATCH = Threshold("capture-drops.watch", 2.0, "s", "how long to watch whether it still goes on")

DROPS = Code(
    id="capture.drops-events",
    worst=Status.FAIL,
    category=Category.DATA_INTEGRITY,
    summary="it drops events",
    headline="Capture drops events",
    caused_by=("capture.cannot-produce",),
)


class Loss(Struct, frozen=True, kw_only=True):
    """What one cause dropped, of all that came since capture started; `lately` are those of the `watched` seconds. `over`:
    events came in that time, and none was dropped."""

    cause: str
    events: int
    share: float
    lately: int = 0
    watched: float = 0.0
    over: bool = False


@check(
    "capture-drops",
    stage=Stage.CAPTURE,
    title="Capture passes on the events that it takes",
    finds=[DROPS],
    reads=[METRICS],
    thresholds=[SHARE, MOST, LEAST, WATCH],
)
def capture_drops(capture: Capture, limits: Thresholds) -> Iterator[Finding]:
    state = capture.state()
    if state.takes_events and not state.is_rust:
        yield DROPS.found("The app itself is capture in this version, and does not count what it drops", status=Status.INFO)
        return
    if state.counts is None:
        raise BadAnswer(
            f"Capture's metrics cannot be seen at {capture.address()}",
            hint="give diag the service itself: DIAG_CAPTURE_URL=http://capture:3000",
        )
    losses = list(_losses(state.counts, limits))
    again = capture.again(limits(WATCH)) if losses else None
    for loss in losses:
        yield _found(_watched(loss, state.counts, again, limits(LEAST)) if again else loss, state, limits(MOST))


def _losses(counts: Counts, limits: Thresholds) -> Iterator[Loss]:
    for dropped in counts.dropped:
        share = dropped.events / max(dropped.events, counts.received)  # some are counted before they count as received
        if dropped.cause not in IGNORED and dropped.events >= limits(LEAST) and share >= limits(SHARE):
            yield Loss(cause=dropped.cause, events=dropped.events, share=share)


def _watched(loss: Loss, first: Counts, again: Counts, least: int) -> Loss:
    since = again.since(first)
    lately = since.dropped_for(loss.cause)
    over = not lately and since.received >= least
    return Loss(cause=loss.cause, events=loss.events, share=loss.share, lately=lately, watched=again.at - first.at, over=over)


def _found(loss: Loss, state: CaptureState, most: float) -> Finding:
    cause = CAUSES.get(loss.cause, OTHER)
    alarming = loss.lately or (loss.share >= most and not loss.over)
    status = Status.FAIL if alarming else Status.INFO if loss.over else Status.WARN
    ending = (
        f", and {loss.lately:,} more within {span_s(loss.watched)}" if loss.lately else ", but none now" if loss.over else ""
    )
    return DROPS.found(
        f"Capture dropped {loss.events:,} events since it started ({loss.share:.0%} of all){ending}: {cause.meaning}",
        status=status,
        detail=f"Capture counts them as {loss.cause}.",
        affects=[loss.cause],
        evidence=numbers(state),
        actions=cause.actions if alarming else [],
        cause="" if cause is OTHER else cause.meaning,
        source_text=True,
    )
