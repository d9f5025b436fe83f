"""A secret goes although something stands in the middle of it that is not seen, or that is read as something else."""

import base64
import json
import re
import string
import unicodedata
from collections.abc import Callable
from itertools import pairwise
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.report.redaction import Redactor
from diagnostics.report.redaction.reading import unfolded, unwrapped
from diagnostics.report.redaction.spans import Span

PASSWORD = "hunter2-Correct/9"

# What happens to a text on its way through logs, chats, mails and terminals. None changes what a person reads in it.
DISTORTED: dict[str, Callable[[str], str]] = {
    "zero-width spaces": "\u200b".join,
    "soft hyphens": "\xad".join,
    "a word joiner": lambda s: f"{s[:7]}\u2060{s[7:]}",
    "tags": lambda s: f"{s[:5]}\U000e0041{s[5:]}",
    "a byte order mark": lambda s: f"{s[:5]}\ufeff{s[5:]}",
    "NUL, as UTF-16 has it": "\0".join,
    "a color": lambda s: f"{s[:6]}\x1b[1;31m{s[6:]}",
    "a color, as Python writes it": lambda s: f"{s[:6]}\\x1b[31m{s[6:]}",
    "a color, as JSON writes it": lambda s: f"{s[:6]}\\u001b[31m{s[6:]}",
    "each percent-encoded": lambda s: "".join(f"%{ord(c):02x}" for c in s),
    "each percent-encoded, three times": lambda s: "".join(f"%2525{ord(c):02X}" for c in s),
    "each as JSON may write it": lambda s: "".join(f"\\u{ord(c):04x}" for c in s),
    "each as JSON in JSON may": lambda s: "".join(f"\\\\u{ord(c):04x}" for c in s),
    "each as JavaScript may write it": lambda s: "".join(f"\\u{{{ord(c):x}}}" for c in s),
    "each as Python may write it": lambda s: "".join(f"\\x{ord(c):02x}" for c in s),
    "each a decimal entity": lambda s: "".join(f"&#{ord(c)};" for c in s),
    "each an entity of an entity": lambda s: "".join(f"&amp;#x{ord(c):x};" for c in s),
    "full width": lambda s: "".join(chr(ord(c) + 0xFEE0) for c in s),
    "Cyrillic lookalikes": lambda s: s.translate(str.maketrans("aeopcxyATOH", "аеорсхуАТОН")),
    "Markdown's escapes": lambda s: re.sub(r"([_.@/-])", r"\\\1", s),
}
WRAPPED: dict[str, Callable[[str], str]] = {
    "a line break": lambda s: f"{s[:8]}\n{s[8:]}",
    "an indented line": lambda s: f"{s[:8]}\r\n    {s[8:]}",
    "a line break as JSON writes it": lambda s: f"{s[:8]}\\n{s[8:]}",
    "a line of a mail": lambda s: f"{s[:8]}=\r\n{s[8:]}",
    "a line break in color": lambda s: f"{s[:8]}\x1b[0m\n\x1b[31m{s[8:]}",
}
OTHERS = {
    "phx_AbCd3fGhIjKlMnOpQrStUvWxYz0123456789": "phx-token-removed",
    "jane.doe@corp.example": "email-…",
    "203.0.113.77": "ip-…",
    "2001:db8:cafe::77": "ip-…",
    "4111-1111-1111-1111": "card-removed",
    "AKIAIOSFODNN7EXAMPLE": "cloud-key-removed",
}


def redacted(text: str, *secrets: str) -> str:
    return re.sub(r"(person|email|ip)-[0-9a-f]{4,}", r"\1-…", Redactor(secrets).text(text))


@pytest.mark.parametrize("how", DISTORTED | WRAPPED)
def test_a_configured_secret_goes_whole(how: str) -> None:
    distorted = (DISTORTED | WRAPPED)[how](PASSWORD)
    assert redacted(f"a {distorted} b", PASSWORD) == "a secret-removed b"


@pytest.mark.parametrize("how", DISTORTED)
@pytest.mark.parametrize("text", OTHERS)
def test_what_looks_like_a_secret_or_a_person_goes_whole(text: str, how: str) -> None:
    assert redacted(f"of {DISTORTED[how](text)} b") == f"of {OTHERS[text]} b"


@pytest.mark.parametrize("how", DISTORTED)
def test_a_name_is_found_however_it_is_written(how: str) -> None:
    assert "hunter2" not in redacted(f"{DISTORTED[how]('password')}=hunter2-and-more x")


def test_whoever_is_written_in_two_ways_is_one_person() -> None:
    ways = [how("jane.doe@corp.example") for how in DISTORTED.values()]
    assert len({Redactor(key=b"k").text(f"of {way} b") for way in ways}) == 1


def test_a_token_that_a_full_line_cut_goes_with_its_rest() -> None:
    assert redacted("key phx_AbCd3fGhIj\n  KlMn0pQrSt is bad") == "key phx-token-removed is bad"
    assert redacted("key phc_AbCd3fGhIj\nat processPersonsStep") == "key phc-token-removed\nat processPersonsStep"


@pytest.mark.parametrize(
    ("secret", "written"),
    [
        ("Pässwörd-été9", unicodedata.normalize("NFD", "Pässwörd-été9")),
        (unicodedata.normalize("NFD", "Pässwörd-été9"), "Pässwörd-été9"),
        ("ﬁnance-2024-x", "finance-2024-x"),
        ("Pässwörd-été9", "P%E4ssw%F6rd-%E9t%E99"),
        ("Pässwörd-été9", "Pässwörd-été9".encode().decode("latin-1")),
        (PASSWORD, PASSWORD.encode("utf-16-be").hex()),
        (PASSWORD, base64.b64encode(PASSWORD.encode("utf-16-le")).decode()),
        (PASSWORD, base64.b64encode(base64.b64encode(f"diag:{PASSWORD}".encode())).decode()),
        (PASSWORD, base64.b64encode(json.dumps({"a": json.dumps({"b": PASSWORD})}).encode()).decode()),
        (PASSWORD, quote(quote(quote(PASSWORD, safe=""), safe=""), safe="")),
        ("a.*+?[(b)]{2}\\d|^$9", "a.*+?[(b)]{2}\\d|^$9"),
        ("A1b2" * 5000, "A1b2" * 5000),
    ],
)
def test_a_configured_secret_goes_in_every_form_and_encoding(secret: str, written: str) -> None:
    assert redacted(f"a {written} b", secret) == "a secret-removed b"


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("<Buffer 7b 22 61 22 ... 412 more bytes>", "<Buffer text-removed... 412 more bytes>"),
        (r"{\"type\":\"Buffer\",\"data\":[123,34,97,34]}", r"{\"type\":\"Buffer\",\"data\":[text-removed]}"),
        ('"$set":{"name":"Jane Doe","plan":"x"} failed', '"$set":{text-removed} failed'),
        (r"{\"$set_once\":{\"a\":{\"name\":\"Jane\"},\"b\":\"Doe\"}}", r"{\"$set_once\":{text-removed}}"),
        ("at /e/eyJldmVudCI6IngiLCJwcm9wZXJ0aWVzIjp7fX0= x", "at /e/secret-removed x"),
        ("data=W3siZXZlbnQiOiJ4IiwiZGlzdGluY3RfaWQiOiJib2IifV0=", "data=secret-removed"),
        ("data=H4sIAAAAAAAAA6tWSsxRslIqSCxKzE1VqgUAPsSxHQ0AAAA=", "data=secret-removed"),
        ('"GET /e/?data=abc&ip=1 HTTP/1.1" 200', '"GET /e/?data=removed&ip=removed HTTP/1.1" 200'),
        ("<password>hunter2</password>", "<password>password-removed</password>"),
        ('Authorization: Bearer "abc123"', 'Authorization: Bearer "token-removed"'),
        ("redis-server --requirepass hunter2", "redis-server --requirepass password-removed"),
        (
            "s3('https://b/x', 'AKIAIOSFODNN7EXAMPLE', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY')",
            "s3('https://b/x', 'cloud-key-removed', 'cloud-key-removed')",
        ),
        (
            "card 4111_1111_1111_1111, 4111.1111.1111.1111, card_4111111111111111",
            "card card-removed, card-removed, card_card-removed",
        ),
    ],
)
def test_what_servers_write_of_an_event_goes(text: str, safe: str) -> None:
    assert redacted(text) == safe


@pytest.mark.parametrize(
    "text",
    [
        "100 %41 of it, LIKE '%dead%', 50%20",
        r"C:\new\x86\table_1\u0041",
        "Müller’s “quoted” text – with dashes… and ①②",
        "пароль и ключ, αβγ, 数据库 ✓ ⏎",
        "a &amp; b &lt;uuid&gt; &nbsp; &#39;x&#39;",
        "\x1b[31m1,204 events\x1b[0m of team 2",
        "one\n  two\\n three=\nfour",
        "$set: {...} and $set_once={}",
    ],
)
def test_what_only_looks_odd_stays_as_it_is(text: str) -> None:
    assert redacted(text, PASSWORD) == text


PIECES = st.one_of(
    st.sampled_from(
        ["\u200b", "\x1b[31m", "%41", "%2541", "\\u0041", "\\_", "\\n", "&#64;", "&amp;", "&x;", "Ａ", "а", "%", "\\", "&"]
    ),
    st.text(string.printable, max_size=3),
)


@given(st.lists(PIECES, max_size=20).map("".join))
def test_every_place_of_what_is_read_is_one_of_what_is_written(text: str) -> None:
    for reading in (unfolded(text), unwrapped(text)):
        places = [reading.written(Span(place, place + 1, "")) for place in range(len(reading.text))] if reading else []
        assert all(span.length > 0 for span in places)
        assert all(one.end <= next.start for one, next in pairwise(places))
        assert not places or (places[0].start >= 0 and places[-1].end <= len(text))
