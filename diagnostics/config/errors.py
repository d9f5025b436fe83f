"""What is wrong with a configuration: all of it at once, each with where it stands and what to do.

ConfigurationError    everything that is wrong, for the person; `diag` exits 2
Invalid               one value is wrong; `load` adds which one and where it stands
"""

import re
from collections.abc import Sequence

from msgspec import Struct

_TOKEN = re.compile(r"\b(ph[acrsx]_|sntry[a-z]_)[\w+=-]{6,}|\b[0-9a-f]{32,64}\b")


class Problem(Struct, frozen=True, kw_only=True):
    """`what` is wrong (a sentence without its full stop), `where` it stands, what to `do` (an imperative). Holds no secret."""

    what: str
    where: str
    do: str


class ConfigurationError(Exception):
    """`str(error)` is the text for the terminal: every problem with its place and its remedy."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        count = len(self.problems)
        lines = ["The configuration has a problem:" if count == 1 else f"The configuration has {count} problems:"]
        for problem in self.problems:
            lines += [f"  {problem.what}", f"    where: {problem.where}", f"    do:    {problem.do}"]
        return "\n".join(lines)


class Invalid(Exception):
    """A value that cannot be used. `what` continues the setting's name ("has no scheme"); neither part quotes a secret."""

    def __init__(self, what: str, do: str) -> None:
        super().__init__(what)
        self.what = what
        self.do = do


def shown(text: object) -> str:
    """Text from outside on its way into a message: one line, without control characters, of bounded length.

    A token that was written where something else belongs is masked.
    """
    line = "".join(character if character.isprintable() else "?" for character in str(text))
    line = without_tokens(line)
    return line if len(line) <= 200 else line[:199] + "…"


def without_tokens(text: str) -> str:
    """`text` with what looks like a token of PostHog or Sentry masked."""
    return _TOKEN.sub(lambda match: f"{match[1] or ''}***", text)
