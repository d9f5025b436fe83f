"""Names known beforehand: hosts that the user wants hidden, and persons that a table of the same report names."""

import re
from collections.abc import Iterable, Iterator

from diagnostics.report.redact_addresses import person_span
from diagnostics.report.redact_spans import Span


class Hosts:
    """Hosts to hide, whatever their case. Those without a dot (`db`) only where an address stands: they are words, too."""

    def __init__(self, hosts: Iterable[str]) -> None:
        self._patterns = [(host.lower(), _host_pattern(host)) for host in hosts if host]

    def spans(self, text: str) -> Iterator[Span]:
        lowered = text.lower() if self._patterns else ""
        for host, pattern in self._patterns:
            if host in lowered:
                for match in pattern.finditer(text):
                    yield Span(match.start(), match.end(), "host", identity=host)


class People:
    """Distinct ids that a table of the report gives: they are recognised in its other texts, too."""

    def __init__(self) -> None:
        self._identities: dict[str, re.Pattern[str]] = {}

    def learn(self, identity: str) -> None:
        """Remembers an identity that looks like one: an event may come with any text as its distinct id, `clickhouse` too."""
        digits = sum(character.isdigit() for character in identity)
        if len(identity) >= 8 and digits >= 3 and any(character.isalpha() for character in identity):
            self._identities[identity] = re.compile(rf"(?<!\w){re.escape(identity)}(?!\w)")

    def spans(self, text: str) -> Iterator[Span]:
        for identity, pattern in self._identities.items():
            if identity in text:
                for match in pattern.finditer(text):
                    yield person_span(text, match.start(), match.end())


def _host_pattern(host: str) -> re.Pattern[str]:
    name = re.escape(host)
    if "." in host or ":" in host:
        return re.compile(rf"(?<![\w-]){name}(?![\w-])", re.IGNORECASE)
    return re.compile(rf"(?:(?<=//)|(?<=@)){name}(?![\w-])|(?<![\w.-]){name}(?=:[0-9]{{2,5}}\b)", re.IGNORECASE)
