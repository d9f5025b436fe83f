"""`diag render`: a saved report in another format."""

import sys
from pathlib import Path

import click

from diagnostics.cli.output import FAIL_ON, destinations, write
from diagnostics.cli.saved import loaded, read
from diagnostics.cli.screen import AUDIENCES, FOR_HELP, Color, render_options
from diagnostics.cli.verify import verify_file
from diagnostics.report.formats import FORMATS
from diagnostics.report.json import intact
from diagnostics.report.options import Audience


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
@click.option("--for", "audience", type=click.Choice(AUDIENCES), default="customer", show_default=True, help=FOR_HELP)
@click.option("--fail-on", type=click.Choice(FAIL_ON), default="fail", show_default=True, help="What is a failure in JUnit.")
@click.option(
    "--verify", is_flag=True, help="Say whether a pasted report was edited or cut: exit code 0 when it is intact, else 1."
)
@click.option("-q", "--quiet", is_flag=True, help="Only the verdict, what to do next and how complete the look was.")
@click.option("-v", "--verbose", is_flag=True, help="Everything: healthy checks, the SQL, the timings.")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True)
def render(
    file: str,
    format: str | None,
    output: tuple[Path, ...],
    audience: Audience,
    fail_on: str,
    verify: bool,
    quiet: bool,
    verbose: bool,
    color: Color,
) -> None:
    """Re-render a saved report in another format; `-` reads it from stdin.

    The text is what the run itself would have printed. Exit code 0 whatever the report says. With --verify, the file is a
    report in any format, pasted whole, and nothing but a sentence about it is printed.
    """
    if verify:
        raise SystemExit(verify_file(file))
    wanted = destinations(output, format, terminal=sys.stdout.isatty())
    data = read(file)
    report = loaded(file, data)
    if intact(data) is False:  # its texts get digests that fit them, so this has to be said here
        click.echo("diag: this report was edited after diag had written it", err=True)
    shown = render_options(color, verbose=verbose, quiet=quiet, audience=audience, warnings_fail=fail_on == "warn")
    raise SystemExit(write(report, wanted, shown))
