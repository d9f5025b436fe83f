"""Where PostHog writes dead letters, and the error texts that it was seen to write."""

from tests.checks.dead_letters.looking import quoted

PLUGIN_SERVER, STEP = "plugin_server_ingest_event", "plugin_server_ingest_event:processPersonsStep"
DJANGO = "django_server_capture_endpoint"

# Where, what PostHog was seen to write there (a different value in each row for what stands in braces), the template.
WRITTEN = [
    (
        DJANGO,
        'Unable to fetch team from Postgres. Error: OperationalError(\'connection to server at "{host}" ({ip}), port 6543 '
        "failed: ERROR: no more connections allowed (max_client_conn)\\n')",
        'Unable to fetch team from Postgres. Error: OperationalError(\'connection to server at "<value>" (<ip>), port <number> '
        "failed: ERROR: no more connections allowed (max_client_conn)\\n')",
    ),
    (
        DJANGO,
        'Unable to fetch team from Postgres. Error: OperationalError(\'connection to server at "{host}" ({ip}), port 6543 '
        "failed: FATAL: the database system is starting up\\n')",
        'Unable to fetch team from Postgres. Error: OperationalError(\'connection to server at "<value>" (<ip>), port <number> '
        "failed: FATAL: the database system is starting up\\n')",
    ),
    (PLUGIN_SERVER, 'ingestEvent failed. Error: Not a valid UUID: "{word}"', 'Not a valid UUID: "<value>"'),
    (
        PLUGIN_SERVER,
        'ingestEvent failed. Error: Could not find person with distinct id "{email}" in team "{n}" to update properties',
        'Could not find person with distinct id "<value>" in team "<value>" to update properties',
    ),
    (
        STEP,
        'Event ingestion failed. Error: Could not find person with distinct id "{word}" in team "{n}" to identify',
        'Could not find person with distinct id "<value>" in team "<value>" to identify',
    ),
    (
        PLUGIN_SERVER,
        "ingestEvent failed. Error: No team found with ID {n}. Can't ingest event.",
        "No team found with ID <number>. Can't ingest event.",
    ),
    (
        PLUGIN_SERVER,
        "ingestEvent failed. Error: Failed trying to move distinct IDs because target person no longer exists.",
        "Failed trying to move distinct IDs because target person no longer exists.",
    ),
    (
        PLUGIN_SERVER,
        "ingestEvent failed. Error: Failed trying to move distinct IDs because the source person no longer exists.",
        "Failed trying to move distinct IDs because the source person no longer exists.",
    ),
    (
        PLUGIN_SERVER,
        "ingestEvent failed. Error: Can't fetch persons for database: clickhouse",
        "Can't fetch persons for database: clickhouse",
    ),
    (PLUGIN_SERVER, "ingestEvent failed. Error: sorry, too many clients already", "sorry, too many clients already"),
    (PLUGIN_SERVER, "ingestEvent failed. Error: Connection terminated unexpectedly", "Connection terminated unexpectedly"),
    (
        STEP,
        "Event ingestion failed. Error: cannot execute UPDATE in a read-only transaction",
        "cannot execute UPDATE in a read-only transaction",
    ),
    (
        STEP,
        "Event ingestion failed. Error: server login has been failing, try again later (server_login_retry)",
        "server login has been failing, try again later (server_login_retry)",
    ),
    (STEP, "Event ingestion failed. Error: pgbouncer cannot connect to server", "pgbouncer cannot connect to server"),
    (PLUGIN_SERVER, "ingestEvent failed. Error: Plugin tried to change event.team_id", "Plugin tried to change event.team_id"),
    (
        PLUGIN_SERVER,
        "ingestEvent failed. Error: Operator is_date_before is not supported in castingCompare!",
        "Operator is_date_before is not supported in castingCompare!",
    ),
    (
        PLUGIN_SERVER,
        'ingestEvent failed. Error: Can\'t match against invalid cohort ID value "{word}!"',
        'Can\'t match against invalid cohort ID value "<value>"',
    ),
    (
        PLUGIN_SERVER,
        "ingestEvent failed. Error: ActionManager is not ready! Run actionManager.prepare() before this",
        "ActionManager is not ready! Run actionManager.prepare() before this",
    ),
    (PLUGIN_SERVER, "ingestEvent failed. Error: Message size too large", "Message size too large"),
    (
        PLUGIN_SERVER,
        "ingestEvent failed. KafkaJSProtocolError: The request included a message larger than the max message size the server "
        "will accept",
        "KafkaJSProtocolError: The request included a message larger than the max message size the server will accept",
    ),
    (STEP, "Event ingestion failed. Error: timeout exceeded when trying to connect", "timeout exceeded when trying to connect"),
    (
        STEP,
        'Event ingestion failed. Error: duplicate key value violates unique constraint "unique distinct_id for team"',
        'duplicate key value violates unique constraint "unique distinct_id for team"',
    ),
    (
        STEP,
        'Event ingestion failed. Error: duplicate key value violates unique constraint "unique hash for each team"',
        'duplicate key value violates unique constraint "unique hash for each team"',
    ),
    (
        STEP,
        "Event ingestion failed. Error: column t.person_processing does not exist",
        "column t.person_processing does not exist",
    ),
    (
        STEP,
        'Event ingestion failed. Error: relation "posthog_eventschema" does not exist',
        'relation "posthog_eventschema" does not exist',
    ),
    (STEP, "Event ingestion failed. Error: unsupported Unicode escape sequence", "unsupported Unicode escape sequence"),
    (
        STEP,
        'Event ingestion failed. Error: invalid byte sequence for encoding "UTF8": 0x00',
        'invalid byte sequence for encoding "<value>": <hex>',
    ),
    (STEP, "Event ingestion failed. Error: connect ECONNREFUSED {ip}:5432", "connect ECONNREFUSED <ip>"),
    (STEP, "Event ingestion failed. Error: getaddrinfo ENOTFOUND redis-{n}.internal", "getaddrinfo ENOTFOUND <host>"),
    (STEP, "Event ingestion failed. Error: event {uuid} took {n} ms", "event <uuid> took <number> ms"),
    (PLUGIN_SERVER, "ingestEvent failed. ", "(no text)"),
]

VALUES = {
    "{host}": "concat('pgbouncer-', toString(number % 9), '.internal')",
    "{ip}": "concat('10.', toString(number % 256), '.', toString(intDiv(number, 8) % 256), '.', toString(number % 251))",
    "{n}": "toString(1 + number * 7)",
    # Every second one without a digit.
    "{word}": "if(number % 2, hex(sipHash64(number)), "
    "translate(hex(sipHash64(number)), '0123456789ABCDEF', 'ghijklmnopqrstuv'))",
    "{email}": "concat(translate(toString(number), '0123456789', 'abcdefghij'), '@customer.example')",
    "{uuid}": "toString(generateUUIDv4(number))",
}


def error_sql(text: str) -> str:
    """An expression that gives every row of `numbers()` its own values."""
    error = quoted(text)
    for name, value in VALUES.items():
        error = f"replaceAll({error}, '{name}', {value})" if name in text else error
    return error
