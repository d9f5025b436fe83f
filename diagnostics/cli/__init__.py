"""The command line. Each command lives in a file of its own and is imported only when it runs or is asked for help."""

import importlib
import os
import sys
from typing import Any

import click

from diagnostics.version import __version__

INCONCLUSIVE = 3

# The command's module and function bear its name. The summary stands here so that `diag --help` imports none of them.
SUMMARIES = {
    "run": "Walk the ingestion runbook and print the report.",
    "demo": "The same against the embedded lab, broken in a known way.",
    "checks": "Every check: what it asks of which source, why it is active or not.",
    "explain": "The runbook section of a finding code.",
    "render": "Re-render a saved report in another format.",
    "diff": "What is new, resolved, worse, better, no longer visible between two reports.",
    "reply": "A first reply to whoever sent a report, or a hand-off note.",
    "config": "The configuration in effect, and where each value came from.",
    "schema": "The JSON Schema of the report.",
}


class LazyGroup(click.Group):
    """Lists the commands from SUMMARIES and imports one when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(SUMMARIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in SUMMARIES:
            return None
        command: click.Command = getattr(importlib.import_module(f"diagnostics.cli.{cmd_name}"), cmd_name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:  # not 1, click's own: that means that something was found
            click.echo("diag: interrupted before there was anything to report", err=True)
            ctx.exit(INCONCLUSIVE)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in SUMMARIES:
            import difflib

            close = difflib.get_close_matches(args[0], SUMMARIES, n=1)
            meant = f" Did you mean {close[0]!r}?" if close else ""
            ctx.fail(f"No such command {args[0]!r}.{meant} `diag --help` lists them.")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))


EXIT_CODES = """\b
Exit codes:
  0  nothing at or above --fail-on
  1  a finding at or above --fail-on (default: fail)
  2  usage or configuration error
  3  inconclusive: too little could be looked at, or the run was cut short
  4  a bug in diag"""


@click.group(cls=LazyGroup, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="posthog-diag")
def cli() -> None:
    """Find out where a self-hosted PostHog loses events.

    It only reads: SELECTs with limits on time, rows and memory, and GET requests. Start with `diag run`, or see it work
    on a broken install that it brings along: `diag demo`.
    """


def main() -> None:
    """The `diag` command. A bug in diag ends in exit code 4 and a block that is ready to be pasted."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started diag: its exit code still tells
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - until the process ends
    try:
        cli(prog_name="diag")
    except Exception as error:  # noqa: BLE001 - the last gate: whatever is left is a bug of diag
        from diagnostics.cli.crash import report_crash
        from diagnostics.cli.output import no_room

        sys.exit(no_room(error) or report_crash(error))
