"""The check of dead letters beside the SELECT that it replaces, on a table like PostHog's with 10 million rows on disk.

    python -m tests.benchmarks.dead_letters [ROWS]

Needs about 3 GB of disk under the temporary directory for a few minutes. Both go through the same HTTP interface of the same
engine and are warm. All rows of the hand-typed SELECT are fetched twice over: as TSV that nobody reads, and as rows by the
client that diag uses. Medians of three rounds; rows and bytes read are the storage's own counters, as the engine reports them.
Target for the default window: a tenth of the hand-typed SELECT, under 100 MB of the server's memory, at most 50 groups.
"""

import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from http.client import HTTPConnection

import clickhouse_connect
import msgspec
from msgspec import Struct

from diagnostics import QueryText
from diagnostics.lab.engine import Database, Engine
from diagnostics.report.model import CheckResult
from tests.checks.dead_letters.looking import HOUR, result, table
from tests.checks.dead_letters.written import WRITTEN, error_sql

ROUNDS = 3
DAY = 24 * HOUR
AT_ONCE = 1_000_000
BY_HAND = "SELECT error_location, error FROM events_dead_letter_queue"
SENDER = "concat('jane.doe+', toString(number), '@customer.example')"
PROPERTIES = "concat('\"$prop_', toString(number % 97), '\": \"', hex(sipHash64(number, 1)), '\", ')"
PAYLOAD = (
    f'concat(\'{{"event": "$pageview", "token": "phc_\', hex(sipHash64(number)), \'", "distinct_id": "\', {SENDER}, '
    f"'\", \"properties\": {{', repeat({PROPERTIES}, 12), '}}}}')"
)


class Measured(Struct, frozen=True, kw_only=True):
    """The median of fetching all rows."""

    how: str
    seconds: float


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    folder = tempfile.mkdtemp(prefix="dead-letters-")
    try:
        with Engine(f"{folder}/store") as engine:
            db = engine.database()
            fill(db, count)
            by_hand = [measured("as TSV", lambda: as_text(db)), measured("as rows", lambda: as_rows(db))]
            judge(db, "in the parts that inserting left", by_hand)
            db.execute("SYSTEM START MERGES events_dead_letter_queue")
            db.execute("OPTIMIZE TABLE events_dead_letter_queue FINAL")
            judge(db, "all merged into one part, so that no row of another day can be passed over", by_hand)
    finally:
        shutil.rmtree(folder)


def fill(db: Database, count: int) -> None:
    """All errors in equal shares, oldest first, evenly over 27 days (rows are deleted after four weeks)."""
    began = time.perf_counter()
    which = f"sipHash64(number) % {len(WRITTEN)}"
    errors = ", ".join(f"{which} = {n}, {error_sql(text)}" for n, (_, text, _) in enumerate(WRITTEN))
    places = ", ".join(f"{which} = {n}, '{place}'" for n, (place, _, _) in enumerate(WRITTEN))
    for first in range(0, count, AT_ONCE):
        db.execute(
            "INSERT INTO events_dead_letter_queue (id, event_uuid, event, properties, distinct_id, team_id, ip, now, "
            "raw_payload, error_timestamp, error_location, error, tags, _timestamp, _offset) "
            f"SELECT generateUUIDv4(1), generateUUIDv4(2), '$pageview', {PAYLOAD}, {SENDER}, sipHash64(number, 2) % 20, "
            f"'203.0.113.7', now(), {PAYLOAD}, now(), multiIf({places}, ''), multiIf({errors}, ''), ['plugin_server'], "
            f"now() - toUInt32({27 * DAY} * (1 - number / {count})), number "
            f"FROM numbers({first}, {min(AT_ONCE, count - first)})"
        )
    db.execute("SYSTEM STOP MERGES events_dead_letter_queue")
    version = db.execute("SELECT version()").strip()
    print(f"ClickHouse {version}, filled in {time.perf_counter() - began:.0f} s")


def judge(db: Database, layout: str, by_hand: Sequence[Measured]) -> None:
    size = "SELECT count(), round(sum(data_uncompressed_bytes) / 1e9, 2), round(sum(bytes_on_disk) / 1e9, 2) FROM system.parts"
    parts, raw, disk = db.execute(f"{size} WHERE active AND database = '{db.name}'").split()
    rows, errors = db.execute("SELECT count(), uniq(error) FROM events_dead_letter_queue").split()
    print(f"{layout}: {int(rows):,} rows, about {int(errors):,} different errors, {parts} parts, {raw} GB, {disk} GB on disk")
    for label, window in (("24 h, the default", DAY), ("28 days, all rows", 28 * DAY)):
        compare(db, label, window, by_hand)


def measured(how: str, fetch: Callable[[], dict[str, str]]) -> Measured:
    took: list[float] = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        counted = fetch()
        took.append(time.perf_counter() - began)
    seconds, rows, size = statistics.median(took), int(counted["read_rows"]), int(counted["read_bytes"])
    print(f"by hand, all fetched {how}: {seconds:.2f} s, {rows:,} rows and {size / 1e6:,.0f} MB read")
    return Measured(how=how, seconds=seconds)


def as_text(db: Database) -> dict[str, str]:
    """Reads the answer to its end; returns the server's summary of what it cost."""
    connection = HTTPConnection("127.0.0.1", db.port)
    headers = {"X-ClickHouse-User": db.user, "X-ClickHouse-Key": db.password}
    connection.request("POST", f"/?database={db.name}", f"{BY_HAND} FORMAT TSV".encode(), headers)
    response = connection.getresponse()
    while response.read(1 << 20):
        pass
    connection.close()
    return msgspec.json.decode(response.headers["X-ClickHouse-Summary"], type=dict[str, str])


def as_rows(db: Database) -> dict[str, str]:
    client = clickhouse_connect.get_client(
        host="127.0.0.1", port=db.port, username=db.user, password=db.password, database=db.name, compress=False
    )
    with client.query_rows_stream(BY_HAND) as rows:
        deque(rows, maxlen=0)
    client.close()
    return {key: str(value) for key, value in rows.source.summary.items()}


def compare(db: Database, label: str, window: float, by_hand: Sequence[Measured]) -> None:
    rounds: list[tuple[float, CheckResult]] = []
    for _ in range(ROUNDS):
        db.execute("SYSTEM DROP QUERY CONDITION CACHE")
        began = time.perf_counter()
        looked = result(db, since=window)
        rounds.append((time.perf_counter() - began, looked))
    seconds, looked = sorted(rounds, key=lambda one: one[0])[ROUNDS // 2]
    cost = looked.cost.clickhouse
    tables = [table(finding) for finding in looked.findings]
    groups = sum(len(found.rows) + found.omitted for found in tables)
    print(f"the check, {label}: {looked.status}, {[finding.claim for finding in looked.findings]}")
    print(
        f"  {seconds:.2f} s with connecting, {cost.elapsed_s:.2f} s of it ClickHouse; {cost.queries} queries, {groups} groups; "
        f"{cost.read_rows:,} rows and {cost.read_bytes / 1e6:,.0f} MB read; peak memory {peak_memory(db, looked) / 1e6:.0f} MB"
    )
    print("  " + ", ".join(f"{seconds / hand.seconds:.3f} of by hand {hand.how}" for hand in by_hand))


def peak_memory(db: Database, looked: CheckResult) -> int:
    """Bytes, sampled in `system.processes` while the query runs once more with exact accounting."""
    (sql,) = {text.text for finding in looked.findings for text in finding.evidence if isinstance(text, QueryText)}
    exact = f"{sql} SETTINGS max_threads = 2, max_untracked_memory = 16384, use_query_condition_cache = 0"
    running = threading.Thread(target=db.execute, args=(exact,))
    running.start()
    peak = 0
    while running.is_alive():
        ours = "query LIKE '%countResample%' AND query NOT LIKE '%system.processes%'"
        peak = max(peak, int(db.execute(f"SELECT max(peak_memory_usage) FROM system.processes WHERE {ours}") or 0))
        time.sleep(0.005)
    return peak


if __name__ == "__main__":
    main()
