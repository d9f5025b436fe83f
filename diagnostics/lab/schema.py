# ruff: noqa: S608 - statements made of constants
"""PostHog's ClickHouse tables, by era, as its migrations leave them.

Sources: `posthog/clickhouse/dead_letter_queue.py`, `posthog/models/event/sql.py`, `posthog/models/ingestion_warnings/sql.py`
and `sql_v2.py` of PostHog. Two things differ, since an embedded engine has neither brokers nor replicas: the tables that
feed the others (`kafka_*`) are of engine Null, and the data tables are neither replicated nor sharded. Inserting into a
`kafka_*` table goes through its materialized view, as a consumed message does.
"""

from enum import StrEnum


class Era(StrEnum):
    """Layouts that installs in the field still have."""

    Y2021 = "2021"
    """1.29 to 1.32: no persons on events, no `inserted_at`, no `tags` on dead letters, no ingestion warnings."""
    Y2024 = "2024"
    """1.43 and the hobby installs after it."""
    Y2026 = "2026"
    """Dead letters go to a Kafka topic; the table is still there."""


KAFKA_COLUMNS = "`_timestamp` DateTime, `_offset` UInt64"

EVENT = """
    uuid UUID,
    event VARCHAR,
    properties VARCHAR CODEC(ZSTD(3)),
    timestamp DateTime64(6, 'UTC'),
    team_id Int64,
    distinct_id VARCHAR,
    elements_chain VARCHAR,
    created_at DateTime64(6, 'UTC')"""

PERSON_ON_EVENT = """,
    person_id UUID,
    person_created_at DateTime64(3),
    person_properties VARCHAR CODEC(ZSTD(3))""" + "".join(
    f",\n    group{n}_properties VARCHAR CODEC(ZSTD(3)),\n    group{n}_created_at DateTime64(3)" for n in range(5)
)

PERSON_MODE = """,
    person_mode Enum8('full' = 0, 'propertyless' = 1, 'force_upgrade' = 2)"""

HISTORICAL_MIGRATION = """,
    historical_migration Bool"""

CAPTURED_AT = """,
    captured_at Nullable(DateTime64(6, 'UTC'))"""

DEAD_LETTER = """
    id UUID,
    event_uuid UUID,
    event VARCHAR,
    properties VARCHAR,
    distinct_id VARCHAR,
    team_id Int64,
    elements_chain VARCHAR,
    created_at DateTime64(6, 'UTC'),
    ip VARCHAR,
    site_url VARCHAR,
    now DateTime64(6, 'UTC'),
    raw_payload VARCHAR,
    error_timestamp DateTime64(6, 'UTC'),
    error_location VARCHAR,
    error VARCHAR"""

TAGS = """,
    tags Array(VARCHAR)"""

WARNING = """
    team_id Int64,
    source LowCardinality(VARCHAR),
    type VARCHAR,
    details VARCHAR CODEC(ZSTD(3)),
    timestamp DateTime64(6, 'UTC')"""

WARNING_V2 = """,
    category LowCardinality(VARCHAR),
    severity LowCardinality(VARCHAR),
    pipeline_step LowCardinality(VARCHAR),
    event_uuid VARCHAR,
    distinct_id VARCHAR,
    group_key VARCHAR,
    person_id VARCHAR"""

MIGRATIONS = """
CREATE TABLE infi_clickhouse_orm_migrations (package_name VARCHAR, module_name VARCHAR, applied Date)
ENGINE = MergeTree PARTITION BY toYYYYMM(applied) ORDER BY (package_name, module_name)"""


def tables(era: Era) -> list[str]:
    """The statements that create them, in order, in the database of the connection."""
    dead_letter = DEAD_LETTER + ("" if era is Era.Y2021 else TAGS)
    statements = [
        MIGRATIONS,
        *_events(era),
        f"CREATE TABLE events_dead_letter_queue ({dead_letter}, {KAFKA_COLUMNS}) ENGINE = ReplacingMergeTree(_timestamp) "
        "ORDER BY (id, event_uuid, distinct_id, team_id) "
        "TTL toDate(_timestamp) + INTERVAL 4 WEEK SETTINGS index_granularity = 512",
        *_feed("events_dead_letter_queue", "kafka_events_dead_letter_queue", dead_letter),
    ]
    if era is not Era.Y2021:
        statements += _warnings(
            "ingestion_warnings", WARNING, "toYYYYMMDD(timestamp)", "team_id, toHour(timestamp), type, source"
        )
    if era is Era.Y2026:
        statements += _warnings("ingestion_warnings_v2", WARNING + WARNING_V2, "toYYYYMM(timestamp)", "team_id, type")
    return statements


def _events(era: Era) -> list[str]:
    columns = EVENT
    if era is not Era.Y2021:
        columns += PERSON_ON_EVENT + PERSON_MODE
    if era is Era.Y2026:
        columns += HISTORICAL_MIGRATION + CAPTURED_AT
    inserted_at = "" if era is Era.Y2021 else ", inserted_at Nullable(DateTime64(6, 'UTC')) DEFAULT now64()"
    feed = "kafka_events" if era is Era.Y2021 else "kafka_events_json"
    return [
        f"CREATE TABLE events ({columns}, {KAFKA_COLUMNS}{inserted_at}) ENGINE = ReplacingMergeTree(_timestamp) "
        "PARTITION BY toYYYYMM(timestamp) SAMPLE BY cityHash64(distinct_id) "
        "ORDER BY (team_id, toDate(timestamp), event, cityHash64(distinct_id), cityHash64(uuid))",
        *_feed("events", feed, columns),
    ]


def _warnings(name: str, columns: str, partition: str, order: str) -> list[str]:
    return [
        f"CREATE TABLE {name} ({columns}, {KAFKA_COLUMNS}, `_partition` UInt64) "
        f"ENGINE = MergeTree PARTITION BY {partition} ORDER BY ({order}, timestamp)",
        *_feed(name, f"kafka_{name}", columns),
    ]


def _feed(target: str, kafka: str, columns: str) -> list[str]:
    view = f"{kafka.removeprefix('kafka_')}_mv"
    return [
        f"CREATE TABLE {kafka} ({columns}) ENGINE = Null",
        f"CREATE MATERIALIZED VIEW {view} TO {target} AS SELECT *, now() AS _timestamp, toUInt64(0) AS _offset FROM {kafka}",
    ]
