"""`diag checks`: what can be looked at, and why some of it is not."""

from pathlib import Path

import click

from diagnostics.cli.options import setting_options
from diagnostics.cli.setup import Setup, prepare
from diagnostics.engine.check import Check
from diagnostics.engine.runner import missing
from diagnostics.sources.source import Recorder


@click.command()
@click.option("--runbook", metavar="ID", default="ingestion", show_default=True, help="The runbook whose checks to list.")
@click.option("-v", "--verbose", is_flag=True, help="With thresholds, queries and requests.")
@setting_options
def checks(config_file: Path | None, options: dict[str, object], runbook: str, verbose: bool) -> None:
    """Every check: what it asks of which source, why it is active or not. Asks nothing."""
    setup = prepare(runbook, config_file=config_file, options=options, recorder=Recorder(), need_install=False)
    for check in setup.registry.checks:
        _print(check, setup, verbose=verbose)
    for broken in setup.registry.broken:
        click.echo(f"{broken.name}\n  could not be loaded from {broken.distribution}: {broken.error}\n")


def _print(check: Check, setup: Setup, *, verbose: bool) -> None:
    click.echo(f"{check.id}\n  {check.title}")
    click.echo(f"  stage   {check.stage}")
    click.echo(f"  state   {_state(check, setup)}")
    labels = [need.source.label + (" (if there is one)" if need.optional else "") for need in check.needs]
    click.echo(
        f"  asks    {', '.join(labels) or 'nobody'}: {'; '.join(read.why for read in check.reads) or 'only the connection'}"
    )
    click.echo(f"  finds   {', '.join(code.id for code in check.finds)}")
    if verbose:
        for threshold in check.thresholds:
            value = setup.thresholds(threshold)
            click.echo(f"  limit   {threshold.name} = {value:g} {threshold.unit}: {threshold.help}")
        for read in check.reads:
            click.echo(f"  reads   {read.name}")
            for line in read.text.strip().splitlines():
                click.echo(f"            {line}")
    click.echo()


def _state(check: Check, setup: Setup) -> str:
    if not setup.runbook.includes(check.id):
        return f"not part of the runbook {setup.runbook.id}"
    if reason := missing(check, setup.sources):
        return f"skipped: {reason}"
    return f"active only with {check.only_with}" if check.only_with else "active"
