"""Secrets: given by reference, known to the redactor, and in no text that diag makes."""

import base64
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from diagnostics.config.configuration import Configuration
from diagnostics.config.errors import ConfigurationError
from diagnostics.config.load import load
from diagnostics.config.settings import SETTINGS, Kind
from tests.config.loading import THRESHOLDS, loaded, problem


def test_a_secret_may_be_named_instead_of_given(cwd: Path) -> None:
    (cwd / "token").write_text("from-a-file\n")
    environ = {"MY_KEY": "from-the-environment", "DIAG_SENTRY_TOKEN": "file:token"}
    config = loaded(cwd, environ=environ, options={"personal_api_key": "env:MY_KEY"})
    assert config.personal_api_key == "from-the-environment"
    assert config.sentry.token == "from-a-file"
    assert set(config.secrets()) == {"from-the-environment", "from-a-file"}


def test_a_url_with_a_password_may_be_named_too(cwd: Path) -> None:
    environ = {"CH": "http://u:pass-word@c:8123/posthog", "PLUGINS": "http://a:6738,http://b:6738"}
    config = loaded(cwd, environ=environ, options={"clickhouse.url": "env:CH", "plugin_server_urls": "env:PLUGINS"})
    assert config.clickhouse.url == "http://u:pass-word@c:8123/posthog"
    assert config.plugin_server_urls == ("http://a:6738", "http://b:6738")


def test_a_path_in_a_file_starts_where_the_file_lies(cwd: Path) -> None:
    (cwd / "etc").mkdir()
    (cwd / "etc" / "token").write_text("from-a-file")
    (cwd / "etc" / "diag.toml").write_text('[sentry]\ntoken = "file:token"')
    assert loaded(cwd, file=Path("etc/diag.toml")).sentry.token == "from-a-file"


@pytest.mark.parametrize(("content", "secret"), [("abc\n", "abc"), ("abc\r\n", "abc"), ("abc", "abc"), (" a b \n", " a b ")])
def test_one_line_break_at_the_end_of_a_file_is_not_part_of_the_secret(cwd: Path, content: str, secret: str) -> None:
    (cwd / "token").write_bytes(content.encode())
    assert loaded(cwd, options={"kafka.sasl_password": "file:token"}).kafka.sasl_password == secret


@pytest.mark.parametrize(
    ("written", "what", "do"),
    [
        ("env:NOPE", "is taken from env:NOPE, which is not set", "set the environment variable NOPE, or remove this"),
        ("env:EMPTY", "is taken from env:EMPTY, which is not set", "set the environment variable EMPTY, or remove this"),
        ("file:nope", "is taken from file:CWD/nope, which does not exist", "create the file, or correct the path"),
        ("file:empty", "is taken from file:CWD/empty, which is empty", "put the value into the file"),
        ("file:binary", "is taken from file:CWD/binary, which is not text", "put the value alone into the file, as UTF-8"),
        ("file:large", "is taken from file:CWD/large, which is larger than 64 KiB", "put the value alone into the file"),
        (
            "file:.",
            "is taken from file:CWD, which cannot be read (Is a directory)",
            "make it readable for you, or correct the path",
        ),
        ("file:two", "holds a line break or another control character", "give it as one plain line"),
        (17, "is not text", 'put it in quotes, like "env:SENTRY_AUTH_TOKEN"'),
        (["secret"], "is not text", 'put it in quotes, like "env:SENTRY_AUTH_TOKEN"'),
    ],
)
def test_a_reference_that_leads_nowhere(cwd: Path, written: object, what: str, do: str) -> None:
    for name, content in {"empty": b"\n", "binary": b"\xff\xfe", "large": b"x" * 70000, "two": b"one\ntwo\n"}.items():
        (cwd / name).write_bytes(content)
    found = problem(cwd, options={"sentry.token": written}, environ={"EMPTY": " "})
    assert (found[0].replace(str(cwd), "CWD"), *found[1:]) == (f"sentry.token {what}", "option --sentry-token", do)


def test_only_secrets_and_urls_are_references(cwd: Path) -> None:
    assert loaded(cwd, options={"sentry.org": "env:HOME"}).sentry.org == "env:HOME"


def test_the_redactor_learns_a_password_in_every_form_it_travels_in(cwd: Path) -> None:
    config = loaded(cwd, options={"clickhouse.url": "https://diag:p%40ss%2Fword@c:8443/posthog?token=t0k3n-value"})
    assert config.secrets() == ("diag:p@ss/word", "p%40ss%2Fword", "t0k3n-value", "p@ss/word")


@pytest.mark.parametrize("name", ["HTTP_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("proxy", ["http://me:hunter%212@proxy:3128", "me:hunter%212@proxy:3128"])
def test_the_password_of_a_proxy_that_clients_take_by_themselves_is_hidden(cwd: Path, name: str, proxy: str) -> None:
    assert loaded(cwd, environ={name: proxy}).secrets() == ("me:hunter!2", "hunter%212", "hunter!2")


def test_words_that_a_report_needs_are_not_hidden(cwd: Path) -> None:
    config = loaded(cwd, options={"clickhouse.url": "http://posthog:posthog@c:8123/posthog"})
    assert config.secrets() == ("posthog:posthog",)


def test_a_dsn_or_an_organization_token_is_the_sources_business(cwd: Path) -> None:
    for token in ("https://key@o1.ingest.us.sentry.io/42", "sntrys_abc"):
        assert loaded(cwd, options={"sentry.token": token}).sentry.token == token


@pytest.mark.parametrize("dsn", ["https://public@sentry.example.com/1", "'https://public@sentry.example.com/1'"])
def test_posthogs_placeholder_dsn_is_not_configured(cwd: Path, dsn: str) -> None:
    config = loaded(cwd, environ={"DIAG_SENTRY_TOKEN": dsn, "DIAG_SENTRY_ORG": "o"})
    assert config.sentry.token is None
    assert str(config.origin("sentry.token")) == "default"
    assert config.is_empty


def test_a_configuration_does_not_show_itself(cwd: Path) -> None:
    config = loaded(cwd, options={"sentry.token": "s3cr3t-token", "clickhouse.url": "http://u:s3cr3t-pass@c"})
    shown = repr([config, config.sentry, config.clickhouse, config.kafka]) + str(config) + f"{config.clickhouse}"
    assert "s3cr3t" not in shown
    assert "values withheld" in shown
    assert list(config.__rich_repr__()) == []


def outcome_of(**how: Any) -> Configuration | ConfigurationError:
    """Anything else that is raised fails the test."""
    try:
        return load(**how)
    except ConfigurationError as error:
        return error


# What people type by mistake around a secret: in the wrong place, half a URL, quotes, references, control characters.
SECRET = "Zq7" + base64.b32encode(b"never to be seen").decode().rstrip("=")
MANGLED = st.sampled_from(
    [
        "{}",
        '"{}"',
        "{}\n",
        "\x1b[31m{}",
        "http://user:{}@host:8123/db",
        "http://user:{}@host:port/db",
        "http://user:{}/x@host:8123/db",
        "http://user:{}@",
        "http://user:{}@[::1/db",
        "http://user:{}@ho st/db",
        "http://host:8123/db?password={}\x00",
        "user:{}@host:8123",
        "clickhouse://user:{}@host:9000",
        "chdb://user:{}@host",
        "https://{}@sentry.example.com/x y",
        "//user:{}@host",
        "http://user:{}@host:99999",
    ]
).map(lambda shape: shape.format(SECRET))
WITH_A_SECRET = [
    setting.key
    for setting in SETTINGS
    if (setting.secret and setting.kind is Kind.TEXT) or setting.kind in (Kind.URL, Kind.URLS)
]
ODD = st.one_of(MANGLED, MANGLED.map(lambda text: [text]), MANGLED.map(lambda text: {text: text}))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given_as=st.dictionaries(st.sampled_from(WITH_A_SECRET), ODD, min_size=1))
def test_no_error_text_holds_a_secret(tmp_path: Path, given_as: dict[str, object]) -> None:
    outcome = outcome_of(options=given_as, environ={}, cwd=tmp_path, file=None, thresholds=())
    if isinstance(outcome, ConfigurationError):
        assert SECRET not in str(outcome) + repr(outcome) + repr(outcome.problems)
    else:
        assert SECRET not in repr(outcome) + "".join(outcome.hints) + repr(outcome.origins)
        assert any(SECRET in secret for secret in outcome.secrets())


TEXTS = st.one_of(
    st.text(max_size=40), MANGLED, st.sampled_from(["env:A", "file:a", "http://a", "a:1", "5s", "true", "\ud800"])
)
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=9), inner, max_size=3)),
    max_leaves=5,
)
KEYS = st.one_of(st.sampled_from([setting.key for setting in SETTINGS]), st.text(max_size=20))
POSTHOGS = [
    "SITE_URL", "CDP_API_URL", "CLICKHOUSE_HOST", "CLICKHOUSE_SECURE", "CLICKHOUSE_CA", "CLICKHOUSE_PASSWORD",
    "CLICKHOUSE_CLUSTER", "CLICKHOUSE_DATABASE", "KAFKA_HOSTS", "KAFKA_SECURITY_PROTOCOL", "SENTRY_DSN", "SENTRY_URL",
    "DATABASE_URL",
]  # fmt: skip
NAMES = st.one_of(
    st.sampled_from([name for setting in SETTINGS for name in setting.environment] + POSTHOGS), st.text(max_size=9)
)
VALUES = st.one_of(st.integers(), st.booleans(), st.text(max_size=20).map(repr), st.just("[1]"), st.just("{a=1}"))
TOML = st.one_of(
    st.text(max_size=60),
    st.dictionaries(KEYS, VALUES, max_size=4).map(lambda table: "\n".join(f"{key} = {value}" for key, value in table.items())),
    st.sampled_from(["thresholds.x = 1", "[thresholds]\n'dead-letters.groups' = 1979-05-27", "a" * 99 + ".b=1"]),
)
ENV_FILE = st.one_of(st.text(max_size=60), st.just("COMPOSE_FILE=a.yml:../b.yml\nDOMAIN=${X:-${Y"), st.just("COMPOSE_FILE=\0"))
COMPOSE = st.one_of(
    st.text(max_size=80),
    st.sampled_from(
        [
            "services: {web: {extends: web}}",
            "services: {web: {extends: {file: ../x.yml, service: web}}}",
            "services: {web: {extends: {service: [a]}}}",
            "services: {clickhouse: {image: posthog/posthog, ports: [8123, '1:2:3', {target: x}, ':8123', 99999-1:8123]}}",
            "services: {web: {image: posthog/posthog, environment: [SITE_URL, A=x, {a: b}]}, kafka: {ports: ['1:9092']}}",
            "services: {web: &a {image: posthog/posthog, environment: *a}}",
            "services: &s {web: *s}",
            "services: [1, 2]",
            "? [a]: b",
            "services: {web: !reset null, worker: !override {image: !!python/object:os.system x}}",
        ]
    ),
)


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    options=st.dictionaries(KEYS, ANYTHING, max_size=3),
    environ=st.dictionaries(NAMES, TEXTS, max_size=4),
    toml=TOML,
    dotenv=ENV_FILE,
    compose=COMPOSE,
    file=st.one_of(st.none(), st.sampled_from(["diag.toml", "nope", "\0", "x" * 300, "."]).map(Path)),
)
@example(options={}, environ={}, toml="", dotenv="", compose="services: " + "{a: " * 3000, file=None)
@example(options={}, environ={}, toml="", dotenv="", compose="[" * 20_000, file=None)
@example(options={}, environ={}, toml="", dotenv="A=" + "${A:-" * 5000, compose="services: {}", file=None)
def test_whatever_is_given_the_outcome_is_a_configuration_or_a_configuration_error(
    tmp_path: Path, options: dict[str, object], environ: dict[str, str], toml: str, dotenv: str, compose: str, file: Path | None
) -> None:
    for name, text in {"diag.toml": toml, ".env": dotenv, "docker-compose.yml": compose}.items():
        (tmp_path / name).write_bytes(text.encode("utf-8", "surrogatepass"))
    outcome = outcome_of(options=options, environ=environ, cwd=tmp_path, file=file, thresholds=THRESHOLDS)
    # All of it may go to a terminal.
    if isinstance(outcome, ConfigurationError):
        assert outcome.problems
        assert all(line.isprintable() for line in str(outcome).split("\n"))
    else:
        assert all(line.isprintable() for hint in outcome.hints for line in hint.split("\n"))
        assert all(str(origin).isprintable() for origin in outcome.origins.values())


@pytest.mark.parametrize(
    "given_as",
    [
        {"http.timeout": "phx_abcdefghijklmnop0123456789"},
        {"sentry.token": "env:sntryu_abcdefghijklmnop0123456789"},
        {"sentry.token": "file:phx_abcdefghijklmnop0123456789"},
    ],
)
def test_a_token_written_in_the_wrong_place_is_masked(cwd: Path, given_as: dict[str, object]) -> None:
    text = " ".join(problem(cwd, options=given_as))
    assert "abcdefgh" not in text
    assert "_***" in text
