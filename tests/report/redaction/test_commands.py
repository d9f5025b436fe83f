"""Secrets that stand where a command, Redis or a table function takes them."""

import pytest

from tests.report.redaction.sample import redacted


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("mysql -u root -phunter2 db", "mysql -u root -ppassword-removed db"),
        ("/usr/bin/mysqldump -uroot -p'hunter 2' db", "/usr/bin/mysqldump -uroot -p'password-removed' db"),
        ("psql -W hunter2 -h db", "psql -W password-removed -h db"),
        (
            "docker exec redis redis-cli -h redis -a hunter2 ping",
            "docker exec redis redis-cli -h redis -a password-removed ping",
        ),
        ("sshpass -p hunter2 ssh -p 2222 root@h", "sshpass -p password-removed ssh -p 2222 root@h"),
        ("docker login -u x -p hunter2 reg", "docker login -u x -p password-removed reg"),
        ("ldapsearch -w hunter2 -x", "ldapsearch -w password-removed -x"),
        ('curl --user "admin:hunt er2" http://ch:8123', 'curl --user "admin:password-removed" http://ch:8123'),
        ("curl -b session=hunter2 http://x", "curl -b session=secret-removed http://x"),
        ("kubectl create secret generic ph --from-literal=any=hunter2", None),
        ("kubectl create secret generic ph --from-literal='any=hunter 2' -n x", None),
        (
            "command: { name: 'auth', args: [ 'default', 'hunter2' ] }",
            "command: { name: 'auth', args: [ 'default', 'password-removed' ] }",
        ),
        ('{"name":"AUTH","args":["hunter2"]}', '{"name":"AUTH","args":["password-removed"]}'),
        ('{"name":"hello","args":["3","AUTH","default","hunter2"]}', None),
        ("AUTH hunter2 failed, AUTH default hunter2", "AUTH password-removed failed, AUTH default password-removed"),
        ("requirepass hunter2\nmasterauth correct\n", "requirepass password-removed\nmasterauth password-removed\n"),
        ("PostgreSQL('db:5432', 'ph', 't', 'u', 'hunter2')", "PostgreSQL('db:5432', 'ph', 't', 'u', 'password-removed')"),
        ("mysql('db:3306','d','t','u','hunter2')", "mysql('db:3306','d','t','u','password-removed')"),
        ("remote('h', posthog.events, 'default', 'hunter2')", "remote('h', posthog.events, 'default', 'password-removed')"),
        ("remoteSecure('h', 'db', 't', 'u', 'hunter2')", "remoteSecure('h', 'db', 't', 'u', 'password-removed')"),
        (
            "s3('https://b.example.com/x', 'KEYOFSOMEBODY0123', 'hunter2hunter2hunter2', 'CSV')",
            "s3('https://b.example.com/x', 'cloud-key-removed', 'cloud-key-removed', 'CSV')",
        ),
        ("Redis('h:6379', 0, 'hunter2')", "Redis('h:6379', 0, 'password-removed')"),
    ],
)
def test_it_goes(text: str, safe: str | None) -> None:
    clean = redacted(text)
    assert "hunter" not in clean
    assert safe in (None, clean)


@pytest.mark.parametrize(
    "text",
    [
        "psql -p 5432 -U posthog -W posthog, docker run -p 9000:9000, redis-cli -p 6379, ssh -p 2222 h",
        "docker compose exec db mysql -u root -p | grep -p80",
        "curl -b jar.txt http://x, curl -u 1000:1000 x, docker -b a=b",
        "AUTH failed: WRONGPASS, NOAUTH Authentication required., AUTH default",
        "{ name: 'info', args: [ 'memory' ] } and {name: 'hello', args: ['3']}",
        "remote('h', posthog.events), mysql('h','d','t','u',''), s3('x', 'CSVWithNames', 'a String, b UInt64')",
        "requirepass is set and masterauth differs",
    ],
)
def test_it_stays(text: str) -> None:
    assert redacted(text) == text
