"""The report as messages for Slack."""

from diagnostics.report.slack.renderer import messages, render

__all__ = ["messages", "render"]
