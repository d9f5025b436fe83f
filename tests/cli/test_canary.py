"""`--canary`: what it needs, what it sends, and what is never sent without it."""

import json
from pathlib import Path

import pytest

from diagnostics.lab.capture import Capture
from diagnostics.lab.http import Server
from tests.cli.diag import diag

TOKEN = {"DIAG_PROJECT_TOKEN": "phc_Zq3mV8sKc2TfXw7LpR5dYb1NhJ9uEaG4oI6xQvCtSzB"}
NEEDS_TOKEN = "project_token (DIAG_PROJECT_TOKEN), the token of the project that it is sent to"
NEEDS_ADDRESS = "capture_url (DIAG_CAPTURE_URL), the address that it is sent to"


@pytest.mark.parametrize(
    ("environment", "needs"),
    [
        ({"DIAG_CAPTURE_URL": "http://capture.invalid:3000"}, NEEDS_TOKEN),
        ({**TOKEN, "DIAG_CLICKHOUSE_URL": "http://clickhouse.invalid:8123/posthog"}, NEEDS_ADDRESS),
        ({"DIAG_CLICKHOUSE_URL": "http://clickhouse.invalid:8123/posthog"}, f"{NEEDS_TOKEN} and {NEEDS_ADDRESS}"),
    ],
)
def test_without_a_token_or_an_address_it_is_refused(tmp_path: Path, environment: dict[str, str], needs: str) -> None:
    done = diag("run", "--canary", cwd=tmp_path, environment=environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"diag: --canary sends one event, and needs {needs}\n"


def test_without_the_option_nothing_is_sent(tmp_path: Path) -> None:
    with Server(Capture()) as server:
        done = diag("run", "--format", "json", cwd=tmp_path, environment={**TOKEN, "DIAG_CAPTURE_URL": server.url})
    assert {request.method for request in server.requests} == {"GET"}
    canary = next(check for check in json.loads(done.stdout)["checks"] if check["id"] == "canary")
    assert (canary["status"], canary["reason"]) == ("skipped", "only with --canary")


def test_with_it_one_event_is_sent_and_the_token_is_shown_nowhere(tmp_path: Path) -> None:
    with Server(Capture()) as server:
        options = ("run", "--canary", "--only", "canary", "--verbose", "--format", "markdown")
        done = diag(*options, cwd=tmp_path, environment={**TOKEN, "DIAG_CAPTURE_URL": server.url})
    assert "1 event was sent, nothing else written." in done.stdout
    [sent] = [request for request in server.requests if request.method == "POST"]
    assert TOKEN["DIAG_PROJECT_TOKEN"].encode() in sent.body
    assert TOKEN["DIAG_PROJECT_TOKEN"] not in done.stdout + done.stderr


def test_the_plan_shows_the_post_only_with_the_option(tmp_path: Path) -> None:
    environment = {**TOKEN, "DIAG_CAPTURE_URL": "http://capture.invalid:3000"}
    plan = diag("run", "--plan", cwd=tmp_path, environment=environment).stdout
    assert "POST" not in plan
    assert "canary: only with --canary" in plan
    assert "POST /i/v0/e/" in diag("run", "--plan", "--canary", cwd=tmp_path, environment=environment).stdout


def test_the_list_of_checks_says_with_what_it_is_active(tmp_path: Path) -> None:
    done = diag("checks", cwd=tmp_path, environment={**TOKEN, "DIAG_CAPTURE_URL": "http://capture.invalid:3000"})
    canary = done.stdout.partition("\ncanary\n")[2] or done.stdout.partition("canary\n")[2]
    assert "state   active only with --canary" in canary.split("\n\n")[0]
