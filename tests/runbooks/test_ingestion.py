"""The ingestion runbook: what `diag explain` prints to a customer at night must be complete, safe to follow, and true."""

import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from diagnostics.cli.run import run
from diagnostics.config.settings import SETTINGS
from diagnostics.engine.runbook import FrontMatter, RunbookStep, load
from diagnostics.lab.engine import Engine
from diagnostics.sources.clickhouse.columns import READABLE

DIRECTORY = Path(__file__).parents[2] / "runbooks"
RUNBOOK = load([DIRECTORY])["ingestion"]
TEXT = RUNBOOK.path.read_text(encoding="utf-8")
EACH_SECTION = pytest.mark.parametrize("section", RUNBOOK.sections.values(), ids=RUNBOOK.sections.keys())

PARAGRAPHS = ["What it means.", "How sure.", "Confirm.", "Fix.", "Safe?", "Ask.", "Thresholds."]
OPTIONAL = {"Ask.", "Thresholds."}
SELECT = re.compile(r"\bSELECT\s.*?(?=;|\"\s*$|\Z)", re.IGNORECASE | re.DOTALL | re.MULTILINE)
AGGREGATE = re.compile(r"\b(count|sum|min|max|uniq)\(", re.IGNORECASE)
PERSONAL = re.compile(
    r"\b(raw_payload|properties|person_properties|distinct_id|elements_chain|ip)\b|\bSELECT\s+\*", re.IGNORECASE
)
CHANGES = re.compile(
    r"\b(restart|start|stop|up -d|scale|set env|rollout undo|alter|migrate|delete|drop|detach|attach|rm|upgrade)\b"
    r"|--data\b|-X\b",
    re.IGNORECASE,
)


def fences(markdown: str) -> list[Token]:
    return [token for token in MarkdownIt().parse(markdown) if token.type == "fence"]


def paragraph(section: str, name: str) -> str:
    """From the bold `name` to the next bold paragraph of the section."""
    following = "|".join(re.escape(other) for other in PARAGRAPHS if other != name)
    found = re.search(rf"^\*\*{re.escape(name)}\*\*(.*?)(?=^\*\*(?:{following})\*\*|\Z)", section, re.DOTALL | re.MULTILINE)
    assert found, name
    return found[1]


def statements(kind: str) -> list[str]:
    """The SQL statements of all `sql` blocks whose first word is (or, with `!`, is not) the kind."""
    every = [part.strip() for block in fences(TEXT) if block.info == "sql" for part in block.content.split(";") if part.strip()]
    return [sql for sql in every if sql.upper().startswith("SELECT") is (kind == "select")]


def test_the_front_matter_is_the_support_heros_three_steps() -> None:
    assert RUNBOOK.front == FrontMatter(
        id="ingestion",
        title="Events are sent, but do not show up",
        steps=(
            RunbookStep("Is the plugin server alive and healthy?", ("plugin-server-health", "plugin-server-heartbeat")),
            RunbookStep("Does Sentry show errors?", ("sentry-issues",)),
            RunbookStep("What is in the dead letter queue?", ("dead-letters",)),
        ),
        also=("*",),
        ask=RUNBOOK.front.ask,
    )
    assert set(RUNBOOK.front.ask) == {"problem", "warning", "inconclusive", "healthy"}


QUESTIONS = [question for asked in (*RUNBOOK.questions.values(), *RUNBOOK.front.ask.values()) for question in asked]


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_can_be_asked_of_a_customer_as_it_stands(question: str) -> None:
    assert question[0].isupper()
    assert question.endswith(("?", "?)", "."))
    assert "?" in question
    assert len(question) <= 170
    assert not re.search(r"[`*]", question)


def test_a_section_asks_three_questions_at_most_and_those_that_an_install_can_fail_with_ask() -> None:
    assert max(len(asked) for asked in RUNBOOK.questions.values()) == 3
    assert {
        code
        for code in ("dead-letters.active", "plugin-server.unreachable", "app.postgres-down")
        if not RUNBOOK.questions[code]
    } == set()


def test_the_steps_by_hand_come_first_and_warn_of_kafka_tables() -> None:
    prose = TEXT.split("\n## ")[0]
    assert re.findall(r"^### (.*)$", prose, re.MULTILINE) == [
        f"{number}. {step.title}" for number, step in enumerate(RUNBOOK.front.steps, 1)
    ]
    assert "**Never `SELECT` from a ClickHouse table whose name starts with `kafka_`.**" in prose


def test_every_section_is_that_of_a_code() -> None:
    assert len(RUNBOOK.sections) >= 26
    assert [heading for heading in RUNBOOK.sections if not re.fullmatch(r"[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*", heading)] == []


@EACH_SECTION
def test_a_section_has_its_paragraphs_in_order(section: str) -> None:
    leads = re.findall(r"^\*\*(.+?)\*\*", section, re.MULTILINE)
    assert leads == [name for name in PARAGRAPHS if name in leads or name not in OPTIONAL]
    assert all(len(paragraph(section, lead).split()) >= 3 for lead in leads)


@EACH_SECTION
def test_a_section_tells_how_to_look_and_looking_changes_nothing(section: str) -> None:
    commands = [block.content for block in fences(paragraph(section, "Confirm."))]
    assert commands
    assert [command for command in commands if CHANGES.search(command)] == []


@EACH_SECTION
def test_a_fix_is_given_for_every_kind_of_install(section: str) -> None:
    fix = paragraph(section, "Fix.")
    assert fences(fix)
    kinds = {kind for kind in ("docker compose", "Kubernetes", "plain host") if kind in fix}
    diag_only = all(re.match(r"(export DIAG_|diag )", block.content) for block in fences(fix))
    assert kinds == {"docker compose", "Kubernetes", "plain host"} or diag_only


@EACH_SECTION
def test_safe_begins_with_a_plain_answer(section: str) -> None:
    answer = paragraph(section, "Safe?").split()[0]
    assert answer in {"Yes.", "No.", "Mostly.", "Looking", "Starting", "Restarting", "Correcting"}


def test_no_block_is_empty_and_every_block_says_its_language() -> None:
    assert [block.map for block in fences(TEXT) if not block.content.strip() or block.info not in ("sh", "sql")] == []


@pytest.mark.parametrize("sql", [found[0] for block in fences(TEXT) for found in SELECT.finditer(block.content)])
def test_no_select_reads_personal_data_or_consumes_messages_or_is_without_bounds(sql: str) -> None:
    assert not re.search(r"\bFROM\s+(?!system\.)(\w+\.)?kafka_", sql, re.IGNORECASE)
    assert not PERSONAL.search(sql)
    assert AGGREGATE.search(sql) or re.search(r"\bLIMIT \d+", sql) or not re.search(r"\bFROM\b", sql, re.IGNORECASE)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT count() FROM posthog.kafka_events_json;",
        "SELECT raw_payload FROM events_dead_letter_queue LIMIT 1;",
        "SELECT event FROM events;",
        "SELECT * FROM events LIMIT 5;",
    ],
)
def test_the_rule_for_selects_can_fail(text: str) -> None:
    found = SELECT.search(text)
    assert found
    with pytest.raises(AssertionError):
        test_no_select_reads_personal_data_or_consumes_messages_or_is_without_bounds(found[0])


def test_every_select_runs_on_clickhouse(engine: Engine) -> None:
    database = engine.database()
    ran = [database.execute(sql) for sql in statements("select")]
    assert len(ran) >= 9


def test_every_other_statement_is_understood_by_clickhouse(engine: Engine) -> None:
    understood = [engine.execute(f"EXPLAIN AST {sql}") for sql in statements("other")]
    assert len(understood) >= 8


def test_the_grants_are_those_that_the_checks_need_and_no_more() -> None:
    section = RUNBOOK.sections["clickhouse.permission-denied"]
    granted = {table: columns for columns, table in re.findall(r"GRANT SELECT\(([^)]*)\)\s+ON posthog\.(\w+)", section)}
    assert {table: frozenset(columns.split(", ")) for table, columns in granted.items()} == {
        table: READABLE[table]
        for table in ("events", "events_dead_letter_queue", "ingestion_warnings", "ingestion_warnings_v2")
    }


def test_settings_and_options_named_exist() -> None:
    assert set(re.findall(r"\bDIAG_[A-Z_]+", TEXT)) <= {name for setting in SETTINGS for name in setting.environment}
    offered = {option for parameter in run.params for option in parameter.opts}
    used = {option for line in re.findall(r"diag run (.*)", TEXT) for option in re.findall(r"--[a-z-]+", line)}
    assert used
    assert used <= offered


def test_references_lead_to_sections_and_checks() -> None:
    assert set(re.findall(r"diag explain ([a-z][a-z.-]+)", TEXT)) <= set(RUNBOOK.sections)
    named = set(re.findall(r"--(?:only|skip) ([a-z][a-z-]+)", TEXT))
    assert named <= {"sentry-issues", "clickhouse-connection"}


def test_replaying_is_told_the_same_for_events_being_lost_and_events_lost() -> None:
    steps = [
        re.findall(r"^\d\. .*(?:\n   .*)*", RUNBOOK.sections[f"dead-letters.{code}"], re.MULTILINE)
        for code in ("active", "past-burst")
    ]
    assert len(steps[0]) == 5
    assert steps[0] == steps[1]
