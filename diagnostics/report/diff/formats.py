"""The formats of a difference, by name; a renderer is imported when it is used."""

from diagnostics.report.diff.model import Difference
from diagnostics.report.options import RenderOptions


def render(difference: Difference, format: str, options: RenderOptions) -> str:
    """`format` is terminal, markdown or json; as text that ends with a newline."""
    if format == "terminal":
        from diagnostics.report.diff import terminal

        return terminal.render(difference, options)
    if format == "markdown":
        from diagnostics.report.diff import markdown

        return markdown.render(difference, options)
    return _json(difference)


def _json(difference: Difference) -> str:
    import msgspec

    return msgspec.json.format(msgspec.json.encode(difference), indent=2).decode() + "\n"
