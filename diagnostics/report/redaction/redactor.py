"""Redaction: the last gate between a finished report and its reader. It fails closed.

Configured secrets go first, in every spelling, then whatever looks like a credential, a person or an address. This is no
reason to collect more: what is never read cannot leak.
"""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec
from msgspec import Struct, structs

from diagnostics.report.error_template import template
from diagnostics.report.model import Privacy, Report
from diagnostics.report.redaction.credentials import field_kind
from diagnostics.report.redaction.fields import through
from diagnostics.report.redaction.names import Hosts, People
from diagnostics.report.redaction.people import is_person_field
from diagnostics.report.redaction.secrets import SHORTEST, Secrets
from diagnostics.report.redaction.spans import MARKS, Pseudonyms
from diagnostics.report.redaction.text import Tally, TextRedaction

T = TypeVar("T")

# A version of four numbers is an address as well: where a field says which of them it is, it is believed.
_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+){3}")


class RedactionFailed(Exception):
    """Redaction broke, or did not do its work. Print this and nothing else: its text is safe, and it has no cause."""


class TakenOut(Struct, frozen=True, kw_only=True):
    """How many of one kind (`email`, see KINDS) were found by one rule, which is told in words ("an e-mail address")."""

    kind: str
    rule: str
    count: int


class Redactor:
    """Takes secrets and personal data out of texts and reports. One for a report: its pseudonyms are good for that one.

    `secrets` are the configured ones. `key` is random unless given; whoever has it can try whom a pseudonym stands for.
    `hide_hosts` are host names that become pseudonyms, too, with those that tables of the report name; without it host names
    stay: a report says more with them.

    A second pass changes nothing and counts nothing. Another redactor leaves marks and most pseudonyms alone, but gives a
    new one to what stands where a distinct id is expected.
    """

    def __init__(
        self, secrets: Iterable[str] = (), *, key: bytes | None = None, hide_hosts: Iterable[str] | None = None
    ) -> None:
        self._redaction = TextRedaction(Secrets(secrets), Hosts(hide_hosts), Pseudonyms(key or os.urandom(32)))
        self._taken_out: Tally = Counter()

    @property
    def taken_out(self) -> tuple[TakenOut, ...]:
        """What went out of the reports so far, the most frequent first. It tells kinds and rules, never a value."""
        return tuple(TakenOut(kind=kind, rule=rule, count=count) for (kind, rule), count in self._taken_out.most_common())

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences for the user about secrets that were only taken out where a credential stands. Ask after redacting."""
        weak = len(self._redaction.secrets.weak)
        if not weak:
            return ()
        subject = "1 configured secret is" if weak == 1 else f"{weak} configured secrets are"
        return (
            f"{subject} too short (less than {SHORTEST} characters) or too common a word to be taken out everywhere: only "
            "where a password or token stands. Read the report before you paste it, and choose a better secret.",
        )

    def text(self, text: str) -> str:
        """`text` without secrets and personal data: for error texts, command lines and diag's own crash reports.

        Raises RedactionFailed.
        """
        return _closed(lambda: self._redaction.text(text, Counter()))

    def report(self, report: Report) -> Report:
        """`report` with every string redacted and `privacy.redacted` filled, proven to hold no configured secret.

        Raises RedactionFailed when anything goes wrong on the way.
        """
        return _closed(lambda: self._report(report))

    def _report(self, report: Report) -> Report:
        redaction = self._redaction
        # What the codes, times and numbers of the report say anyway cannot be taken out of it.
        redaction.secrets = redaction.secrets.without(redaction.secrets.standing_in(_encoded(through(report, _Nothing()))))
        through(report, _Learn(redaction.people, redaction.hosts))
        tally: Tally = Counter()
        redacted = through(report, _Gate(redaction, tally))
        by_kind = Counter(report.privacy.redacted)
        for (kind, _), count in tally.items():
            by_kind[kind] += count
        self._taken_out += tally
        redacted = structs.replace(redacted, privacy=Privacy(redacted=dict(sorted(by_kind.items()))))
        if redaction.secrets.standing_in(_encoded(redacted)):
            raise RedactionFailed("A configured secret was still in the report after redaction. The report is not printed.")
        return redacted


class _Gate:
    """What the strings of a report pass through."""

    def __init__(self, redaction: TextRedaction, tally: Tally) -> None:
        self._redaction = redaction
        self._tally = tally

    def text(self, text: str) -> str:
        return self._redaction.text(text, self._tally)

    def field(self, name: str, text: str) -> str:
        if is_person_field(name):
            return self.person(text)
        if "version" in name.lower() and _VERSION.fullmatch(text):
            return text
        clean = self._redaction.text(text, self._tally)
        kind = field_kind(name, clean)
        if not kind or self._redaction.is_redacted(clean):
            return clean
        self._tally[kind, "a field whose name says so"] += 1
        return MARKS[kind]

    def error(self, text: str) -> str:
        # In this order: of a secret with its digits taken out nobody would see that it is one.
        return template(self.text(text))

    def request(self, text: str) -> str:
        # Without the values of its query a request cannot be made. Checks put nothing from outside into them.
        return self._redaction.text(text, self._tally, spare="url-query")

    def person(self, identity: str) -> str:
        return self._redaction.person(identity, self._tally)

    def host(self, name: str) -> str:
        return self._redaction.host(name, self._tally)


class _Learn:
    """Changes nothing, and remembers the people and the hosts that the report names in fields of their own."""

    def __init__(self, people: People, hosts: Hosts) -> None:
        self._people = people
        self._hosts = hosts

    def text(self, text: str) -> str:
        return text

    def field(self, name: str, text: str) -> str:
        return self.person(text) if is_person_field(name) else text

    def error(self, text: str) -> str:
        return text

    def request(self, text: str) -> str:
        return text

    def person(self, identity: str) -> str:
        self._people.learn(identity)
        return identity

    def host(self, name: str) -> str:
        self._hosts.learn(name)
        return name


class _Nothing:
    """Empties every string: what is left is the structure of the report."""

    def text(self, text: str) -> str:  # noqa: ARG002
        return ""

    def field(self, name: str, text: str) -> str:  # noqa: ARG002
        return ""

    def error(self, text: str) -> str:  # noqa: ARG002
        return ""

    def request(self, text: str) -> str:  # noqa: ARG002
        return ""

    def person(self, identity: str) -> str:  # noqa: ARG002
        return ""

    def host(self, name: str) -> str:  # noqa: ARG002
        return ""


def _encoded(report: Report) -> str:
    return msgspec.json.encode(report).decode()


def _closed(redact: Callable[[], T]) -> T:
    """What `redact` returns, or RedactionFailed. It is raised outside of the handler: its context would hold the texts."""
    failure = ""
    try:
        return redact()
    except RedactionFailed as error:
        failure = str(error)
    except Exception as error:  # noqa: BLE001
        failure = (
            f"Redaction failed ({type(error).__name__}). Nothing is printed, because it might hold secrets or personal data."
        )
    raise RedactionFailed(failure)
