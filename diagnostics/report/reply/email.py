"""A reply as plain text: wrapped for an e-mail, with a line to paste as its subject, or as it is for a note."""

import textwrap
from collections.abc import Iterator, Sequence

from diagnostics.report.reply.blocks import Block, Detail, Paragraph, Points, Step
from diagnostics.report.safetext import block as lines_of
from diagnostics.report.safetext import plain, shorten

WIDTH = 72
_LENGTH = Detail().length


def render(subject: str, blocks: Sequence[Block]) -> str:
    """One message. Only commands are longer than WIDTH: a wrapped command would be another command."""
    return f"Subject: {subject}\n\n" + _text(blocks, WIDTH)


def unwrapped(blocks: Sequence[Block]) -> str:
    """For a field that wraps lines itself."""
    return _text(blocks, 0)


def _text(blocks: Sequence[Block], width: int) -> str:
    return "\n\n".join("\n".join(_block(block, width)) for block in blocks) + "\n"


def _block(block: Block, width: int) -> Iterator[str]:
    if isinstance(block, Paragraph):
        yield from _wrapped(" ".join(_safe(sentence) for sentence in block.sentences), width)
        return
    yield from _wrapped(block.title, width)
    if isinstance(block, Points):
        for item in block.items:
            yield from _wrapped(_safe(item), width, "- ")
    else:
        for number, step in enumerate(block.steps, 1):
            yield from _step(f"{number}. ", step, width)
    if block.rest:
        yield from _wrapped(block.rest, width)


def _step(number: str, step: Step, width: int) -> Iterator[str]:
    marked = f" ({step.mark})" if step.mark else ""
    yield from _wrapped(_safe(step.text) + marked, width, number)
    for command in step.commands:
        yield from (f"     {line}" for line in lines_of(command).split("\n"))


def _safe(text: str) -> str:
    return plain(shorten(text, _LENGTH))


def _wrapped(text: str, width: int, lead: str = "") -> list[str]:
    if not width:
        return [lead + text]
    return textwrap.wrap(text, width, initial_indent=lead, subsequent_indent=" " * len(lead), break_on_hyphens=False)
