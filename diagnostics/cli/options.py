"""The options that every command with an install has: `--config`, and one for each setting."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from diagnostics.config.settings import FILE_NAME, SETTINGS, Kind, Setting

Command = Callable[..., Any]
C = TypeVar("C", bound=Command)

# Not the settings' own names, which a command may use for something else.
PREFIX = "setting_"

METAVARS = {Kind.URLS: "URL,...", Kind.LIST: "WORD,...", Kind.BROKERS: "HOST:PORT,..."}

SEEN_BY_OTHERS = "Better env:NAME or file:PATH: others on this machine can see a command line."


def setting_options(command: Command) -> Command:
    """Adds `--config` and the settings' options. `command` gets `config_file: Path | None` and `options: dict[str, object]`,
    which holds those that were given, by key (`clickhouse.url`)."""

    @functools.wraps(command)
    def with_settings(*args: Any, **kwargs: Any) -> Any:
        given = {setting.key: kwargs.pop(PREFIX + setting.parameter) for setting in SETTINGS}
        options = {key: value for key, value in given.items() if value is not None}
        return command(*args, options=options, **kwargs)

    for setting in reversed(SETTINGS):
        with_settings = _option(setting)(with_settings)
    config = click.option(
        "--config",
        "config_file",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help=f"Settings in TOML. Default: {FILE_NAME} here, or in your configuration directory.",
    )
    return config(with_settings)


def _option(setting: Setting) -> Callable[[C], C]:
    name = setting.option
    declaration = f"{name}/--no-{name.removeprefix('--')}" if setting.kind is Kind.BOOL else name
    help_text = f"{setting.help} [{', '.join(setting.environment)}]"
    if setting.secret:
        help_text += f" {SEEN_BY_OTHERS}"
    return click.option(
        declaration,
        PREFIX + setting.parameter,
        default=None,
        help=help_text,
        metavar=None if setting.kind is Kind.BOOL else METAVARS.get(setting.kind, setting.kind.name),
    )
