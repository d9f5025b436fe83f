"""Compose installs in the shape that PostHog's hobby installer leaves behind."""

from pathlib import Path

# 2022: one file, already put through envsubst; KAFKA_URL; Sentry's DSN or its placeholder.
HOBBY_2022 = """
version: '3'

services:
    db:
        image: postgres:12-alpine
        environment: {POSTGRES_USER: posthog, POSTGRES_DB: posthog, POSTGRES_PASSWORD: posthog}
    redis:
        image: 'redis:6-alpine'
    clickhouse:
        image: clickhouse/clickhouse-server:22.3
        depends_on: [kafka, zookeeper]
    zookeeper:
        image: zookeeper
    kafka:
        image: bitnami/kafka:2.8.1
        environment:
            KAFKA_BROKER_ID: 1001
            KAFKA_CFG_ADVERTISED_LISTENERS: PLAINTEXT://kafka:9092
            ALLOW_PLAINTEXT_LISTENER: 'true'
    worker: &worker
        image: posthog/posthog:release-1.36.0
        command: ./bin/docker-worker-celery --with-scheduler
        environment:
            SENTRY_DSN: SENTRY
            SITE_URL: https://ph.example.com
            DATABASE_URL: 'postgres://posthog:posthog@db:5432/posthog'
            CLICKHOUSE_HOST: 'clickhouse'
            CLICKHOUSE_DATABASE: 'posthog'
            CLICKHOUSE_SECURE: 'false'
            CLICKHOUSE_VERIFY: 'false'
            KAFKA_URL: 'kafka://kafka'
            SECRET_KEY: 0123456789abcdef0123456789
    web:
        <<: *worker
        command: /compose/start
    caddy:
        image: caddy:2
        ports: ['80:80', '443:443']
    plugins:
        image: posthog/posthog:release-1.36.0
        command: ./bin/plugin-server --no-restart-loop
        environment:
            SENTRY_DSN: SENTRY
            KAFKA_HOSTS: 'kafka:9092'
            CLICKHOUSE_HOST: 'clickhouse'
volumes:
    postgres-data:
"""

PLACEHOLDER = "'https://public@sentry.example.com/1'"

# 2026: services extend a base file; variables come from `.env`; ingestion is split by role.
HOBBY_2026 = """
x-logging: &default-logging
    driver: json-file
services:
    db:
        extends: {file: docker-compose.base.yml, service: db}
    clickhouse:
        extends:
            file: docker-compose.base.yml
            service: clickhouse
        logging: *default-logging
    kafka:
        extends: {file: docker-compose.base.yml, service: kafka}
    worker:
        extends: {file: docker-compose.base.yml, service: worker}
        image: $REGISTRY_URL:$POSTHOG_APP_TAG
        environment:
            SITE_URL: https://$DOMAIN
            SECRET_KEY: $POSTHOG_SECRET
            OBJECT_STORAGE_ENABLED: true
            INTERNAL_API_SECRET: ${INTERNAL_API_SECRET:-$POSTHOG_SECRET}
    web:
        extends: {file: docker-compose.base.yml, service: web}
        image: $REGISTRY_URL:$POSTHOG_APP_TAG
        environment:
            SITE_URL: https://$DOMAIN
            LIVESTREAM_HOST: 'https://${DOMAIN}/livestream'
    plugins:
        extends: {file: docker-compose.base.yml, service: plugins}
        image: ${REGISTRY_URL}-node:${POSTHOG_NODE_TAG:-latest}
    ingestion-general:
        extends: {file: docker-compose.base.yml, service: ingestion-general}
        image: ${REGISTRY_URL}-node:${POSTHOG_NODE_TAG:-latest}
    ingestion-sessionreplay:
        extends: {file: docker-compose.base.yml, service: plugins}
    ingestion-logs:
        extends: {file: docker-compose.base.yml, service: plugins}
    recording-api:
        extends: {file: docker-compose.base.yml, service: plugins}
    temporal:
        image: temporalio/auto-setup
        environment:
            - ENABLE_ES=false
        ports:
            - '127.0.0.1:7233:7233'
    proxy:
        extends: {file: docker-compose.base.yml, service: proxy}
        ports:
            - '80:80'
            - '443:443'
"""

BASE_2026 = """
services:
    proxy:
        image: caddy
        environment:
            CADDYFILE: |
                ${CADDY_HOST:-http://localhost:8000} {
                    reverse_proxy web:8000
                }
    db:
        image: postgres:15
        environment: {POSTGRES_PASSWORD: posthog}
    clickhouse:
        image: ${CLICKHOUSE_SERVER_IMAGE:-clickhouse/clickhouse-server:25.6}
        environment: {CLICKHOUSE_SKIP_USER_SETUP: 1, KAFKA_HOSTS: 'kafka:9092'}
    kafka:
        image: docker.redpanda.com/redpandadata/redpanda:v25.1.9
    worker: &worker
        command: ./bin/docker-worker-celery --with-scheduler
        environment: &worker_env
            DATABASE_URL: 'postgres://posthog:posthog@db:5432/posthog'
            CLICKHOUSE_HOST: 'clickhouse'
            CLICKHOUSE_DATABASE: 'posthog'
            CLICKHOUSE_SECURE: 'false'
            CLICKHOUSE_VERIFY: 'false'
            CLICKHOUSE_API_USER: 'api'
            CLICKHOUSE_API_PASSWORD: 'apipass'
            KAFKA_HOSTS: 'kafka'
            CDP_API_URL: 'http://plugins:6738'
    web:
        <<: *worker
        command: ./bin/start-backend & ./bin/start-frontend
    plugins:
        command: ./bin/plugin-server --no-restart-loop
        environment:
            KAFKA_HOSTS: 'kafka:9092'
            CLICKHOUSE_HOST: 'clickhouse'
    ingestion-general:
        command: node nodejs/dist/index.js
        environment:
            PLUGIN_SERVER_MODE: ingestion-v2-combined
"""

DOTENV_2026 = """
POSTHOG_SECRET=0123456789abcdef0123456789
ENCRYPTION_SALT_KEYS=00beef0000beef0000beef0000beef00
DOMAIN=ph.example.com
TLS_BLOCK=
REGISTRY_URL=posthog/posthog
CADDY_HOST="ph.example.com, http://, https://"
POSTHOG_APP_TAG=latest
POSTHOG_NODE_TAG=latest
"""


def hobby_2022(directory: Path, *, sentry: str = PLACEHOLDER) -> None:
    (directory / "docker-compose.yml").write_text(HOBBY_2022.replace("SENTRY_DSN: SENTRY", f"SENTRY_DSN: {sentry}"))
    (directory / ".env").write_text(f"POSTHOG_SECRET=0123456789abcdef0123456789\nSENTRY_DSN={sentry}\nDOMAIN=ph.example.com\n")


def hobby_2026(directory: Path, *, override: str = "") -> None:
    (directory / "docker-compose.yml").write_text(HOBBY_2026)
    (directory / "docker-compose.base.yml").write_text(BASE_2026)
    (directory / ".env").write_text(DOTENV_2026)
    if override:
        (directory / "docker-compose.override.yml").write_text(override)
