"""The page that the terminal report is written on: wrapped lines, hanging indents, colour only where it was asked for."""

from io import StringIO

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.text import Text

from diagnostics.report import digest
from diagnostics.report.model import Status
from diagnostics.report.options import RenderOptions
from diagnostics.report.safetext import block, shorten, terminal
from diagnostics.report.signs import ascii_only, sign

STYLES = {
    Status.FAIL: "bold red",
    Status.WARN: "bold yellow",
    Status.UNKNOWN: "bold magenta",
    Status.BLOCKED: "magenta",
    Status.SKIPPED: "dim",
    Status.INFO: "cyan",
    Status.OK: "green",
}

BARS = {
    Status.FAIL: "bold white on red",
    Status.WARN: "bold black on yellow",
    Status.UNKNOWN: "bold white on magenta",
    Status.OK: "bold black on green",
}

LONGEST = 100_000  # a value longer than this is nothing that a person reads in a terminal

Part = str | tuple[str, str]
"""Text, or text and its style."""


class Page:
    """No line is wider than the page but those of `verbatim`: a wrapped command would be another command."""

    def __init__(self, options: RenderOptions) -> None:
        self.width = max(60, min(200, options.width))
        self.unicode = options.unicode
        self.color = options.color
        self._file = StringIO()
        self._console = Console(
            file=self._file,
            width=self.width,
            color_system="standard" if options.color else None,
            force_terminal=options.color,
            force_interactive=False,
            force_jupyter=False,
            no_color=False,
            legacy_windows=False,
            markup=False,
            emoji=False,
            highlight=False,
            _environ={},  # nothing about the machine may change a report
        )

    @property
    def size(self) -> int:
        """Characters written so far."""
        return self._file.tell()

    def clean(self, text: str, limit: int = 600) -> str:
        """One line of anybody's text, made safe for a terminal."""
        return self.folded(terminal(shorten(text, limit)))

    def folded(self, text: str) -> str:
        """In ASCII where that is asked for."""
        return text if self.unicode else ascii_only(text)

    def joined(self, *texts: str) -> str:
        """What there is of `texts`, with dots between."""
        return (" · " if self.unicode else " | ").join(self.clean(text) for text in texts if text)

    def sign(self, status: Status) -> tuple[str, str]:
        """The lead of a line that is about something of this status."""
        return f"{sign(status, unicode=self.unicode)} ", STYLES[status]

    def heading(self, text: str) -> None:
        self.gap()
        self.line((text, "bold"), indent=1)

    def gap(self) -> None:
        self._console.print()

    def line(self, *parts: Part, indent: int, lead: Part = "") -> None:
        """A paragraph that hangs on its `lead`. All parts are clean already."""
        first = Text.assemble(lead)
        for index, line in enumerate(self._wrapped(Text.assemble(*parts), self.width - indent - first.cell_len)):
            hanging = first if index == 0 else Text(" " * first.cell_len)
            self._console.print(Text(" " * indent) + hanging + line, no_wrap=True, crop=False)

    def verbatim(self, text: str, *, indent: int, style: str = "") -> None:
        """Text to be copied: line by line as it is, however long."""
        for line in block(shorten(text, LONGEST)).split("\n"):
            self.exactly(" " * indent + self.folded(terminal(line)), style)

    def exactly(self, line: str, style: str = "") -> None:
        """One line as it is; it is clean already."""
        self._console.print(Text(line, style), soft_wrap=True)

    def bar(self, status: Status, word: str, text: str) -> None:
        """The verdict as a block across the page, with the headline under its one word: to be read from two metres."""
        lead = f" {sign(status, unicode=self.unicode)} "
        for line in ("", f"{lead}{word}", *(f"   {line}" for line in self._wrapped(Text(text), self.width - 4)), ""):
            bar = Text(str(line))
            bar.pad_right(self.width - bar.cell_len)
            bar.stylize(BARS[status])
            self._console.print(bar, no_wrap=True, crop=False)

    def put(self, renderable: RenderableType, *, indent: int) -> None:
        self._console.print(Padding(renderable, (0, 0, 0, indent), expand=False))

    def seal(self) -> None:
        """The digest of all that was written."""
        self.line((digest.explained(self._file.getvalue()), "dim"), indent=1)

    def finish(self) -> str:
        """All that was written, without blanks at the ends of lines."""
        lines = [line.rstrip() for line in self._file.getvalue().split("\n")]
        return "\n".join(lines).strip("\n") + "\n"

    def _wrapped(self, text: Text, width: int) -> list[Text]:
        lines = list(text.wrap(self._console, width, overflow="fold"))
        for line in lines:
            line.rstrip()
        return lines
