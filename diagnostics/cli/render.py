"""`diag render`: a saved report in another format."""

import sys
from pathlib import Path

import click

from diagnostics.cli.output import destinations, stop, write
from diagnostics.cli.screen import Color, render_options
from diagnostics.report.formats import FORMATS
from diagnostics.report.json import NotAReport, load
from diagnostics.report.model import Report
from diagnostics.report.safetext import shorten, terminal


@click.command()
@click.argument("file", metavar="REPORT.json")
@click.option("--format", type=click.Choice(list(FORMATS)), help="Default: terminal; without a terminal, markdown.")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Write here instead of stdout; the format follows the extension. Repeatable.",
)
@click.option("-q", "--quiet", is_flag=True, help="Only the verdict, what to do next and how complete the look was.")
@click.option("-v", "--verbose", is_flag=True, help="Everything: healthy checks, the SQL, the timings.")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True)
def render(file: str, format: str | None, output: tuple[Path, ...], quiet: bool, verbose: bool, color: Color) -> None:
    """Re-render a saved report in another format; `-` reads it from stdin.

    The text is what the run itself would have printed. Exit code 0 whatever the report says.
    """
    wanted = destinations(output, format, terminal=sys.stdout.isatty())
    report = _saved(file)
    write(report, wanted, render_options(color, verbose=verbose, quiet=quiet))


def _saved(file: str) -> Report:
    """Ends the command when there is no report that can be read."""
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        stop(f"{_told(file)}: cannot be read ({error.strerror}). Save a report first: diag run -o report.json")
    try:
        return load(data)
    except NotAReport as error:
        stop(f"{'stdin' if file == '-' else _told(file)}: {_told(str(error))}")


def _told(text: str) -> str:
    """A saved report is anybody's text: so is what is wrong with it."""
    return terminal(shorten(text, 500))
