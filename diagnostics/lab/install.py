"""The embedded install: a scenario, running."""

import contextlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from msgspec import Struct, structs

from diagnostics.lab.delivery import Delivery
from diagnostics.lab.engine import Database, Engine
from diagnostics.lab.http import NOT_FOUND, ClosedPort, Handler, Server
from diagnostics.lab.kafka_broker import KafkaBroker
from diagnostics.lab.scenario import Scenario
from diagnostics.lab.seed import PROJECT_TOKEN, rows


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
            "DIAG_CAPTURE_URL": _capture_url(scenario, database, stack),
            "DIAG_PROJECT_TOKEN": PROJECT_TOKEN,
            "DIAG_PLUGIN_SERVER_URLS": ",".join(
                _service(structs.replace(each), stack, up=each.up)  # a fresh one, since its counters begin anew
                for each in (scenario.plugin_server, *scenario.more_plugin_servers)
            ),
            "DIAG_CLICKHOUSE_URL": _clickhouse_url(scenario, database, stack),
        }
        if scenario.app.personal_api_key:
            environment["DIAG_PERSONAL_API_KEY"] = scenario.app.personal_api_key
        if scenario.kafka.configured:
            environment["DIAG_KAFKA_BROKERS"] = _kafka(scenario, stack)
        if scenario.sentry.configured:
            environment |= {
                "DIAG_SENTRY_URL": _service(scenario.sentry, stack, up=scenario.sentry.up),
                "DIAG_SENTRY_ORG": scenario.sentry.told_org or scenario.sentry.org,
                "DIAG_SENTRY_PROJECTS": ",".join(project.slug for project in scenario.sentry.projects),
                "DIAG_SENTRY_TOKEN": scenario.sentry.token,
            }
        yield Lab(scenario=scenario, environment=environment, database=database)


def _service(handler: Handler, stack: contextlib.ExitStack, *, up: bool) -> str:
    return stack.enter_context(Server(handler)).url if up else _nobody(stack)


def _kafka(scenario: Scenario, stack: contextlib.ExitStack) -> str:
    if not scenario.kafka.up:
        return _nobody(stack).removeprefix("http://")
    return stack.enter_context(KafkaBroker(scenario.kafka)).address


def _nobody(stack: contextlib.ExitStack) -> str:
    return stack.enter_context(contextlib.closing(ClosedPort())).url


def _capture_url(scenario: Scenario, database: Database | None, stack: contextlib.ExitStack) -> str:
    delivery = stack.enter_context(Delivery(scenario.capture, database, scenario.era))
    return _service(delivery, stack, up=scenario.capture.up)


def _clickhouse_url(scenario: Scenario, database: Database | None, stack: contextlib.ExitStack) -> str:
    if database is None or scenario.clickhouse.another:
        address = _service(lambda _: NOT_FOUND, stack, up=scenario.clickhouse.another)
        return address.replace("//", "//diag:the-password-of-the-lab@") + "/posthog"
    url = database.url.removesuffix(database.name) + scenario.clickhouse.database
    return url.replace(database.password, "changed-last-week") if scenario.clickhouse.wrong_password else url


def _database(scenario: Scenario, stack: contextlib.ExitStack) -> Database:
    engine = stack.enter_context(Engine())
    database = engine.database("posthog", era=scenario.era)
    for statement in rows(scenario, datetime.now(UTC)):
        database.execute(statement)
    if scenario.clickhouse.nodes:
        database.cluster(*scenario.clickhouse.nodes, remote=scenario.clickhouse.remote)
    if scenario.overlay:
        database.overlays(scenario.overlay)
    database.call_itself(scenario.clickhouse.version)
    database.deny(*scenario.clickhouse.denied)
    database.hide(*scenario.clickhouse.hidden)
    database.readonly(scenario.clickhouse.readonly)
    return database
