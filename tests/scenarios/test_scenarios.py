"""Every scenario of the lab, through the installed command, with its expected verdict, exit code and exact claims."""

import json
import subprocess

import jsonschema
import pytest

from diagnostics.lab import scenarios
from diagnostics.lab.scenario import Scenario
from tests.scenarios.walking import DIAG, walked


@pytest.fixture(scope="session")
def schema() -> object:
    return json.loads(subprocess.run([DIAG, "schema"], capture_output=True, text=True, check=True).stdout)


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.id)
def test_the_lab_holds_what_the_scenario_says(scenario: Scenario) -> None:
    walk = walked(scenario.id)
    assert set(walk.environment) >= {"DIAG_SITE_URL", "DIAG_PLUGIN_SERVER_URLS", "DIAG_CLICKHOUSE_URL"}
    assert ("DIAG_SENTRY_TOKEN" in walk.environment) == scenario.sentry.configured
    assert walk.letters in (None, sum(group.count for group in scenario.dead_letters))
    assert walk.letters is not None or not scenario.clickhouse.up or scenario.sql


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.id)
def test_the_verdict_is_as_expected(scenario: Scenario, schema: object) -> None:
    walk = walked(scenario.id)
    report = walk.printed
    expect, verdict = scenario.expect, report["verdict"]
    got = (verdict["status"], verdict["code"], verdict["stage"], tuple(verdict["also"]), walk.exit)
    assert got == (expect.status, expect.code, expect.stage, expect.also, expect.exit), walk.output
    claims = {finding["claim"] for check in report["checks"] for finding in check["findings"]}
    for claim in expect.claims:
        assert any(claim in made for made in claims), f"{claim!r} is not among {sorted(claims)}"
    jsonschema.validate(report, schema)
