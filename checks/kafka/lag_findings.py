"""What is said of a consumer group that is behind: the claim in one sentence, the partitions, and what to do next."""

import re
from collections.abc import Iterator, Sequence

from checks.kafka.lags import Lag, Pace, PartitionLag
from checks.plugin_server.findings import READ_LOG, RESTART
from diagnostics import Action, Code, Column, Evidence, Finding, Measure, Status, Table, Values, span_s
from diagnostics.report.wording import count
from diagnostics.sources.kafka import KafkaTopics

# Partitions in the table of the report, those with most unread messages first.
SHOWN = 20

# Good for a shell command without quoting.
PLAIN = re.compile(r"[A-Za-z0-9._-]+")


COUNT_RESTARTS = Action(
    text="See how often it has restarted, and whether for want of memory (exit code 137, OOMKilled); ClickHouse leaves a group "
    "when its inserts take over five minutes, and says so in its log",
    commands=(
        "docker inspect -f '{{.Name}} restarts={{.RestartCount}} exit={{.State.ExitCode}} oom={{.State.OOMKilled}}' "
        "$(docker compose ps -aq plugins)",
        "kubectl -n posthog get pods -l role=plugins",
        "docker compose logs --since 1h clickhouse | grep -i 'poll interval' | tail -5",
    ),
)


def behind(code: Code, lag: Lag, limit: float, topics: KafkaTopics) -> Finding:
    late, pace = lag.behind(limit), lag.pace(limit)
    nobody = "" if lag.group.members or lag.group.state.value == "unknown" else ", and nobody is in the group"
    return code.found(
        f"The consumer group {lag.group.id} is {span_s(lag.waits or 0)} behind in {lag.topic}: "
        f"{count(pace.unread, 'message waits', 'messages wait')} in {len(late)} of {count(len(lag.partitions), 'partition')}, "
        f"{_told(pace)}{nobody}",
        detail="Never reset the group's offsets: that skips what waits.",
        affects=[lag.topic, lag.group.id],
        evidence=_evidence(lag),
        actions=[_look(lag), *(_clickhouse() if lag.topic in topics.for_clickhouse else (READ_LOG, RESTART))],
        measure=Measure(value=float(lag.unread), unit="messages"),
    )


def rebalancing(code: Code, lag: Lag, limit: float) -> Finding:
    return code.found(
        f"The consumer group {lag.group.id} is {span_s(lag.waits or 0)} behind in {lag.topic} and is being rebalanced: its "
        "consumers read nothing until that has ended",
        status=Status.WARN,
        detail="This ends by itself within a minute, and what waits is then read. If it goes on, a consumer keeps restarting. "
        f"Up to {span_s(limit)} are normal.",
        affects=[lag.topic, lag.group.id],
        evidence=_evidence(lag),
        actions=[Action(text="Look again in a minute", commands=("diag run --only 'kafka-*'",)), _look(lag)],
    )


def restarting(code: Code, lag: Lag) -> Finding:
    """A rebalance takes seconds: what has waited for so long waits because one follows the other."""
    return code.found(
        f"The consumer group {lag.group.id} is {span_s(lag.waits or 0)} behind in {lag.topic} and is being rebalanced, which "
        "takes less than a minute: probably a consumer ends and starts again and again",
        detail="If you have just started it after a longer outage, look again in a minute.",
        affects=[lag.topic, lag.group.id],
        evidence=_evidence(lag),
        actions=[COUNT_RESTARTS, _look(lag)],
    )


def undated(code: Code, lag: Lag) -> Finding:
    return code.found(
        f"The consumer group {lag.group.id} has {count(lag.unread, 'unread message')} in {lag.topic}, but since when the "
        "oldest waits could not be seen",
        status=Status.UNKNOWN,
        affects=[lag.topic, lag.group.id],
        evidence=_evidence(lag),
        actions=[_look(lag)],
    )


def up_to_date(code: Code, lags: Sequence[Lag]) -> Finding:
    unread = sum(lag.unread for lag in lags)
    oldest = max((lag.waits or 0.0 for lag in lags), default=0.0)
    groups = ", ".join(dict.fromkeys(lag.group.id for lag in lags))
    waiting = (
        f"{count(unread, 'message waits', 'messages wait')}, the oldest for {span_s(oldest)}" if unread else "nothing waits"
    )
    return code.found(f"What arrives is read in time by {groups}: {waiting}", status=Status.OK)


def hot(code: Code, lag: Lag, limit: float, share: float) -> Iterator[Finding]:
    """Where at most a quarter of the partitions holds nearly all that waits, and the others are up to date."""
    late = lag.behind(limit)
    waiting = sum(each.unread for each in late)
    if not late or len(late) > len(lag.partitions) // 4 or waiting < share * lag.unread:
        return
    numbers = ", ".join(str(each.partition.number) for each in late)
    which = f"1 of {len(lag.partitions)} partitions" if len(late) == 1 else f"{len(late)} of {len(lag.partitions)} partitions"
    sql = (
        "SELECT team_id, event, count() AS events FROM events WHERE timestamp > now() - INTERVAL 1 HOUR AND timestamp < now() "
    )
    sql += "GROUP BY team_id, event ORDER BY events DESC LIMIT 10"
    yield code.found(
        f"{waiting / lag.unread:.0%} of what waits in {lag.topic} sits in {which} ({numbers}), while the others are read in "
        "time",
        detail="All events of one person go to one partition: somebody sends very many, or what is done for that person takes "
        "long. Or the consumer that has this partition hangs.",
        affects=[lag.topic, lag.group.id],
        actions=[
            Action(
                text="See whether one project or event stands out",
                commands=(f'docker compose exec clickhouse clickhouse-client -d posthog --query "{sql}"',),
            ),
            Action(
                text="If one person sends far too many, let the plugin server move such events aside: "
                "INGESTION_OVERFLOW_ENABLED=true for the service plugins",
                changes_something=True,
            ),
        ],
    )


def deleted(code: Code, lag: Lag, *, shown: bool) -> Finding:
    """`shown`: its partitions stand in the report already."""
    return code.found(
        f"Kafka has deleted {count(lag.deleted, 'message')} of {lag.topic} that the consumer group {lag.group.id} had not "
        "read: these events are lost",
        affects=[lag.topic, lag.group.id],
        evidence=() if shown else _evidence(lag),
        actions=[_raise_retention(lag.topic), _look(lag)],
        measure=Measure(value=float(lag.deleted), unit="messages"),
    )


def nearly_deleted(code: Code, lag: Lag, kept: float) -> Finding:
    waits = lag.waits or 0.0
    left = f"in {span_s(kept - waits)}" if kept - waits >= 60 else "any moment"
    return code.found(
        f"Kafka deletes what the consumer group {lag.group.id} has not read of {lag.topic} {left}: the oldest unread message "
        f"is {span_s(waits)} old, the retention {span_s(kept)}",
        affects=[lag.topic, lag.group.id],
        actions=[_raise_retention(lag.topic)],
    )


def unread_by_all(code: Code, topic: str, age: float, kept: float) -> Finding:
    return code.found(
        f"Kafka deletes events of {topic} that nobody has read: its oldest message is {span_s(age)} old, the retention "
        f"{span_s(kept)}",
        affects=[topic],
        actions=[_raise_retention(topic)],
    )


def _told(pace: Pace) -> str:
    came = f"{pace.written:,} came and {pace.read:,} were read in {span_s(pace.seconds)}"
    if not pace.read:
        return f"and none was read ({came})"
    if pace.left is not None:
        return f"fewer by the second ({came}; at this pace caught up in {span_s(pace.left)})"
    return f"more by the second ({came})" if pace.written > pace.read else f"and neither more nor less by the second ({came})"


def _evidence(lag: Lag) -> list[Evidence]:
    ranked = sorted(lag.partitions, key=lambda each: (-each.unread, each.partition.number))
    return [
        Table(
            title=f"{lag.group.id} in {lag.topic}",
            columns=(
                Column(name="partition"),
                Column(name="unread", kind="count"),
                Column(name="oldest unread"),
                Column(name="read up to", kind="number"),
                Column(name="end", kind="number"),
                Column(name="deleted unread", kind="count"),
            ),
            rows=tuple(_row(each) for each in ranked[:SHOWN]),
            omitted=len(ranked[SHOWN:]),
        ),
        Values(title="The group", values={"state": lag.group.state.value, "members": len(lag.group.members)}),
    ]


def _row(each: PartitionLag) -> tuple[str | int | None, ...]:
    waits = f"{span_s(each.waits)} old" if each.waits is not None else None
    return (str(each.partition.number), each.unread, waits if each.unread else "", each.committed, each.end, each.deleted)


def _look(lag: Lag) -> Action:
    group = lag.group.id if PLAIN.fullmatch(lag.group.id) else "GROUP"
    tool = f"kafka-consumer-groups.sh --bootstrap-server localhost:9092 --describe --group {group}"
    return Action(
        text=f"Watch whether what waits for {group} gets less (first command: Redpanda; others: Apache Kafka)",
        commands=(
            f"docker compose exec kafka rpk group describe {group}",
            f"docker compose exec kafka {tool}",
            f"kubectl -n posthog exec posthog-posthog-kafka-0 -- {tool}",
        ),
    )


def _clickhouse() -> tuple[Action, ...]:
    sql = "SELECT table, last_poll_time, num_messages_read, exceptions.text FROM system.kafka_consumers LIMIT 20"
    pod = "kubectl -n posthog exec -it chi-posthog-posthog-0-0-0 -- clickhouse-client --user admin --password"
    return (
        Action(
            text="Ask ClickHouse why its Kafka table reads nothing, or too slowly (the error texts may quote events)",
            commands=(
                f'docker compose exec clickhouse clickhouse-client --query "{sql}"',
                f'{pod} --query "{sql}"',
            ),
        ),
    )


def _raise_retention(topic: str) -> Action:
    name = topic if PLAIN.fullmatch(topic) else "TOPIC"
    tool = f"kafka-configs.sh --bootstrap-server localhost:9092 --alter --entity-type topics --entity-name {name}"
    return Action(
        text=f"Gain time: let Kafka keep {name} for a week, if its disk has room for that (first command: Redpanda; others: "
        "Apache Kafka)",
        commands=(
            f"docker compose exec kafka rpk topic alter-config {name} --set retention.ms=604800000",
            f"docker compose exec kafka {tool} --add-config retention.ms=604800000",
            f"kubectl -n posthog exec posthog-posthog-kafka-0 -- {tool} --add-config retention.ms=604800000",
        ),
        changes_something=True,
    )
