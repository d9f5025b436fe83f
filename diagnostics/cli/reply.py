"""`diag reply`: a first reply to whoever sent a report."""

import click

from diagnostics.cli.output import deliver
from diagnostics.cli.saved import saved
from diagnostics.report.reply import CHANNELS, Channel, render


@click.command()
@click.argument("file", metavar="REPORT.json")
@click.option("--name", metavar="NAME", default="", help="Whom to greet, like Ana.")
@click.option(
    "--channel",
    type=click.Choice(CHANNELS),
    default="slack",
    show_default=True,
    help="Where it is pasted; `note` is a private hand-off note for the next person on duty.",
)
def reply(file: str, name: str, channel: Channel) -> None:
    """A first reply to whoever sent a report, or a hand-off note; `-` reads the report from stdin.

    It says what was found in plain words, what to do next, what could not be looked at, and asks a question or two. Read it
    before you send it. Exit code 0 whatever the report says, 2 when it cannot be read.
    """
    raise SystemExit(deliver(render(saved(file), channel, name), None))
