"""Replies to saved reports of the lab, as they were read by a person. After a change that is meant, write them anew and read
the difference:

.venv/bin/python -m tests.report.reply.replies && git diff tests/report/reply/replies
"""

from pathlib import Path

from diagnostics.report.json import load
from diagnostics.report.model import Report
from diagnostics.report.reply import CHANNELS, Channel, render

REPLIES = Path(__file__).with_name("replies")
SCENARIOS = ("dead-letters-postgres", "healthy", "no-permission", "plugin-server-down")
NAMES = [(scenario, channel) for scenario in SCENARIOS for channel in CHANNELS]


def report(scenario: str) -> Report:
    """What `diag demo SCENARIO --format json` printed, with the addresses of an install in place of the lab's."""
    return load((REPLIES / f"{scenario}.json").read_bytes())


def reply(scenario: str, channel: Channel) -> str:
    """What is made of it today."""
    return render(report(scenario), channel, "Ana")


def path(scenario: str, channel: Channel) -> Path:
    return REPLIES / f"{scenario}.{channel}.txt"


if __name__ == "__main__":
    for scenario, channel in NAMES:
        path(scenario, channel).write_text(reply(scenario, channel), encoding="utf-8")
