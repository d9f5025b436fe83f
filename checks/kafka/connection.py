"""Kafka: whether its brokers answer, and whether those that they send a client on to can be reached.

Asks for the list of brokers and topics. Kafka gives every client the addresses of its brokers, which often only mean something
inside PostHog's network: that diag gets no further then is no fault of Kafka's.
Healthy is an answer, and a broker that leads each partition of the topics that events pass.
It matters because capture can hand events to nobody else: what is sent while Kafka is down is lost.
By hand: docker compose exec kafka rpk cluster info, or kafka-broker-api-versions.sh --bootstrap-server localhost:9092
"""

import re
from collections.abc import Iterator

from diagnostics import Action, Code, Finding, Stage, Status, check
from diagnostics.report.wording import count
from diagnostics.sources.kafka import METADATA, Cluster, Kafka, NotAnswering, Why

UNREACHABLE = Code(
    id="kafka.unreachable",
    worst=Status.FAIL,
    summary="no broker answers",
    contradicted_by=("app.not-ready", "app.events-visible", "canary.arrived"),
)

HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")

LOOK = Action(
    text="See whether Kafka runs, and read its last lines",
    commands=(
        "docker compose ps --all kafka",
        "docker compose logs --tail 50 kafka",
        "kubectl -n posthog get pods -l app.kubernetes.io/name=kafka",
    ),
)
START = Action(
    text="Start Kafka if it is down: events wait nowhere else, and what is sent in the meantime is lost",
    commands=("docker compose up -d kafka", "kubectl -n posthog rollout restart statefulset/posthog-posthog-kafka"),
    changes_something=True,
)


@check(
    "kafka-connection",
    stage=Stage.KAFKA,
    title="Kafka's brokers answer",
    finds=[UNREACHABLE],
    reads=[METADATA],
    probes=Kafka,
)
def kafka_connection(kafka: Kafka) -> Iterator[Finding]:
    connection = kafka.connection()
    if isinstance(connection, NotAnswering):
        yield _down(connection, kafka.address()) if connection.down else _not_seen(connection, kafka.address())
        return
    cluster = kafka.cluster()
    path = (kafka.topics.ingestion, kafka.topics.clickhouse)
    yield from _leaderless(cluster, path)
    yield from _out_of_reach(cluster)
    brokers = count(len(cluster.brokers), "broker answers", "brokers answer")
    yield UNREACHABLE.found(f"{brokers}, with {count(len(cluster.topics), 'topic')}", status=Status.OK)


def _down(connection: NotAnswering, address: str) -> Finding:
    return UNREACHABLE.found(
        connection.message,
        detail="Its port is not published in a default install: if diag runs outside PostHog's network, it may just not get "
        "there.",
        affects=[address],
        actions=[LOOK, START],
    )


def _not_seen(connection: NotAnswering, address: str) -> Finding:
    sent_on = [each.broker.rpartition(":")[0] for each in connection.brokers if each.why is Why.SENT_ON]
    actions = [_make_known(sent_on)] if sent_on else []
    hint = connection.hint[:1].upper() + connection.hint[1:]
    return UNREACHABLE.found(
        connection.message,
        status=Status.UNKNOWN,
        detail="This says nothing of how Kafka is.",
        affects=[address],
        actions=[Action(text=hint), *actions],
    )


def _make_known(hosts: list[str]) -> Action:
    host = next((each for each in hosts if HOST.fullmatch(each)), "NAME")
    container = "$(docker inspect -f '{{range .NetworkSettings.Networks}}{{println .IPAddress}}{{end}}' "
    container += "$(docker compose ps -q kafka) | head -1)"
    return Action(
        text=f"To reach it from this host, let {host} lead to the container (on Kubernetes: to a forwarded port), and take the "
        "line out again afterwards",
        commands=(
            f'echo "{container} {host}" | sudo tee -a /etc/hosts',
            "kubectl -n posthog port-forward svc/posthog-posthog-kafka 9092:9092 & "
            f'echo "127.0.0.1 {host}" | sudo tee -a /etc/hosts',
        ),
        changes_something=True,
    )


def _leaderless(cluster: Cluster, path: tuple[str, ...]) -> Iterator[Finding]:
    for topic in (cluster.topics[name] for name in path if name in cluster.topics):
        if topic.leaderless:
            yield UNREACHABLE.found(
                f"No broker leads {len(topic.leaderless)} of {count(len(topic.leaders), 'partition')} of {topic.name}: what "
                "belongs there can be neither written nor read",
                affects=[topic.name],
                actions=[LOOK, START],
            )


def _out_of_reach(cluster: Cluster) -> Iterator[Finding]:
    lost = [broker for broker in cluster.brokers if broker.trouble]
    if lost:
        yield UNREACHABLE.found(
            f"{len(lost)} of {len(cluster.brokers)} brokers are out of reach from here ({lost[0].address}: {lost[0].trouble}): "
            "what they lead is not looked at",
            status=Status.UNKNOWN,
            affects=[broker.address for broker in lost],
            actions=[_make_known([broker.address.rpartition(":")[0] for broker in lost])],
        )
