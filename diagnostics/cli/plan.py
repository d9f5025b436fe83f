"""`diag run --plan`: every query and request that would be made, none made."""

import click

from diagnostics.cli.setup import Setup
from diagnostics.engine.diagnosis import Order, planned
from diagnostics.sources.source import Read, Source


def print_plan(setup: Setup, order: Order) -> None:
    """To stdout, source by source: where it goes, what is asked and why; then what is not asked, with the reason."""
    checks = planned(setup.registry, order, setup.sources)
    for kind, source in setup.sources.items():
        asked = [check for check, reason in checks if not reason and any(need.source is kind for need in check.needs)]
        if isinstance(source, Source) and asked:
            click.echo(f"{kind.label} at {source.address()}")
            _print_reads("connection probe", kind.probes)
            for check in asked:
                _print_reads(check.id, [read for read in check.reads if read.source == kind.id])
            click.echo()
    left_out = [(check.id, reason) for check, reason in checks if reason]
    if left_out:
        click.echo("Not asked")
        for left, reason in left_out:
            click.echo(f"  {left}: {reason}")
        click.echo()
    click.echo("Nothing was sent. These reads are all that a check may make; diag refuses any other.")


def _print_reads(asker: str, reads: "tuple[Read, ...] | list[Read]") -> None:
    for read in reads:
        click.echo(f"  {read.name}  {read.why}  ({asker})")
        for line in read.text.strip().splitlines():
            click.echo(f"    {line}")
