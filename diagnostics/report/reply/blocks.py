"""What a reply is made of, before a channel dresses it. Texts may quote anybody: the channel makes them safe."""

from collections.abc import Iterable

from msgspec import Struct

from diagnostics.report.model import Action


class Paragraph(Struct, frozen=True):
    """Sentences that belong together."""

    sentences: tuple[str, ...]


class Points(Struct, frozen=True):
    """A list under a line that announces it; `rest` says what was left out."""

    title: str
    items: tuple[str, ...]
    rest: str = ""


class Step(Struct, frozen=True):
    """Something to do. `mark` says what it does to the install, empty for mere words; `careful` when something may be lost."""

    text: str
    mark: str
    careful: bool
    commands: tuple[str, ...]


class Steps(Struct, frozen=True):
    """Things to do, in this order."""

    title: str
    steps: tuple[Step, ...]
    rest: str = ""


Block = Paragraph | Points | Steps


class Detail(Struct, frozen=True, kw_only=True):
    """How much there is room for. `length` is that of a text, in characters; `command` that of all commands of a step: those
    are whole or left out, since half a command is another command."""

    sentences: int = 3
    steps: int = 6
    command: int = 2_000
    points: int = 4
    questions: int = 3
    length: int = 600


ONE_LINE = 60
"""Characters of a name: more is none."""


def ranked(actions: Iterable[Action]) -> list[Action]:
    """What only looks comes first, what may lose something last; otherwise the order stays."""
    return sorted(actions, key=lambda action: (action.changes_something, not action.safe))


def step(action: Action, detail: Detail) -> Step:
    """The action with as many of its commands as there is room for: all, or none."""
    fits = sum(map(len, action.commands)) <= detail.command
    left_out = "" if fits else " (the commands for it stand in the report)"
    return Step(action.text + left_out, mark(action), not action.safe, action.commands if fits else ())


def mark(action: Action) -> str:
    """What following it does, in words for people who do not know the report's terms."""
    if not action.changes_something:
        return "only looks" if action.commands else ""
    if action.safe:
        return "changes something; nothing can be lost by it"
    return "changes something and is NOT safe: please read it through first"
