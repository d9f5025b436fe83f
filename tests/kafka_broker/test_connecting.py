"""Every way to reach a real Kafka, and every way not to: told apart, and never called a failure of Kafka's when it is none."""

import gc
import threading
import time
from typing import Any

import pytest

from checks.kafka.connection import kafka_connection
from diagnostics import Finding, Status
from diagnostics.sources.kafka import NotAnswering, Why
from diagnostics.sources.source import Connected
from tests.kafka_broker.broker import CERTIFICATE, PASSWORDS
from tests.kafka_broker.cluster import Cluster


def login(user: str, **options: str) -> dict[str, Any]:
    return {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_user": user,
        "sasl_password": PASSWORDS[user],
        **options,
    }


def refused(connection: object) -> tuple[bool, list[Why], list[str]]:
    assert isinstance(connection, NotAnswering), connection
    return connection.down, [each.why for each in connection.brokers], [each.message for each in connection.brokers]


def only(findings: list[Finding]) -> Finding:
    assert len(findings) == 1, findings
    return findings[0]


def test_an_answer(cluster: Cluster) -> None:
    cluster.topic()
    kafka = cluster.kafka()
    assert isinstance(kafka.connection(), Connected)
    finding = only(list(kafka_connection.function(kafka)))
    assert finding.status is Status.OK
    assert finding.claim.startswith("1 broker answers, with ")


def test_a_login(secured: Cluster) -> None:
    assert isinstance(secured.kafka(secured.addresses.login, **login("admin")).connection(), Connected)


def test_a_wrong_password_is_not_quoted_and_no_failure_of_kafka(secured: Cluster) -> None:
    kafka = secured.kafka(secured.addresses.login, **login("admin", sasl_password="hunter2-of-yesterday"))
    assert refused(kafka.connection()) == (False, [Why.LOGIN], ["it does not accept the login"])
    finding = only(list(kafka_connection.function(kafka)))
    assert (finding.code, finding.status) == ("kafka.unreachable", Status.UNKNOWN)
    assert finding.claim == f"Kafka at {secured.addresses.login} does not answer: it does not accept the login"
    assert finding.actions[0].text == "Check kafka.sasl_user, kafka.sasl_password and kafka.sasl_mechanism"
    assert "hunter2" not in repr(finding)


def test_a_login_that_kafka_does_not_offer(secured: Cluster) -> None:
    kafka = secured.kafka(secured.addresses.login, **login("admin", sasl_mechanism="SCRAM-SHA-512"))
    assert refused(kafka.connection()) == (False, [Why.LOGIN], ["it does not offer the login SCRAM-SHA-512"])


def test_a_login_where_none_is_wanted(secured: Cluster) -> None:
    kafka = secured.kafka(secured.addresses.plain, **login("admin"))
    assert refused(kafka.connection()) == (False, [Why.LOGIN], ["it does not offer the login PLAIN"])


def test_no_login_where_one_is_wanted(secured: Cluster) -> None:
    down, whys, _ = refused(secured.kafka(secured.addresses.login).connection())
    assert (down, whys) == (False, [Why.LOGIN])


def test_a_password_does_not_leave_in_clear_text_unless_told_to(secured: Cluster) -> None:
    kafka = secured.kafka(secured.addresses.login, **login("admin", security_protocol=""))
    assert refused(kafka.connection()) == (False, [Why.NOT_TLS], ["it does not speak TLS"])


def test_tls_with_its_authority(secured: Cluster) -> None:
    kafka = secured.kafka(secured.addresses.tls, security_protocol="SSL", ca=str(CERTIFICATE))
    assert isinstance(kafka.connection(), Connected)


def test_tls_that_is_not_trusted(secured: Cluster) -> None:
    kafka = secured.kafka(secured.addresses.tls, security_protocol="SSL")
    assert refused(kafka.connection()) == (False, [Why.TRUST], ["its certificate is not trusted, or is not for this name"])


def test_clear_text_where_tls_is_spoken(secured: Cluster) -> None:
    kafka = secured.kafka(secured.addresses.tls)
    assert refused(kafka.connection()) == (False, [Why.WANTS_TLS], ["it speaks TLS, and was asked without"])


def test_tls_where_clear_text_is_spoken(secured: Cluster) -> None:
    kafka = secured.kafka(secured.addresses.plain, security_protocol="SSL", ca=str(CERTIFICATE))
    assert refused(kafka.connection()) == (False, [Why.NOT_TLS], ["it does not speak TLS"])


def test_a_certificate_of_one_s_own(secured: Cluster) -> None:
    pem = str(CERTIFICATE)
    with_one = secured.kafka(secured.addresses.mutual_tls, ca=pem, client_cert=pem, client_key=pem)
    assert isinstance(with_one.connection(), Connected)
    without = secured.kafka(secured.addresses.mutual_tls, ca=pem)
    down, whys, said = refused(without.connection())
    assert (down, whys) == (False, [Why.TLS])
    assert said == ["it wants a certificate of its clients, or refuses the one given"]


def test_an_advertised_name_that_does_not_resolve_here(secured: Cluster) -> None:
    kafka = secured.kafka(secured.addresses.sent_on)
    finding = only(list(kafka_connection.function(kafka)))
    assert finding.status is Status.UNKNOWN
    assert finding.claim == (
        f"Kafka answers at {secured.addresses.sent_on}, but sends its clients on to what cannot be used from here "
        "(kafka.invalid:9092: the name kafka.invalid does not resolve here)"
    )
    assert finding.detail == "This says nothing of how Kafka is."
    assert "kafka.invalid" in finding.actions[1].commands[0]


def test_settings_that_cannot_be_used_are_not_asked_with(cluster: Cluster) -> None:
    kafka = cluster.kafka(security_protocol="SASL_PLAINTEXT", sasl_mechanism="PLAIN")
    connection = kafka.connection()
    assert isinstance(connection, NotAnswering)
    assert not connection.down
    assert connection.message == (
        "Kafka was not asked: its settings cannot be used (sasl.username and sasl.password must be set)"
    )


def test_looking_leaves_no_group_no_topic_and_no_thread_behind(cluster: Cluster) -> None:
    topic = cluster.topic(partitions=1)
    cluster.write(topic, 3)
    cluster.commit("leaves-nothing", topic, {0: 1})
    before = cluster.group_ids(), cluster.topic_names()
    kafka = cluster.kafka()
    first = kafka.reading(1)
    kafka.groups()
    kafka.waiting(first.committed["leaves-nothing"])
    assert not kafka.exists("a-topic-that-nobody-made")
    assert kafka.letters(topic, 3600).total == 3
    kafka.reading(2)
    assert (cluster.group_ids(), cluster.topic_names()) == before
    del kafka, first
    gc.collect()
    until = time.monotonic() + 10
    while any(thread.name.startswith("diag-kafka") for thread in threading.enumerate()) and time.monotonic() < until:
        time.sleep(0.05)
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("diag-kafka")] == []


def test_nothing_is_written_to_the_terminal(secured: Cluster, capfd: pytest.CaptureFixture[str]) -> None:
    secured.kafka(secured.addresses.tls, security_protocol="SSL").connection()
    secured.kafka(secured.addresses.plain).reading(1)
    assert capfd.readouterr() == ("", "")
