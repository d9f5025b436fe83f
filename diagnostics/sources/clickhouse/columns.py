"""Which columns diag may read. A column that is not listed is private until somebody says otherwise, here.

The tables of PostHog's database hold what people did; only what tells where events stop is let through. The tables of
`system` describe the server, so there only the columns are listed that quote queries or messages.
"""

# The columns of https://github.com/PostHog/posthog `posthog/clickhouse/dead_letter_queue.py`, `posthog/models/event/sql.py`
# and `posthog/models/ingestion_warnings/sql.py`, 2021 to 2026.
READABLE: dict[str, frozenset[str]] = {
    "events_dead_letter_queue": frozenset(
        [
            "id",
            "event_uuid",
            "event",  # the event's name: sender's text, never a person's
            "team_id",
            "created_at",
            "now",
            "error_timestamp",
            "error_location",
            "error",  # may quote a distinct_id or an address: redacted in the report
            "tags",
            "_timestamp",
            "_offset",
            # raw_payload, properties: the whole event, with e-mail addresses, project token and `$set`
            # distinct_id: often an e-mail address
            # ip, site_url, elements_chain: where somebody was and what they clicked
        ]
    ),
    "events": frozenset(
        [
            "uuid",
            "event",
            "timestamp",
            "team_id",
            "created_at",
            "captured_at",
            "_timestamp",
            "_offset",
            "_partition",
            "inserted_at",
            "historical_migration",
            # properties, person_properties, group0..4_properties, elements_chain, mat_*: what people did and who they are
            # distinct_id, person_id, person_created_at, group0..4_created_at, person_mode: a person, or as good as one
        ]
    ),
    "ingestion_warnings": frozenset(
        [
            "team_id",
            "source",
            "type",
            "timestamp",
            "_timestamp",
            "_offset",
            "_partition",
            # details: JSON that the sender controls, with distinct_ids and property values
        ]
    ),
    "ingestion_warnings_v2": frozenset(
        [
            "team_id",
            "source",
            "type",
            "timestamp",
            "category",
            "severity",
            "pipeline_step",
            "_timestamp",
            "_offset",
            "_partition",
            # details, event_uuid, distinct_id, group_key, person_id: what the sender wrote, and a person
        ]
    ),
    # PostHog's record of its ClickHouse migrations: names and dates only.
    "infi_clickhouse_orm_migrations": frozenset(["package_name", "module_name", "applied"]),
}
READABLE["sharded_events"] = READABLE["events"]
READABLE["events_recent"] = READABLE["events"]
READABLE["sharded_ingestion_warnings"] = READABLE["ingestion_warnings"]
READABLE["ingestion_warnings_v2_distributed"] = READABLE["ingestion_warnings_v2"]

PRIVATE_OF_SYSTEM: dict[str, frozenset[str]] = {
    # Texts of queries hold whatever somebody searched for; their kind, tables and errors are enough.
    "system.query_log": frozenset(["query", "formatted_query", "Settings", "log_comment", "http_referer", "forwarded_for"]),
    "system.query_thread_log": frozenset(["query", "Settings", "log_comment", "http_referer", "forwarded_for"]),
    "system.processes": frozenset(["query", "Settings", "http_referer", "forwarded_for"]),
    "system.query_views_log": frozenset(["view_query"]),
    "system.query_cache": frozenset(["query"]),
    "system.asynchronous_inserts": frozenset(["query"]),
    "system.asynchronous_insert_log": frozenset(["query"]),
    # `DELETE WHERE distinct_id = '...'`: whoever asked to be forgotten.
    "system.mutations": frozenset(["command"]),
    "system.distributed_ddl_queue": frozenset(["query"]),
    # The messages themselves, with the payload of events.
    "system.dead_letter_queue": frozenset(["raw_message", "kafka_key"]),
    # Log lines quote both.
    "system.text_log": frozenset(["message", "message_format_string", "value1", "value2", "value3", "value4", "value5"]),
    # The broker's answer in full: addresses, client ids.
    "system.kafka_consumers": frozenset(["rdkafka_stat"]),
    # Definitions hold the passwords of brokers, dictionaries and remote tables.
    "system.tables": frozenset(["create_table_query", "engine_full", "as_select"]),
    "system.databases": frozenset(["engine_full"]),
    "system.dictionaries": frozenset(["source"]),
    "system.named_collections": frozenset(["collection", "create_query"]),
}


# Columns that are private wherever they are, also where the server shows diag no list of columns.
PAYLOAD = frozenset(
    [
        "raw_payload",
        "properties",
        "person_properties",
        "elements_chain",
        "distinct_id",
        "person_id",
        "ip",
        "site_url",
        "details",
        "snapshot_data",
    ]
)


def private(table: str, named: frozenset[str], columns: frozenset[str]) -> frozenset[str]:
    """Which of the names in a query are columns of `table` that are not to be read; `columns` are all that it is known to have.

    "events" is PostHog's, "system.tables" the server's. Every column of a table that is not listed is private.
    """
    if table.startswith("system."):
        return named & PRIVATE_OF_SYSTEM.get(table, frozenset())
    return (named & (columns | PAYLOAD)) - READABLE.get(table, frozenset())
