"""`diag explain CODE`: the runbook section of a finding code; and what is known of the errors in a log."""

import difflib
import sys
from collections import Counter, deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from diagnostics.cli.output import stop
from diagnostics.engine import registry
from diagnostics.report.wording import count

if TYPE_CHECKING:
    from diagnostics.engine.known_errors import KnownError, KnownErrors
    from diagnostics.engine.registry import Registry

MOST_LINES = 5_000
"""The last ones of a log, which say why something ended. Each takes about a millisecond."""

LONGEST_LINE = 20_000
"""Bytes. What makes an error known stands at its beginning."""


@click.command()
@click.argument("code", metavar="CODE")
def explain(code: str) -> None:
    """The runbook section of a finding code: what it means, how sure it is, how to confirm and to fix it.

    In place of a code, an error's text in quotes tells what is known of that error, and a dash reads a log:

        docker compose logs --tail 200 plugins | diag explain -

    Nothing of the log is printed.
    """
    found = registry.load()
    if code == "-":
        _print(_of_log(found.known, _last_lines()))
    elif len(code.split()) > 1:
        _print(_of_text(found.known, code))
    else:
        _print(_section(found, code))


def _section(found: "Registry", code: str) -> str:
    sections = {heading: text for book in found.runbooks.values() for heading, text in book.sections.items()}
    known = [id for id in sections if id in found.codes]
    if code in found.codes and code not in sections:
        stop(f"no runbook explains {code} yet: add a section `## {code}` to one of those offered with its check.")
    if code not in known:
        close = difflib.get_close_matches(code.lower(), known, n=3, cutoff=0.5)
        meant = f" Did you mean {' or '.join(close)}?" if close else ""
        stop(f"there is no finding code {code!r}.{meant} The codes are: {', '.join(sorted(known))}.")
    return sections[code]


def _of_text(known: "KnownErrors", text: str) -> str:
    entry = known.match(text)
    if entry is None:
        stop("this error is not among the known ones. If it names a service or a setting, begin there.")
    return _told(entry)


def _of_log(known: "KnownErrors", lines: Iterable[str]) -> str:
    """What is known of the errors in `lines`, the most frequent first, and noise only as a number."""
    entries = {entry.id: entry for entry in known.entries}
    seen = Counter(entry.id if (entry := known.match(line)) else "" for line in lines)
    total = count(sum(seen.values()), "line")
    ranked = [(entries[id], times) for id, times in seen.most_common() if id]
    errors = [(entry, times) for entry, times in ranked if entry.ingestion]
    noise = sum(times for entry, times in ranked if not entry.ingestion)
    harmless = f" {count(noise, 'line')} of known noise can be ignored." if noise else ""
    if not errors:
        return f"None of {total} is an error that is known to keep events away.{harmless}\n"
    summary = f"{count(len(errors), 'known error')} in {total}.{harmless}\n"
    return "\n".join((summary, *(_told(entry, f"In {count(times, 'line')}. ") for entry, times in errors)))


def _told(entry: "KnownError", before: str = "") -> str:
    """The entry in Markdown, as a runbook would write it."""
    points = f" It points to `{entry.cause}`: `diag explain {entry.cause}`." if entry.cause else ""
    noise = "" if entry.ingestion else " It keeps no events away."
    commands = ("```sh", *entry.commands, "```", "") if entry.commands else ()
    action = entry.action()
    change = "changes something" if action.changes_something else "changes nothing"
    paragraphs = (
        f"## {entry.meaning[0].upper()}{entry.meaning[1:]}",
        "",
        f"{before}Seen in {entry.seen_in}.{points}{noise}",
        "",
        f"**Fix.** {entry.fix}",
        "",
        *commands,
        f"**Safe?** {f'Yes: it {change} and can lose nothing' if action.safe else f'Not always: it {change}'}.",
    )
    return "\n".join(paragraphs) + "\n"


def _last_lines() -> Iterable[str]:
    if sys.stdin.isatty():
        click.echo("diag: paste the log, then press Ctrl-D", err=True)
    lines = deque(iter(lambda: sys.stdin.buffer.readline(LONGEST_LINE), b""), maxlen=MOST_LINES)
    return (line.decode("utf-8", "replace") for line in lines)


def _print(markdown: str) -> None:
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.markdown import Markdown

        Console().print(Markdown(markdown))
    else:
        click.echo(markdown, nl=False)
