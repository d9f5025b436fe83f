"""What happens when diag itself fails: a redacted block ready to be pasted, and, only if asked for, a report to Sentry."""

import contextlib
import os
import platform
import sys
import traceback
from collections.abc import Iterator
from typing import Any

import click

from diagnostics.version import __version__

BUG = 4


class Known:
    """What a command tells as soon as it knows it: secrets, so that a later crash cannot print them, and where the user
    wants crashes to be reported."""

    secrets: tuple[str, ...] = ()
    dsn: str | None = None


def report_crash(error: Exception) -> int:
    """Prints the block to stderr and returns the exit code. Prints nothing of the error when redaction itself fails."""
    try:
        from diagnostics.report.redaction import Redactor
        from diagnostics.report.safetext import fence

        redactor = Redactor(_secrets())
        # The error may quote anybody's text: it must neither reach the terminal as it is nor end the block.
        block = fence(redactor.text(_block(error)))
        if Known.dsn:
            _send(error, Known.dsn, redactor)
    except Exception:  # noqa: BLE001 - fails closed: an unredacted text is never printed
        block = "(the details were withheld because they could not be redacted)"
    click.echo("This is a bug in diag, not in your PostHog. Nothing was changed.", err=True)
    click.echo(f"Please report it with this block; secrets are removed:\n\n{block}", err=True)
    return BUG


def _secrets() -> Iterator[str]:
    """The known ones, and those that the environment holds: a crash may come before the configuration is known."""
    from diagnostics.config.settings import SETTINGS
    from diagnostics.config.urls import passwords

    yield from Known.secrets
    for setting in SETTINGS:
        for written in filter(None, map(os.environ.get, setting.environment)):
            if setting.secret:
                yield written
            for part in written.split(",") if "://" in written else ():
                with contextlib.suppress(ValueError):  # no URL
                    yield from passwords(part)


def _block(error: Exception) -> str:
    """The error and the lines it went through; never local values."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f"  {_place(frame.filename)}:{frame.lineno} in {frame.name}" for frame in frames[-12:]]
    version = f"posthog-diag {__version__}, Python {platform.python_version()}, {platform.system()}"
    return "\n".join([version, f"{type(error).__name__}: {error}", *lines])


def _place(filename: str) -> str:
    """`diagnostics/cli/run.py`: the last three parts tell all without the user's home directory."""
    return "/".join(filename.replace("\\", "/").split("/")[-3:])


def _send(error: Exception, dsn: str, redactor: Any) -> None:
    """Every default of the SDK that would send arguments, local variables, host name or modules is off (measured)."""
    import sentry_sdk
    from sentry_sdk.scrubber import EventScrubber

    def scrub(event: Any, _hint: Any) -> Any:
        return _walk(event, redactor)

    sentry_sdk.init(
        dsn=dsn,
        release=f"posthog-diag@{__version__}",
        default_integrations=False,
        auto_enabling_integrations=False,
        include_local_variables=False,
        include_source_context=False,
        server_name="",
        send_default_pii=False,
        max_breadcrumbs=0,
        auto_session_tracking=False,
        send_client_reports=False,
        traces_sample_rate=None,
        event_scrubber=EventScrubber(recursive=True),
        before_send=scrub,
        shutdown_timeout=2,
    )
    sentry_sdk.capture_exception(error)
    sentry_sdk.flush(2)
    print("A redacted crash report was sent, as crash_report_dsn asks.", file=sys.stderr)  # noqa: T201


def _walk(value: Any, redactor: Any) -> Any:
    if isinstance(value, str):
        return redactor.text(value)
    if isinstance(value, dict):
        return {key: _walk(item, redactor) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_walk(item, redactor) for item in value]
    return value
