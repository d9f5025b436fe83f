"""Every scenario of the lab, through the installed command, with its expected verdict, exit code and exact claims."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from diagnostics.lab import scenarios
from diagnostics.lab.scenario import Scenario

DIAG = Path(sys.executable).with_name("diag")


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.id)
def test_the_verdict_is_as_expected(scenario: Scenario, tmp_path: Path) -> None:
    done = subprocess.run(
        [DIAG, "demo", scenario.id, "--format", "json"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ,
        check=False,
    )
    report = json.loads(done.stdout)
    expect, verdict = scenario.expect, report["verdict"]
    got = (verdict["status"], verdict["code"], verdict["stage"], tuple(verdict["also"]), done.returncode)
    assert got == (expect.status, expect.code, expect.stage, expect.also, expect.exit), done.stdout
    claims = {finding["claim"] for check in report["checks"] for finding in check["findings"]}
    for claim in expect.claims:
        assert any(claim in made for made in claims), f"{claim!r} is not among {sorted(claims)}"
    schema = json.loads(subprocess.run([DIAG, "schema"], capture_output=True, text=True, check=True).stdout)
    jsonschema.validate(report, schema)
