"""Anybody's text in Markdown: shortened, made safe, and in ASCII where that is asked for."""

from diagnostics.report.model import Status
from diagnostics.report.options import RenderOptions
from diagnostics.report.safetext import block, code, fence, markdown, plain, shorten
from diagnostics.report.signs import ascii_only, emoji, sign


class Dress:
    """What the Markdown renderer writes texts with."""

    def __init__(self, options: RenderOptions) -> None:
        self.unicode = options.unicode
        self.arrow = self._folded("→")
        self.dot = self._folded("·")

    def inline(self, text: str, limit: int = 600) -> str:
        """Within a paragraph, a list item or a cell of a table."""
        return markdown(self._folded(plain(shorten(text, limit))))

    def bold(self, text: str) -> str:
        return f"**{words}**" if (words := self.inline(text)) else ""

    def code(self, text: str, limit: int = 200) -> str:
        return code(self._folded(plain(shorten(text, limit))))

    def fence(self, text: str, language: str = "", *, limit: int) -> str:
        return fence(self._folded(block(shorten(text, limit))), language)

    def sign(self, status: Status) -> str:
        return sign(status, unicode=self.unicode)

    def emoji(self, status: Status) -> str:
        """The sign of a headline, seen from afar."""
        return emoji(status, unicode=self.unicode)

    def _folded(self, text: str) -> str:
        return text if self.unicode else ascii_only(text)
