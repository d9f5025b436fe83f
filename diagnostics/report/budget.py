"""Keeping a report within a number of characters or lines: the least valuable detail goes first, and what went is counted."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from msgspec import Struct

Item = TypeVar("Item")
Size = Callable[[str], int]
"""How much room a block takes, with the empty line after it."""


class Allotment(Struct, Generic[Item], frozen=True, kw_only=True):
    """What fitted: `texts` of the first items, how many of them came out `shortened`, how many items are `missing`."""

    texts: tuple[str, ...]
    shortened: int
    missing: int


def characters(block: str) -> int:
    """The size of a block where characters count."""
    return len(block) + 2


def lines(block: str) -> int:
    """The size of a block where lines count."""
    return block.count("\n") + 2


def fitting(blocks: Sequence[str], room: int, size: Size = characters) -> tuple[list[str], int]:
    """The first of `blocks` that fit into `room`, each with an empty line after it, and how many do not."""
    used = 0
    for index, block in enumerate(blocks):
        used += size(block)
        if used > room:
            return list(blocks[:index]), len(blocks) - index
    return list(blocks), 0


def allot(
    items: Sequence[Item],
    room: int,
    *,
    short: Callable[[Item], str],
    longer: Sequence[Callable[[Item], str]],
    most: int,
    size: Size = characters,
) -> Allotment[Item]:
    """Every item in its `short` form first, up to `most` items and half of the room; then, from the first on, each in the
    first of the `longer` forms (best first) that there is still room for."""
    texts, _ = fitting([short(item) for item in items[:most]], room // 2, size)
    left = room - sum(size(text) for text in texts)
    shortened = 0
    for index, item in enumerate(items[: len(texts)]):
        best = 0
        for form in longer:
            text = form(item)
            if size(text) - size(texts[index]) <= left:
                left -= size(text) - size(texts[index])
                texts[index] = text
                break
            best += 1
        shortened += best > 0
    return Allotment(texts=tuple(texts), shortened=shortened, missing=len(items) - len(texts))
