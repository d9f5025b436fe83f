"""The report as Markdown, for a GitHub issue."""

from diagnostics.report.markdown.renderer import render

__all__ = ["render"]
