# ruff: noqa: S608 - the only SQL here is written by the lab for its own engine, from scenario files
"""The rows of a scenario, as SQL that makes them: the same every time, only moved to the start.

They hold what real rows hold, including what must never be printed: addresses, e-mails and project tokens, all invented.
"""

from collections.abc import Iterator
from datetime import datetime

from diagnostics.lab.ago import seconds
from diagnostics.lab.scenario import DeadLetters, Events, Scenario
from diagnostics.lab.schema import Era
from diagnostics.lab.sql import quoted

DAY = 86_400
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


def rows(scenario: Scenario, start: datetime) -> Iterator[str]:
    """The statements that fill PostHog's tables; `start` is in UTC."""
    names = ", ".join(f"('posthog.clickhouse.migrations', {quoted(name)}, today() - 90)" for name in MIGRATIONS[scenario.era])
    yield f"INSERT INTO infi_clickhouse_orm_migrations VALUES {names}"
    yield _events(scenario.events, scenario.era, _literal(start))
    for number, group in enumerate(scenario.dead_letters):
        yield _dead_letters(group, number, _literal(start), tags=scenario.era is not Era.Y2021)
    yield from scenario.sql


def _literal(start: datetime) -> str:
    return f"toDateTime64('{start:%Y-%m-%d %H:%M:%S}', 6, 'UTC')"


def _events(events: Events, era: Era, start: str) -> str:
    """One slot every `3600 / per_hour` seconds back from the newest; fewer slots are taken twelve hours from the daily peak."""
    columns = {
        "uuid": _uuid("event"),
        "event": f"{NAMES}[salt % 5 + 1]",
        "properties": f'concat(\'{{"$ip": "\', {ADDRESS}, \'", "email": "\', {EMAIL}, \'"}}\')',
        "timestamp": "arrived - 2",
        "team_id": _one_of(events.teams),
        "distinct_id": EMAIL,
        "created_at": "arrived - 1",
        "_timestamp": "arrived",
        "_offset": "n",
    }
    if era is not Era.Y2021:
        columns |= {"person_id": _uuid("person"), "inserted_at": "arrived"}
    step = 3600 / events.per_hour
    newest = seconds(events.until)
    quiet_since = seconds(events.quiet_since)
    still_quiet = seconds(events.quiet_for) - quiet_since
    return f"""
        INSERT INTO events ({", ".join(columns)})
        WITH {newest} + toUInt64(number * {step}) AS age,
             age % {DAY} AS time_of_day,
             0.6 + 0.4 * cos(2 * pi() * (time_of_day / {DAY} - 0.25)) AS rate,
             {start} - age AS arrived,
             number AS n,
             sipHash64(n) AS salt
        SELECT {", ".join(columns.values())}
        FROM numbers({int(HISTORY / step)})
        WHERE time_of_day BETWEEN {quiet_since} AND {DAY - still_quiet} AND (n = 0 OR salt % 1000 < 1000 * rate)"""


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
