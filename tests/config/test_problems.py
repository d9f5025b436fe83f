"""Whatever is wrong is told exactly, all at once, with its place and its remedy."""

from pathlib import Path
from typing import Any

import pytest

from diagnostics.config.errors import ConfigurationError
from tests.config.loading import loaded, problem, problems

DURATION = "write a number with a unit, like 500ms, 90s, 15m, 24h or 7d (without one it is seconds; ten years at most)"
CLICKHOUSE = "http://default:password@clickhouse:8123/posthog"
BROKER = "write host:port without a scheme, like kafka:9092"
PERCENT = "percent-encode / ? # @ in the password: / is %2F, ? is %3F, # is %23, @ is %40"


@pytest.mark.parametrize(
    ("key", "value", "what", "do"),
    [
        ("site_url", "posthog.example.com", "has no scheme", "write http://posthog.example.com"),
        ("clickhouse.url", "clickhouse:8123", "has no scheme", "write http://clickhouse:8123"),
        (
            "clickhouse.url",
            "default:secret@clickhouse:8123",
            "has no scheme",
            f"begin it with http:// or https://, like {CLICKHOUSE}",
        ),
        (
            "clickhouse.url",
            "clickhouse://default:secret@clickhouse:9000/posthog",
            "begins with clickhouse://, which diag cannot use here",
            f"use http:// or https://, like {CLICKHOUSE}",
        ),
        ("clickhouse.url", "http://", "has no host", f"write it like {CLICKHOUSE}"),
        ("clickhouse.url", "http://clickhouse:0/", "has port 0", f"write it like {CLICKHOUSE}"),
        ("clickhouse.url", "http://u:p/ss@clickhouse:8123/db", "is not a URL: its host or port cannot be read", None),
        ("clickhouse.url", "http://u:1/x@clickhouse:8123/db", "has an @ after the host", PERCENT),
        ("clickhouse.url", "http://u:p@[::1/db", "is not a URL: its host or port cannot be read", None),
        ("clickhouse.url", "http://a:8123/a b", "holds a space or a control character", f"write it without, like {CLICKHOUSE}"),
        (
            "clickhouse.url",
            "chdb://relative",
            "has no path",
            "write three slashes and the path of the store, like chdb:///var/lib/store",
        ),
        (
            "site_url",
            '"https://posthog.example.com"',
            "begins with a quote",
            "remove the quotes: `docker run --env-file` makes them part of the value",
        ),
        ("site_url", " ", "is empty", "give a URL like https://posthog.example.com, or leave it out"),
        ("site_url", 5, "is not text", 'put it in quotes, like "https://posthog.example.com"'),
        ("plugin_server_urls", "http://a,,b:6738", "has no scheme", "write http://b:6738"),
        ("plugin_server_urls", " , ", "is empty", "give at least one, like http://plugins:6738, or leave it out"),
        ("plugin_server_urls", {"a": 1}, "is not a list of texts", 'write ["http://plugins:6738"]'),
        ("sentry.projects", [1], "is not a list of texts", 'write ["posthog-plugin-server"]'),
        ("sentry.org", 7, "is not text", 'put it in quotes, like "my-company"'),
        ("sentry.org", "a\x1b[31mb", "holds a line break or another control character", "give it as one plain line"),
        ("sentry.token", "", "is empty", "give a value, like env:SENTRY_AUTH_TOKEN, or leave it out"),
        ("kafka.brokers", "kafka://kafka:9092", "holds a URL", BROKER),
        ("kafka.brokers", "kafka:x", "holds something that is not host:port", BROKER),
        ("kafka.brokers", "kafka:70000", "has a port 70000", "use a port between 1 and 65535, like kafka:9092"),
        ("kafka.security_protocol", "TLS", "is 'TLS'", "use PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL"),
        ("kafka.sasl_mechanism", "plain", "is 'plain'", "use PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"),
        ("http.timeout", "fast", "is 'fast', which is not a duration", DURATION),
        ("http.timeout", -1, "is '-1', which is not a duration", DURATION),
        ("http.timeout", True, "is not a duration", DURATION),
        ("http.timeout", 0, "is no time at all", DURATION),
        ("clickhouse.verify", "maybe", "is neither true nor false", "write true or false"),
        ("clickhouse.verify", 1, "is neither true nor false", "write true or false"),
        (
            "http.ca",
            "/nowhere",
            "is /nowhere, which is not there or not readable for you",
            "correct the path, or leave the setting out",
        ),
        ("http.ca", 3, "is not a path", 'write it like "/etc/ssl/company-ca.pem"'),
        ("http.ca", "a\0b", "holds a line break or another control character", "give it as one plain line"),
    ],
)
def test_a_bad_value_says_what_is_wrong_and_what_to_write(cwd: Path, key: str, value: Any, what: str, do: str | None) -> None:
    option = "--" + key.replace(".", "-").replace("_", "-")
    found = problem(cwd, options={key: value})
    assert found[:2] == (f"{key} {what}", f"option {option}")
    assert do is None or found[2] == do


def test_everything_that_is_wrong_is_told_at_once_with_its_place(cwd: Path) -> None:
    toml = 'site_ulr = "https://x"\n[clickhouse]\nurl = "clickhouse:8123"\n[sentry]\ntokn = "x"\n'
    found = problems(cwd, toml=toml, options={"http.timeout": "x"}, environ={"DIAG_KAFKA_BROKERS": "a b"})
    assert found == [
        ("there is no setting site_ulr", "CWD/diag.toml, line 1", "did you mean site_url?"),
        ("there is no setting sentry.tokn", "CWD/diag.toml, line 5", "did you mean sentry.token?"),
        ("clickhouse.url has no scheme", "CWD/diag.toml, line 3", "write http://clickhouse:8123"),
        (
            "kafka.brokers holds something that is not host:port",
            "environment DIAG_KAFKA_BROKERS",
            BROKER,
        ),
        ("http.timeout is 'x', which is not a duration", "option --http-timeout", DURATION),
    ]


def test_the_error_reads_well_on_a_terminal(cwd: Path) -> None:
    with pytest.raises(ConfigurationError) as raised:
        loaded(cwd, options={"site_url": "ph.example"}, environ={"DIAG_SENTRY_ORG": "\x07"})
    assert str(raised.value) == (
        "The configuration has 2 problems:\n"
        "  site_url has no scheme\n"
        "    where: option --site-url\n"
        "    do:    write http://ph.example\n"
        "  sentry.org holds a line break or another control character\n"
        "    where: environment DIAG_SENTRY_ORG\n"
        "    do:    give it as one plain line"
    )


@pytest.mark.parametrize(
    ("toml", "what", "where", "do"),
    [
        ("colour = 1", "there is no setting colour", "line 1", "remove it; `diag config` lists every setting"),
        ("clickhouse_url = 1", "there is no setting clickhouse_url", "line 1", "did you mean clickhouse.url?"),
        ("timeout = 1", "there is no setting timeout", "line 1", "did you mean http.timeout?"),
        ('\n"sentry"."project" = []', "there is no setting sentry.project", "line 2", "did you mean sentry.projects?"),
        ('clickhouse = "http://c"', "clickhouse is a table of settings", "line 1", "set one of them, like clickhouse.url"),
        ("[clickhous]\nurl = 1", "there is no setting clickhous", "line 1", "did you mean clickhouse?"),
        ("[site_url]\nx = 1", "site_url is not text", "line 1", 'put it in quotes, like "https://posthog.example.com"'),
        ("sentry = {tokn = 1}", "there is no setting sentry.tokn", "sentry.tokn", "did you mean sentry.token?"),
        ('"a\\u001b" = 1', "there is no setting a?", "a?", "remove it; `diag config` lists every setting"),
    ],
)
def test_what_does_not_belong_into_the_file(cwd: Path, toml: str, what: str, where: str, do: str) -> None:
    assert problem(cwd, toml=toml) == (what, f"CWD/diag.toml, {where}", do)


@pytest.mark.parametrize(
    ("toml", "reason", "where"),
    [
        ("site_url = https://x", "Invalid value", "line 1, column 12"),
        ("b = 1\n[a", "Expected ']' at the end of a table declaration", "line 2"),
        ('\n\nsite_url = "x', "Unterminated string", "line 3"),
    ],
)
def test_a_syntax_error_says_where_it_is(cwd: Path, toml: str, reason: str, where: str) -> None:
    assert problem(cwd, toml=toml) == (
        f"the configuration file is not valid TOML ({reason})",
        f"CWD/diag.toml, {where}",
        'correct it: texts stand in quotes, like site_url = "https://posthog.example.com"',
    )


@pytest.mark.parametrize("toml", ["x = " + "[" * 5000, "x = " + "9" * 5000])
def test_a_file_that_breaks_the_parser_is_a_problem_too(cwd: Path, toml: str) -> None:
    what = "the configuration file holds a number or a nesting that no setting needs"
    assert problem(cwd, toml=toml) == (what, "CWD/diag.toml", "remove what is not a setting")


def test_a_given_file_must_exist(cwd: Path) -> None:
    assert problem(cwd, file=Path("nope.toml")) == (
        "the configuration file does not exist",
        "CWD/nope.toml",
        "correct the path given with --config, or leave the option out",
    )


def test_a_file_that_cannot_be_read_is_not_passed_over(cwd: Path) -> None:
    (cwd / "diag.toml").mkdir()
    assert problem(cwd) == (
        "the configuration file cannot be read (Is a directory)",
        "CWD/diag.toml",
        "make it readable for you, or give another one with --config",
    )


def test_a_file_must_be_utf_8(cwd: Path) -> None:
    (cwd / "diag.toml").write_bytes(b'site_url = "\xff"')
    assert problem(cwd) == ("the configuration file is not UTF-8", "CWD/diag.toml", "save it as UTF-8")


def test_a_file_of_the_wrong_size_is_not_read_whole(cwd: Path) -> None:
    (cwd / "diag.toml").write_bytes(b"#" * (1 << 21))
    assert problem(cwd)[0] == "the configuration file is larger than 1 MiB"


def test_an_unknown_option_is_a_problem(cwd: Path) -> None:
    assert problem(cwd, options={"site-url": "https://x"}) == (
        "there is no setting site-url",
        "options",
        "did you mean site_url?",
    )


def test_a_misspelt_environment_name_is_a_hint_because_the_prefix_is_not_diags_alone(cwd: Path) -> None:
    config = loaded(cwd, environ={"DIAG_CLICKHOUSE_ULR": "http://x", "DIAG_LEVEL_OF_SOMETHING_ELSE": "7"})
    assert config.hints == ("DIAG_CLICKHOUSE_ULR is not a name that diag knows: did you mean DIAG_CLICKHOUSE_URL?",)
