"""What the redaction rules find in a text, and what is put in its place.

Secrets become a fixed mark that ends in `removed`; people, addresses and hosts become pseudonyms, so that a reader still
sees that two lines speak of the same one. Both are made of letters, digits and hyphens only: they read the same in
Markdown, in Slack, in a terminal, in a URL and in a shell command.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct, structs

# kind -> what stands in its place; a kind that is not here gets pseudonyms.
MARKS = {
    "secret": "secret-removed",
    "posthog-token": "posthog-token-removed",
    "dsn-key": "key-removed",
    "bearer": "token-removed",
    "basic": "credentials-removed",
    "jwt": "jwt-removed",
    "cloud-key": "cloud-key-removed",
    "private-key": "private-key-removed",
    "password": "password-removed",
    "url-query": "removed",
    "card": "card-removed",
    "text": "text-removed",
}
# Which sort of PostHog token it was tells support that somebody took a personal key (phx) for a project token (phc).
TOKEN_MARKS = {sort: f"{sort}-token-removed" for sort in ("phc", "phx", "phs", "pha", "phr")}
PSEUDONYMOUS = ("person", "email", "ip", "host")
KINDS = (*MARKS, *PSEUDONYMOUS)

_ALL_MARKS = frozenset({*MARKS.values(), *TOKEN_MARKS.values()})


class Span(Struct, frozen=True):
    """`text[start:end]` has to go. `identity` is what the pseudonym stands for: equal for two spellings of one address.

    `rule` is what found it, in words that continue "taken out: ...".
    """

    start: int
    end: int
    kind: str
    identity: str = ""
    mark: str = ""
    rule: str = ""

    @property
    def length(self) -> int:
        return self.end - self.start


Find = Callable[[str], Iterator[Span]]


class Rule(Struct, frozen=True):
    """Finds one kind of thing; `name` is said of what it found, as in "taken out: an e-mail address". Nothing is searched
    unless the lower-case text contains one of `needs` (none: always).

    The literal test first is what makes redaction fast: most rules end there. `find` takes time linear in the text.
    """

    name: str
    needs: tuple[str, ...]
    find: Find

    def spans(self, text: str, lowered: str) -> Iterator[Span]:
        """What it finds in `text`, whose lower case is `lowered`."""
        if not self.needs or any(literal in lowered for literal in self.needs):
            yield from named(self.name, self.find(text))


def named(rule: str, spans: Iterable[Span]) -> Iterator[Span]:
    """`spans` as found by `rule`."""
    return (structs.replace(span, rule=rule) for span in spans)


def pattern(name: str, kind: str, regex: str, *, needs: tuple[str, ...], flags: int = 0) -> Rule:
    """The rule for a kind with a fixed mark whose regular expression tells all; its first group goes, or all of it."""
    compiled = re.compile(regex, flags)
    group = 1 if compiled.groups else 0

    def find(text: str) -> Iterator[Span]:
        for match in compiled.finditer(text):
            yield Span(*match.span(group), kind)

    return Rule(name, needs, find)


def merged(spans: Iterable[Span]) -> list[Span]:
    """Spans that do not overlap and cover the same characters; the longest of those that overlapped gives the kind.

    Of equals the first wins, so rules are asked in the order of what their mark says to a reader.
    """
    runs: list[tuple[int, int, Span]] = []
    for span in sorted(spans, key=lambda span: span.start):
        if not runs or span.start >= runs[-1][1]:
            runs.append((span.start, span.end, span))
            continue
        start, end, widest = runs[-1]
        runs[-1] = (start, max(end, span.end), span if span.length > widest.length else widest)
    return [structs.replace(widest, start=start, end=end) for start, end, widest in runs]


class Pseudonyms:
    """Names by a keyed hash: the same value has the same name under one key, and nobody without the key can try values."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._names: dict[tuple[str, str], str] = {}
        self._issued: set[str] = set()

    def name(self, kind: str, identity: str) -> str:
        """`person-3f9a`: four hex digits, more for a value whose name another one has already."""
        known = self._names.get((kind, identity))
        if known:
            return known
        digest = hmac.new(self._key, f"{kind}\0{identity}".encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
        name = next(name for length in range(4, 65) if (name := f"{kind}-{digest[:length]}") not in self._issued)
        self._names[kind, identity] = name
        self._issued.add(name)
        return name

    def issued(self, text: str) -> bool:
        """Whether `text` is one of these names."""
        return text in self._issued


def is_mark(text: str) -> bool:
    """Whether `text` is what stands in place of a secret, no more and no less."""
    return text in _ALL_MARKS
