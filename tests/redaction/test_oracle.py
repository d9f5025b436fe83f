"""Another program looks for secrets in the reports of the tainted install, and finds none: detect-secrets, with all it has."""

import re
from collections.abc import Iterator
from functools import cache

import pytest
from detect_secrets.core.scan import scan_line
from detect_secrets.plugins.high_entropy_strings import Base64HighEntropyString, HexHighEntropyString
from detect_secrets.settings import default_settings

from diagnostics.lab import scenarios
from diagnostics.report.formats import FORMATS, render
from diagnostics.report.json import dump
from diagnostics.report.redaction import Redactor
from diagnostics.report.redaction.spans import is_mark
from tests.redaction.test_proof import EVERYTHING
from tests.scenarios.walking import walked

# A single line is searched without regard to entropy, so its limits (4.5 and 3 bits a character) are applied here.
BY_ENTROPY = {plugin.secret_type: plugin for plugin in (Base64HighEntropyString(), HexHighEntropyString())}

# What looks like a secret and is none, by exact rule.
NO_SECRET = (
    re.compile(r'"digest": "([0-9a-f]{16})"'),  # of the report itself: `diag render --verify`
    re.compile(r'": [0-9]\.([0-9]+e)-[0-9]+,?\Z'),  # a number: 9.543997293803841e-6
    re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-([0-9a-f]{12})\b"),  # the end of a table's UUID, as ClickHouse writes it
)


@cache
def found_in(line: str) -> tuple[tuple[str, str], ...]:
    """(kind, value) of what it takes for secrets."""
    return tuple(_found(line))


def _found(line: str) -> Iterator[tuple[str, str]]:
    allowed = {match[1] for rule in NO_SECRET for match in rule.finditer(line.replace("<wbr>", ""))}
    for secret in scan_line(line):
        value = (secret.secret_value or "").replace("<wbr>", "")
        by_entropy = BY_ENTROPY.get(secret.type)
        random = not by_entropy or by_entropy.calculate_shannon_entropy(value) > by_entropy.entropy_limit
        if random and value not in allowed and not is_mark(value):
            yield secret.type, value


@pytest.fixture(autouse=True, scope="module")
def all_its_plugins() -> Iterator[None]:
    with default_settings():
        yield


@pytest.mark.parametrize("id", [scenario.id for scenario in scenarios()])
def test_it_finds_nothing(id: str) -> None:
    walk = walked(id)
    clean = Redactor(walk.secrets).report(walk.tainted)
    for format in FORMATS:
        lines = render(clean, format, EVERYTHING).splitlines()
        assert {line: found_in(line) for line in lines if found_in(line)} == {}, format


def test_without_redaction_it_would_find_a_lot() -> None:
    kinds = {kind for line in dump(walked("dead-letters-postgres").tainted).decode().splitlines() for kind, _ in found_in(line)}
    assert kinds >= {"AWS Access Key", "Basic Auth Credentials", "JSON Web Token", "Private Key", "Base64 High Entropy String"}


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('"digest": "0f4a8e0d2b7c6a5f"', ()),
        ('"id": "0f4a8e0d2b7c6a5f1e3d"', (("Hex High Entropy String", "0f4a8e0d2b7c6a5f1e3d"),)),
        ('"duration_s": 9.543997293803841e-6,', ()),
        ("view events_json_mv (7b5e4a3c-0d1e-4c68-9a7b-51f0c2d3e4f5)", ()),
        ("view events_json_mv (51f0c2d3e4f5)", (("Hex High Entropy String", "51f0c2d3e4f5"),)),
        ("postgres://posthog:password-<wbr>removed@db", ()),
        ("postgres://posthog:hunter2@db", (("Basic Auth Credentials", "hunter2"),)),
    ],
)
def test_what_is_excluded_is_excluded_by_exact_rule(line: str, found: tuple[tuple[str, str], ...]) -> None:
    assert found_in(line) == found
