"""Templates of error texts: stable, short, and the same for the same error."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.report.error_template import LENGTH, template

PIECES = st.sampled_from([
    "ingestEvent failed. ", "Event ingestion failed. ", "Error: ", '"', "'", " ", "<number>", '"<value>"', "a@b.c", "@", "7",
    "-", ".", "10.0.0.1", "12:34:56", "2024-01-01", "T10:00:00Z", "0xff", "deadbeef1", "phc_a1b2c3d4e5", "constraint ",
    'relation "', "::1", ".io", ".internal", "foo-bar.", "x.y.z:80", "https://", "1, 2, 3", "…", "\n", "\x00", "é", "_",
    "٣", "k" * 70,
])  # fmt: skip
TEXTS = st.one_of(st.lists(PIECES, max_size=30).map("".join), st.text(max_size=300))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("Event ingestion failed. Error: boom", "boom"),
        ("ingestEvent failed. Error: Error: boom", "boom"),
        ("TypeError: boom", "TypeError: boom"),
        ("ingestEvent failed. ", "(no text)"),
        ("", "(no text)"),
        ("a\n\t b", "a b"),
        ('person "jane" and "a b" gone', 'person "<value>" and "<value>" gone'),
        ("reading 'email' failed", "reading '<value>' failed"),
        ("Can't ingest, won't retry", "Can't ingest, won't retry"),
        ('constraint "unique distinct_id for team"', 'constraint "unique distinct_id for team"'),
        ("id 01890a5d-ac96-774b-bcce-b302099a8057 twice", "id <uuid> twice"),
        ("mail to jane.doe@example.com bounced", "mail to <email> bounced"),
        ("connect ECONNREFUSED 10.0.0.7:5432", "connect ECONNREFUSED <ip>"),
        ("connect ECONNREFUSED fe80::1ff:fe23:4567:890a", "connect ECONNREFUSED <ip>"),
        ("getaddrinfo ENOTFOUND db.posthog.svc.cluster.local", "getaddrinfo ENOTFOUND <host>"),
        ("sasl.jaas.config=password-removed is not set", "sasl.jaas.config=password-removed is not set"),
        ("no person-3f9a at host-7b04 (ip-09ab:6379)", "no <person> at <host> (<ip>)"),
        ("POST https://hooks.example.com/x?y=1 failed", "POST <url> failed"),
        ("foo.bar is not a function", "foo.bar is not a function"),
        ("offset 0x1f at deadbeef00", "offset <hex> at <hex>"),
        ("token phc_a1b2c3d4e5f6 is unknown", "token <id> is unknown"),
        ("at 2024-05-01T09:12:44.120Z, after 12.5 s", "at <time>, after <number> s"),
        ("teams 1, 2, 30 and 4", "teams <numbers> and <number>"),
        ("k" * 80, "<text>"),
    ],
)
def test_what_differs_is_taken_out_and_the_rest_stays(error: str, expected: str) -> None:
    assert template(error) == expected


def test_a_long_text_is_cut_between_words() -> None:
    cut = template("word " * 100)
    assert len(cut) <= LENGTH
    assert cut.endswith("word …")


@given(TEXTS)
def test_a_template_is_its_own_template(error: str) -> None:
    assert template(template(error)) == template(error)


@given(TEXTS)
def test_a_template_is_one_short_line(error: str) -> None:
    made = template(error)
    assert 0 < len(made) <= LENGTH
    assert made == " ".join(made.split())


@given(TEXTS)
def test_no_digit_is_left_but_in_names_that_postgres_quotes(error: str) -> None:
    assert not re.search(r"\d", re.sub(r'\b(constraint|relation|column) "[^"]*("|$)', "", template(error)))


@given(st.integers(0), st.integers(0))
def test_numbers_make_no_new_templates(one: int, other: int) -> None:
    assert template(f"team {one} has gone") == template(f"team {other} has gone")


@pytest.mark.parametrize(
    "piece", ["a", "a.", "a-", "1", "1.", "a@", "@", '"', "'", "::", "a1", "_", "deadbeef", "9 ", "x:", "1, "]
)
def test_no_text_takes_long(piece: str) -> None:
    began = time.process_time()
    template(piece * 1000)
    assert time.process_time() - began < 1
