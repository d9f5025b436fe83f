"""What a ClickHouse server that is well shows of itself, where an embedded engine shows nothing, or the machine it runs on."""

from collections.abc import Mapping, Sequence
from typing import Any

GB = 10**9

HEALTHY: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "disks": [
        {
            "name": "default",
            "path": "/var/lib/clickhouse/",
            "total_space": 200 * GB,
            "free_space": 120 * GB,
            "unreserved_space": 120 * GB,
            "type": "Local",
        }
    ],
    "metrics": [
        {"metric": "Query", "value": 2},
        {"metric": "ReadonlyReplica", "value": 0},
        {"metric": "ZooKeeperSession", "value": 1},
        {"metric": "DelayedInserts", "value": 0},
        {"metric": "BackgroundMergesAndMutationsPoolTask", "value": 3},
        {"metric": "BackgroundMergesAndMutationsPoolSize", "value": 32},
        {"metric": "BackgroundMessageBrokerSchedulePoolTask", "value": 5},
        {"metric": "BackgroundMessageBrokerSchedulePoolSize", "value": 16},
    ],
    "kafka_consumers": [
        {
            "table": table,
            "consumer_id": f"ClickHouse-clickhouse-posthog-{table}",
            "assignments.topic": [topic],
            "assignments.partition_id": [0],
            "assignments.current_offset": [41_772_310],
            "last_poll_time": "ago 2s",
            "last_commit_time": "ago 9s",
            "num_messages_read": 2_204_117,
            "num_commits": 8_113,
            "is_currently_used": 1,
        }
        for table, topic in (
            ("kafka_events_json", "clickhouse_events_json"),
            ("kafka_events_dead_letter_queue", "events_dead_letter_queue"),
            ("kafka_ingestion_warnings", "clickhouse_ingestion_warnings"),
        )
    ],
    "errors": [],
    "events": [],
}
"""Rows of tables of `system` that would show the machine, or what other databases of the engine do."""

OURS = frozenset(["kafka_consumers"])
"""Those of them that are of PostHog's database."""

NESTED: Mapping[str, Any] = {
    "assignments.topic": "",
    "assignments.partition_id": 0,
    "assignments.current_offset": 0,
    "assignments.intent_size": None,
    "exceptions.time": 0,
    "exceptions.text": "",
}
"""Arrays of `kafka_consumers`, with what stands in them by default."""

LOGGED = "event_date Date DEFAULT toDate(event_time), event_time DateTime"

ABSENT: Mapping[str, str] = {
    "part_log": f"{LOGGED}, event_type String, disk_name String, database String, table String, size_in_bytes UInt64",
    "query_log": f"{LOGGED}, type String, query_kind String, exception_code Int32, exception String, user String",
    "query_views_log": f"{LOGGED}, view_name String, view_target String, status String, exception_code Int32, exception String",
}
"""Columns of tables that an embedded engine lacks altogether; a scenario that has rows for one makes it appear."""
