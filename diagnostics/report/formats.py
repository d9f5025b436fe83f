"""The formats that a report can be rendered in. A renderer is imported when it is used."""

from collections.abc import Callable

from msgspec import Struct

from diagnostics.report.model import Report
from diagnostics.report.options import RenderOptions

Renderer = Callable[[Report, RenderOptions], str]


class Format(Struct, frozen=True, kw_only=True):
    """A format by name. `extensions` are those of files that hold it; `load` imports its renderer."""

    name: str
    extensions: tuple[str, ...]
    load: Callable[[], Renderer]


def _terminal() -> Renderer:
    from diagnostics.report import terminal

    return terminal.render


def _markdown() -> Renderer:
    from diagnostics.report import markdown

    return markdown.render


def _json() -> Renderer:
    from diagnostics.report import json

    return json.render


FORMATS = {
    format.name: format
    for format in (
        Format(name="terminal", extensions=(".txt",), load=_terminal),
        Format(name="markdown", extensions=(".md", ".markdown"), load=_markdown),
        Format(name="json", extensions=(".json",), load=_json),
    )
}


def render(report: Report, format: str, options: RenderOptions) -> str:
    """The report as text that ends with a newline: the same report and options give the same text, byte for byte.

    What is rendered is the report as it would be read back from its JSON, so that a saved report renders the same as the run
    that saved it. Raises KeyError for a format that is not in FORMATS.
    """
    from diagnostics.report.json import canonical

    return FORMATS[format].load()(canonical(report), options)
