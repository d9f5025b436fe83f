"""A short digest that shows whether a pasted report was edited or cut.

It is computed over the letters and digits of the text itself, as a reader sees them, so that what mail programs, chats and
browsers do to a text does not matter: new line breaks, `> ` of a quoted reply, smart quotes, lost markup, escapes shown or
resolved. Colour, tags, names of languages at fences and the short names of emoji are no letters of the report.

The sentence that tells it stands at the end of what it covers, and names how much that is: what people write before and after
it does not matter either. It guards against accidents and careless edits, not against somebody who computes it anew.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterator
from enum import StrEnum

from msgspec import Struct

_DROPPED = re.compile(
    r"""\x1b\[[0-9;]*m                                   # colour
    |</?(?:details|summary|sub)>|<br>                    # what folds in Markdown, not what looks like it elsewhere
    |`{3,}(?:sh|sql|http)\b                              # the language of a fence
    |:(?:x|warning|question|white_check_mark):           # what Slack makes of the emoji in a copy
    """,
    re.VERBOSE,
)
# Escapes, however often they were escaped themselves: a copy of what is shown has resolved them.
_ESCAPED = re.compile(r"&(?:amp;)*(amp|lt|gt|#124);")
_RESOLVED = {"lt": "<", "gt": ">"}

_SEAL = re.compile(r"(?:message(\d{1,3})of(\d{1,3}))?Digest([0-9a-f]{8})overthe(\d{1,9})lettersanddigitsabove")

_SENTENCE = 40  # letters of a short sentence: when as many are missing, something was left out rather than reworded
_TOLD = 20  # seals that do not fit their text; no further one would change the answer


class State(StrEnum):
    """What became of a text on its way."""

    INTACT = "intact"
    EDITED = "edited"
    CUT = "cut short"


class Judgement(Struct, frozen=True):
    """The state, and a sentence about it for people."""

    state: State
    told: str


class Seal(Struct, frozen=True):
    """A digest found in a text: `start` to `end` are the letters that it is about, `message` of `messages` what it ends."""

    message: int
    messages: int
    digest: str
    start: int
    end: int


def letters(text: str) -> str:
    """The letters and digits of a text, without those that come and go with markup."""
    resolved = _ESCAPED.sub(lambda escape: _RESOLVED.get(escape[1], " "), text)
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", _DROPPED.sub(" ", resolved))))


def sentence(text: str, quoted: Callable[[str], str] = str) -> str:
    """What tells the digest of `text`, to be put right after it. `quoted` dresses what is not a word."""
    covered = letters(text)
    return f"Digest {quoted(_digest(covered))} over the {len(covered):,} letters and digits above."


def explained(text: str, quoted: Callable[[str], str] = str) -> str:
    """The same with what it is for."""
    return f"{sentence(text, quoted)} Was the text edited or cut? {quoted('diag render --verify FILE')} tells."


def verify(text: str) -> Judgement:
    """Whether `text`, or what was pasted into it, is what diag wrote."""
    seen = letters(text)
    seals = list(_seals(seen))
    if not seals:
        return Judgement(State.CUT, "There is no digest in it: its end was left out, or it is no report of diag.")
    if broken := [seal for seal in seals if not _fits(seal, seen)]:
        missing = max(_missing(seal, seen) for seal in broken)
        if missing >= _SENTENCE:
            return Judgement(State.CUT, f"About {missing:,} of its letters and digits are missing.")
        return Judgement(State.EDITED, "Its letters and digits are not those that diag wrote.")
    absent = sorted(set(range(1, seals[0].messages + 1)) - {seal.message for seal in seals})
    if absent:
        which = f"of {seals[0].messages} messages these are missing: {', '.join(map(str, absent))}"
        return Judgement(State.CUT, f"What is there is as diag wrote it, but {which}.")
    return Judgement(
        State.INTACT, f"All {sum(seal.end - seal.start for seal in seals):,} letters and digits are as diag wrote them."
    )


def _digest(covered: str) -> str:
    return hashlib.sha256(covered.encode()).hexdigest()[:8]


def _seals(seen: str) -> Iterator[Seal]:
    """The last one first. One within what a later one covers is text of the report: strangers may have written it."""
    reached, broken = len(seen), 0
    for found in reversed(list(_SEAL.finditer(seen))):
        message, messages, digest, length = found.groups()
        end = found.start(3) - len("Digest")
        seal = Seal(int(message or 1), int(messages or 1), digest, end - int(length), end)
        if end > reached:
            continue
        yield seal
        if _fits(seal, seen):
            reached = seal.start
        elif (broken := broken + 1) == _TOLD:
            return


def _fits(seal: Seal, seen: str) -> bool:
    return 0 <= seal.start < seal.end and _digest(seen[seal.start : seal.end]) == seal.digest


def _missing(seal: Seal, seen: str) -> int:
    """How many letters fewer there are than it covers, from the message before it on."""
    before = [found.end() for found in _SEAL.finditer(seen, 0, seal.end) if found[1] and int(found[1]) < seal.message]
    return max(before, default=0) - seal.start
