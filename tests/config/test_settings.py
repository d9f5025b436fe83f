"""The declarations are the contract: keys, environment names and option names are what people script against."""

import re

import msgspec

from diagnostics.config.configuration import Configuration
from diagnostics.config.settings import SETTINGS, Kind

CONTRACT = {
    "site_url": ("--site-url", ("DIAG_SITE_URL",)),
    "capture_url": ("--capture-url", ("DIAG_CAPTURE_URL",)),
    "plugin_server_urls": ("--plugin-server-urls", ("DIAG_PLUGIN_SERVER_URLS",)),
    "project_token": ("--project-token", ("DIAG_PROJECT_TOKEN",)),
    "personal_api_key": ("--personal-api-key", ("DIAG_PERSONAL_API_KEY",)),
    "clickhouse.url": ("--clickhouse-url", ("DIAG_CLICKHOUSE_URL",)),
    "clickhouse.cluster": ("--clickhouse-cluster", ("DIAG_CLICKHOUSE_CLUSTER",)),
    "clickhouse.ca": ("--clickhouse-ca", ("DIAG_CLICKHOUSE_CA",)),
    "clickhouse.verify": ("--clickhouse-verify", ("DIAG_CLICKHOUSE_VERIFY",)),
    "kafka.brokers": ("--kafka-brokers", ("DIAG_KAFKA_BROKERS",)),
    "kafka.security_protocol": ("--kafka-security-protocol", ("DIAG_KAFKA_SECURITY_PROTOCOL",)),
    "kafka.sasl_mechanism": ("--kafka-sasl-mechanism", ("DIAG_KAFKA_SASL_MECHANISM",)),
    "kafka.sasl_user": ("--kafka-sasl-user", ("DIAG_KAFKA_SASL_USER",)),
    "kafka.sasl_password": ("--kafka-sasl-password", ("DIAG_KAFKA_SASL_PASSWORD",)),
    "kafka.ca": ("--kafka-ca", ("DIAG_KAFKA_CA",)),
    "kafka.client_cert": ("--kafka-client-cert", ("DIAG_KAFKA_CLIENT_CERT",)),
    "kafka.client_key": ("--kafka-client-key", ("DIAG_KAFKA_CLIENT_KEY",)),
    "kafka.prefix": ("--kafka-prefix", ("DIAG_KAFKA_PREFIX",)),
    "kafka.ingestion_topic": ("--kafka-ingestion-topic", ("DIAG_KAFKA_INGESTION_TOPIC",)),
    "kafka.clickhouse_topic": ("--kafka-clickhouse-topic", ("DIAG_KAFKA_CLICKHOUSE_TOPIC",)),
    "kafka.dead_letter_topic": ("--kafka-dead-letter-topic", ("DIAG_KAFKA_DEAD_LETTER_TOPIC",)),
    "sentry.url": ("--sentry-url", ("DIAG_SENTRY_URL",)),
    "sentry.org": ("--sentry-org", ("DIAG_SENTRY_ORG",)),
    "sentry.projects": ("--sentry-projects", ("DIAG_SENTRY_PROJECTS",)),
    "sentry.token": ("--sentry-token", ("DIAG_SENTRY_TOKEN", "SENTRY_AUTH_TOKEN")),
    "http.timeout": ("--http-timeout", ("DIAG_HTTP_TIMEOUT",)),
    "http.proxy": ("--http-proxy", ("DIAG_HTTP_PROXY",)),
    "http.ca": ("--http-ca", ("DIAG_HTTP_CA",)),
    "crash_report_dsn": ("--crash-report-dsn", ("DIAG_CRASH_REPORT_DSN",)),
}

SECRETS = {"project_token", "personal_api_key", "kafka.sasl_password", "sentry.token", "crash_report_dsn"}


def test_the_settings_are_those_of_the_contract() -> None:
    assert {setting.key: (setting.option, setting.environment) for setting in SETTINGS} == CONTRACT


def test_whatever_lets_somebody_in_is_declared_secret() -> None:
    assert {setting.key for setting in SETTINGS if setting.secret} == SECRETS


def test_the_configuration_has_a_place_for_every_setting_with_the_declared_default() -> None:
    empty = Configuration()
    for setting in SETTINGS:
        several = setting.kind in (Kind.URLS, Kind.LIST, Kind.BROKERS)
        assert empty.value(setting.key) == (() if several else setting.default), setting.key


def test_the_configuration_has_no_value_that_is_not_declared() -> None:
    about_the_values = {"thresholds", "hints", "origins", "hidden"}
    fields = {field.name for field in msgspec.structs.fields(Configuration)} - about_the_values
    assert fields == {setting.key.partition(".")[0] for setting in SETTINGS}
    for section in fields & {"clickhouse", "kafka", "sentry", "http"}:
        names = {field.name for field in msgspec.structs.fields(type(Configuration().value(section)))}
        assert names == {setting.key.partition(".")[2] for setting in SETTINGS if setting.key.startswith(f"{section}.")}


def test_help_is_one_plain_sentence_and_secrets_are_shown_by_reference() -> None:
    for setting in SETTINGS:
        assert re.fullmatch(r"[A-Z].+\.", setting.help), setting.key
        assert setting.example
        if setting.secret and setting.kind is Kind.TEXT:
            assert setting.example.startswith(("env:", "file:"))
