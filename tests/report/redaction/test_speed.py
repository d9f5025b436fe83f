"""Redaction takes time in proportion to the text, whatever is in it. Measured by doubling: what is quadratic quadruples."""

import time

import pytest

from diagnostics.report.redaction import Redactor

SECRETS = ["correct-horse-battery-1", "phx_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789"]
SIZE = 50_000

# Each makes one rule begin again and again, or look far ahead.
HOSTILE = [
    "a",
    "a@",
    "@",
    "a.",
    "a%40",
    "%40",
    "://",
    "://a:b",
    "://a:b@",
    "a:b@",
    "http://a/?",
    "http://a/?b=c&",
    "#",
    "'",
    '\\"',
    "\\",
    "password=",
    "password='",
    'password="\n',
    'password=\\"',
    "password=,",
    "token:",
    "--password ",
    "--",
    "--a-",
    "-u a:",
    "distinct_id",
    "distinct_id=",
    'distinct id "',
    "distinct_id=[a,",
    "distinct_id in (",
    "Key (a)=(",
    "Key (email)=(a)",
    "eyJ",
    "eyJaaaaaaaa.",
    "phc_",
    "phc_a",
    "Bearer ",
    "Bearer 1",
    "Basic AAAA",
    "authorization: ",
    "Cookie: ",
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN ",
    "identified by '",
    "identified  ",
    "1",
    "1.",
    "1.1.1.1 ",
    "1.1.1.1.",
    "1:",
    "::1 ",
    ":",
    "f:",
    "4111 1111 1111 1111 ",
    "4111",
    "/home/a",
    "//person/",
    "correct-",
    "corr...",
    "…",
    "y-1",
    "xxxx",
    "AAAA+/",
    " ",
    "\n",
    "\ud800",
    "\u200b",
    "\u0430",
    "\x1b[0",
    "\x1b[0mc",
    "%41",
    "%25",
    "\\u0041",
    "\\u{0041}",
    "\\\\n",
    "&#64;",
    "&amp;",
    "=\n",
    "\n\\n",
    "phc_a1B\n",
    "$set={a",
    "<Buffer 00 ",
    "<password>",
    "<token>a",
    "GET /?",
    "GET /?a=b&",
    "AKIA0123456789ABCDEF ",
    "W3si",
    "a.b@",
    "a.b@c.d.",
    "://a:b ",
    "://0123456789abcdef",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_text_costs_no_more_than_its_length(piece: str) -> None:
    """Four times the text costs four times as much where every rule is linear, and sixteen times where one is not."""
    text = piece * (SIZE // len(piece) // 2)
    Redactor(SECRETS).text(text[:1000])
    once, four_times = cost(text), cost(text * 4)
    assert four_times < 0.4 or four_times < 9 * once, f"{once:.2f} s, then {four_times:.2f} s"


def test_ten_megabytes_cost_ten_times_one() -> None:
    line = "2026-11-23T09:12:45Z sorry, too many clients already: 1,204 events in events_dead_letter_queue of team 2\n"
    assert cost(line * 100_000) < 25 * cost(line * 10_000)


def test_what_stands_on_no_border_is_found() -> None:
    filler = "sorry, too many clients already. " * 30_000
    clean = Redactor(SECRETS).text(f"{filler}{SECRETS[0]} bob@corp.com 10.0.0.5 {filler}{SECRETS[1]}{filler}")
    assert SECRETS[0] not in clean
    assert SECRETS[1] not in clean
    assert "bob@corp.com" not in clean
    assert clean.count("removed") == 2


def cost(text: str) -> float:
    redactor = Redactor(SECRETS, key=b"k")
    started = time.process_time()
    redactor.text(text)
    return time.process_time() - started
