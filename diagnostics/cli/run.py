"""`diag run`: walk the runbook, print the report."""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

from diagnostics.cli import INCONCLUSIVE, crash
from diagnostics.cli.interrupts import Interrupts
from diagnostics.cli.options import setting_options
from diagnostics.cli.output import FAIL_ON, USAGE, destinations, stop, write
from diagnostics.cli.progress import Progress
from diagnostics.cli.screen import AUDIENCES, FOR_HELP, Color, render_options
from diagnostics.cli.setup import Setup, duration, prepare
from diagnostics.engine.check import Scope
from diagnostics.engine.diagnosis import Order, diagnose, new_id, planned
from diagnostics.report.formats import FORMATS
from diagnostics.report.model import Report, Status
from diagnostics.report.options import Audience
from diagnostics.report.redaction import RedactionFailed, Redactor, TakenOut
from diagnostics.sources.source import Recorder

OUTPUT_HELP = "Write here instead of stdout; the format follows the extension. Repeatable."


@click.command()
@click.option("--runbook", metavar="ID", default="ingestion", show_default=True, help="The runbook to walk.")
@click.option(
    "--only", metavar="PATTERN", multiple=True, help="Run only the checks whose id matches, like 'clickhouse*'. Repeatable."
)
@click.option("--skip", metavar="PATTERN", multiple=True, help="Leave out the checks whose id matches. Repeatable.")
@click.option(
    "--since", metavar="DURATION", default="24h", show_default=True, help="How far back to look, like 90m, 24h or 7d."
)
@click.option(
    "--team",
    metavar="ID",
    type=click.IntRange(1, 2**31 - 1),  # the app's database counts no further
    help="Look only at this team (project), where that can be told.",
)
@click.option("--sentry-user", metavar="USERNAME", help="Look only at Sentry issues that this user ran into.")
@click.option(
    "--deadline", metavar="DURATION", default="60s", show_default=True, help="When the report comes out, finished or not."
)
@click.option("--format", type=click.Choice(list(FORMATS)), help="Default: terminal; without a terminal, markdown.")
@click.option("-o", "--output", metavar="FILE", multiple=True, type=click.Path(path_type=Path), help=OUTPUT_HELP)
@click.option("--fail-on", type=click.Choice(FAIL_ON), default="fail", show_default=True, help="What ends in exit code 1.")
@click.option("--canary", is_flag=True, help="Send one event to the project of project_token, and watch whether it arrives.")
@click.option("--plan", is_flag=True, help="List the queries and requests that would be made, and make none.")
@click.option("--hide-hosts", is_flag=True, help="Replace the names of your machines as well, each by the same stand-in.")
@click.option("--show-redactions", is_flag=True, help="Say on stderr what was taken out of the report: how many, by what rule.")
@click.option("--for", "audience", type=click.Choice(AUDIENCES), default="customer", show_default=True, help=FOR_HELP)
@click.option("-q", "--quiet", is_flag=True, help="Only the verdict, what to do next and how complete the look was.")
@click.option("-v", "--verbose", is_flag=True, help="Everything: healthy checks, the SQL, the timings.")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True)
@setting_options
def run(
    config_file: Path | None,
    options: dict[str, object],
    runbook: str,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    since: str,
    team: int | None,
    sentry_user: str | None,
    deadline: str,
    format: str | None,
    output: tuple[Path, ...],
    fail_on: str,
    canary: bool,
    plan: bool,
    hide_hosts: bool,
    show_redactions: bool,
    audience: Audience,
    quiet: bool,
    verbose: bool,
    color: Color,
) -> NoReturn:
    """Walk the ingestion runbook and print the report.

    It reads and never writes, but for the one event of --canary. The report goes to stdout, everything else to stderr.
    """
    started, interrupts = time.monotonic(), Interrupts()
    wanted = destinations(output, format, terminal=sys.stdout.isatty())
    look_back, ends_in = duration("--since", since, "24h"), duration("--deadline", deadline, "60s")
    recorder, report_id = Recorder(), new_id()
    setup = prepare(runbook, config_file=config_file, options=options, recorder=recorder, report=report_id)
    if canary:
        _can_send(setup)
    order = Order(
        id=report_id,
        runbook=setup.runbook,
        since=look_back,
        deadline=ends_in,
        only=_known_patterns("--only", only, setup),
        skip=_known_patterns("--skip", skip, setup),
        options=frozenset({"--canary"} if canary else ()),
        scope=Scope(team=team, sentry_user=sentry_user),
    )
    if plan:
        from diagnostics.cli.plan import print_plan

        print_plan(setup, order)
        raise SystemExit(0)
    for hint in () if quiet else setup.config.hints:
        click.echo(f"diag: {hint}", err=True)
    report = _walk(setup, order, recorder, started, quiet=quiet)
    interrupts.report_follows()
    redactor = Redactor(setup.config.secrets(), hide_hosts=setup.config.hosts() if hide_hosts else None)
    try:
        report = redactor.report(report)
    except RedactionFailed as error:
        stop(f"the report could not be redacted ({error}), so nothing of it is printed. Please report this.", crash.BUG)
    for warning in redactor.warnings:
        click.echo(f"diag: {warning}", err=True)
    if show_redactions:
        _show(redactor.taken_out)
    shown = render_options(color, verbose=verbose, quiet=quiet, audience=audience, warnings_fail=fail_on == "warn")
    unwritten = write(report, wanted, shown)
    _leave(exit_code(report, fail_on) or unwritten)


def exit_code(report: Report, fail_on: str) -> int:
    """The contract's exit codes, the same for every format."""
    if report.cut_short == "interrupted":
        return INCONCLUSIVE
    serious = {"fail": [Status.FAIL], "warn": [Status.FAIL, Status.WARN], "never": []}[fail_on]
    if any(finding.status in serious for finding in report.findings):
        return 1
    return INCONCLUSIVE if report.verdict.status == "inconclusive" else 0


def _walk(setup: Setup, order: Order, recorder: Recorder, started: float, *, quiet: bool) -> Report:
    """The report, not yet redacted."""
    total = sum(not reason for _, reason in planned(setup.registry, order, setup.sources))
    labels = {kind.id: kind.label for kind in setup.sources}
    progress = Progress(started + order.deadline, total, labels, quiet=quiet)
    recorder.listen(progress.asking)
    try:
        with contextlib.redirect_stdout(sys.stderr):  # what a check prints must not get into the report
            report = diagnose(
                setup.registry,
                order,
                sources=setup.sources,
                recorder=recorder,
                thresholds=setup.thresholds,
                on_result=progress.finished,
            )
    finally:
        progress.close()
    return report


def _can_send(setup: Setup) -> None:
    """Whoever asks for a canary must have said where it goes."""
    needs = {
        "project_token": "project_token (DIAG_PROJECT_TOKEN), the token of the project that it is sent to",
        "capture_url": "capture_url (DIAG_CAPTURE_URL), the address that it is sent to",
    }
    if missing := [what for key, what in needs.items() if not setup.config.value(key)]:
        stop(f"--canary sends one event, and needs {' and '.join(missing)}", USAGE)


def _known_patterns(option: str, patterns: tuple[str, ...], setup: Setup) -> tuple[str, ...]:
    """A pattern that matches no check is a mistake: without a word it would look like a healthy install."""
    import difflib
    from fnmatch import fnmatchcase

    ids = [check.id for check in setup.registry.checks]
    for pattern in patterns:
        if not any(fnmatchcase(id, pattern) for id in ids):
            close = difflib.get_close_matches(pattern, ids, n=1)
            meant = f" Did you mean {close[0]!r}?" if close else ""
            stop(f"{option} {pattern!r} matches no check.{meant} `diag checks` lists them.", USAGE)
    return patterns


def _show(taken_out: Sequence[TakenOut]) -> None:
    """What was taken out, so that one can judge before one pastes. The values themselves are shown nowhere."""
    total = sum(taken.count for taken in taken_out)
    click.echo(f"diag: {total} values were taken out of the report{':' if taken_out else '.'}", err=True)
    for taken in taken_out:
        click.echo(f"  {taken.count:6,}  {taken.kind:14}  {taken.rule}", err=True)


def _leave(code: int) -> NoReturn:
    """A stuck check cannot hold the process: its thread, or a pool that it made, would be waited for at a normal exit."""
    if threading.active_count() > 1:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    raise SystemExit(code)
