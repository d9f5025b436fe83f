"""What a command needs before it can look at anything: the checks, the runbook, the configuration, the sources."""

import os
from pathlib import Path

import click
from msgspec import Struct

from diagnostics.cli import crash
from diagnostics.cli.output import stop
from diagnostics.config.configuration import Configuration
from diagnostics.config.connect import connect
from diagnostics.config.load import ConfigurationError, getting_started, load, parse_duration
from diagnostics.engine import registry
from diagnostics.engine.check import Thresholds
from diagnostics.engine.registry import Registry
from diagnostics.engine.runbook import Runbook
from diagnostics.engine.runner import Sources
from diagnostics.sources.source import Recorder


class Setup(Struct, frozen=True):
    """All that a diagnosis needs."""

    registry: Registry
    runbook: Runbook
    config: Configuration
    thresholds: Thresholds
    sources: Sources


def prepare(
    runbook_id: str,
    *,
    config_file: Path | None,
    options: dict[str, object],
    recorder: Recorder,
    report: str = "",
    need_install: bool = True,
) -> Setup:
    """Ends the command with exit code 2 when the configuration is bad, or when nothing is configured and that is needed."""
    found = registry.load()
    if runbook_id not in found.runbooks:
        stop(f"there is no runbook {runbook_id!r}. There is: {', '.join(sorted(found.runbooks))}.")
    config = configuration(found, config_file=config_file, options=options)
    if need_install and config.is_empty:
        click.echo(getting_started(config), err=True)
        raise SystemExit(2)
    try:
        sources = connect(config, recorder, report)
    except ConfigurationError as error:
        stop(str(error))
    return Setup(found, found.runbooks[runbook_id], config, Thresholds(config.thresholds), sources)


def configuration(found: Registry, *, config_file: Path | None, options: dict[str, object]) -> Configuration:
    """The configuration in effect; all its problems at once when it is bad."""
    try:
        here = Path.cwd()
    except FileNotFoundError:
        stop("the directory you are in does not exist any more. Go to another one: cd ~")
    try:
        config = load(options=options, environ=os.environ, cwd=here, file=config_file, thresholds=found.thresholds)
    except ConfigurationError as error:
        stop(str(error))
    crash.Known.secrets, crash.Known.dsn = config.secrets(), config.crash_report_dsn
    return config


def duration(option: str, text: str, usual: str) -> float:
    """Seconds; ends the command when `text` is no duration, and proposes the `usual` one for none at all."""
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        stop(f"{option}: {error}")
    if seconds <= 0:
        stop(f"{option}: {text} is no time at all. Try {usual}.")
    return seconds
