"""`diag demo`: the report of an install that is broken in a known way."""

import contextlib
import difflib
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

if TYPE_CHECKING:
    from diagnostics.lab.scenario import Scenario

DEFAULT = "dead-letters-postgres"

# All that a run inside the lab may know of its reader: how to start, and how to write to the terminal. Configuration and the
# names of an install stay outside.
PASSED_ON = frozenset(
    (
        *("PATH", "HOME", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "LANG", "LC_ALL", "LC_CTYPE", "VIRTUAL_ENV"),
        *("TERM", "COLORTERM", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "CI"),
        *("PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "PYTHONWARNINGS", "PYTHONUTF8"),
    )
)

# Options of `diag run` that name a file of the reader, who is not where the run is.
FILES = ("-o", "--output", "--save", "--config")

KEPT = """
The lab stays up until Ctrl-C. Nothing new arrives in it: after some minutes it looks like an install whose events have stopped.
To look at it from another terminal:
"""


@click.command(
    context_settings={"ignore_unknown_options": True},
    options_metavar="[SCENARIO] [--list] [--keep] [OPTIONS OF diag run]",
)
@click.option("--list", "list_only", is_flag=True, help="List the scenarios and what diag has to say about each.")
@click.option("--keep", is_flag=True, help="Leave the lab up until Ctrl-C, and print how to look at it yourself.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="")
def demo(list_only: bool, keep: bool, arguments: tuple[str, ...]) -> NoReturn:
    """Diagnose an install that comes with diag and is broken in a known way.

    A real ClickHouse engine holds PostHog's tables, stand-ins answer for the other services, and the real `diag run` looks at
    them over the loopback. Options of `diag run` go after the scenario, like --format json or -o report.md.
    """
    if list_only:
        _list()
        raise SystemExit(0)
    id, *options = arguments if arguments and not arguments[0].startswith("-") else (DEFAULT, *arguments)
    scenario = _scenario(id)
    click.echo(f"diag demo {scenario.id}: {scenario.title}. Simulated; nothing outside this machine is asked.", err=True)
    raise SystemExit(_diagnose(scenario, (*scenario.options, *options), keep=keep))


def _list() -> None:
    from diagnostics.lab import scenarios

    found = scenarios()
    width = max(len(scenario.id) for scenario in found)
    for scenario in found:
        verdict = " ".join(filter(None, (scenario.expect.status, scenario.expect.code)))
        click.echo(f"{scenario.id:{width}}  {scenario.stage or '-':13}  {verdict:40}  {scenario.title}")


def _scenario(id: str) -> "Scenario":
    from diagnostics.lab import scenarios

    known = {scenario.id: scenario for scenario in scenarios()}
    if id not in known:
        close = difflib.get_close_matches(id, known, n=1)
        meant = f" Did you mean {close[0]!r}?" if close else ""
        _stop(f"there is no scenario {id!r}.{meant} `diag demo --list` lists them.")
    return known[id]


def _diagnose(scenario: "Scenario", options: Sequence[str], *, keep: bool) -> int:
    from diagnostics.lab import start
    from diagnostics.lab.engine import LabMissing

    try:
        with start(scenario) as lab:
            code = _run(options, lab.environment, scenario.thresholds)
            if keep:
                _wait(lab.environment)
            return code
    except LabMissing as error:
        _stop(f"{error}. It comes with the extra `lab`:  pip install 'posthog-diag[lab]'")


def _run(options: Sequence[str], lab: Mapping[str, str], thresholds: Mapping[str, float]) -> int:
    """The exit code of `diag run`, which runs where it finds no configuration but the lab's."""
    environment = {name: value for name, value in os.environ.items() if name in PASSED_ON} | dict(lab)
    with tempfile.TemporaryDirectory(prefix="diag-demo-") as directory:
        config = Path(directory) / "lab.toml"
        config.write_text("[thresholds]\n" + "".join(f'"{name}" = {value}\n' for name, value in thresholds.items()))
        command = [sys.executable, "-m", "diagnostics", "run", "--config", str(config), *_with_absolute_files(options)]
        process = subprocess.Popen(command, env=environment, cwd=directory)  # noqa: S603 - the reader's own options
        with _signals_to(process):
            return process.wait()


def _with_absolute_files(options: Sequence[str]) -> Iterator[str]:
    expected = False
    for option in options:
        name, equals, value = option.partition("=")
        if expected:
            yield _absolute(option)
        elif equals and name in FILES:
            yield f"{name}={_absolute(value)}"
        elif option.startswith("-o") and len(option) > 2:
            yield f"-o{_absolute(option[2:])}"
        else:
            yield option
        expected = not expected and option in FILES


def _absolute(file: str) -> str:
    return str(Path(file).absolute())


@contextlib.contextmanager
def _signals_to(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """While `diag run` is at it, SIGTERM is for it, and so is the Ctrl-C that the terminal sends to both: it still prints."""

    before = (
        signal.signal(signal.SIGTERM, lambda *_: process.terminate()),
        signal.signal(signal.SIGINT, lambda *_: None),
    )
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])


def _wait(environment: Mapping[str, str]) -> None:
    """Until Ctrl-C or SIGTERM."""
    click.echo(KEPT, err=True)
    for name, value in environment.items():
        click.echo(f"export {name}={shlex.quote(value)}", err=True)
    click.echo("diag run", err=True)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()


def _stop(message: str) -> NoReturn:
    click.echo(f"diag demo: {message}", err=True)
    raise SystemExit(2)
