"""Anybody's text in Slack's mrkdwn: shortened, made safe, and in ASCII where that is asked for."""

from collections.abc import Sequence

from diagnostics.report.budget import fitting
from diagnostics.report.model import Status
from diagnostics.report.options import RenderOptions
from diagnostics.report.safetext import block, plain, shorten, slack, slack_block, slack_code
from diagnostics.report.signs import ascii_only, emoji, sign
from diagnostics.report.wording import more

WIDEST = 5  # characters that one character of safe text takes at most: `&amp;`


class Dress:
    """What the Slack renderer writes texts with. Nothing that it writes is longer than WIDEST times its limit and a few."""

    def __init__(self, options: RenderOptions) -> None:
        self.unicode = options.unicode
        self.arrow = "→" if options.unicode else "-&gt;"
        self.dot = "·" if options.unicode else "|"
        self.bullet = "•" if options.unicode else "-"

    def inline(self, text: str, limit: int = 300) -> str:
        """Within a line."""
        return self._folded(slack(self._short(text, limit)))

    def bold(self, text: str) -> str:
        return f"*{words}*" if (words := self.inline(text)) else ""

    def code(self, text: str, limit: int = 120) -> str:
        return self._folded(slack_code(self._short(text, limit)))

    def fence(self, text: str, *, limit: int) -> str:
        """A block of code of at most `limit` characters and its fences."""
        content = self._folded(block(shorten(text, limit)))
        written = self._folded(slack_block(content))
        if len(written) <= limit + 8:
            return written
        return self._folded(slack_block(shorten(content, max(16, limit // (2 * WIDEST)))))

    def commands(self, commands: Sequence[str], *, limit: int) -> str:
        """Commands to be copied: whole ones as long as there is room."""
        whole, missing = fitting([command for command in commands if command], limit)
        if not whole and missing:
            return self.fence(commands[0], limit=limit)
        told = [self.fence("\n".join(whole), limit=limit)] if whole else []
        return "\n".join([*told, *([f"and {more(missing, 'command')}"] if missing else [])])

    def sign(self, status: Status) -> str:
        return sign(status, unicode=self.unicode)

    def emoji(self, status: Status) -> str:
        """The sign of a headline, seen from afar."""
        return emoji(status, unicode=self.unicode)

    def _short(self, text: str, limit: int) -> str:
        """Twice, because showing what is not seen makes a text longer."""
        return shorten(self._folded(plain(shorten(text, limit))), limit)

    def _folded(self, text: str) -> str:
        return text if self.unicode else ascii_only(text)
