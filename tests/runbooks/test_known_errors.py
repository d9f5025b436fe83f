"""The catalogue of known errors against texts as installs write them. A wrong match sends somebody after the wrong cause."""

import re
import shlex
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest

from diagnostics.engine.known_errors import KnownError
from diagnostics.engine.runbook import RunbookError, known_errors
from diagnostics.lab.engine import Engine
from diagnostics.report.model import Action
from diagnostics.report.wording import consequence

DIRECTORY = Path(__file__).parents[2] / "runbooks"
RAW: list[dict[str, Any]] = tomllib.loads((DIRECTORY / "known-errors.toml").read_text(encoding="utf-8"))["known"]
KNOWN = known_errors([DIRECTORY])
EXAMPLES: dict[str, list[str]] = tomllib.loads(
    (Path(__file__).parent / "known-errors-examples.toml").read_text(encoding="utf-8")
)
EACH_ENTRY = pytest.mark.parametrize("entry", KNOWN.entries, ids=lambda entry: entry.id)

PROGRAMS = ("docker", "kubectl", "curl", "df", "psql", "pg_isready")
SHELL = re.compile(
    r"\b(docker (compose|system)|kubectl|psql|pg_isready|curl|rpk \w|df -h|manage\.py|SELECT|SYSTEM \w+)\b", re.IGNORECASE
)
CHANGES = re.compile(
    r"\b(restart|stop|start|up -d|scale|set env|alter|create|drop|delete|kill|restore|apply|upgrade)\b|--create\b"
    r"|\bmigrate(_clickhouse)?(?! --check)\b",
    re.IGNORECASE,
)
LOSES_NOTHING = re.compile(
    r"^docker compose restart plugins$|rollout restart deployment/posthog-plugins$"
    r"|^docker compose up -d (plugins|kafka|zookeeper|NAME)$|rpk topic create NAME$|kafka-topics\.sh .*--create --topic NAME$"
)

NEIGHBOURS = [
    "",
    "Event ingestion failed. Error: Cannot read properties of undefined (reading 'name')",
    "ingestEvent failed. Error: something nobody has seen",
    "Code: 47. DB::Exception: Missing columns: 'a' while processing query",
    "Code: 2420. DB::Exception: unheard of",
    "exit code: 241",
    "the error code: 252 of another program",
    "Table posthog.events_copy doesn't exist",
    "The rebalancing of the portfolio is done",
    "There is enough space left on the device",
    'relation "my_table" does not exist',
    "pageview with 60 properties pushed to the view",
    "Deadlines detected: 3",
    "GET /decide 200",
    "connect to 10.0.0.4:54321 took 3 s",
    "A valid UUID was sent",
]

# All codes of the contract, those of later checks included.
CODES = (
    "capture.unreachable",
    "capture.misrouted",
    "capture.cannot-produce",
    "capture.drops-events",
    "capture.rejects-canary",
    "kafka.unreachable",
    "kafka.topic-missing",
    "kafka.no-consumer",
    "kafka.lag",
    "kafka.hot-partition",
    "kafka.retention-loss",
    "kafka.dead-letters",
    "plugin-server.unreachable",
    "plugin-server.unhealthy",
    "plugin-server.not-ready",
    "plugin-server.stalled",
    "plugin-server.no-partitions",
    "plugin-server.drops-events",
    "plugin-server.slow",
    "plugin-server.role-missing",
    "warnings.events-dropped",
    "warnings.events-changed",
    "clickhouse.unreachable",
    "clickhouse.auth-failed",
    "clickhouse.database-missing",
    "clickhouse.not-clickhouse",
    "clickhouse.permission-denied",
    "clickhouse.unsupported-version",
    "clickhouse.events-stale",
    "clickhouse.events-drop",
    "clickhouse.ingestion-lag",
    "clickhouse.table-missing",
    "clickhouse.consumer-failing",
    "clickhouse.view-failing",
    "clickhouse.replica-readonly",
    "clickhouse.too-many-parts",
    "clickhouse.disk-full",
    "clickhouse.distribution-stuck",
    "clickhouse.mutations-stuck",
    "clickhouse.memory-limit",
    "clickhouse.overloaded",
    "clickhouse.migration-pending",
    "app.unreachable",
    "app.not-ready",
    "app.postgres-down",
    "app.redis-down",
    "app.celery-down",
    "app.timestamps-off",
    "app.events-visible",
)


def test_every_entry_has_examples_and_no_example_is_without_an_entry() -> None:
    assert list(EXAMPLES) == [entry.id for entry in KNOWN.entries]


@pytest.mark.parametrize(("id", "text"), [(id, text) for id, texts in EXAMPLES.items() for text in texts])
def test_the_right_entry_wins(id: str, text: str) -> None:
    found = KNOWN.match(text)
    assert found is not None
    assert found.id == id


@pytest.mark.parametrize("planted", ["Healthy with warnings", "graphile_worker.jobs", "sorry, too many clients already"])
def test_a_sender_cannot_choose_the_entry(planted: str) -> None:
    """Ids and uuids come from whoever holds the public project token: they must neither pass for noise nor accuse Postgres."""
    for id, text in (
        ("uuid-invalid", f'ingestEvent failed. Error: Not a valid UUID: "{planted}"'),
        (
            "person-not-found",
            f'ingestEvent failed. Error: Could not find person with distinct id "{planted}" in team "2" to identify',
        ),
        (
            "pipeline-step-stalled",
            f"Event pipeline step stalled. Timeout warning after 30 sec! team_id=2 distinct_id={planted}",
        ),
    ):
        found = KNOWN.match(text)
        assert found is not None
        assert found.id == id


@pytest.mark.parametrize("text", NEIGHBOURS)
def test_neighbours_are_not_taken_for_known_errors(text: str) -> None:
    assert KNOWN.match(text) is None


@pytest.mark.parametrize("entry", RAW, ids=lambda entry: entry["id"])
def test_an_entry_says_everything_and_nothing_else(entry: dict[str, Any]) -> None:
    every = {"id", "pattern", "meaning", "fix", "changes_something", "seen_in", "loses_events", "ingestion"}
    assert every <= set(entry) <= every | {"commands", "safe", "cause"}
    assert ("safe" in entry) is entry["changes_something"]
    assert entry.get("commands") != []
    assert entry.get("cause") in (None, *CODES)


@EACH_ENTRY
def test_the_words_fit_into_a_report(entry: KnownError) -> None:
    assert len(entry.meaning) <= 90
    assert not entry.meaning.endswith(".")
    assert entry.meaning[0].islower() or entry.meaning.startswith(("ClickHouse", "Kafka", "PostHog", "Postgres", "Redis"))
    assert entry.fix[0].isupper()
    assert entry.fix.endswith(".")
    assert len(re.findall(r"[.?!](?= [A-Z]|$)", entry.fix)) <= 2
    assert re.fullmatch(r"[\w.-]+/[\w.-]+(#\d+|:[\w./-]+)", entry.seen_in)


@EACH_ENTRY
def test_noise_accuses_nobody(entry: KnownError) -> None:
    assert entry.ingestion or (entry.cause is None and not entry.loses_events)


@EACH_ENTRY
def test_words_and_commands_are_kept_apart(entry: KnownError) -> None:
    assert "`" not in entry.meaning + entry.fix
    assert not SHELL.search(entry.fix)
    for command in entry.commands:
        assert command.split()[0] in PROGRAMS
        assert command.isprintable()
        assert command == command.strip()
        assert shlex.split(command)
    assert len(set(entry.commands)) == len(entry.commands) <= 5


@pytest.mark.parametrize(
    "fix",
    [
        "Run docker compose ps.",
        "Use kubectl.",
        "Ask psql -c for it.",
        "Call curl http://x.",
        "Run manage.py migrate.",
        "SELECT 1.",
    ],
)
def test_a_command_among_the_words_is_noticed(fix: str) -> None:
    assert SHELL.search(fix)


@EACH_ENTRY
def test_docker_compose_comes_before_kubernetes(entry: KnownError) -> None:
    programs = [command.split()[0] for command in entry.commands]
    if {"docker", "kubectl"} <= set(programs):
        assert programs.index("docker") < programs.index("kubectl")


@EACH_ENTRY
def test_what_changes_something_is_called_so(entry: KnownError) -> None:
    if any(CHANGES.search(command) for command in entry.commands):
        assert entry.changes_something
    if entry.fix.startswith("Do nothing"):
        assert not entry.changes_something
    if entry.changes_something:
        assert not entry.fix.startswith(("Look ", "Read ")) or any(CHANGES.search(command) for command in entry.commands)


@EACH_ENTRY
def test_only_what_loses_nothing_is_called_safe(entry: KnownError) -> None:
    """Restarting the plugin server, starting what is down, making a topic; nothing else among the commands of a safe fix."""
    if entry.safe:
        assert [command for command in entry.commands if CHANGES.search(command) and not LOSES_NOTHING.search(command)] == []


@pytest.mark.parametrize(
    ("command", "changes"),
    [
        ("docker compose restart plugins", True),
        ("docker compose up -d kafka", True),
        ("kubectl -n posthog rollout restart deployment/posthog-plugins", True),
        ("docker compose exec web python manage.py migrate", True),
        ("docker compose exec web python manage.py migrate_clickhouse --check", False),
        ('clickhouse-client -q "SYSTEM RESTORE REPLICA posthog.NAME"', True),
        ('psql -c "alter system set max_connections = 300"', True),
        ("docker compose exec kafka rpk topic create NAME", True),
        ("docker compose ps --all", False),
        ("docker compose logs --since 1h db", False),
        ('clickhouse-client -q "SELECT create_time FROM system.mutations"', False),
    ],
)
def test_commands_that_change_something_are_told_from_those_that_look(command: str, changes: bool) -> None:
    assert bool(CHANGES.search(command)) is changes


def test_no_command_reads_from_a_kafka_table_or_personal_columns() -> None:
    forbidden = re.compile(r"FROM (?!system\.)(\w+\.)?kafka_|raw_payload|properties|distinct_id|SELECT \*", re.IGNORECASE)
    assert [command for entry in KNOWN.entries for command in entry.commands if forbidden.search(command)] == []


def test_every_select_for_clickhouse_runs(engine: Engine) -> None:
    selects = {
        found[1]
        for entry in KNOWN.entries
        for command in entry.commands
        if (found := re.search(r'-q "(SELECT [^"]+)"', command))
    }
    assert len(selects) == 8
    database = engine.database()
    for sql in selects:
        database.execute(sql)


def test_the_action_of_an_entry_says_what_following_it_does() -> None:
    found = {entry.id: entry.action() for entry in KNOWN.entries}
    assert found["consumer-loop-stalled"] == Action(
        text="Restart the plugin server: Kafka keeps what is waiting.",
        commands=("docker compose restart plugins", "kubectl -n posthog rollout restart deployment/posthog-plugins"),
        changes_something=True,
        safe=True,
    )
    assert [
        consequence(found[id])
        for id in ("consumer-loop-stalled", "postgres-too-many-clients", "disk-full", "element-group-exists")
    ] == [
        "changes something, safe",
        "changes something, NOT safe",
        "read-only",
        "",
    ]


def test_an_entry_that_does_not_say_so_is_taken_to_change_something_unsafely() -> None:
    entry = KnownError(id="x", pattern="x", meaning="x", fix="Mend it.", seen_in="x")
    assert entry.action() == Action(text="Mend it.", changes_something=True, safe=False)


def test_a_misspelt_field_is_an_error(tmp_path: Path) -> None:
    entry = "[[known]]\nid = 'x'\npattern = 'x'\nmeaning = 'm'\nfix = 'f'\nseen_in = 's'\n"
    (tmp_path / "known-errors.toml").write_text(entry + "command = ['docker compose ps']\n")
    with pytest.raises(RunbookError, match="unknown field `command`"):
        known_errors([tmp_path])


@EACH_ENTRY
def test_no_text_makes_a_pattern_slow(entry: KnownError) -> None:
    """100 kB of near misses: whatever a stranger puts into an event, looking it up costs milliseconds."""
    pattern = re.compile(entry.pattern, re.IGNORECASE)
    found = pattern.search(EXAMPLES[entry.id][0])
    assert found
    near = found[0][:-1]
    for text in (near * (100_000 // len(near)), near + " " * 100_000 + "x", near + "a" * 100_000, found[0][0] * 100_000):
        started = time.process_time()
        pattern.search(text)
        assert time.process_time() - started < 1
