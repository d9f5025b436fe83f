"""No broker answers: which of the reasons, in plain words, in little time. Against sockets that do such things."""

import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from diagnostics.lab.kafka import Kafka as StandIn
from diagnostics.lab.kafka_broker import KafkaBroker
from diagnostics.sources.errors import TimedOut, Unavailable
from diagnostics.sources.kafka import Kafka, KafkaOptions, NotAnswering, Why
from diagnostics.sources.kafka.connecting import _silence
from diagnostics.sources.kafka.handle import Handle
from diagnostics.sources.kafka.trouble import read_failures
from diagnostics.sources.source import Asker, Connected, Recorder
from tests.sources.peer import peers, sends


def kafka(*brokers: str, seconds: float = 10.0, options: KafkaOptions | None = None) -> Kafka:
    source = Kafka(brokers, recorder=Recorder(), options=options)
    return source.bind(Asker("a-check", time.monotonic() + seconds, frozenset()))


def silence(source: Kafka) -> NotAnswering:
    connection = source.connection()
    assert isinstance(connection, NotAnswering), connection
    return connection


@pytest.fixture
def refused(closed_port: Callable[[], str]) -> str:
    return closed_port().removeprefix("http://")


@pytest.fixture
def mute() -> Iterator[str]:
    """Takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def test_nothing_listens(refused: str) -> None:
    began = time.monotonic()
    source = kafka(refused)
    assert silence(source) == NotAnswering(
        code="kafka.unreachable",
        message=f"Kafka at {refused} does not answer: nothing listens there (connection refused)",
        hint="see whether it runs: docker compose ps kafka",
        down=True,
        brokers=silence(source).brokers,
    )
    assert time.monotonic() - began < 4.5  # it is told at once, not when the patience of 5 s is over
    (exchange,) = source._recorder.exchanges
    assert exchange.error == silence(source).message


def test_a_name_that_does_not_resolve_says_nothing_of_kafka() -> None:
    found = silence(kafka("kafka.invalid:9092"))
    assert (found.down, found.brokers[0].why) == (False, Why.NAME)
    assert found.message == "Kafka at kafka.invalid:9092 does not answer: the name kafka.invalid does not resolve here"
    assert found.hint.startswith("if the name exists only inside PostHog's network, run diag there")


def test_a_broker_that_says_nothing(mute: str) -> None:
    found = silence(kafka(mute, seconds=0.8))
    assert (found.down, found.brokers[0].why) == (True, Why.SILENT)
    assert found.message == (
        f"Kafka at {mute} does not answer: no answer came in time: the host is down, or a firewall drops it"
    )


def test_too_little_time_is_no_silence(mute: str) -> None:
    with pytest.raises(TimedOut, match="There was no time left to ask Kafka"):
        kafka(mute, seconds=0.1).connection()


def test_a_broker_that_says_nothing_does_not_hold_the_process(mute: str) -> None:
    program = (
        "import time; from diagnostics.sources.kafka import Kafka; from diagnostics.sources.source import Asker, Recorder\n"
        f"kafka = Kafka([{mute!r}], recorder=Recorder()).bind(Asker('a', time.monotonic() + 1, frozenset()))\n"
        "print(type(kafka.connection()).__name__)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "NotAnswering\n", "")


def test_another_service() -> None:
    with peers() as serve:
        found = silence(kafka(serve(sends(b"HTTP/1.1 400 Bad Request\r\n\r\n")).removeprefix("http://")))
    assert (found.down, found.brokers[0].message) == (False, "what answers there does not speak Kafka")


@pytest.mark.parametrize(
    ("protocol", "why", "message"),
    [
        ("SSL", Why.NOT_TLS, "it does not speak TLS"),
        ("SASL_PLAINTEXT", Why.LOGIN, "it does not offer the login PLAIN"),
    ],
)
def test_a_broker_that_is_spoken_to_in_the_wrong_way_is_not_down(protocol: str, why: Why, message: str) -> None:
    options = KafkaOptions(security_protocol=protocol, sasl_user="diag", sasl_password="of-the-test")
    with KafkaBroker(StandIn()) as broker:
        found = silence(kafka(broker.address, options=options))
    assert (found.down, found.brokers[0].why, found.brokers[0].message) == (False, why, message)


def test_a_broker_without_tls_may_break_the_handshake_off_before_it_is_understood() -> None:
    def reset(connection: socket.socket) -> None:
        connection.recv(1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    with peers() as serve:
        address = serve(reset).removeprefix("http://")
        found = silence(kafka(address, options=KafkaOptions(security_protocol="SSL")))
    assert (found.down, found.brokers[0].why) == (False, Why.NOT_TLS)


def test_each_of_several_brokers_is_told(refused: str) -> None:
    found = silence(kafka(refused, "kafka.invalid:9092"))
    assert not found.down
    assert [(each.broker, each.why) for each in found.brokers] == [
        (refused, Why.REFUSED),
        ("kafka.invalid:9092", Why.NAME),
    ]


def test_one_broker_that_answers_is_enough(refused: str) -> None:
    with KafkaBroker(StandIn()) as broker:
        assert isinstance(kafka(refused, broker.address).connection(), Connected)


def test_an_address_that_clients_are_sent_on_to_and_that_refuses(refused: str) -> None:
    with KafkaBroker(StandIn(advertised=refused)) as broker:
        found = silence(kafka(broker.address))
    assert (found.down, [each.why for each in found.brokers]) == (False, [Why.SENT_ON])
    assert found.message == (
        f"Kafka answers at {broker.address}, but sends its clients on to what cannot be used from here "
        f"({refused}: nothing listens there (connection refused))"
    )


def test_to_be_sent_on_before_the_question_is_asked_is_no_silence() -> None:
    """On a busy machine librdkafka is at kafka.invalid before it asks the broker that named it for anything else."""
    handle = Handle({}, {})
    line = "Failed to resolve 'kafka.invalid:9092': Name or service not known"
    handle._clients.log.lines.append(LINE.replace("bootstrap", "1").format("kafka.invalid:9092", line, "CONNECT"))
    found = _silence(handle, ["127.0.0.1:9092"], KafkaOptions(), 5.0)
    assert (found.down, found.brokers[0].why) == (False, Why.SENT_ON)
    assert found.message == (
        "Kafka answers at 127.0.0.1:9092, but sends its clients on to what cannot be used from here "
        "(kafka.invalid:9092: the name kafka.invalid does not resolve here)"
    )


def test_questions_are_not_asked_of_who_does_not_answer(refused: str) -> None:
    source = kafka(refused)
    source.asker = Asker("a-check", time.monotonic() + 10, frozenset({"kafka.configuration"}))
    with pytest.raises(Unavailable, match="nothing listens there"):
        source.retention(["events_plugin_ingestion"])
    assert [exchange.name for exchange in source._recorder.exchanges] == ["kafka.metadata"]


@pytest.mark.parametrize(
    ("options", "protocol"),
    [
        (KafkaOptions(), "PLAINTEXT"),
        (KafkaOptions(sasl_user="diag", sasl_password="x"), "SASL_SSL"),
        (KafkaOptions(ca="/ca.pem"), "SSL"),
        (KafkaOptions(client_cert="/cert.pem"), "SSL"),
        (KafkaOptions(security_protocol="SASL_PLAINTEXT", sasl_user="diag"), "SASL_PLAINTEXT"),
    ],
)
def test_how_kafka_is_spoken_to(options: KafkaOptions, protocol: str) -> None:
    assert options.protocol == protocol
    assert "diag" not in repr(options)


LINE = "FAIL [rdkafka#producer-1] [thrd:x]: {}/bootstrap: {} (after 2ms in state {})"


@pytest.mark.parametrize(
    ("said", "state", "why"),
    [
        ("Connect to ipv4#10.0.0.1:9092 failed: No route to host", "CONNECT", Why.ROUTE),
        ("Connection setup timed out in state CONNECT", "CONNECT", Why.SILENT),
        ("Disconnected: connection reset by peer", "APIVERSION_QUERY", Why.CLOSED),
        ("SSL handshake failed: error:0A000410:SSL routines::ssl/tls alert handshake failure", "SSL_HANDSHAKE", Why.TLS),
        ("SSL handshake failed: error:0A000102:SSL routines::unsupported protocol", "SSL_HANDSHAKE", Why.TLS),
        ("something that nobody has seen yet", "UP", Why.OTHER),
    ],
)
def test_what_librdkafka_says(said: str, state: str, why: Why) -> None:
    lines = [LINE.format("ssl://kafka:9093", said, state)]
    (found,) = read_failures(["kafka:9093"], lines, mechanism="PLAIN", encrypted=True)
    assert (found.why, found.broker) == (why, "kafka:9093")


@pytest.mark.parametrize(
    ("state", "down", "message"),
    [
        ("CONNECT", True, "no answer came in time: the host is down, or a firewall drops it"),
        ("APIVERSION_QUERY", True, "it takes the connection and then says nothing: it hangs, or something else listens there"),
        ("SSL_HANDSHAKE", False, "it takes the connection, but does not answer in TLS"),
    ],
)
def test_where_it_falls_silent_tells_who_is_at_fault(state: str, down: bool, message: str) -> None:
    line = LINE.format("kafka:9092", f"Connection setup timed out in state {state}", state)
    (found,) = read_failures(["kafka:9092"], [line], mechanism="PLAIN", encrypted=True)
    assert (found.why.down, found.message) == (down, message)


def test_a_handshake_that_breaks_off_is_no_tls_where_nobody_speaks_it(refused: str) -> None:
    line = LINE.format(f"ssl://{refused}", "Disconnected: connection reset by peer", "SSL_HANDSHAKE")
    (found,) = read_failures([refused], [line], mechanism="PLAIN", encrypted=True)
    assert (found.why, found.message) == (Why.NOT_TLS, "it does not speak TLS")


def test_the_first_failure_of_a_broker_counts() -> None:
    lines = [LINE.format("a:1", "Connection refused", "CONNECT"), LINE.format("a:1", "Failed to resolve 'a:1'", "CONNECT")]
    (found,) = read_failures(["a:1"], lines, mechanism="PLAIN", encrypted=False)
    assert found.why is Why.REFUSED
