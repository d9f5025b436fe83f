"""`diag config`: what is in effect, and where it came from."""

import json
from pathlib import Path
from typing import Any

import click
from msgspec import Struct

from diagnostics.cli.options import setting_options
from diagnostics.cli.setup import configuration
from diagnostics.config.configuration import Configuration
from diagnostics.config.durations import SECONDS
from diagnostics.config.settings import SETTINGS, Kind, Setting
from diagnostics.config.urls import masked
from diagnostics.engine import registry
from diagnostics.engine.check import Threshold

NOT_SET = "-"


class Row(Struct, frozen=True):
    """One setting as it may be shown: `value` holds no secret."""

    setting: str
    value: str
    origin: str


@click.command()
@click.option("--format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@setting_options
def config(config_file: Path | None, options: dict[str, object], format: str) -> None:
    """The configuration in effect, and where each value came from.

    Secrets are masked. Ends with exit code 2, and every problem, when the configuration is bad.
    """
    found = registry.load()
    in_effect = configuration(found, config_file=config_file, options=options)
    table = rows(in_effect, found.thresholds)
    if format == "json":
        click.echo(json.dumps([{"setting": row.setting, "value": row.value, "origin": row.origin} for row in table], indent=2))
    else:
        click.echo("\n".join(lines(table)))
    for hint in in_effect.hints:
        click.echo(f"\nNote: {hint}", err=True)


def rows(in_effect: Configuration, thresholds: tuple[Threshold[Any], ...]) -> list[Row]:
    """Every setting in the order of its declaration, then every threshold that a check declares."""
    table = [
        Row(setting.key, text, str(in_effect.origin(setting.key)) if text != NOT_SET else "not set")
        for setting in SETTINGS
        for text in [_shown(setting, in_effect.value(setting.key))]
    ]
    for threshold in thresholds:
        value = in_effect.thresholds.get(threshold.name, threshold.default)
        key = f"thresholds.{threshold.name}"
        table.append(Row(key, _number(value, threshold.unit), str(in_effect.origin(key))))
    return table


def lines(table: list[Row]) -> list[str]:
    """Aligned; a long value is not cut, it only pushes its origin to the right."""
    names = max(len(row.setting) for row in table)
    values = min(48, max(len(row.value) for row in table))
    return [f"{row.setting:<{names}}  {row.value:<{values}}  {row.origin}" for row in table]


def _shown(setting: Setting, value: Any) -> str:
    if value is None or value == ():
        return NOT_SET
    if setting.secret:
        return f"set ({_length_class(str(value))})"
    match setting.kind:
        case Kind.URL:
            return masked(value)
        case Kind.URLS:
            return ", ".join(masked(url) for url in value)
        case Kind.LIST | Kind.BROKERS:
            return ", ".join(value)
        case Kind.DURATION:
            return _number(value, "s")
        case Kind.BOOL:
            return str(value).lower()
        case _:
            return str(value)


def _length_class(secret: str) -> str:
    """Enough to notice an empty variable or a cut-off token, too little to help anybody guess."""
    if len(secret) < 8:
        return "fewer than 8 characters"
    return "8 to 31 characters" if len(secret) < 32 else "32 characters or more"


def _number(value: float, unit: str) -> str:
    """`900` seconds are `15m`: as one would write it in `diag.toml`."""
    if unit != "s":
        return f"{value:.15g}" + (f" {unit}" if unit == "bytes" else "")
    for name, seconds in reversed(SECONDS.items()):
        if value >= seconds and value % seconds == 0:
            return f"{value / seconds:.15g}{name}"
    return f"{value:.15g}s"
