"""Secrets in manifests, environments and YAML."""

import pytest

from tests.report.redaction.sample import redacted


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ('- name: SECRET_KEY\n  value: "hunter2"', '- name: SECRET_KEY\n  value: "secret-removed"'),
        ("env: - name: POSTHOG_DB_PASSWORD value: hunter2", "env: - name: POSTHOG_DB_PASSWORD value: password-removed"),
        ('{"name":"CLICKHOUSE_PASSWORD","value":"hunter2"}', '{"name":"CLICKHOUSE_PASSWORD","value":"password-removed"}'),
        (r"{\"name\":\"X_TOKEN\",\"value\":\"hunter2\"}", r"{\"name\":\"X_TOKEN\",\"value\":\"secret-removed\"}"),
        (
            '{"data":{"k":"aHVudGVy","tls.crt":"aHVudGVy"},"kind":"Secret"}',
            '{"data":{"k":"secret-removed","tls.crt":"secret-removed"},"kind":"Secret"}',
        ),
        (
            "kind: Secret\ndata:\n  a: aHVudGVy\n  b: aHVudGVy\ntype: x",
            "kind: Secret\ndata:\n  a: secret-removed\n  b: secret-removed\ntype: x",
        ),
        ("password: |\n  hunter2\n  line 2\nuser: x", "password: |\n  password-removed\nuser: x"),
        ("password: >-\n  hunter2\nuser: x", "password: >-\n  password-removed\nuser: x"),
        ("password: | hunter2", "password: | password-removed"),
        ("secret: !!binary aHVudGVyMg==", "secret: !!binary secret-removed"),
        ('"password"   :\n   "hunter2"', '"password"   :\n   "password-removed"'),
    ],
)
def test_it_goes(text: str, safe: str) -> None:
    assert redacted(text) == safe


@pytest.mark.parametrize(
    "text",
    [
        "- name: SECRET_KEY\n  valueFrom:\n    secretKeyRef:\n      name: posthog\n      key: posthog-secret",
        '{"name":"max_threads","value":"8"}, - name: CLICKHOUSE_HOST value: clickhouse',
        '{"kind":"ConfigMap","data":{"clickhouse-database":"posthog"}}',
        "description: |\n  what a password is\n",
    ],
)
def test_it_stays(text: str) -> None:
    assert redacted(text) == text
