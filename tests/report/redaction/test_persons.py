"""People in numbers, rows, objects and rare forms of addresses."""

import pytest

from diagnostics.report.redaction import Redactor
from tests.report.redaction.sample import redacted


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ('"jane doe"@corp.io bounced', "email-… bounced"),
        ("to jane@[192.168.4.9], jane=40corp.io", "to email-…, email-…"),
        ('Jane Roe <j@x.io>, "Jane Roe" <j@x.io>', 'person-… <email-…>, "person-…" <email-…>'),
        ("(415) 555-2671, 415-555-2673 and 415.555.2674.", "person-…, person-… and person-…."),
        ("0049 170 7654330, (0170) 7654331", "person-…, person-…"),
        ("phone: 0170 7654322 x", "phone: person-… x"),
        ("IBAN DE89370400440532013000, DE89 3704 0044 0532 0130 00", "IBAN person-…, person-…"),
        ("ssn 078-05-1120", "ssn person-…"),
        (
            'Failing row contains (12, 2025-01-01, {"name": "Jane, R"}, t, null, cus_7 (x)).',
            "Failing row contains (12, text-removed, text-removed, t, null, person-…).",
        ),
        ("Key (team_id, slug)=(1, x y) already exists.", "Key (team_id, slug)=(1, person-…) already exists."),
        (
            "before: 'Jane,1': Row 1: Column 2, name: distinct_id, type: String, parsed text: \"cus_1\"",
            "before: 'text-removed': Row 1: Column 2, name: distinct_id, type: String, parsed text: \"person-…\"",
        ),
        (
            "before: 'Jane,1': (while reading the value of key properties)",
            "before: 'text-removed': (while reading the value of key properties)",
        ),
        ('alias "cus_1" to "cus_2" refused', 'alias "person-…" to "person-…" refused'),
        ("merge of distinct ids cus_77006abc and cus_77007abc", "merge of distinct ids person-… and person-…"),
        (
            "(team_id, distinct_id) IN ((1,'cus_1'), (1, 'cus_2'))",
            "(team_id, distinct_id) IN ((1,'person-…'), (1, 'person-…'))",
        ),
        (
            "properties { name: 'Jane', address: '12 Elm', city: 'X y' }",
            "properties { name: 'person-…', address: 'person-…', city: 'person-…' }",
        ),
        ('{"name":"Jane","email":"j@x.io"}', '{"name":"person-…","email":"email-…"}'),
        ("username=jane.roe, user: jane.roe logged in", "username=person-…, user: person-… logged in"),
        ("session_id=0190b3c1-3333-7333-8444-abcdefabcdef", "session_id=person-…"),
        (
            '"$geoip_latitude": 48.85, "$geoip_city_name": "X"',
            '"$geoip_latitude": text-removed, "$geoip_city_name": "text-removed"',
        ),
        ("ip-203-0-113-79.ec2.internal", "ip-….ec2.internal"),
        ("card 378282246310005", "card card-removed"),
    ],
)
def test_it_goes(text: str, safe: str) -> None:
    assert redacted(text) == safe


def test_an_address_in_a_name_is_the_address() -> None:
    first, second = Redactor().text("10.0.0.5 ip-10-0-0-5").split()
    assert first == second
