"""One text through all rules, round after round, until none of them finds anything."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import chain

from diagnostics.report.redaction.addresses import ADDRESS_RULES, person_span
from diagnostics.report.redaction.commands import COMMAND_RULES
from diagnostics.report.redaction.credentials import CREDENTIAL_RULES
from diagnostics.report.redaction.manifests import MANIFEST_RULES
from diagnostics.report.redaction.names import Hosts, People
from diagnostics.report.redaction.numbers import NUMBER_RULES
from diagnostics.report.redaction.people import PEOPLE_RULES, is_nobody
from diagnostics.report.redaction.prose import PROSE_RULES
from diagnostics.report.redaction.reading import unfolded, unwrapped
from diagnostics.report.redaction.rows import ROW_RULES
from diagnostics.report.redaction.secrets import Secrets
from diagnostics.report.redaction.spans import MARKS, Pseudonyms, Span, is_mark, merged, named
from diagnostics.report.redaction.urls import URL_RULES

# Where two rules find the same, the first gives the mark.
_RULES = (
    *CREDENTIAL_RULES,
    *COMMAND_RULES,
    *MANIFEST_RULES,
    *PROSE_RULES,
    *URL_RULES,
    *PEOPLE_RULES,
    *ROW_RULES,
    *NUMBER_RULES,
    *ADDRESS_RULES,
)
# Two are usual: one takes out, one finds nothing more. A text that is not clean by then was made to keep us busy.
_ROUNDS = 6


Tally = Counter[tuple[str, str]]
"""How many of each kind were taken out by which rule."""


class TextRedaction:
    """What is known when a text is redacted: the secrets, the hosts to hide, the people met so far, and their pseudonyms."""

    def __init__(self, secrets: Secrets, hosts: Hosts, pseudonyms: Pseudonyms) -> None:
        self.secrets = secrets
        self.people = People()
        self.hosts = hosts
        self._pseudonyms = pseudonyms

    def text(self, text: str, tally: Tally, *, spare: str = "") -> str:
        """`text` without what the rules find, but for the kind `spare`; `tally` counts what was taken out.

        Lone surrogates, which cannot be written to anything, become visible.
        """
        text = text.encode("utf-8", "backslashreplace").decode("utf-8")
        for _ in range(_ROUNDS):
            spans = [span for span in self._spans(text) if span.kind != spare]
            if not spans:
                return text
            text = self._without(text, merged(spans), tally)
        tally["text", "a text that never got clean"] += 1
        return MARKS["text"]

    def person(self, identity: str, tally: Tally) -> str:
        """The pseudonym of a person; what clients send as a distinct id by mistake stays, because it explains things."""
        if is_nobody(identity) or self.is_redacted(identity):
            return identity
        span = person_span(identity, 0, len(identity))
        tally[span.kind, "a person's own field"] += 1
        return self._stand_in(span)

    def host(self, name: str, tally: Tally) -> str:
        """The pseudonym of a machine if hosts are to be hidden; otherwise its name, redacted like any text."""
        if not self.hosts.hidden or self.is_redacted(name):
            return self.text(name, tally)
        tally["host", "a host's own field"] += 1
        host, colon, port = name.rpartition(":") if re.search(r":[0-9]{1,5}\Z", name) else (name, "", "")
        return self._pseudonyms.name("host", host.lower()) + colon + port

    def is_redacted(self, text: str) -> bool:
        """Whether nothing remains to be taken out of `text`: it is empty, a mark or a pseudonym given here."""
        return not text or is_mark(text) or self._pseudonyms.issued(text)

    def _spans(self, text: str) -> Iterator[Span]:
        """What stands in `text` and is not redacted yet, be it written there in plain or not."""
        found: list[Span] = []
        reading = unfolded(text)
        if reading:  # first, so that whoever is written in two ways is one person
            found += map(reading.written, self._found(reading.text))
        if line := unwrapped(reading.text if reading else text):
            wrapped = map(line.written, self._of_secrets(line.text))
            found += map(reading.written, wrapped) if reading else wrapped
        found += self._found(text)
        return (span for span in found if not self.is_redacted(text[span.start : span.end]))

    def _found(self, text: str) -> Iterator[Span]:
        spans = (
            self._of_secrets(text),
            named("a host name", self.hosts.spans(text)),
            named("somebody whom a table names", self.people.spans(text)),
            _by_rules(text),
        )
        return (span for span in chain.from_iterable(spans) if span.length)

    def _of_secrets(self, text: str) -> Iterator[Span]:
        return named("a configured secret", self.secrets.spans(text))

    def _without(self, text: str, spans: list[Span], tally: Tally) -> str:
        pieces: list[str] = []
        position = 0
        for span in spans:
            tally[span.kind, span.rule] += 1
            pieces += (text[position : span.start], self._stand_in(span))
            position = span.end
        return "".join((*pieces, text[position:]))

    def _stand_in(self, span: Span) -> str:
        return span.mark or MARKS.get(span.kind) or self._pseudonyms.name(span.kind, span.identity)


def _by_rules(text: str) -> Iterator[Span]:
    lowered = text.lower()
    for rule in _RULES:
        yield from rule.spans(text, lowered)
