"""A broken install as data: one small TOML file in `scenarios/`, written from a real case, and the verdict that diag owes it.

Everything has the default of a healthy install, so a file says only what is wrong. Times are relative to the start (`40m`).
`docs` of the keys are those of the structs below; an unknown key is an error.
"""

import difflib
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct, structs

from diagnostics.lab.account import Node
from diagnostics.lab.ago import Ago
from diagnostics.lab.app import App
from diagnostics.lab.capture import Capture
from diagnostics.lab.kafka import Kafka, Letters, Topic
from diagnostics.lab.plugin_server import Health, PluginServer
from diagnostics.lab.schema import Era
from diagnostics.lab.sentry import Issue, Project, Sentry
from diagnostics.report.model import Stage

DIRECTORY = Path(__file__).with_name("scenarios")


class ScenarioError(Exception):
    """A scenario file that cannot be used: which one, where in it, and what was probably meant."""


class ClickHouse(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How diag's user finds ClickHouse. `readonly` is that of its profile; `denied` and `hidden` are tables.

    With `nodes` it is the first of a cluster, whose others can be asked unless `remote` is false. `version` is what it calls
    itself. diag was told of `database`, PostHog's own is `posthog`; what answers at its address may be `another` service.
    """

    up: bool = True
    wrong_password: bool = False
    version: str = ""
    database: str = "posthog"
    another: bool = False
    readonly: Literal[0, 1, 2] = 0
    denied: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    nodes: tuple[Node, ...] = ()
    remote: bool = True


class Events(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Eight days of rows in `events` that end `until` ago: at most `per_hour`, fewer at night. `per_hour` 0 is an empty table.

    Every day nothing arrives for `quiet_for`; today that began `quiet_since` ago. With `weekend_since`, two days of every
    week bring a twentieth; these began so long ago. Only the share `fewer` arrives since `fewer_since`.
    Since `late_since` rows come later and later: by now the plugin server takes them so long after capture did
    (`late_in_plugin_server`, visible since 2026), Kafka so long after the plugin server (`late_in_kafka`), ClickHouse so long
    after Kafka (`late_in_clickhouse`). The share `misdated` is dated `ahead` and `behind` of its arrival.
    `imported` rows of the last hour are dated over the last year, and marked as such since 2026.
    """

    per_hour: int = 60
    until: Ago = "0s"
    quiet_for: Ago = "0s"
    quiet_since: Ago = "0s"
    weekend_since: Ago | None = None
    fewer: float = 1.0
    fewer_since: Ago = "0s"
    late_since: Ago = "2h"
    late_in_plugin_server: Ago = "0s"
    late_in_kafka: Ago = "0s"
    late_in_clickhouse: Ago = "0s"
    misdated: float = 0.0
    ahead: Ago = "0s"
    behind: Ago = "0s"
    imported: int = 0
    teams: tuple[int, ...] = (2, 7, 31)


class DeadLetters(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rows of one kind in `events_dead_letter_queue`, evenly from `since` ago to `until` ago.

    `{uuid}`, `{number}`, `{word}`, `{email}` and `{ip}` in `error` are made anew for each row.
    """

    count: int
    error: str
    since: Ago
    until: Ago = "0s"
    location: str = "plugin_server_ingest_event"
    teams: tuple[int, ...] = (2, 7, 31)


class Warnings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rows of one type in `ingestion_warnings`, evenly from `since` ago to `until` ago; since 2026 in both tables of that name.

    `severity` and `category` are known to the newer one alone.
    """

    type: str
    count: int
    since: Ago
    until: Ago = "0s"
    severity: Literal["error", "warning", "info"] = "error"
    category: str = "event"
    teams: tuple[int, ...] = (2, 7, 31)


class Expect(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `diag run` has to say. `claims` are fragments of the claims, word for word; `also` other failing codes."""

    status: Literal["healthy", "warning", "problem", "inconclusive"]
    exit: int
    code: str | None = None
    stage: Stage | None = None
    also: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()


class Scenario(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One install. `id` is the name of its file, `title` says what is wrong, `story` what it is like in real life.

    `overlay` are rows of tables of `system` (`[[overlay.replicas]]`), whose times may be `ago 40m`; one with a `node` is that
    node's. `sql` are statements to run in PostHog's database at the end.
    `options` are those of `diag run` that the case is about, `thresholds` are set as in `diag.toml`.
    """

    title: str
    story: str
    expect: Expect
    id: str = ""
    stage: Stage | None = None
    era: Era = Era.Y2024
    options: tuple[str, ...] = ()
    thresholds: dict[str, float] = {}
    capture: Capture = Capture()
    kafka: Kafka = Kafka()
    plugin_server: PluginServer = PluginServer()
    more_plugin_servers: tuple[PluginServer, ...] = ()
    app: App = App()
    sentry: Sentry = Sentry()
    clickhouse: ClickHouse = ClickHouse()
    events: Events = Events()
    dead_letters: tuple[DeadLetters, ...] = ()
    warnings: tuple[Warnings, ...] = ()
    overlay: dict[str, tuple[dict[str, Any], ...]] = {}
    sql: tuple[str, ...] = ()


KEYS = {
    field.name
    for kind in (
        Scenario,
        Expect,
        ClickHouse,
        Events,
        DeadLetters,
        Warnings,
        Capture,
        Kafka,
        Topic,
        Letters,
        PluginServer,
        Health,
        App,
        Sentry,
        Issue,
        Project,
    )
    for field in structs.fields(kind)
}


def load(path: Path) -> Scenario:
    """Reads one file. Raises ScenarioError."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        scenario = msgspec.convert(content, Scenario)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ScenarioError(f"{path.name}: {error}{_meant(str(error))}") from None
    return structs.replace(scenario, id=path.stem)


@cache
def scenarios() -> tuple[Scenario, ...]:
    """All of them: the healthy ones first, then along the path. Raises ScenarioError."""
    stages = list(Stage)
    found = [load(path) for path in sorted(DIRECTORY.glob("*.toml"))]
    return tuple(sorted(found, key=lambda scenario: stages.index(scenario.stage) if scenario.stage else -1))


def _meant(message: str) -> str:
    unknown = message.partition("unknown field `")[2].partition("`")[0]
    close = difflib.get_close_matches(unknown, KEYS, n=1)
    return f" (did you mean `{close[0]}`?)" if close else ""
