"""The support hero's first reply to whoever sent a report, and the hand-off note for the next person on duty.

It follows PostHog's handbook for support heroes: begin with "Hey NAME", thank them, be polite to people who are no engineers,
send one message, ask little at once, and leave a private note on which the next person can act.
"""

from typing import Literal, get_args

from diagnostics.report.json import canonical
from diagnostics.report.model import Report

Channel = Literal["slack", "email", "github", "note"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)


def render(report: Report, channel: Channel, name: str = "") -> str:
    """The text to paste, ending with a newline. `name` is whom it greets; a note greets nobody. The same report gives the
    same text, byte for byte."""
    from diagnostics.report.reply import email, github, letter, note, slack

    report = canonical(report)
    match channel:
        case "slack":
            return slack.render(report, name)
        case "email":
            return email.render(letter.subject(report), letter.letter(report, name))
        case "github":
            return github.render(letter.letter(report, name))
        case "note":
            return email.unwrapped(note.note(report))
