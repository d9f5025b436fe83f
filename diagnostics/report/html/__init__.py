"""The report as one web page that needs nothing else: no network, no other file, nothing but its own style and script.

It says what the other formats say, in the same order, and adds what only a page can: the path as a picture, charts, tables that
sort and filter, buttons that copy. Without its script everything can be read all the same; on paper everything is unfolded.
"""

from diagnostics.report import digest
from diagnostics.report.html.contents import contents
from diagnostics.report.html.page import END, page
from diagnostics.report.model import Report
from diagnostics.report.options import RenderOptions

__all__ = ["render"]


def render(report: Report, options: RenderOptions) -> str:
    """The page, some 40 kB for a usual report and 8 MB for the worst; in ASCII alone where `options.unicode` is False, which
    looks the same in a browser. The digest is that of the file: nobody verifies what they see of a page."""
    text = page(contents(report, options))
    if not options.unicode:
        text = text.encode("ascii", "xmlcharrefreplace").decode()
    return f"{text}{digest.explained(text)}{END}"
