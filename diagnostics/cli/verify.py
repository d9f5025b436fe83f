"""`diag render --verify`: whether a report that came by mail, chat or issue is as diag wrote it."""

import click

from diagnostics.cli.saved import read, refuse
from diagnostics.report.digest import Judgement, State, verify
from diagnostics.report.json import NotAReport, intact


def verify_file(file: str) -> int:
    """Says what became of the text in a file (stdin for `-`), and returns the exit code: 0 intact, 1 edited or cut."""
    data = read(file)
    judged = _document(file, data) if data.lstrip().startswith(b"{") else verify(data.decode("utf-8", "replace"))
    click.echo(f"{judged.state}: {judged.told}")
    return 0 if judged.state is State.INTACT else 1


def _document(file: str, data: bytes) -> Judgement:
    """A report in JSON, which has its digest inside."""
    try:
        as_written = intact(data)
    except NotAReport as error:
        refuse(file, error)
    if as_written is None:
        return Judgement(State.CUT, "There is no digest in it: an early release of diag wrote it, or somebody took it out.")
    if as_written:
        return Judgement(State.INTACT, "Every member is as diag wrote it.")
    return Judgement(State.EDITED, "Its members are not those that diag wrote.")
