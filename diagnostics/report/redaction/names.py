"""Names known beforehand: hosts that the user wants hidden, and persons that a table of the same report names."""

import re
from collections.abc import Iterable, Iterator

from diagnostics.report.redaction.addresses import person_span
from diagnostics.report.redaction.machines import machines
from diagnostics.report.redaction.spans import Span


class Hosts:
    """Hosts to hide, whatever their case. Plain words (`db`) only where an address stands.

    None hides no host; otherwise those that a table of the report names, and what looks like one, are hidden as well.
    """

    def __init__(self, hosts: Iterable[str] | None) -> None:
        self.hidden = hosts is not None
        self._patterns = {host.lower(): _host_pattern(host) for host in hosts or () if host}

    def learn(self, host: str) -> None:
        """Hides `host`, which may have a port, from now on, if hosts are to be hidden."""
        name = re.sub(r":[0-9]{1,5}\Z", "", host.strip())
        if self.hidden and name:
            self._patterns.setdefault(name.lower(), _host_pattern(name))

    def spans(self, text: str) -> Iterator[Span]:
        lowered = text.lower() if self._patterns else ""
        for host, pattern in self._patterns.items():
            if host in lowered:
                for match in pattern.finditer(text):
                    yield Span(match.start(), match.end(), "host", identity=host)
        if self.hidden:
            yield from machines(text)


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
    if "." in host or ":" in host or ("-" in host and re.search(r"\d", host)):  # `chi-posthog-0-1` is no word
        return re.compile(rf"(?<![\w-]){name}(?![\w-])", re.IGNORECASE)
    return re.compile(rf"(?:(?<=//)|(?<=@)){name}(?![\w-])|(?<![\w.-]){name}(?=:[0-9]{{2,5}}\b)", re.IGNORECASE)
