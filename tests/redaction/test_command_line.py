"""Nothing secret comes out of any command, on whatever way: configuration, options, names of files, a crash, a saved report."""

import json
import os
import pty
import subprocess
from pathlib import Path
from urllib.parse import quote

import pytest

from diagnostics.config.errors import ConfigurationError
from diagnostics.config.load import load
from diagnostics.config.settings import SETTINGS, Kind, Setting
from tests.cli.diag import DIAG, clean, diag
from tests.cli.third_party import check_module, distribution
from tests.redaction.seeds import KINDS, as_read
from tests.redaction.test_joins import FORMATS
from tests.redaction.test_proof import secrets_in

# Nothing listens there, and nothing may be asked beyond the loopback.
NOBODY = "127.0.0.1:9"


def secret_of(setting: Setting) -> str:
    return f"Zk9/{setting.key.replace('.', '+')}=hunter&77"


def value_of(setting: Setting) -> str:
    """A sound value of the setting that holds its secret."""
    secret = secret_of(setting)
    if setting.key == "crash_report_dsn":
        return f"http://{quote(secret, safe='')}@{NOBODY}/7"
    if setting.kind in (Kind.URL, Kind.URLS):
        return f"http://diag:{quote(secret, safe='')}@{NOBODY}"
    return secret


HOLDING_A_SECRET = [setting for setting in SETTINGS if setting.secret or setting.kind in (Kind.URL, Kind.URLS)]
CONFIGURED = {setting.environment[0]: value_of(setting) for setting in HOLDING_A_SECRET} | {
    "DIAG_SENTRY_ORG": "acme",
    "DIAG_KAFKA_BROKERS": NOBODY,
    "DIAG_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
    "DIAG_KAFKA_SASL_MECHANISM": "PLAIN",
    "DIAG_KAFKA_SASL_USER": "diag",
    "DIAG_HTTP_TIMEOUT": "1s",
    "HTTP_PROXY": f"http://me:Zk9-of-the-proxy@{NOBODY}",
    "SECRET_KEY": "Zk9-of-posthog-itself",
    "DATABASE_URL": "postgres://posthog:Zk9-of-postgres@db/posthog",
}
SECRETS = [*map(secret_of, HOLDING_A_SECRET), "Zk9-of-the-proxy", "Zk9-of-posthog-itself", "Zk9-of-postgres"]

LEAKING = """
import os, sys
names = [name for name in os.environ if name.startswith("DIAG_")]
print(*(f"{name}={os.environ[name]}" for name in names))
raise RuntimeError(f"{sys.argv} {[(name, os.environ[name]) for name in names]} " + os.environ["SEEDS"])
"""
OF_EVERY_KIND = [kind(1) for kind in KINDS]
SEEDS = "; ".join(seed.text for seed in OF_EVERY_KIND)


def leaks(text: str) -> list[str]:
    """The configured secrets and the seeds that `text` shows."""
    bare = as_read(text)
    return [*secrets_in(text, SECRETS), *(seed.kind for seed in OF_EVERY_KIND if seed.stands_in(bare))]


def crashing(folder: Path, body: str = LEAKING) -> dict[str, str]:
    """An environment with everything configured, and a check that tells all it can find when it crashes."""
    indented = body.strip().replace("\n", "\n    ")
    return distribution(folder / "site", leaking=check_module("leaking", indented)) | CONFIGURED | {"SEEDS": SEEDS}


def test_a_secret_that_is_in_use_is_in_every_setting_that_can_hold_one() -> None:
    assert len(HOLDING_A_SECRET) == 11
    assert all("Zk9" in CONFIGURED[setting.environment[0]] for setting in HOLDING_A_SECRET)


@pytest.mark.parametrize(
    "arguments",
    [
        ("config",),
        ("config", "--format", "json"),
        ("checks", "--verbose"),
        ("run", "--plan", "--canary"),
        ("explain", "capture.unreachable"),
        ("schema",),
    ],
    ids=" ".join,
)
def test_no_command_shows_what_is_configured(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    result = diag(*arguments, cwd=tmp_path, environment=CONFIGURED)
    assert result.returncode == 0, result.stderr
    assert leaks(result.stdout + result.stderr) == []


def test_a_run_against_nobody_shows_nothing_in_any_format(tmp_path: Path) -> None:
    """The sources fail with the addresses and logins that they were given."""
    outputs = [argument for name in FORMATS for argument in ("-o", name)]
    only = ("--only", "*health", "--only", "*connection", "--only", "canary", "--canary")
    result = diag("run", *only, "--verbose", "--show-redactions", *outputs, cwd=tmp_path, environment=CONFIGURED)
    assert result.returncode == 1, result.stderr
    assert leaks(result.stdout + result.stderr) == []
    assert {name: leaks((tmp_path / name).read_text(encoding="utf-8")) for name in FORMATS} == {name: [] for name in FORMATS}


@pytest.fixture(scope="module")
def told_all(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the reports, in all formats, of a run in which a check tells all it can find."""
    folder = tmp_path_factory.mktemp("told") / "jane.doe@corp.example"
    folder.mkdir()
    config = folder / "phc_Zk9AbCdEfGhIjKlMnOp.toml"
    config.write_text("")
    outputs = [argument for name in FORMATS for argument in ("-o", name)]
    argv = ("--config", str(config), "--only", "leaking", "--sentry-token", secret_of(SETTINGS[3]), "--verbose", *outputs)
    result = diag("run", *argv, cwd=folder, environment=crashing(folder))
    assert result.returncode == 3, result.stderr
    (folder / "stderr").write_text(result.stderr)
    return folder


@pytest.mark.parametrize("name", FORMATS)
def test_what_a_check_tells_of_argv_and_environment_is_redacted(told_all: Path, name: str) -> None:
    report = (told_all / name).read_text(encoding="utf-8")
    assert "leaking crashed with RuntimeError" in " ".join(report.replace("<wbr>", "").split())
    assert leaks(report) == []
    assert "jane.doe" not in report
    assert "phc_Zk9" not in report


@pytest.mark.parametrize("format", ["terminal", "markdown", "slack", "email", "html", "json", "junit"])
def test_a_saved_report_is_as_clean_when_it_is_rendered_again(told_all: Path, format: str) -> None:
    result = diag("render", "report.json", "--format", format, "--verbose", cwd=told_all)
    assert result.returncode == 0
    assert leaks(result.stdout + result.stderr) == []


def test_rendering_shows_what_the_file_says_and_tells_that_it_was_changed(told_all: Path) -> None:
    """Redaction is for the run: only there the secrets are known. Whoever writes into the file what was taken out sees it."""
    edited = (told_all / "report.json").read_text(encoding="utf-8").replace("leaking crashed", "jane.doe@corp.example crashed")
    (told_all / "edited.json").write_text(edited, encoding="utf-8")
    result = diag("render", "edited.json", "--format", "markdown", cwd=told_all)
    assert "jane.doe@corp.example" in result.stdout
    assert result.stderr == "diag: this report was edited after diag had written it\n"


@pytest.mark.parametrize("command", ["diff report.json report.json", "reply report.json", "reply report.json --channel note"])
def test_and_when_it_is_compared_or_answered(told_all: Path, command: str) -> None:
    result = diag(*command.split(), cwd=told_all)
    assert result.returncode == 0
    assert leaks(result.stdout + result.stderr) == []


@pytest.mark.parametrize("setting", HOLDING_A_SECRET, ids=lambda setting: setting.key)
@pytest.mark.parametrize("broken", ["{} x\n", "htp://u:{}@h/\n", "file:{}", "env:{}"])
def test_a_value_that_cannot_be_used_is_not_quoted(tmp_path: Path, setting: Setting, broken: str) -> None:
    """In this process: 44 others would take a minute."""
    secret = "phx_Zk9AbCdEfGhIjKlMnOpQrStUv"
    with pytest.raises(ConfigurationError) as caught:
        load(options={setting.key: broken.format(secret)}, environ={}, cwd=tmp_path, file=None, thresholds=())
    assert secret[4:] not in str(caught.value) + repr(caught.value)


def test_the_message_about_it_reaches_stderr_without_it(tmp_path: Path) -> None:
    environment = {name: f"{value} \x01" for name, value in CONFIGURED.items() if name.startswith("DIAG_")}
    result = diag("run", cwd=tmp_path, environment=environment)
    assert result.returncode == 2
    assert "problems:" in result.stderr
    assert leaks(result.stdout + result.stderr) == []


def test_what_is_discovered_in_files_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("POSTHOG_SECRET=Zk9-of-posthog-itself\nCLICKHOUSE_PASSWORD=Zk9-of-postgres\nX='open\n")
    (tmp_path / "docker-compose.yml").write_text(
        "services:\n  clickhouse:\n    image: clickhouse/clickhouse-server:24.8\n    ports: ['8123:8123']\n"
        "  web:\n    image: posthog/posthog\n    environment:\n      SITE_URL: http://u:Zk9-of-the-proxy@localhost\n"
        "      CLICKHOUSE_HOST: clickhouse\n      CLICKHOUSE_PASSWORD: $CLICKHOUSE_PASSWORD\n"
        "      SECRET_KEY: $POSTHOG_SECRET\n"
    )
    for arguments in (("config",), ("run", "--plan")):
        result = diag(*arguments, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        assert "localhost" in result.stdout
        assert leaks(result.stdout + result.stderr) == []


def test_diags_own_crash_tells_what_happened_and_nothing_else(tmp_path: Path) -> None:
    """A check that breaks diag itself: its stage is none, and the text of the error is what it gave for one. Nobody has read
    the configuration by then."""
    told = "os.environ['SEEDS'] + str(dict(os.environ)) + ' ' + unquote(os.environ['DIAG_CLICKHOUSE_URL'].split(':')[2][:-10])"
    module = check_module("broken").replace("stage=Stage.APP", f"stage={told}")
    imports = "import os\nfrom urllib.parse import unquote\n"
    environment = distribution(tmp_path / "site", broken=imports + module) | CONFIGURED | {"SEEDS": SEEDS}
    environment.pop("DIAG_CRASH_REPORT_DSN")
    result = diag("run", "--sentry-token", secret_of(SETTINGS[3]), cwd=tmp_path, environment=environment)
    assert result.returncode == 4
    assert result.stdout == ""
    assert "This is a bug in diag" in result.stderr
    assert "ValueError" in result.stderr
    assert leaks(result.stderr) == []


def test_names_of_other_peoples_plug_ins_and_runbooks_are_redacted(tmp_path: Path) -> None:
    person, token = "jane.doe@corp.example", "phc_Zk9AbCdEfGhIjKlMnOp"
    site = tmp_path / "site"
    environment = distribution(site, fine=check_module("fine")) | {"DIAG_SITE_URL": f"http://{NOBODY}"}
    points = f"[posthog_diag.checks]\nfine = fine\n{token} = gone\n[posthog_diag.runbooks]\nbooks = books\n"
    (site / "third_party-1.0.dist-info" / "entry_points.txt").write_text(points)
    (site / "books").mkdir()
    front = f"id: {person}\ntitle: Ours\nsteps:\n  - title: Ask {person}\n    checks: [fine, {person}]\nalso: []"
    (site / "books" / f"{person}.md").write_text(f"---\n{front}\n---\n\n## check.crashed\n\nAsk {person}.\n")
    outputs = [argument for name in FORMATS for argument in ("-o", name)]
    result = diag("run", "--runbook", person, *outputs, cwd=tmp_path, environment=environment)
    assert result.returncode == 0, result.stderr
    reports = {name: as_read((tmp_path / name).read_text(encoding="utf-8")) for name in FORMATS}
    assert [name for name, report in reports.items() if "jane.doe" in report or token in report] == []
    named = json.loads((tmp_path / "report.json").read_text())
    assert named["runbook"].startswith("email-")
    assert any(check["id"] == "phc-token-removed" for check in named["checks"])


def test_progress_on_a_terminal_shows_nothing(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    environment = {**clean(os.environ), **CONFIGURED, "TERM": "xterm", "XDG_CONFIG_HOME": str(tmp_path)}
    command = [DIAG, "run", "--only", "*connection", "--only", "*health", "-o", "report.md"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=theirs, stdout=theirs) as process:
        os.close(theirs)
        shown = b""
        while chunk := _read(ours):
            shown += chunk
    os.close(ours)
    assert process.returncode == 1
    assert b"checks," in shown
    assert leaks(shown.decode()) == []


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # its other end is closed
        return b""
