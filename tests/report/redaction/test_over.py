"""What redaction must leave alone: a report whose evidence is gone helps nobody."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.report.redaction import Redactor

SECRETS = ["correct-horse-battery", "phx_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789", "p@ss/w0rd"]
REDACTOR = Redactor(SECRETS)
HIDING = Redactor(SECRETS, hide_hosts=["secret.example.com"])

VERSIONS = [
    "ClickHouse 24.8.7.41",
    "24.8.7.41",
    "the server is older (22.3.6.5) than 23.9.2.56",
    "clickhouse/clickhouse-server:24.8.7.41",
    "DB::Exception: Unknown table (UNKNOWN_TABLE) (version 24.8.7.41 (official build))",
    "1.43.0",
    "v2.8.2",
    "v10.1.2.3",
    "version 10.1.2.3",
    "python-httpx/0.28.1 Chrome/120.0.0.0 Safari/537.36",
    "kafkajs@2.2.4 and @posthog/plugin-scaffold@1.4.4",
    "OID 1.3.6.1.4.1",
]
NUMBERS = [
    "1,204 events, 2,385,416 rows, 74 MB",
    "team 2, team 123456, offset 4111111111111112",
    "1700000000000 and 1732355145000123",
    "0.21 s, 41 min, 3 days, 99.7 %",
    "1195221 bytes",
    "+1 and +1,204,000,000 rows, +12 345 678, 1e+10, x+14155552671",
    "postgres:5432, kafka:9092, localhost:6738, [::1]:9000",
    "Limit is 40 requests in 1 seconds",
    "cursor 0:100:0",
]
TIMES = ["2026-11-23T09:12:45Z", "2026-11-23T09:12:45.123456+01:00", "09:12:45", "2026-11-23 09:12:45 to 09:13", "1:2:3"]
IDENTIFIERS = [
    "events_dead_letter_queue, sharded_events, posthog.person_distinct_id2",
    "plugin_server_ingest_event:processPersonsStep",
    "clickhouse_events_json and events_plugin_ingestion_dlq",
    "dead-letters.active clickhouse.events-stale app.postgres-down",
    "6d2a1f0c9be04bd2a3b9 and release commit aea7affc1c",
    "018f3a3e-7b1c-7000-8000-3c6e1a2b4d5f",
    "sha256:0f4a8e0d2b7c6a5f1e3d9c8b7a6f5e4d3c2b1a0f9e8d7c6b5a4f3e2d1c0b9a8f",
    "POSTHOG-4X1",
    "report 7f3a-c2",
    "step processPersonsStep of consumer group clickhouse-ingestion",
    "KAFKA_LOG_RETENTION_MS: 3600000",
    "chi-posthog-posthog-0-0-0.posthog.svc.cluster.local",
    "posthog.example.com and sentry.io",
]
PLACEHOLDERS = [
    "<uuid>, ?, <ip>, <n>",
    'Could not find person with distinct id "<id>" in team "<n>" to update properties',
    'distinct id "?" in team "?"',
    "WHERE team_id = {team:Int64} AND distinct_id = {id:String}",
    "phc_... or phx_...",
    "token <token>, password <password>, password: ***",
    "export DIAG_SENTRY_TOKEN=env:SENTRY_AUTH_TOKEN",
    "--sentry-token TOKEN, --clickhouse-password $CLICKHOUSE_PASSWORD",
    "clickhouse-client -d posthog --user .. --password ..",
    "CREATE USER diag IDENTIFIED WITH sha256_password BY '...' SETTINGS readonly = 2",
    "http://user:<password>@host:8123/database, or http://user:password@host:8123/database",
    "`Authorization: Bearer <token>`",
    "These lines hold distinct ids: read them before you send them",
    "curl -H 'Authorization: Bearer $SENTRY_AUTH_TOKEN' https://sentry.example.com/api/0/",
    "docker run -u 1000:1000 --network posthog",
]
MESSAGES = [
    "sorry, too many clients already",
    "Code: 516. DB::Exception: default: Authentication failed: password is incorrect, or there is no user with such name.",
    "API key is not valid: not_ascii",
    '{"detail":"Invalid token"} and Invalid token header. No credentials provided.',
    "Bearer token is missing, basic authentication is off",
    'capture_events_dropped_total{cause="token_dropper"} 43 and no_token: 43, invalid_token: 12, missing_distinct_id: 7',
    'duplicate key value violates unique constraint "unique distinct_id for team"',
    "skipping_event_invalid_distinct_id, cannot_merge_with_illegal_distinct_id: 3",
    'column "distinct_id" does not exist',
    "distinct_id is null, distinct_id='null', distinct_id=undefined",
    "Failed trying to move distinct IDs because target person no longer exists.",
    "distinct id too long (412 characters)",
    "Redis error encountered! host: 127.0.0.1:6379 Enough of this, I quit!",
    "listening on 0.0.0.0:8123, http://[::]:8123, ::1 and ::ffff:127.0.0.1",
    "Error: std::exception in DB::Context::getTable, add::bad",
    "No team found with ID 5. Can't ingest event.",
    "Message size too large: 1195221 > 1000000",
    "secret: posthog-postgresql (kubectl get secret posthog)",
    "git clone git@github.com:PostHog/posthog.git",
    "posthog@db and default@clickhouse:9000",
]
COMMANDS = [
    "docker compose exec db psql -U posthog -c \"select count(*), current_setting('max_connections') from pg_stat_activity\"",
    "SELECT error_location, error, count() FROM events_dead_letter_queue WHERE _timestamp > now() - 86400 GROUP BY 1, 2",
    "SELECT uniq(distinct_id) FROM events AS e JOIN person_distinct_id2 AS p ON e.distinct_id = p.distinct_id",
    "distinct_id String, person_id UUID",
    "GET /api/0/organizations/posthog/issues/?statsPeriod=24h&query=is:unresolved",
    "kubectl scale deployment posthog-plugins --replicas=1",
    "postgres://posthog@db.internal:5432/posthog",
    "ssh deploy@host",
    "docker exec db psql -U root@db",
    r"C:\new\table1",
    "a distinct_id is text, distinct_id FixedString(36)",
    "https://posthog.com/docs/self-host/deploy/troubleshooting#kafka-crash-on-start-up",
    "https://public@sentry.example.com/1",
    "chdb:///var/lib/diag",
]


@pytest.mark.parametrize("text", VERSIONS + NUMBERS + TIMES + IDENTIFIERS + PLACEHOLDERS + MESSAGES + COMMANDS)
def test_it_stays(text: str) -> None:
    assert REDACTOR.text(text) == text


@pytest.mark.parametrize("text", VERSIONS + NUMBERS + TIMES + PLACEHOLDERS + MESSAGES)
def test_it_stays_where_hosts_are_hidden(text: str) -> None:
    assert HIDING.text(text) == text


@pytest.mark.parametrize("password", ["posthog", "default", "clickhouse", "admin", "password", "secret", "kafka"])
def test_an_everyday_password_does_not_take_the_words_of_the_report(password: str) -> None:
    redactor = Redactor([password])
    text = (
        f"The {password} of posthog.sharded_events: kafka, clickhouse, default and admin were removed; secret and password stay"
    )
    assert redactor.text(text) == text
    assert redactor.text(f"http://default:{password}@clickhouse:8123/") == "http://default:password-removed@clickhouse:8123/"
    assert redactor.text(f"password={password}, database=posthog") == "password=password-removed, database=posthog"
    assert redactor.warnings[0].startswith("1 configured secret is too short (less than 6 characters) or too common a word")


@pytest.mark.parametrize("password", ["12", "8123", "09"])
def test_a_short_number_does_not_take_ports_and_times(password: str) -> None:
    text = "clickhouse:8123 at 09:12:12, took: 12 s"
    assert Redactor([password]).text(text) == text


@settings(max_examples=150, deadline=None)
@given(st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyz ,.-\n"), max_size=300))
def test_prose_stays(text: str) -> None:
    assert REDACTOR.text(text) == text


@settings(max_examples=150, deadline=None)
@given(st.integers(min_value=0), st.integers(0, 23), st.integers(0, 59), st.floats(0, 1e9))
def test_numbers_and_times_stay(number: int, hour: int, minute: int, seconds: float) -> None:
    text = f"{number:,} rows, {hour:02}:{minute:02}:{minute:02} and {seconds:.3f} s"
    assert REDACTOR.text(text) == text
