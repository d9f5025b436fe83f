"""The canary: one event, sent as an SDK sends it, and whether it arrives. Only with --canary.

Sends one event named posthog_diag_canary to the project of project_token, the only thing that diag ever writes, and looks for
it in ClickHouse until it is there. Healthy is that it arrives within half a minute.
It proves more than all that one can look at: that the whole path works now, or between which two stages it ends.
By hand: curl -sS -i -H 'Content-Type: application/json' https://posthog.example.com/i/v0/e/ with an event of your own, then
SELECT count() FROM events WHERE event = 'posthog_diag_canary' AND timestamp > now() - INTERVAL 1 HOUR.
"""

import math
from collections.abc import Iterator
from uuid import uuid4

from checks.canary.findings import ARRIVED, LOST, REJECTED, arrived, lost, rejected, unwatched
from checks.canary.watch import READS, Watch
from diagnostics import Finding, Stage, Threshold, Thresholds, check, span_s
from diagnostics.sources.capture import ROUTES, SEND, Capture
from diagnostics.sources.clickhouse import ClickHouse
from diagnostics.sources.errors import TimedOut

PATIENCE = Threshold(
    "canary.patience", 30.0, "s", "how long a canary may take to arrive; PostHog's own goal for nearly all events is 30 s"
)

# Seconds beside the watching: sending it, and asking for a dead letter in the end.
BESIDE = 8.0


@check(
    "canary",
    stage=Stage.CAPTURE,
    title="An event that is sent arrives in ClickHouse",
    finds=[REJECTED, LOST, ARRIVED],
    reads=[SEND, *ROUTES.values(), *READS],
    thresholds=[PATIENCE],
    timeout=600.0,  # whoever raises the patience is willing to wait; the deadline of the run ends it before
    only_with="--canary",
)
def canary(capture: Capture, clickhouse: ClickHouse | None, limits: Thresholds) -> Iterator[Finding]:
    patience = limits(PATIENCE)
    left = capture.asker.time_left
    if left < patience + min(BESIDE, patience):
        raise TimedOut(
            f"No canary was sent: {span_s(left)} are left for it, and watching for it takes up to {span_s(patience)}",
            hint=f"give it more time: diag run --canary --deadline {math.ceil(patience + 2 * BESIDE)}s",
        )
    watch = Watch(clickhouse) if clickhouse else None
    uuid = str(uuid4())
    reception = capture.send(uuid)
    if not reception.taken:
        yield rejected(capture.state(), capture.address(), reception)
    elif watch is None:
        yield unwatched(reception)
    elif seen := watch.seen(uuid, patience):
        yield arrived(reception, seen)
    else:
        yield lost(reception, watch.dead_letter(uuid), patience)
