"""From PostHog's names and diag's settings to the Kafka that is asked."""

from pathlib import Path

from diagnostics.config.connect import connect
from diagnostics.sources.kafka import Kafka, KafkaTopics
from diagnostics.sources.source import Recorder
from tests.config.loading import loaded


def kafka(cwd: Path, **options: object) -> Kafka:
    config = loaded(cwd, options={f"kafka.{name}": value for name, value in {"brokers": "kafka", **options}.items()})
    source = connect(config, Recorder())[Kafka]
    assert isinstance(source, Kafka)
    return source


def test_without_brokers_there_is_no_kafka_to_ask(cwd: Path) -> None:
    assert connect(loaded(cwd), Recorder())[Kafka] == "no Kafka is configured (kafka.brokers or DIAG_KAFKA_BROKERS)"


def test_the_usual_topics(cwd: Path) -> None:
    source = kafka(cwd)
    assert source.address() == "kafka:9092"
    assert source.topics == KafkaTopics(
        ingestion="events_plugin_ingestion", clickhouse="clickhouse_events_json", dead_letters="events_plugin_ingestion_dlq"
    )


def test_a_prefix_stands_before_the_names_of_posthog_s_code_and_not_before_those_given(cwd: Path) -> None:
    topics = kafka(cwd, prefix="eu-1.", clickhouse_topic="ch").topics
    assert (topics.ingestion, topics.clickhouse) == ("eu-1.events_plugin_ingestion", "ch")
    assert topics.overflow[0] == "eu-1.events_plugin_ingestion_overflow"
    assert topics.clickhouse_before_2022 == "eu-1.clickhouse_events_proto"


def test_what_posthog_s_own_environment_says(cwd: Path) -> None:
    environ = {
        "KAFKA_HOSTS": "kafka:9092",
        "KAFKA_PREFIX": "eu-1.",
        "INGESTION_CONSUMER_CONSUME_TOPIC": "main",
        "CLICKHOUSE_JSON_EVENTS_KAFKA_TOPIC": "ch",
        "INGESTION_CONSUMER_DLQ_TOPIC": "dead",
        "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "KAFKA_SASL_MECHANISM": "scram-sha-512",
    }
    found = loaded(cwd, environ=environ).kafka
    assert (found.prefix, found.ingestion_topic, found.clickhouse_topic, found.dead_letter_topic) == (
        "eu-1.",
        "main",
        "ch",
        "dead",
    )
    assert (found.security_protocol, found.sasl_mechanism) == ("SASL_SSL", "SCRAM-SHA-512")


def test_posthog_s_topics_do_not_go_with_another_kafka(cwd: Path) -> None:
    config = loaded(
        cwd, options={"kafka.brokers": "other:9092"}, environ={"KAFKA_HOSTS": "kafka:9092", "KAFKA_PREFIX": "eu-1."}
    )
    assert config.kafka.prefix is None


def test_a_certificate_that_only_posthog_has_comes_with_what_to_do(cwd: Path) -> None:
    config = loaded(cwd, environ={"KAFKA_HOSTS": "kafka:9092", "KAFKA_CLIENT_CERT_B64": "LS0t"})
    (hint,) = config.hints
    assert "DIAG_KAFKA_CLIENT_CERT" in hint
    assert "LS0t" not in hint
