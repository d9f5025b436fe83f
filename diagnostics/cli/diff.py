"""`diag diff`: what became of a problem between two reports."""

import sys
from pathlib import Path

import click
from msgspec import structs

from diagnostics.cli.output import DEFAULT, deliver, stop, writable
from diagnostics.cli.saved import saved
from diagnostics.cli.screen import Color, render_options

FORMATS = ["terminal", "markdown", "json"]
EXTENSIONS = {".txt": "terminal", ".md": "markdown", ".markdown": "markdown", ".json": "json"}


@click.command()
@click.argument("old", metavar="OLD.json")
@click.argument("new", metavar="NEW.json")
@click.option("--format", type=click.Choice(FORMATS), help="Default: terminal; without a terminal, markdown.")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write here instead of stdout; the format follows the extension (.txt, .md, .json).",
)
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True)
def diff(old: str, new: str, format: str | None, output: Path | None, color: Color) -> None:
    """What is new, worse, better or resolved in the second of two reports; `-` reads one of them from stdin.

    What the second report could not look at is listed as no longer visible, never as resolved. Exit code 1 when something is
    new or worse, 0 when not, 2 when a report cannot be read.
    """
    if old == new == "-":
        stop("only one of the two reports can come from stdin. Save the other: diag run -o report.json")
    wanted = _format(format, output)
    from diagnostics.report.diff import compare
    from diagnostics.report.diff.formats import render

    difference = compare(saved(old), saved(new))
    options = render_options(color, verbose=False, quiet=False)
    if output:
        options = structs.replace(options, color=False, unicode=True)
    unwritten = deliver(render(difference, wanted, options), output)
    raise SystemExit(int(difference.is_worse) or unwritten)


def _format(format: str | None, output: Path | None) -> str:
    """`format` wins over the extension; ends the command when neither tells, or when the file cannot be written to."""
    if output is None:
        return format or ("terminal" if sys.stdout.isatty() else DEFAULT)
    named = format or EXTENSIONS.get(writable(output).suffix.lower())
    if named is None:
        stop(f"-o {output}: the extension says no format. Use one of {', '.join(EXTENSIONS)}, or add --format.")
    return named
