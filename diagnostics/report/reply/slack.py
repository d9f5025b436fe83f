"""A reply as one message of Slack's mrkdwn."""

from collections.abc import Iterator, Sequence

from diagnostics.report.model import Report
from diagnostics.report.reply.blocks import Block, Detail, Paragraph, Points, Step
from diagnostics.report.reply.letter import letter
from diagnostics.report.safetext import shorten, slack, slack_block

LIMIT = 4_000
"""Characters of a message."""

# The first that fits is taken. The last one does, whatever is written: making a character safe takes up to ten.
DETAILS = (
    Detail(command=1_000),
    Detail(command=600, steps=4, points=3, length=400),
    Detail(command=300, steps=3, points=2, questions=2, sentences=2, length=250),
    Detail(command=150, steps=2, points=1, questions=1, sentences=1, length=100),
    Detail(command=0, steps=1, points=1, questions=1, sentences=1, length=24),
)


def render(report: Report, name: str) -> str:
    """In at most LIMIT characters, with as much detail as that allows."""
    texts = (_text(letter(report, name, detail), detail.length) for detail in DETAILS)
    text = next(texts)
    while len(text) > LIMIT:
        text = next(texts)
    return text


def _text(blocks: Sequence[Block], length: int) -> str:
    return "\n\n".join("\n".join(_block(block, length)) for block in blocks) + "\n"


def _block(block: Block, length: int) -> Iterator[str]:
    if isinstance(block, Paragraph):
        yield " ".join(_safe(sentence, length) for sentence in block.sentences)
        return
    yield f"*{block.title}*"
    if isinstance(block, Points):
        yield from (f"• {_safe(item, length)}" for item in block.items)
    else:
        for number, step in enumerate(block.steps, 1):
            yield from _step(f"{number}.", step, length)
    if block.rest:
        yield block.rest


def _step(number: str, step: Step, length: int) -> Iterator[str]:
    marked = "" if not step.mark else f" (*{step.mark}*)" if step.careful else f" (_{step.mark}_)"
    yield f"{number} {_safe(step.text, length)}{marked}"
    if step.commands:
        yield slack_block("\n".join(step.commands))


def _safe(text: str, length: int) -> str:
    return slack(shorten(text, length))
