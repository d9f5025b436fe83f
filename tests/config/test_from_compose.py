"""A PostHog compose install in the current directory."""

import os
from pathlib import Path

import pytest

from tests.config.installs import HOBBY_2026, hobby_2022, hobby_2026
from tests.config.loading import loaded

ADDRESS = (
    "$(docker inspect -f '{{range .NetworkSettings.Networks}}{{println .IPAddress}}{{end}}' "
    "$(docker compose ps -q %s) | head -1)"
)
CLICKHOUSE_HINT = (
    "docker-compose.yml has ClickHouse at clickhouse:8123 in its own network and does not publish the port. On Linux, the "
    "container can be reached from here all the same. Run this here (it only reads), then diag again:\n"
    f'  export DIAG_CLICKHOUSE_URL="http://default@{ADDRESS % "clickhouse"}:8123/posthog"'
)
PLACEHOLDER_HINT = (
    "docker-compose.yml, SENTRY_DSN of service plugins is PostHog's placeholder: this install reports no errors to Sentry."
)


def test_a_hobby_install_of_2022(cwd: Path) -> None:
    hobby_2022(cwd)
    config = loaded(cwd)
    assert config.site_url == "https://ph.example.com"
    assert str(config.origin("site_url")) == "discovered from docker-compose.yml, SITE_URL of service web"
    assert (config.clickhouse.url, config.plugin_server_urls, config.kafka.brokers) == (None, (), ())
    plugins_hint = (
        "docker-compose.yml has the plugin server at plugins:6738 in its own network and does not publish the port. On Linux, "
        "the container can be reached from here all the same. Run this here (it only reads), then diag again:\n"
        f'  export DIAG_PLUGIN_SERVER_URLS="http://{ADDRESS % "plugins"}:6738"'
    )
    assert config.hints == (CLICKHOUSE_HINT, plugins_hint, PLACEHOLDER_HINT)
    assert not config.is_empty


def test_a_hobby_install_of_2026(cwd: Path) -> None:
    hobby_2026(cwd)
    config = loaded(cwd)
    assert config.site_url == "https://ph.example.com"
    assert config.clickhouse.url is None
    roles = f'"http://{ADDRESS % "plugins"}:6738,http://{ADDRESS % "ingestion-general"}:6738"'
    assert config.hints[0] == CLICKHOUSE_HINT
    assert config.hints[1].startswith(
        "docker-compose.yml has the plugin server at plugins:6738,ingestion-general:6738 in its own"
    )
    assert config.hints[1].endswith(f"\n  export DIAG_PLUGIN_SERVER_URLS={roles}")
    assert len(config.hints) == 2


def test_published_ports_are_addresses(cwd: Path) -> None:
    override = """
services:
    clickhouse: {ports: ['127.0.0.1:18123:8123', '9000:9000']}
    plugins: {ports: [{target: 6738, published: 16738}]}
    ingestion-general: {ports: ['6739:6738/tcp']}
    kafka: {ports: ['9092:9092', '19092:19092']}
"""
    hobby_2026(cwd, override=override)
    config = loaded(cwd)
    assert config.clickhouse.url == "http://default@127.0.0.1:18123/posthog"
    assert str(config.origin("clickhouse.url")) == "discovered from docker-compose.yml, service clickhouse"
    assert config.plugin_server_urls == ("http://127.0.0.1:16738", "http://127.0.0.1:6739")
    assert str(config.origin("plugin_server_urls")) == "discovered from docker-compose.yml, service plugins, ingestion-general"
    assert config.kafka.brokers == ("127.0.0.1:19092",)
    assert config.hints == ()


@pytest.mark.parametrize(
    ("ports", "address"),
    [
        ("'8123:8123'", "127.0.0.1:8123"),
        ("8123:8123", "127.0.0.1:8123"),
        ("'0.0.0.0:8000:8123'", "127.0.0.1:8000"),
        ("'[::]:8000:8123'", "127.0.0.1:8000"),
        ("'[::1]:8000:8123'", "[::1]:8000"),
        ("'10.0.0.5:8000:8123'", "10.0.0.5:8000"),
        ("'8120-8125:8120-8125'", "127.0.0.1:8123"),
        ("{target: 8123, published: '8000', host_ip: '::1'}", "[::1]:8000"),
        ("'${CH_PORT:-8001}:8123'", "127.0.0.1:8001"),
        ("'8123'", None),
        ("{target: 8123}", None),
        ("'8123:8123/udp'", None),
        ("'9000:9000'", None),
    ],
)
def test_ports_in_every_form(cwd: Path, ports: str, address: str | None) -> None:
    hobby_2026(cwd, override=f"services: {{clickhouse: {{ports: [{ports}]}}}}")
    assert loaded(cwd).clickhouse.url == (f"http://default@{address}/posthog" if address else None)


def test_the_credentials_are_those_of_the_app_and_are_hidden(cwd: Path) -> None:
    override = """
services:
    clickhouse: {ports: ['8123:8123']}
    web: {environment: ['CLICKHOUSE_USER=reader', 'CLICKHOUSE_PASSWORD=${CH_PASSWORD}', CLICKHOUSE_CLUSTER=main]}
"""
    hobby_2026(cwd, override=override)
    with (cwd / ".env").open("a") as dotenv:
        dotenv.write("CH_PASSWORD='s3cr3t/word'\n")
    config = loaded(cwd)
    assert config.clickhouse.url == "http://reader:s3cr3t%2Fword@127.0.0.1:8123/posthog"
    assert config.clickhouse.cluster == "main"
    assert {"s3cr3t/word", "s3cr3t%2Fword", "reader:s3cr3t/word"} <= set(config.secrets())


def test_a_hint_does_not_hold_the_password(cwd: Path) -> None:
    hobby_2026(cwd, override="services: {web: {environment: {CLICKHOUSE_PASSWORD: s3cr3t-word, CLICKHOUSE_USER: 'a b$(x)'}}}")
    config = loaded(cwd)
    assert f'"http://a%20b%24%28x%29:$CLICKHOUSE_PASSWORD@{ADDRESS % "clickhouse"}:8123/posthog"' in config.hints[0]
    assert "s3cr3t" not in "".join(config.hints)
    assert "s3cr3t-word" in config.secrets()


def test_secrets_that_were_seen_are_hidden_but_not_ordinary_words(cwd: Path) -> None:
    hobby_2026(cwd)
    assert set(loaded(cwd).secrets()) == {"0123456789abcdef0123456789", "00beef0000beef0000beef0000beef00", "apipass"}


def test_tls_is_used_where_only_tls_is_published(cwd: Path) -> None:
    override = "services: {clickhouse: {ports: ['8443:8443']}, web: {environment: {CLICKHOUSE_SECURE: 'true'}}}"
    hobby_2026(cwd, override=override)
    config = loaded(cwd)
    assert config.clickhouse.url == "https://default@127.0.0.1:8443/posthog"
    assert config.clickhouse.verify is False
    assert str(config.origin("clickhouse.verify")) == "discovered from docker-compose.yml, service clickhouse"


def test_what_was_discovered_for_one_server_is_not_used_for_another(cwd: Path) -> None:
    override = """
services:
    clickhouse: {ports: ['8443:8443']}
    web: {environment: {CLICKHOUSE_CLUSTER: main, KAFKA_SASL_PASSWORD: kafka-secret}}
    kafka: {ports: ['9092:9092']}
"""
    hobby_2026(cwd, override=override)
    config = loaded(cwd, options={"clickhouse.url": "https://other.example/posthog", "kafka.brokers": "other.example"})
    assert config.clickhouse.verify is True
    assert config.clickhouse.cluster is None
    assert config.kafka.sasl_password is None
    assert loaded(cwd).kafka.sasl_password == "kafka-secret"


def test_the_environment_comes_before_the_compose_file(cwd: Path) -> None:
    hobby_2026(cwd, override="services: {clickhouse: {ports: ['8443:8443']}}")
    config = loaded(cwd, environ={"CLICKHOUSE_HOST": "ch.internal", "CLICKHOUSE_DATABASE": "posthog"})
    assert config.clickhouse.url == "https://default@ch.internal:8443/posthog"
    assert config.clickhouse.verify is True
    assert all("ClickHouse" not in hint for hint in config.hints)


def test_only_dotenv_is_interpolated_not_the_environment_of_the_person_who_runs_diag(cwd: Path) -> None:
    hobby_2026(cwd, override="services: {web: {environment: {SITE_URL: 'https://evil.example/${AWS_SECRET}'}}}")
    assert loaded(cwd, environ={"AWS_SECRET": "mine"}).site_url == "https://evil.example"


def test_a_domain_that_is_not_set_is_told(cwd: Path) -> None:
    hobby_2026(cwd)
    (cwd / ".env").write_text("REGISTRY_URL=posthog/posthog")
    config = loaded(cwd)
    assert config.site_url is None
    assert (
        "docker-compose.yml, SITE_URL of service web was not used: it has no host. Set DIAG_SITE_URL instead." in config.hints
    )


def test_a_published_web_port_stands_in_for_a_missing_address(cwd: Path) -> None:
    hobby_2026(cwd, override="services: {web: {ports: ['8000:8000']}}")
    (cwd / ".env").write_text("REGISTRY_URL=posthog/posthog")
    config = loaded(cwd)
    assert config.site_url == "http://127.0.0.1:8000"
    assert all("SITE_URL" not in hint for hint in config.hints)


def test_the_file_of_posthogs_repository_needs_to_be_named_in_commands(cwd: Path) -> None:
    hobby_2026(cwd)
    (cwd / "docker-compose.yml").rename(cwd / "docker-compose.hobby.yml")
    assert "$(docker compose -f docker-compose.hobby.yml ps -q clickhouse)" in loaded(cwd).hints[0]


def test_compose_file_in_dotenv_lists_the_files(cwd: Path) -> None:
    hobby_2026(cwd)
    (cwd / "docker-compose.yml").write_text("services: {unrelated: {image: nginx}}")
    (cwd / "ours.yml").write_text(HOBBY_2026)
    (cwd / "ports.yml").write_text("services: {clickhouse: {ports: ['8123:8123']}}")
    with (cwd / ".env").open("a") as dotenv:
        dotenv.write("COMPOSE_FILE=ours.yml:ports.yml\n")
    config = loaded(cwd)
    assert config.clickhouse.url == "http://default@127.0.0.1:8123/posthog"
    assert str(config.origin("site_url")) == "discovered from ours.yml, SITE_URL of service web"


def test_a_dotenv_alone_tells_the_domain(cwd: Path) -> None:
    (cwd / ".env").write_text("POSTHOG_SECRET=0123456789abcdef\nDOMAIN=ph.example.com\n")
    config = loaded(cwd)
    assert config.site_url == "https://ph.example.com"
    assert str(config.origin("site_url")) == "discovered from .env, DOMAIN"


def test_another_project_is_none_of_our_business(cwd: Path) -> None:
    (cwd / "compose.yml").write_text(
        "services: {web: {image: nginx, environment: {SITE_URL: 'https://x'}, ports: ['8000:8000']}}"
    )
    (cwd / ".env").write_text("DOMAIN=shop.example.com\nDB_PASSWORD=not-posthogs")
    config = loaded(cwd)
    assert config.is_empty
    assert (config.hints, config.secrets()) == ((), ())


def test_images_of_ones_own_are_recognised_by_the_services(cwd: Path) -> None:
    services = ", ".join(f"{name}: {{image: registry.internal/ph}}" for name in ("web", "worker", "plugins", "clickhouse"))
    (cwd / "compose.yml").write_text(f"services: {{{services}}}")
    assert loaded(cwd).hints[0].startswith("compose.yml has ClickHouse at clickhouse:8443 in its own network")


EXTENDS = "services: {web: {extends: %s}}"


@pytest.mark.parametrize(
    ("compose", "reason"),
    [
        ("services: [", "docker-compose.yml is not valid YAML (line 1)"),
        ("services:\n  web: {a\n: b", "docker-compose.yml is not valid YAML (line 3)"),
        (EXTENDS % "web", "docker-compose.yml lacks a service that another one extends, or they extend each other"),
        (EXTENDS % "{file: base.yml, service: web}", "base.yml is not there"),
        (EXTENDS % "{file: ../outside.yml, service: web}", "outside.yml lies outside of this directory and was not read"),
        (EXTENDS % "{file: /etc/passwd, service: web}", "passwd lies outside of this directory and was not read"),
        ("\xff", "docker-compose.yml is not UTF-8"),
        ("#" * (2 << 20), "docker-compose.yml is larger than 1 MiB and was not read"),
        ("services: " + "{a: " * 5000, "the compose file is nested too deeply"),
    ],
    ids=range(9),
)
def test_a_broken_compose_file_is_a_hint(cwd: Path, compose: str, reason: str) -> None:
    (cwd.parent / "outside.yml").write_text("services: {web: {image: posthog/posthog}}")
    (cwd / "docker-compose.yml").write_bytes(compose.encode("latin-1"))
    config = loaded(cwd)
    assert config.hints == (f"There is a compose project here, but {reason}.",)
    assert config.is_empty


def test_a_link_out_of_the_directory_is_not_followed(cwd: Path) -> None:
    (cwd.parent / "elsewhere.env").write_text("POSTHOG_SECRET=0123456789abcdef\nDOMAIN=ph.example.com")
    (cwd / ".env").symlink_to(cwd.parent / "elsewhere.env")
    assert loaded(cwd).hints == ("There is a compose project here, but .env lies outside of this directory and was not read.",)


def test_a_pipe_in_place_of_a_file_does_not_block(cwd: Path) -> None:
    os.mkfifo(cwd / ".env")
    os.mkfifo(cwd / "docker-compose.yml")
    assert loaded(cwd).is_empty


def test_a_service_name_cannot_smuggle_anything_into_a_command(cwd: Path) -> None:
    (cwd / "compose.yml").write_text("services: {'plugins-ingestion$(touch x)': {image: posthog/posthog}, clickhouse: {}}")
    assert "touch" not in "".join(loaded(cwd).hints)
