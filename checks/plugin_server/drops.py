"""Events that the plugin server drops: how many, and why.

Counts where events end, since the start and within a good second, over all instances, by PostHog's own causes.
Healthy is that nearly all are emitted. A few with tokens of no project are normal, and so is what a project wants dropped, as
long as that is not most of everything.
It matters because dropped events were accepted with a success answer, and are in no queue and no table.
By hand: docker compose exec web curl -sS -m 5 http://plugins:6738/_metrics | grep -E 'last_step|dropped|pipeline_results'
"""

from collections.abc import Iterator

from msgspec import Struct

from checks.plugin_server.drop_actions import actions_for
from checks.plugin_server.evidence import uncounted, unread
from diagnostics import (
    Category,
    Code,
    Column,
    Finding,
    Measure,
    Stage,
    Status,
    Table,
    Threshold,
    Thresholds,
    Window,
    check,
    span_s,
)
from diagnostics.sources.plugin_server import METRICS, METRICS_ELSEWHERE, PluginServer
from diagnostics.sources.plugin_server.endings import Drop, Endings, between, counts_events, merged, since_start

SHARE = Threshold(
    "plugin-server-drops.share", 0.2, "ratio", "so large a share of the events dropped for a cause that nobody set up fails"
)
DELIBERATE_SHARE = Threshold(
    "plugin-server-drops.deliberate-share",
    0.5,
    "ratio",
    "so large a share dropped by what somebody set up (transformations, blocked tokens, an age limit) fails",
)
NOTED_SHARE = Threshold(
    "plugin-server-drops.noted-share", 0.1, "ratio", "a smaller share than those is only noted, from here on"
)
LEAST = Threshold("plugin-server-drops.least", 100, "count", "fewer dropped events since the start say nothing")
SAMPLE = Threshold(
    "plugin-server-drops.sample", 20, "count", "with this many events between the readings they tell what happens now"
)

# What happens now may be one batch of one sender. It has to be that many events, and a tenth of the share since the start.
LEAST_NOW = 10
LASTING = 0.1

DROPS = Code(
    id="plugin-server.drops-events",
    worst=Status.FAIL,
    summary="it drops events",
    headline="The plugin server drops events",
    category=Category.DATA_INTEGRITY,
)


class Look(Struct, frozen=True, kw_only=True):
    """What became of events `since` the start, `up_for` seconds ago (None: nobody knows), and `now`, within `seconds`."""

    since: Endings
    now: Endings
    up_for: float | None
    seconds: float
    window: float


@check(
    "plugin-server-drops",
    stage=Stage.PLUGIN_SERVER,
    title="The plugin server drops no events that it should keep",
    finds=[DROPS],
    reads=[METRICS, METRICS_ELSEWHERE],
    thresholds=[SHARE, DELIBERATE_SHARE, NOTED_SHARE, LEAST, SAMPLE],
)
def plugin_server_drops(plugin_server: PluginServer, window: Window, limits: Thresholds) -> Iterator[Finding]:
    readings = plugin_server.readings()
    yield from unread(DROPS, readings, "whether it drops events")
    readable = [each for each in readings if each.readable]
    if not any(counts_events(each) for each in readable):
        if readable:
            yield uncounted(DROPS, readable, "whether it drops events")
        return
    ages = [each.up_for for each in readable]
    look = Look(
        since=merged([since_start(each) for each in readable]),
        now=merged([between(each) for each in readable]),
        up_for=max((age for age in ages if age is not None), default=None),
        seconds=readable[0].seconds,
        window=window.seconds,
    )
    for drop in look.since.drops:
        status = _judged(drop, look, limits)
        if status:
            yield _found(drop, look, status)


def _judged(drop: Drop, look: Look, limits: Thresholds) -> Status | None:
    """What it is worth saying as; None for nothing. A reason that diag does not know may be harmless: it only warns."""
    limit = limits(SHARE) if drop.cause and not drop.cause.deliberate else limits(DELIBERATE_SHARE)
    worst = Status.FAIL if drop.cause else Status.WARN
    share, now = drop.events / look.since.events, look.now.of(drop.name)
    seen_now = look.now.events >= limits(SAMPLE)
    if seen_now and now >= LEAST_NOW and now >= limit * look.now.events and share >= LASTING * limit:
        return worst
    if drop.events < limits(LEAST) or (seen_now and not now):
        return None
    if share >= limit:
        recent = now > 0 or (look.up_for is not None and look.up_for <= look.window)
        return worst if recent else Status.WARN
    return Status.INFO if share >= limits(NOTED_SHARE) else None


def _found(drop: Drop, look: Look, status: Status) -> Finding:
    now = look.now.of(drop.name)
    began_lately = 2 * drop.events * look.now.events < now * look.since.events  # the share doubled
    events, total = (now, look.now.events) if began_lately else (drop.events, look.since.events)
    when = f"in {span_s(look.seconds)} of looking" if began_lately else f"since the plugin server started{_ago(look.up_for)}"
    because = drop.cause.text if drop.cause else f'of "{drop.name}", in PostHog\'s words'
    return DROPS.found(
        f"{events:,} of {total:,} events ({events / total:.0%}) {when} were dropped because {because}",
        status=status,
        detail="They were accepted, and are in no queue and no table: only their sender can send them again.",
        affects=[drop.name],
        evidence=[_table(look)],
        actions=actions_for(drop) if status in (Status.FAIL, Status.WARN) else [],
        cause=drop.cause.text if drop.cause and status is Status.FAIL else "",
        source_text=drop.cause is None,
        measure=Measure(value=drop.events, unit="events", counted_s=look.up_for),
    )


def _ago(up_for: float | None) -> str:
    return "" if up_for is None else f" {span_s(up_for)} ago"


def _table(look: Look) -> Table:
    return Table(
        title="Why events were dropped",
        columns=(
            Column(name="cause", kind="source-text"),
            Column(name="since the start", kind="count"),
            Column(name=f"in {span_s(look.seconds)}", kind="count"),
        ),
        rows=(
            *((drop.name, drop.events, look.now.of(drop.name)) for drop in look.since.drops[:20]),
            ("all events", look.since.events, look.now.events),
        ),
        omitted=max(0, len(look.since.drops) - 20),
    )
