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


def _slack() -> Renderer:
    from diagnostics.report import slack

    return slack.render


def _email() -> Renderer:
    from diagnostics.report import email

    return email.render


def _html() -> Renderer:
    from diagnostics.report import html

    return html.render


def _json() -> Renderer:
    from diagnostics.report import json

    return json.render


def _junit() -> Renderer:
    from diagnostics.report import junit

    return junit.render


FORMATS = {
    format.name: format
    for format in (
        Format(name="terminal", extensions=(".txt",), load=_terminal),
        Format(name="markdown", extensions=(".md", ".markdown"), load=_markdown),
        Format(name="slack", extensions=(".slack", ".slack.txt"), load=_slack),
        Format(name="email", extensions=(".eml", ".email.txt"), load=_email),
        Format(name="html", extensions=(".html", ".htm"), load=_html),
        Format(name="json", extensions=(".json",), load=_json),
        Format(name="junit", extensions=(".xml", ".junit.xml"), load=_junit),
    )
}


def of_file(name: str) -> str | None:
    """The format that a file's name asks for: the longest extension decides (`report.slack.txt` is Slack's)."""
    known = [(extension, format.name) for format in FORMATS.values() for extension in format.extensions]
    matching = [(len(extension), format) for extension, format in known if name.lower().endswith(extension)]
    return max(matching)[1] if matching else None


def render(report: Report, format: str, options: RenderOptions) -> str:
    """The report as text that ends with a newline: the same report and options give the same text, byte for byte.

    What is rendered is the report as it would be read back from its JSON, so that a saved report renders the same as the run
    that saved it. Raises KeyError for a format that is not in FORMATS.
    """
    from diagnostics.report.json import canonical

    return FORMATS[format].load()(canonical(report), options)
