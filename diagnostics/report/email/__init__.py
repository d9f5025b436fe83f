"""The report as one plain e-mail."""

from diagnostics.report.email.renderer import render

__all__ = ["render"]
