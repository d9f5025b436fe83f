"""What the terminal can do."""

import os
import shutil
import sys
from typing import Literal, TextIO, get_args

from diagnostics.report.options import Audience, RenderOptions

Color = Literal["auto", "always", "never"]

SIGNS = "✗✓⊘▁█→▶─└░•"

AUDIENCES: tuple[Audience, ...] = get_args(Audience)
FOR_HELP = "Whom the report is for; `hero` adds what a support engineer needs to answer with."


def render_options(
    color: Color, *, verbose: bool, quiet: bool, audience: Audience = "customer", warnings_fail: bool = False
) -> RenderOptions:
    """From what stdout is: NO_COLOR, FORCE_COLOR, TERM=dumb and CI are respected, `color` wins over all."""
    width = shutil.get_terminal_size((80, 24)).columns if sys.stdout.isatty() else 80
    return RenderOptions(
        width=max(60, min(200, width)),
        color=colored(color, sys.stdout),
        unicode=unicode(sys.stdout),
        verbose=verbose,
        quiet=quiet,
        audience=audience,
        warnings_fail=warnings_fail,
    )


def colored(color: Color, stream: TextIO) -> bool:
    if color != "auto":
        return color == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("CI")


def unicode(stream: TextIO) -> bool:
    """Whether the stream's encoding has the signs of a report: cp1252, latin-1 and ASCII have not."""
    try:
        SIGNS.encode(stream.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
