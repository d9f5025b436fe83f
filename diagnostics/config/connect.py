"""From the configuration to the sources: which systems can be asked, and why the others can't."""

from diagnostics.config.configuration import Configuration
from diagnostics.config.errors import ConfigurationError, Problem
from diagnostics.engine.runner import Sources
from diagnostics.sources.app import App
from diagnostics.sources.capture import Capture
from diagnostics.sources.clickhouse import ClickHouse, InvalidAddress
from diagnostics.sources.http import HttpOptions
from diagnostics.sources.kafka import Kafka, KafkaOptions, KafkaTopics
from diagnostics.sources.plugin_server import PluginServer
from diagnostics.sources.sentry import Sentry
from diagnostics.sources.source import Recorder, Source


def connect(config: Configuration, recorder: Recorder, report: str = "") -> Sources:
    """Every kind of source, or the reason why there is none. Asks nothing yet. `report` is the id that queries bear.

    Raises ConfigurationError.
    """
    http = HttpOptions(timeout=config.http.timeout, proxy=config.http.proxy, ca=config.http.ca)
    sources: dict[type[Source], Source | str] = {}
    if config.clickhouse.url:
        at = config.clickhouse
        try:
            sources[ClickHouse] = ClickHouse(
                config.clickhouse.url, recorder=recorder, cluster=at.cluster, ca=at.ca, verify=at.verify, report=report
            )
        except InvalidAddress as error:
            where = str(config.origin("clickhouse.url"))
            raise ConfigurationError([Problem(what="clickhouse.url cannot be used", where=where, do=str(error))]) from None
    else:
        sources[ClickHouse] = "no ClickHouse is configured (clickhouse.url or DIAG_CLICKHOUSE_URL)"
    if config.plugin_server_urls:
        sources[PluginServer] = PluginServer(config.plugin_server_urls, recorder=recorder, options=http)
    else:
        sources[PluginServer] = "no plugin server is configured (plugin_server_urls or DIAG_PLUGIN_SERVER_URLS)"
    if config.site_url:
        sources[App] = App(config.site_url, recorder=recorder, options=http, personal_api_key=config.personal_api_key)
    else:
        sources[App] = "no app is configured (site_url or DIAG_SITE_URL)"
    if config.capture_url:
        sources[Capture] = Capture(config.capture_url, recorder=recorder, options=http, project_token=config.project_token)
    else:
        sources[Capture] = "no capture is configured (capture_url or DIAG_CAPTURE_URL)"
    sources[Kafka] = _kafka(config, recorder)
    sources[Sentry] = _sentry(config, recorder, http)
    return sources


def _kafka(config: Configuration, recorder: Recorder) -> Source | str:
    kafka = config.kafka
    if not kafka.brokers:
        return "no Kafka is configured (kafka.brokers or DIAG_KAFKA_BROKERS)"
    options = KafkaOptions(
        security_protocol=kafka.security_protocol,
        sasl_mechanism=kafka.sasl_mechanism,
        sasl_user=kafka.sasl_user,
        sasl_password=kafka.sasl_password,
        ca=kafka.ca,
        client_cert=kafka.client_cert,
        client_key=kafka.client_key,
    )
    topics = KafkaTopics.named(
        prefix=kafka.prefix or "",
        ingestion=kafka.ingestion_topic,
        clickhouse=kafka.clickhouse_topic,
        dead_letters=kafka.dead_letter_topic,
    )
    return Kafka(kafka.brokers, recorder=recorder, options=options, topics=topics)


def _sentry(config: Configuration, recorder: Recorder, http: HttpOptions) -> Source | str:
    sentry = config.sentry
    if not sentry.token:
        return "no Sentry is configured (sentry.org and sentry.token)"
    if not sentry.org:
        return "Sentry has a token but no organization (sentry.org or DIAG_SENTRY_ORG)"
    return Sentry(sentry.url, org=sentry.org, projects=sentry.projects, token=sentry.token, recorder=recorder, options=http)
