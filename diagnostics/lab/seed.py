# ruff: noqa: S608 - the only SQL here is written by the lab for its own engine, from scenario files
"""The rows of a scenario, as SQL that makes them: the same every time, only moved to the start.

They hold what real rows hold, including what must never be printed: addresses, e-mails and project tokens, all invented.
"""

from collections.abc import Iterator
from datetime import datetime

from diagnostics.lab.ago import seconds
from diagnostics.lab.scenario import DeadLetters, Events, Scenario, Warnings
from diagnostics.lab.schema import Era
from diagnostics.lab.sql import quoted

DAY = 86_400
WEEK = 7 * DAY
YEAR = 365 * DAY
HISTORY = 8 * DAY  # a week to compare with, and today

EMAIL = "concat('jane.doe+', toString(salt % 997), '@customer.example')"
ADDRESS = "concat('203.0.113.', toString(salt % 254 + 1))"
PROJECT_TOKEN = "phc_Zq3mV8sKc2TfXw7LpR5dYb1NhJ9uEaG4oI6xQvCtSzB"  # noqa: S105 - invented
NAMES = "['$pageview', '$autocapture', '$identify', '$pageleave', 'order placed']"

PLACEHOLDERS = {
    "uuid": "toString(toUUID(UUIDNumToString(sipHash128(salt))))",
    "number": "toString(salt % 90000)",
    "word": "arrayStringConcat(arrayMap(place -> char(97 + intDiv(salt, intExp10(place)) % 26), range(8)))",
    "email": EMAIL,
    "ip": ADDRESS,
}
"""What may stand in the error of a scenario, and the SQL that fills it in, from the row's `salt`."""

MIGRATIONS = {
    Era.Y2021: ("0001_initial", "0004_kafka", "0017_events_dead_letter_queue"),
    Era.Y2024: (
        "0001_initial",
        "0004_kafka",
        "0017_events_dead_letter_queue",
        "0023_dead_letter_queue_tags",
        "0032_ingestion_warnings",
    ),
    Era.Y2026: (
        "0001_initial",
        "0004_kafka",
        "0017_events_dead_letter_queue",
        "0023_dead_letter_queue_tags",
        "0032_ingestion_warnings",
    ),
}


NEWER_WARNINGS = "ingestion_warnings_v2"
WARNINGS = {
    Era.Y2021: (),
    Era.Y2024: ("ingestion_warnings",),
    Era.Y2026: ("ingestion_warnings", NEWER_WARNINGS),
}
"""The tables that one warning goes to: both read the same topic."""


def rows(scenario: Scenario, start: datetime) -> Iterator[str]:
    """The statements that fill PostHog's tables; `start` is in UTC."""
    names = ", ".join(f"('posthog.clickhouse.migrations', {quoted(name)}, today() - 90)" for name in MIGRATIONS[scenario.era])
    yield f"INSERT INTO infi_clickhouse_orm_migrations VALUES {names}"
    if scenario.events.per_hour:
        yield _events(scenario.events, scenario.era, _literal(start))
    if scenario.events.imported:
        yield _imported(scenario.events, scenario.era, _literal(start))
    for number, group in enumerate(scenario.dead_letters):
        yield _dead_letters(group, number, _literal(start), tags=scenario.era is not Era.Y2021)
    for number, warned in enumerate(scenario.warnings):
        for table in WARNINGS[scenario.era]:
            yield _warnings(warned, number, _literal(start), table)
    yield from scenario.sql


def _literal(start: datetime) -> str:
    return f"toDateTime64('{start:%Y-%m-%d %H:%M:%S}', 6, 'UTC')"


def _events(events: Events, era: Era, start: str) -> str:
    """One slot every `3600 / per_hour` seconds back from the newest; fewer slots are taken twelve hours from the daily peak."""
    columns = {
        "uuid": _uuid("event"),
        "event": f"{NAMES}[salt % 5 + 1]",
        "properties": f'concat(\'{{"$ip": "\', {ADDRESS}, \'", "email": "\', {EMAIL}, \'"}}\')',
        "timestamp": f"if(salt % 997 < {997 * events.misdated}, arrived + {seconds(events.ahead) - seconds(events.behind)}, "
        "captured - 1)",
        "team_id": _one_of(events.teams),
        "distinct_id": EMAIL,
        "created_at": "created",
        "_timestamp": "produced",
        "_offset": "n",
    }
    if era is not Era.Y2021:
        columns |= {"person_id": _uuid("person"), "inserted_at": "arrived"}
    if era is Era.Y2026:
        columns |= {"captured_at": "captured"}
    step = 3600 / events.per_hour
    newest = seconds(events.until)
    quiet_since = seconds(events.quiet_since)
    still_quiet = seconds(events.quiet_for) - quiet_since
    weekend = f"(age + {WEEK - seconds(events.weekend_since)}) % {WEEK} >= {5 * DAY}" if events.weekend_since else "0"
    return f"""
        INSERT INTO events ({", ".join(columns)})
        WITH {newest} + toUInt64(number * {step}) AS age,
             age % {DAY} AS time_of_day,
             (0.6 + 0.4 * cos(2 * pi() * (time_of_day / {DAY} - 0.25)))
                 * if({weekend}, 0.05, 1) * if(age < {seconds(events.fewer_since)}, {events.fewer}, 1) AS rate,
             greatest(0, 1 - age / {seconds(events.late_since)}) AS late,
             {start} - age AS arrived,
             arrived - toUInt32(late * {seconds(events.late_in_clickhouse)}) AS produced,
             produced - 1 - toUInt32(late * {seconds(events.late_in_kafka)}) AS created,
             created - toUInt32(late * {seconds(events.late_in_plugin_server)}) AS captured,
             number AS n,
             sipHash64(n) AS salt
        SELECT {", ".join(columns.values())}
        FROM numbers({int(HISTORY / step)})
        WHERE time_of_day BETWEEN {quiet_since} AND {DAY - still_quiet} AND (n = 0 OR salt % 1000 < 1000 * rate)"""


def _imported(events: Events, era: Era, start: str) -> str:
    """Events of the last year, in the order of their own time, as an import sends them."""
    columns = {
        "uuid": _uuid("imported"),
        "event": "'order placed'",
        "timestamp": f"arrived - {YEAR} + toUInt32(n * {YEAR / events.imported})",
        "team_id": f"{events.teams[0]}",
        "created_at": "arrived - 1",
        "_timestamp": "arrived",
    }
    if era is not Era.Y2021:
        columns |= {"inserted_at": "arrived"}
    if era is Era.Y2026:
        columns |= {"captured_at": "arrived - 1", "historical_migration": "true"}
    return f"""
        INSERT INTO events ({", ".join(columns)})
        WITH number AS n,
             sipHash64(n) AS salt,
             {start} - toUInt32(({events.imported} - n) * {3600 / events.imported}) AS arrived
        SELECT {", ".join(columns.values())} FROM numbers({events.imported})"""


def _warnings(group: Warnings, number: int, start: str, table: str) -> str:
    newest, oldest = seconds(group.until), seconds(group.since)
    columns = {
        "team_id": _one_of(group.teams),
        "source": "'plugin-server'",
        "type": quoted(group.type),
        "details": f"concat('{{\"distinctId\": \"', {EMAIL}, '\"}}')",
        "timestamp": "warned",
        "_timestamp": "warned",
        "_offset": "n",
    }
    if table == NEWER_WARNINGS:
        columns |= {"severity": quoted(group.severity), "category": quoted(group.category), "distinct_id": EMAIL}
    return f"""
        INSERT INTO {table} ({", ".join(columns)})
        WITH intDiv({oldest - newest} * ({group.count} - 1 - number), {max(group.count - 1, 1)}) AS before_the_newest,
             {start} - {newest} - before_the_newest AS warned,
             number AS n,
             sipHash64(n, {number}) AS salt
        SELECT {", ".join(columns.values())} FROM numbers({group.count})"""


def _dead_letters(group: DeadLetters, number: int, start: str, *, tags: bool) -> str:
    newest, oldest = seconds(group.until), seconds(group.since)
    error = quoted(group.error)
    for placeholder, value in PLACEHOLDERS.items():
        error = f"replaceAll({error}, '{{{placeholder}}}', {value})"
    payload = f'concat(\'{{"token": "{PROJECT_TOKEN}", "distinct_id": "\', {EMAIL}, \'"}}\')'
    columns = {
        "id": _uuid("row"),
        "event_uuid": _uuid("event"),
        "event": f"{NAMES}[salt % 5 + 1]",
        "properties": payload,
        "distinct_id": EMAIL,
        "team_id": _one_of(group.teams),
        "ip": ADDRESS,
        "site_url": "'https://posthog.customer.example'",
        "now": "failed - 1",
        "raw_payload": payload,
        "error_timestamp": "failed",
        "error_location": quoted(group.location),
        "error": error,
        "_timestamp": "failed",
        "_offset": "n",
    }
    if tags:
        columns["tags"] = "['plugin_server', 'ingest_event']"
    return f"""
        INSERT INTO events_dead_letter_queue ({", ".join(columns)})
        WITH intDiv({oldest - newest} * ({group.count} - 1 - number), {max(group.count - 1, 1)}) AS before_the_newest,
             {start} - {newest} - before_the_newest AS failed,
             number AS n,
             sipHash64(n, {number}) AS salt
        SELECT {", ".join(columns.values())} FROM numbers({group.count})"""


def _uuid(what: str) -> str:
    return f"toUUID(UUIDNumToString(sipHash128(salt, '{what}')))"


def _one_of(teams: tuple[int, ...]) -> str:
    return f"{list(teams)}[salt % {len(teams)} + 1]"
