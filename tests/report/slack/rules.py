"""What Slack makes of a message, by its own rules: a small reader of mrkdwn that knows nothing of the renderer."""

import re
from collections.abc import Iterator

from msgspec import Struct

# Slack resolves these three and no other; every other `<` begins a mention, a channel, a command or a link.
ENTITY = re.compile(r"&(?:amp|lt|gt);")
CONTROL = re.compile(r"<[@#!][^>]*>|<https?:[^>]*>|[<>]|&(?!(?:amp|lt|gt);)")
CALLS = re.compile(r"@(?:here|channel|everyone|group)\b", re.IGNORECASE)

# What is made of plain text, outside of code.
LINKED = re.compile(r"@\w|#\w|\w://|\bwww\.|\b[\w-]+\.[a-z]{2,}\b|mailto:", re.IGNORECASE)
EMOJI = re.compile(r":(?:(?=[0-9_+-]*[a-z])[0-9a-z_+-]+|100|[+-]1):")
QUOTED = re.compile(r"^(?:>|&gt;)", re.MULTILINE)
FORMATTED = re.compile(r"(?<!\w)([*_~])(?=\S)(.+?)(?<=\S)\1(?!\w)")


class Part(Struct, frozen=True):
    """A piece of a message: `kind` is text, code or block; `text` is as Slack was given it."""

    kind: str
    text: str


def parts(message: str) -> Iterator[Part]:
    """Blocks of code come first, then code within a line; what is left is text. A backtick without a partner is text."""
    for index, piece in enumerate(re.split(r"```(.*?)```", message, flags=re.DOTALL)):
        if index % 2:
            yield Part("block", piece)
            continue
        for inner, span in enumerate(re.split(r"`([^`\n]+)`", piece)):
            yield Part("code" if inner % 2 else "text", span)


def text(message: str) -> str:
    """The text outside of all code, with a mark where code stood."""
    return "".join(part.text if part.kind == "text" else "\u25a0" for part in parts(message))


def shown(message: str) -> str:
    """What a reader sees, without formats."""
    names = {"&amp;": "&", "&lt;": "<", "&gt;": ">"}
    return ENTITY.sub(lambda entity: names[entity[0]], "".join(part.text for part in parts(message)))
