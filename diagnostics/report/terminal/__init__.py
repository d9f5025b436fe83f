"""The report on a terminal."""

from diagnostics.report.terminal.renderer import render

__all__ = ["render"]
