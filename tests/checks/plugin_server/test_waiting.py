"""Where nothing is processed, Kafka tells whether anything waits: a plugin server that hangs, or one that nobody sends to."""

import time
from collections.abc import Iterator

import pytest

from checks.plugin_server.progress import plugin_server_progress
from diagnostics import Status
from diagnostics.lab.kafka import Kafka as KafkaStandIn
from diagnostics.lab.kafka import Topic
from diagnostics.lab.kafka_broker import KafkaBroker
from diagnostics.lab.scripted import ScriptedServer
from diagnostics.sources.kafka import Kafka
from diagnostics.sources.source import Asker, Recorder
from tests.checks.plugin_server.watching import HOURS, ago_ms, claim, look, only, said, up
from tests.sources.plugin_server.pages import GROUP, TOPIC, consuming, serve

OLD = {"status": "ok"}


@pytest.fixture(autouse=True)
def short_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diagnostics.sources.plugin_server.source.GAP", 0.05)


@pytest.fixture
def broker() -> Iterator[KafkaBroker]:
    with KafkaBroker(KafkaStandIn(topics={TOPIC: Topic(stopped="3h")})) as started:
        yield started


def asking(broker: KafkaBroker) -> Kafka:
    reads = frozenset(read.name for read in plugin_server_progress.reads)
    source = Kafka([broker.address], recorder=Recorder())
    return source.bind(Asker("plugin-server-progress", time.monotonic() + 10, reads))


def silent(age: float = 3 * HOURS, group: str = GROUP) -> str:
    """All that a version of late 2022 counts."""
    return (
        f'latest_processed_timestamp_ms{{topic="{TOPIC}",partition="0",groupId="{group}"}} {ago_ms(age):.0f}\n{up(90 * HOURS)}'
    )


def test_messages_that_wait_show_that_it_hangs(http_server: ScriptedServer, broker: KafkaBroker) -> None:
    url = serve(http_server, [silent()], health=OLD)
    finding = only(look(url, kafka=asking(broker)))
    assert (finding.code, finding.status) == ("plugin-server.stalled", Status.FAIL)
    head, _, tail = claim(finding).partition(", while ")
    assert head == f"The plugin server at {url} says that it is healthy, but nothing was processed in N s of looking"
    messages, _, rest = tail.partition(" ")
    assert 21_600 <= int(messages.replace(",", "")) <= 21_700  # two a second since three hours ago
    assert rest == f"messages wait in {TOPIC}, the oldest for 3 h"


def test_also_of_a_consumer_that_asks_and_gets_nothing(http_server: ScriptedServer, broker: KafkaBroker) -> None:
    newest = ago_ms(3 * HOURS)
    pages = [consuming(turns=turns, batches=200, newest_ms=newest, more=up(9 * HOURS)) for turns in (500, 502)]
    assert said(look(serve(http_server, pages), kafka=asking(broker))) == [("plugin-server.stalled", Status.FAIL)]


def test_one_whose_batches_take_longer_than_the_look_is_behind_and_not_stalled(
    http_server: ScriptedServer, broker: KafkaBroker
) -> None:
    page = consuming(turns=500, batches=200, newest_ms=ago_ms(3 * HOURS), batch_ms=8000, more=up(9 * HOURS))
    assert said(look(serve(http_server, [page]), kafka=asking(broker))) == [("plugin-server.stalled", Status.OK)]


def test_nothing_waits_for_an_idle_one(http_server: ScriptedServer) -> None:
    with KafkaBroker(KafkaStandIn()) as broker:
        finding = only(look(serve(http_server, [silent()], health=OLD), kafka=asking(broker)))
    assert finding.status is Status.OK
    assert claim(finding) == "No event came in the N s of looking; the newest is 3 h old"


@pytest.mark.parametrize(("limit", "status"), [(10_000, Status.FAIL), (10_900, Status.OK)])
def test_how_long_the_oldest_has_to_wait_is_the_threshold(
    http_server: ScriptedServer, broker: KafkaBroker, limit: float, status: Status
) -> None:
    url = serve(http_server, [silent(age=4 * HOURS)], health=OLD)
    assert only(look(url, kafka=asking(broker), stalled_after=limit)).status is status


def test_a_group_that_kafka_does_not_know_tells_nothing(http_server: ScriptedServer, broker: KafkaBroker) -> None:
    url = serve(http_server, [silent(group="another")], health=OLD)
    assert only(look(url, kafka=asking(broker))).status is Status.OK


def test_a_replica_without_partitions_is_not_blamed_for_the_lag_of_others(
    http_server: ScriptedServer, broker: KafkaBroker
) -> None:
    newest = ago_ms(3 * HOURS)
    spare = [consuming(turns=n, batches=200, newest_ms=newest, partitions=0, more=up(9 * HOURS)) for n in (500, 502)]
    with ScriptedServer() as other:
        busy = [consuming(turns=n, batches=200, newest_ms=ago_ms(1) + n, more=up(9 * HOURS)) for n in (500, 502)]
        assert said(look(serve(http_server, spare), serve(other, busy), kafka=asking(broker))) == [
            ("plugin-server.stalled", Status.OK)
        ]


def test_kafka_is_not_asked_while_events_move(http_server: ScriptedServer, broker: KafkaBroker) -> None:
    pages = [consuming(turns=n, batches=n // 2, newest_ms=ago_ms(1) + n) for n in (500, 504)]
    look(serve(http_server, pages), kafka=asking(broker))
    assert broker.asked == []
