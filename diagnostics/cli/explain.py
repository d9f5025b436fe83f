"""`diag explain CODE`: the runbook section of a finding code."""

import difflib
import sys

import click

from diagnostics.cli.output import stop
from diagnostics.engine import registry


@click.command()
@click.argument("code", metavar="CODE")
def explain(code: str) -> None:
    """The runbook section of a finding code: what it means, how sure it is, how to confirm and to fix it."""
    found = registry.load()
    sections = {heading: text for book in found.runbooks.values() for heading, text in book.sections.items()}
    known = [id for id in sections if id in found.codes]
    if code in found.codes and code not in sections:
        stop(f"no runbook explains {code} yet: add a section `## {code}` to one of those offered with its check.")
    if code not in known:
        close = difflib.get_close_matches(code.lower(), known, n=3, cutoff=0.5)
        meant = f" Did you mean {' or '.join(close)}?" if close else ""
        stop(f"there is no finding code {code!r}.{meant} The codes are: {', '.join(sorted(known))}.")
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.markdown import Markdown

        Console().print(Markdown(sections[code]))
    else:
        click.echo(sections[code], nl=False)
