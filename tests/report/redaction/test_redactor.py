"""What redaction takes out, kind by kind, and how its stand-ins behave."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from diagnostics.report.model import Column, Finding, Report, Table
from diagnostics.report.redaction import RedactionFailed, Redactor
from diagnostics.report.redaction.spans import Pseudonyms
from tests.report.redaction.sample import CHECK, FINDING, REPORT, redacted

HEX = "0123456789abcdef" * 2
PHX = "phx_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7\n-----END RSA PRIVATE KEY-----"


def holding(finding: Finding) -> Report:
    return structs.replace(REPORT, checks=(structs.replace(CHECK, findings=(finding,)),))


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        # PostHog's tokens
        (f"key {PHX} is not valid", "key phx-token-removed is not valid"),
        ("phc_abcDEF123:bob", "phc-token-removed:bob"),
        ("phs_abcDEF123, pha_abcDEF123, phr_abcDEF123", "phs-token-removed, pha-token-removed, phr-token-removed"),
        ('{"api_key":"phc_abcDEF123"}', '{"api_key":"phc-token-removed"}'),
        # Sentry's keys and tokens
        (f"https://{HEX}@o1.ingest.sentry.io/42", "https://key-removed@o1.ingest.sentry.io/42"),
        (f"https://{HEX}:{HEX}@sentry.example.com/42", "https://key-removed:key-removed@sentry.example.com/42"),
        (
            f"X-Sentry-Auth: Sentry sentry_key={HEX}, sentry_version=7",
            "X-Sentry-Auth: Sentry sentry_key=secret-removed, sentry_version=7",
        ),
        (f"sntrys_{HEX}_x= sntryu_{HEX}", "cloud-key-removed cloud-key-removed"),
        (f"token {HEX}{HEX} expired", "token cloud-key-removed expired"),
        # other people's keys
        ("AKIAIOSFODNN7EXAMPLE", "cloud-key-removed"),
        ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "aws_secret_access_key = secret-removed"),
        ("AIzaSyA-0123456789abcdefghijklmnopqrstu", "cloud-key-removed"),
        ("xoxb-123456789012-abcdefghij", "cloud-key-removed"),
        ("https://hooks.slack.com/services/T0/B0/abcDEF", "https://hooks.slack.com/services/cloud-key-removed"),
        ("ghp_0123456789abcdefghijABCDEFGHIJ012345", "cloud-key-removed"),
        ("github_pat_11ABCDEFG0abcdefghij_0123456789", "cloud-key-removed"),
        ("sk_live_0123456789abcdef rk_test_0123456789", "cloud-key-removed cloud-key-removed"),
        # headers
        ("Authorization: Bearer abc123", "Authorization: Bearer token-removed"),
        ("{'Authorization': 'Bearer abcdefgh'}", "{'Authorization': 'Bearer token-removed'}"),
        ("bearer 0a1b2c3d", "bearer token-removed"),
        # behind a line break as JSON and Python write it
        (r"x\nBearer 0a1b2c3d", r"x\nBearer token-removed"),
        (r"x\\nphc_abcDEF123", r"x\\nphc-token-removed"),
        (r"x\tAKIAIOSFODNN7EXAMPLE", r"x\tcloud-key-removed"),
        # cut, or said in passing
        ("at processPersonsStep for jane.doe@custom", "at processPersonsStep for email-…"),
        ("It is jane.doe@corp.example.", "It is email-…."),
        ("of jane.doe@cust … 1,204 characters left out … end", "of email-… … 1,204 characters left out … end"),
        ('"postgres://posthog:hunter2" was cut', '"postgres://posthog:password-removed" was cut'),
        ("at postgres://posthog:12hunter", "at postgres://posthog:password-removed"),
        (f"at https://{HEX[:20]}", "at https://key-removed"),
        ("key AKIAIOSFODNN7E", "key cloud-key-removed"),
        ("distinct_id user-00123-abc merge failed", "distinct_id person-… merge failed"),
        ("Authorization: Basic ZGVmYXVsdDpodW50ZXIy", "Authorization: Basic credentials-removed"),
        ("got basic ZGVmYXVsdDpodW50ZXIy back", "got basic credentials-removed back"),
        ("authorization: Token abcdefgh", "authorization: Token secret-removed"),
        ("Cookie: sessionid=x; csrftoken=y\nHost: h", "Cookie: secret-removed\nHost: h"),
        ("X-ClickHouse-Key: hunter2", "X-ClickHouse-Key: password-removed"),
        # shapes
        (f"got {JWT}.", "got jwt-removed."),
        ("data=eyJldmVudCI6IngiLCJwcm9wZXJ0aWVzIjp7fX0=", "data=secret-removed"),
        (f"key:\n{PEM}\nend", "key:\nprivate-key-removed\nend"),
        (json.dumps(PEM), '"private-key-removed"'),
        (PEM[:50], "private-key-removed"),
        # passwords
        ("redis://:hunter2@redis:6379/0", "redis://:password-removed@redis:6379/0"),
        ("postgres://posthog:p@ss@db:5432/posthog", "postgres://posthog:password-removed@db:5432/posthog"),
        ("postgres://posthog:pa/ss1@db:5432/posthog", "postgres://posthog:password-removed@db:5432/posthog"),
        ("default:hunter2@chi-0-0:9000", "default:password-removed@chi-0-0:9000"),
        ("default:hunter2@db.example.com:9000", "default:password-removed@db.example.com:9000"),
        (
            "host=db user=posthog password=hunter2 dbname=posthog",
            "host=db user=posthog password=password-removed dbname=posthog",
        ),
        ("password='hunter 2' x", "password='password-removed' x"),
        ('{"password": "hunt\\"er2", "x": 1}', '{"password": "password-removed", "x": 1}'),
        (r'"{\"password\":\"hunter2\"}"', r'"{\"password\":\"password-removed\"}"'),
        ("PGPASSWORD=hunter2 psql", "PGPASSWORD=password-removed psql"),
        ("pwd: hunter2; user: x", "pwd: password-removed; user: x"),
        ("POSTHOG_DB_PASSWORD: hunter2", "POSTHOG_DB_PASSWORD: password-removed"),
        ("kafka_sasl_password = 'hunter2'", "kafka_sasl_password = 'password-removed'"),
        ("?password%3Dhunter2", "?password%3Dpassword-removed"),
        ("password=cut'off", "password=password-removed"),
        ('password="cut off', 'password="password-removed'),
        (
            "CREATE USER x IDENTIFIED WITH sha256_password BY 'hunter2'",
            "CREATE USER x IDENTIFIED WITH sha256_password BY 'password-removed'",
        ),
        ("ALTER USER posthog WITH PASSWORD 'hunter2'", "ALTER USER posthog WITH PASSWORD 'password-removed'"),
        ("clickhouse-client --user x --password hunter2 -q 1", "clickhouse-client --user x --password password-removed -q 1"),
        ("['diag', '--sentry-token', 'abcdef']", "['diag', '--sentry-token', 'secret-removed']"),
        ("curl -u default:hunter2 http://c", "curl -u default:password-removed http://c"),
        ("SECRET_KEY=abcdef0123", "SECRET_KEY=secret-removed"),
        # people
        ("mail bob.smith+x@corp.example.com now", "mail email-… now"),
        ("bob%40corp.com, bob\\u0040corp.com, BÖB@münchen.de", "email-…, email-…, email-…"),
        (
            "//bob@corp.com, mailto:bob@corp.com, <bob@corp.com>, 'bob@corp.com'.",
            "//email-…, mailto:email-…, <email-…>, 'email-…'.",
        ),
        ('person with distinct id "bob_1" in team "2" to', 'person with distinct id "person-…" in team "2" to'),
        ("distinct_id=bob_1 team_id=2", "distinct_id=person-… team_id=2"),
        ('{"distinctId":"bob","event":"$pageview"}', '{"distinctId":"person-…","event":"$pageview"}'),
        (r"{\"$anon_distinct_id\":\"bob\"}", r"{\"$anon_distinct_id\":\"person-…\"}"),
        ("distinctIds: ['bob', 'eve'], x", "distinctIds: ['person-…', 'person-…'], x"),
        ("WHERE distinct_id IN ('bob', 'eve')", "WHERE distinct_id IN ('person-…', 'person-…')"),
        ('distinct id "cut off by a lim', 'distinct id "person-…'),
        ("distinct_id=bob@corp.com", "distinct_id=email-…"),
        (
            "DETAIL: Key (team_id, distinct_id)=(2, bob) already exists.",
            "DETAIL: Key (team_id, distinct_id)=(2, person-…) already exists.",
        ),
        ("Key (email, team_id)=(x, y, 2) already exists.", "Key (email, team_id)=(person-…) already exists."),
        ("Key (distinct_id)=(bob is cut", "Key (distinct_id)=(person-…"),
        ('"first_name": "Bob", "phone": "+49 30 1"', '"first_name": "person-…", "phone": "person-…"'),
        ('query=user.username:"Jane Doe"', 'query=user.username:"person-…"'),
        ("https://ph.example.com/person/bob#activity", "https://ph.example.com/person/person-…#removed"),
        ("/home/bob/diag/run.py, C:\\Users\\bob\\x", "/home/person-…/diag/run.py, C:\\Users\\person-…\\x"),
        ("merge of +14155552671 (+49 30 901820-55), +1 (415) 555-2671.", "merge of person-… (person-…), person-…."),
        (
            "card 4111 1111 1111 1111, 5500-0000-0000-0004 and 378282246310005",
            "card card-removed, card-removed and card-removed",
        ),
        # addresses
        ('server at "db" (10.3.4.5), port 6543 failed', 'server at "db" (ip-…), port 6543 failed'),
        ("(kafka/10.0.0.5:9092)", "(kafka/ip-…:9092)"),
        ("GET /clients/203.0.113.7 of ip-v4/10.0.0.9", "GET /clients/ip-… of ip-v4/ip-…"),
        ("from 203.0.113.7, 192.168.1.10.", "from ip-…, ip-…."),
        ("client ip 24.8.7.41, http://24.8.7.41:8123, host 24.8.7.41", "client ip ip-…, http://ip-…:8123, host ip-…"),
        ("2001:db8::1, [2001:db8::7]:9000, fe80::1%eth0: refused", "ip-…, [ip-…]:9000, ip-…: refused"),
        ("ip:2001:db8::1", "ip:ip-…"),
        ("::ffff:10.0.0.5", "ip-…"),
        # queries of URLs
        ("GET https://h/p?email=x&token=y;z=1#top.", "GET https://h/p?email=removed&token=removed;z=removed#removed."),
        ("(https://h/p?opaque)", "(https://h/p?removed)"),
        (r'"https://h/?a=b\u0026c=d\"x', r'"https://h/?a=removed\"x'),
        ("https://h/?a=&b", "https://h/?a=&removed"),
    ],
)
def test_it_goes(text: str, safe: str) -> None:
    assert redacted(text) == safe


def test_the_same_one_has_the_same_name_however_it_is_written() -> None:
    redactor = Redactor()
    for spellings in (
        (
            "Bob@corp.com",
            "so says bob@corp.com.",
            "bob%40corp.com",
            "bob\\u0040corp.com",
            "bob@CORP.com",
            'distinct_id="bob@corp.com"',
        ),
        ("2001:db8::1", "2001:DB8:0:0::1"),
        ("10.0.0.5", "::ffff:10.0.0.5", "distinct_id=10.0.0.5"),
    ):
        names = {re.findall(r"(?:email|ip)-[0-9a-f]{4,}", redactor.text(spelling))[0] for spelling in spellings}
        assert len(names) == 1


def test_names_are_good_for_one_report_only() -> None:
    text = 'distinct id "bob"'
    assert Redactor(key=b"one").text(text) == Redactor(key=b"one").text(text) != Redactor(key=b"two").text(text)
    assert len({Redactor().text(text) for _ in range(8)}) > 1


def test_a_name_that_another_has_already_gets_longer() -> None:
    pseudonyms = Pseudonyms(b"key")
    names = [pseudonyms.name("person", str(number)) for number in range(2000)]
    assert len(set(names)) == 2000
    assert {len(name) for name in names} > {len("person-3f9a")}
    assert [pseudonyms.name("person", str(number)) for number in range(2000)] == names


def test_hosts_are_hidden_where_asked_for() -> None:
    redactor = Redactor(hide_hosts=["ph.example.com", "db"], key=b"k")
    shown = redactor.text("https://PH.example.com/x, app.ph.example.com, notph.example.com, db:5432, //db/, the db of x.db")
    assert (
        re.sub("-[0-9a-f]{4}", "-…", shown)
        == "https://host-…/x, app.host-…, notph.example.com, host-…:5432, //host-…/, the db of x.db"
    )


def test_hosts_that_a_table_names_are_hidden_with_the_others_or_not_at_all() -> None:
    nodes = Table(title="Nodes", columns=(Column(name="node", kind="host"),), rows=(("chi-posthog-0-1",), ("db-7:9000",)))
    finding = structs.replace(FINDING, claim="the node chi-posthog-0-1 did not answer", evidence=(nodes,))

    def shown(redactor: Redactor) -> tuple[str, object]:
        [check, *_] = redactor.report(holding(finding)).checks
        return re.sub("-[0-9a-f]{4}", "-…", check.findings[0].claim), check.findings[0].evidence[0]

    claim, table = shown(Redactor(hide_hosts=()))
    assert claim == "the node host-… did not answer"
    assert isinstance(table, Table)
    assert [re.sub("-[0-9a-f]{4}", "-…", str(row[0])) for row in table.rows] == ["host-…", "host-…:9000"]
    assert shown(Redactor()) == (finding.claim, nodes)


def test_what_was_taken_out_is_told_by_kind_and_rule_and_never_by_value() -> None:
    redactor = Redactor(["correct-horse-1"])
    claim = "bob@corp.com and eve@corp.com used correct-horse-1 from 10.0.0.5"
    clean = redactor.report(holding(structs.replace(FINDING, claim=claim, detail="", evidence=())))
    told = [(taken.kind, taken.rule, taken.count) for taken in redactor.taken_out]
    assert told[:3] == [
        ("email", "an e-mail address", 2),
        ("secret", "a configured secret", 1),
        ("ip", "an IPv4 address", 1),
    ]
    assert sum(count for *_, count in told) == sum(clean.privacy.redacted.values())


def test_a_short_secret_is_taken_out_where_it_stands_alone_and_the_user_is_told() -> None:
    redactor = Redactor(["ab1"])
    assert redactor.text("x=ab1, 'y': 'ab1', tab1 ab1 =ab12") == "x=secret-removed, 'y': 'secret-removed', tab1 ab1 =ab12"
    assert redactor.warnings == (
        "1 configured secret is too short (less than 6 characters) or too common a word to be taken out everywhere: only where "
        "a password or token stands. Read the report before you paste it, and choose a better secret.",
    )
    assert Redactor(["hunter2", "", "  "]).warnings == ()


def test_lone_surrogates_become_visible() -> None:
    assert Redactor().text("a\ud800b\x00c") == "a\\ud800b\x00c"


def test_what_breaks_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    redactor = Redactor(["hunter2!"])
    monkeypatch.setattr(Pseudonyms, "issued", lambda *_: 1 / 0)
    with pytest.raises(RedactionFailed) as caught:
        redactor.text("password=hunter2!")
    assert str(caught.value) == (
        "Redaction failed (ZeroDivisionError). Nothing is printed, because it might hold secrets or personal data."
    )
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_text_that_never_gets_clean_is_taken_out_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    redactor = Redactor()
    monkeypatch.setattr(redactor._redaction, "is_redacted", lambda _: False)
    assert redactor.text("password=hunter2") == "text-removed"


PIECES = [
    *("password=", "token: ", 'distinct id "', "distinct_id=", "'", '"', '\\"', "bob@corp.com", "10.0.0.5", "2001:db8::1"),
    *(
        "https://",
        "u:p@",
        "h",
        "?",
        "a=b",
        "&",
        "#",
        "Bearer ",
        "Basic ",
        "dTpwdw==",
        PHX,
        "phc_abc",
        JWT,
        "eyJ",
        "Key (email)=(",
    ),
    *(")", " ", "\n", "4111111111111111", "hunter2!", "Cookie: ", "--password", "/home/", "secret-removed", "person-3f9a", "["),
    *("-----BEGIN PRIVATE KEY-----", ",", ";", ":", "@", "%40", "/", ".", "…", "***"),
    *(
        "mysql -p",
        "AUTH ",
        "curl -u ",
        "name: SECRET_KEY value: ",
        "kind: Secret data: {",
        "password is ",
        'token "',
        "remote('",
    ),
    *(
        "Failing row contains (",
        "Key (email)=(",
        "properties: {name: '",
        "alias ",
        "and ",
        "415-555-2671",
        "Jane Doe <",
        "ip-10-0-0-5",
    ),
    *("db-7.acme.io", "db7:5432", "host=", "password: |\n  ", "x-api-key ", "Zq8RtsWm3L", "|", "}", "{", "<", ">"),
]
dirty = st.one_of(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), st.text(st.characters(exclude_categories=[])))


@settings(max_examples=400, deadline=None)
@given(dirty, st.sampled_from([None, ["ph.example.com"]]))
def test_a_second_time_changes_nothing(text: str, hide_hosts: list[str] | None) -> None:
    redactor = Redactor(["hunter2!", PHX], key=b"k", hide_hosts=hide_hosts)
    once = redactor.text(text)
    assert redactor.text(once) == once
    assert "hunter2!" not in once
    assert PHX not in once


@settings(max_examples=200, deadline=None)
@given(dirty)
def test_what_comes_out_can_be_written(text: str) -> None:
    Redactor().text(text).encode("utf-8")
