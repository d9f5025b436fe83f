"""PostHog's own environment names, as they are set in its containers."""

from pathlib import Path

import pytest

from tests.config.loading import loaded


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({"CLICKHOUSE_HOST": "clickhouse"}, "https://default@clickhouse:8443/default"),
        ({"CLICKHOUSE_HOST": "clickhouse", "CLICKHOUSE_SECURE": "false"}, "http://default@clickhouse:8123/default"),
        ({"CLICKHOUSE_HOST": "clickhouse", "CLICKHOUSE_SECURE": "1"}, "https://default@clickhouse:8443/default"),
        ({"CLICKHOUSE_HOST": "clickhouse", "DEBUG": "1"}, "http://default@clickhouse:8123/default"),
        ({"CLICKHOUSE_HOST": "localhost"}, "http://default@localhost:8123/default"),
        ({"CLICKHOUSE_HOST": "127.0.0.1", "CLICKHOUSE_SECURE": "True"}, "https://default@127.0.0.1:8443/default"),
        ({"CLICKHOUSE_HOST": "::1"}, "http://default@[::1]:8123/default"),
        ({"CLICKHOUSE_HOST": "ch:9000", "CLICKHOUSE_SECURE": "no"}, "http://default@ch:8123/default"),
        ({"CLICKHOUSE_HOST": "ch:9440"}, "https://default@ch:8443/default"),
        ({"CLICKHOUSE_HOST": "ch:18123", "CLICKHOUSE_SECURE": "no"}, "http://default@ch:18123/default"),
        (
            {
                "CLICKHOUSE_HOST": "ch.svc",
                "CLICKHOUSE_USER": "admin",
                "CLICKHOUSE_PASSWORD": "p@ss/w:rd",
                "CLICKHOUSE_DATABASE": "posthog",
                "CLICKHOUSE_SECURE": "false",
            },
            "http://admin:p%40ss%2Fw%3Ard@ch.svc:8123/posthog",
        ),
    ],
)
def test_clickhouse(cwd: Path, environ: dict[str, str], url: str) -> None:
    config = loaded(cwd, environ=environ)
    assert config.clickhouse.url == url
    assert str(config.origin("clickhouse.url")) == "discovered from CLICKHOUSE_HOST in the environment"


def test_the_password_is_hidden_in_every_form(cwd: Path) -> None:
    config = loaded(cwd, environ={"CLICKHOUSE_HOST": "c", "CLICKHOUSE_PASSWORD": "p@ss/w:rd"})
    assert set(config.secrets()) == {"p@ss/w:rd", "p%40ss%2Fw%3Ard", "default:p@ss/w:rd"}


def test_tls_options_and_cluster(cwd: Path) -> None:
    (cwd / "ca.pem").touch()
    environ = {
        "CLICKHOUSE_HOST": "c",
        "CLICKHOUSE_VERIFY": "False",
        "CLICKHOUSE_CA": str(cwd / "ca.pem"),
        "CLICKHOUSE_CLUSTER": "x",
    }
    clickhouse = loaded(cwd, environ=environ).clickhouse
    assert (clickhouse.verify, clickhouse.ca, clickhouse.cluster) == (False, str(cwd / "ca.pem"), "x")
    clickhouse = loaded(cwd, environ={**environ, "CLICKHOUSE_CA": "/nowhere"}).clickhouse
    assert clickhouse.ca is None


@pytest.mark.parametrize("host", ["a b", "a/b", "user@host", "http://c", "a\x1b"])
def test_a_host_that_is_none_is_a_hint(cwd: Path, host: str) -> None:
    config = loaded(cwd, environ={"CLICKHOUSE_HOST": host})
    assert config.clickhouse.url is None
    assert config.hints == (
        "CLICKHOUSE_HOST in the environment was not used: it is not the name of a host. Set DIAG_CLICKHOUSE_URL instead.",
    )


def test_the_app_and_the_plugin_server(cwd: Path) -> None:
    config = loaded(cwd, environ={"SITE_URL": "https://ph.example.com/", "CDP_API_URL": "http://plugins:6738"})
    assert config.site_url == "https://ph.example.com"
    assert config.plugin_server_urls == ("http://plugins:6738",)
    assert str(config.origin("plugin_server_urls")) == "discovered from CDP_API_URL in the environment"


@pytest.mark.parametrize(
    ("environ", "brokers", "protocol"),
    [
        ({"KAFKA_HOSTS": "kafka"}, ("kafka:9092",), None),
        ({"KAFKA_HOSTS": "a:9093, b"}, ("a:9093", "b:9092"), None),
        ({"KAFKA_URL": "kafka://a:9092,kafka://b:9092"}, ("a:9092", "b:9092"), None),
        ({"KAFKA_URL": "kafka+ssl://a:9096"}, ("a:9096",), "SSL"),
        ({"KAFKA_HOSTS": "a", "KAFKA_URL": "kafka://b"}, ("a:9092",), None),
        ({"KAFKA_HOSTS": "a", "KAFKA_SECURITY_PROTOCOL": "sasl_ssl"}, ("a:9092",), "SASL_SSL"),
        ({"KAFKA_HOSTS": " , "}, (), None),
    ],
)
def test_kafka(cwd: Path, environ: dict[str, str], brokers: tuple[str, ...], protocol: str | None) -> None:
    kafka = loaded(cwd, environ=environ).kafka
    assert (kafka.brokers, kafka.security_protocol) == (brokers, protocol)


def test_kafkas_login(cwd: Path) -> None:
    environ = {
        "KAFKA_HOSTS": "k",
        "KAFKA_SASL_MECHANISM": "scram-sha-512",
        "KAFKA_SASL_USER": "u",
        "KAFKA_SASL_PASSWORD": "kafka-password",
    }
    config = loaded(cwd, environ=environ)
    assert (config.kafka.sasl_mechanism, config.kafka.sasl_user) == ("SCRAM-SHA-512", "u")
    assert config.kafka.sasl_password == "kafka-password"
    assert config.secrets() == ("kafka-password",)


def test_a_kafka_setting_that_diag_does_not_speak_is_a_hint(cwd: Path) -> None:
    config = loaded(cwd, environ={"KAFKA_HOSTS": "k", "KAFKA_SASL_MECHANISM": "GSSAPI"})
    assert config.hints == (
        "KAFKA_HOSTS in the environment has no usable kafka.sasl_mechanism. Set DIAG_KAFKA_SASL_MECHANISM instead.",
    )


def test_sentry_clis_names_come_before_the_dsn(cwd: Path) -> None:
    environ = {
        "SENTRY_URL": "https://sentry.internal/",
        "SENTRY_ORG": "acme",
        "SENTRY_PROJECT": "posthog",
        "SENTRY_AUTH_TOKEN": "sntryu_token",
        "SENTRY_DSN": "https://key@o1.ingest.us.sentry.io/42",
    }
    sentry = loaded(cwd, environ=environ).sentry
    assert (sentry.url, sentry.org, sentry.projects, sentry.token) == (
        "https://sentry.internal",
        "acme",
        ("posthog",),
        "sntryu_token",
    )


def test_a_dsn_alone(cwd: Path) -> None:
    config = loaded(cwd, environ={"SENTRY_DSN": "https://key123@sentry.internal:9000/errors/42"})
    assert config.sentry.url == "https://sentry.internal:9000/errors"
    assert config.sentry.projects == ("42",)
    assert config.is_empty


@pytest.mark.parametrize(
    ("dsn", "hint"),
    [
        (
            "https://public@sentry.example.com/1",
            "SENTRY_DSN in the environment is PostHog's placeholder: this install reports no errors to Sentry.",
        ),
        ("nonsense", "SENTRY_DSN in the environment is not a Sentry DSN, so PostHog reports no errors to Sentry."),
    ],
)
def test_a_dsn_that_is_none(cwd: Path, dsn: str, hint: str) -> None:
    config = loaded(cwd, environ={"SENTRY_DSN": dsn})
    assert config.hints == (hint,)
    assert config.sentry.url == "https://sentry.io"
    assert str(config.origin("sentry.url")) == "default"


def test_passwords_of_posthogs_other_databases_are_hidden_and_nobody_elses(cwd: Path) -> None:
    environ = {
        "DATABASE_URL": "postgres://u:pg%2Dpassword@db/posthog",
        "SECRET_KEY": "django-secret",
        "ENCRYPTION_SALT_KEYS": "salt-one,salt-two",
        "PGPASSWORD": "posthog",
        "REDIS_URL": "redis://redis:6379/",
        "AWS_SECRET_ACCESS_KEY": "not-looked-at",
    }
    assert set(loaded(cwd, environ=environ).secrets()) == {
        "pg%2Dpassword",
        "pg-password",
        "django-secret",
        "salt-one",
        "salt-two",
    }


def test_empty_names_are_not_set(cwd: Path) -> None:
    config = loaded(cwd, environ={"CLICKHOUSE_HOST": " ", "SITE_URL": "", "SENTRY_DSN": ""})
    assert config.is_empty
    assert config.hints == ()
