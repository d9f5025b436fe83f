"""The embedded install: a scenario, running."""

import contextlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from msgspec import Struct

from diagnostics.lab.engine import Database, Engine
from diagnostics.lab.http import ClosedPort, Handler, Server
from diagnostics.lab.scenario import Scenario
from diagnostics.lab.seed import rows


class Lab(Struct, frozen=True, kw_only=True):
    """An install that is up. `environment` is all that diag needs to know of it; `database` None where ClickHouse is down."""

    scenario: Scenario
    environment: Mapping[str, str]
    database: Database | None


@contextlib.contextmanager
def start(scenario: Scenario) -> Iterator[Lab]:
    """Starts everything that the scenario has up, and stops it in the end. Raises LabMissing without the extra `lab`."""
    with contextlib.ExitStack() as stack:
        database = _database(scenario, stack) if scenario.clickhouse.up else None
        environment = {
            "DIAG_SITE_URL": _service(scenario.app, stack, up=scenario.app.up),
            "DIAG_PLUGIN_SERVER_URLS": _service(scenario.plugin_server, stack, up=scenario.plugin_server.up),
            "DIAG_CLICKHOUSE_URL": _clickhouse_url(scenario, database, stack),
        }
        if scenario.app.personal_api_key:
            environment["DIAG_PERSONAL_API_KEY"] = scenario.app.personal_api_key
        if scenario.sentry.configured:
            environment |= {
                "DIAG_SENTRY_URL": _service(scenario.sentry, stack, up=scenario.sentry.up),
                "DIAG_SENTRY_ORG": scenario.sentry.org,
                "DIAG_SENTRY_PROJECTS": ",".join(project.slug for project in scenario.sentry.projects),
                "DIAG_SENTRY_TOKEN": scenario.sentry.token,
            }
        yield Lab(scenario=scenario, environment=environment, database=database)


def _service(handler: Handler, stack: contextlib.ExitStack, *, up: bool) -> str:
    return stack.enter_context(Server(handler)).url if up else _nobody(stack)


def _nobody(stack: contextlib.ExitStack) -> str:
    return stack.enter_context(contextlib.closing(ClosedPort())).url


def _clickhouse_url(scenario: Scenario, database: Database | None, stack: contextlib.ExitStack) -> str:
    if database is None:
        return _nobody(stack).replace("//", "//diag:the-password-of-the-lab@") + "/posthog"
    if scenario.clickhouse.wrong_password:
        return database.url.replace(database.password, "changed-last-week")
    return database.url


def _database(scenario: Scenario, stack: contextlib.ExitStack) -> Database:
    engine = stack.enter_context(Engine())
    database = engine.database("posthog", era=scenario.era)
    for statement in rows(scenario, datetime.now(UTC)):
        database.execute(statement)
    for table, overlaid in scenario.overlay.items():
        database.overlay(table, overlaid)
    database.deny(*scenario.clickhouse.denied)
    database.hide(*scenario.clickhouse.hidden)
    database.readonly(scenario.clickhouse.readonly)
    return database
