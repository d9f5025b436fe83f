"""Whether changes of data (ALTER, DELETE) come to an end."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from checks.clickhouse.state import NOW, client, moment, on, quoted, some
from diagnostics import (
    Action,
    Category,
    Code,
    Column,
    Evidence,
    Finding,
    QueryText,
    Stage,
    Status,
    Table,
    Threshold,
    Thresholds,
    check,
    span_s,
)
from diagnostics.report.wording import count
from diagnostics.sources.clickhouse import ClickHouse, part
from diagnostics.sources.clickhouse.part import by_hand
from diagnostics.sources.excerpt import excerpt_sql

OLD = Threshold("clickhouse-mutations.old", 86_400.0, "s", "a mutation that has not ended after so long is reported")

STUCK = Code(
    id="clickhouse.mutations-stuck",
    worst=Status.WARN,
    category=Category.MAINTENANCE,
    summary="changes of data fail or do not end",
)


class Mutation(Struct, frozen=True, kw_only=True):
    """One that has not ended; times are seconds since 1970. What it changes is left out: it may name a person."""

    host: str = ""
    table: str
    id: str
    created: int
    left: int
    failed: int
    reason: str
    asked_at: int


MUTATIONS = part(
    "clickhouse-mutations.unfinished",
    why="which mutations have not ended",
    row=Mutation,
    select={
        "table": "table",
        "id": "mutation_id",
        "created": "toUnixTimestamp(create_time)",
        "left": "parts_to_do",
        "failed": "toUnixTimestamp(latest_fail_time)",
        "reason": excerpt_sql("latest_fail_reason", 400),
        "asked_at": NOW,
    },
    rest="FROM system.mutations WHERE database = {database:String} AND NOT is_done ORDER BY create_time LIMIT 100",
    tables=("system.mutations",),
)


@check(
    "clickhouse-mutations",
    stage=Stage.CLICKHOUSE,
    title="Changes of data come to an end",
    finds=[STUCK],
    reads=[MUTATIONS],
    thresholds=[OLD],
)
def clickhouse_mutations(clickhouse: ClickHouse, limits: Thresholds) -> Iterator[Finding]:
    """Looks for mutations that fail, or run for more than a day.

    Healthy is none: PostHog makes them to delete persons and in migrations, and they end within hours. One that fails is tried
    again for ever, holds up migrations of its table and takes the room of merges. What it changes is not read.
    By hand: SELECT table, mutation_id, parts_to_do, latest_fail_reason FROM system.mutations WHERE NOT is_done LIMIT 20.
    """
    mutations = clickhouse.rows(MUTATIONS)
    several = clickhouse.nodes().several
    failing = [each for each in mutations if each.reason]
    old = [each for each in mutations if not each.reason and each.asked_at - each.created > limits(OLD)]
    if failing:
        newest = max(failing, key=lambda each: each.failed)
        where = f"{some([each.table for each in failing])}{on(newest.host, several=several)}"
        verb = "fails" if len(failing) == 1 else "fail"
        yield _found(
            f"{count(len(failing), 'mutation')} of {where} {verb}, last {span_s(newest.asked_at - newest.failed)} ago: "
            f"{quoted(newest.reason)}",
            failing,
        )
    if old:
        age = max(each.asked_at - each.created for each in old)
        tables = some([each.table for each in old])
        verb = "has" if len(old) == 1 else "have"
        yield _found(f"{count(len(old), 'mutation')} of {tables} {verb} not ended, the oldest after {span_s(age)}", old)


def _found(claim: str, mutations: Sequence[Mutation]) -> Finding:
    return STUCK.found(
        claim,
        affects=sorted({each.table for each in mutations}),
        evidence=_evidence(mutations),
        actions=ACTIONS,
        source_text=any(each.reason for each in mutations),
    )


def _evidence(mutations: Sequence[Mutation]) -> list[Evidence]:
    columns = (
        Column(name="node"),
        Column(name="table"),
        Column(name="mutation"),
        Column(name="since", kind="time"),
        Column(name="parts left", kind="count"),
        Column(name="last failure", kind="time"),
        Column(name="reason", kind="source-text"),
    )
    rows = tuple(
        (each.host, each.table, each.id, moment(each.created), each.left, moment(each.failed), each.reason)
        for each in mutations[:20]
    )
    return [
        Table(title="Mutations that have not ended", columns=columns, rows=rows, omitted=max(0, len(mutations) - 20)),
        QueryText(title="Mutations that have not ended", text=by_hand(MUTATIONS)),
    ]


ACTIONS = (
    Action(
        text="See how far the mutations are, and why they fail",
        commands=client(
            "SELECT table, mutation_id, create_time, parts_to_do, latest_fail_reason FROM system.mutations "
            "WHERE NOT is_done ORDER BY create_time LIMIT 20"
        ),
    ),
)
