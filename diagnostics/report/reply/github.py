"""A reply as GitHub's Markdown."""

from collections.abc import Iterator, Sequence

from diagnostics.report.markdown.text import Dress
from diagnostics.report.options import RenderOptions
from diagnostics.report.reply.blocks import Block, Detail, Paragraph, Points, Step

_LIMIT = 2 * Detail().command


def render(blocks: Sequence[Block]) -> str:
    dress = Dress(RenderOptions())
    return "\n\n".join("\n".join(_block(dress, block)) for block in blocks) + "\n"


def _block(dress: Dress, block: Block) -> Iterator[str]:
    if isinstance(block, Paragraph):
        yield " ".join(dress.inline(sentence) for sentence in block.sentences)
        return
    yield f"**{block.title}**\n"
    if isinstance(block, Points):
        yield from (f"- {dress.inline(item)}" for item in block.items)
    else:
        for number, step in enumerate(block.steps, 1):
            yield _step(dress, f"{number}. ", step)
    if block.rest:
        yield f"\n{block.rest}"


def _step(dress: Dress, number: str, step: Step) -> str:
    marked = "" if not step.mark else f" (**{step.mark}**)" if step.careful else f" ({step.mark})"
    fence = dress.fence("\n".join(step.commands), "sh", limit=_LIMIT) if step.commands else ""
    margin = "\n" + " " * len(number)
    return f"{number}{dress.inline(step.text)}{marked}" + (margin + fence.replace("\n", margin) if fence else "")
