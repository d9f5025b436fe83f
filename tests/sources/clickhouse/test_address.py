"""`clickhouse.url` is read by us: TLS when it says https, the right default ports, and never a password in a message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.sources.clickhouse import InvalidAddress
from diagnostics.sources.clickhouse.address import Address, parse


def test_all_parts_are_taken() -> None:
    assert parse("https://diag:secret@ch.example.com:9443/posthog") == Address(
        scheme="https", host="ch.example.com", port=9443, user="diag", password="secret", database="posthog"
    )


@pytest.mark.parametrize(
    ("url", "port"),
    [("http://clickhouse", 8123), ("https://clickhouse", 8443), ("HTTPS://clickhouse", 8443), ("http://clickhouse:80", 80)],
)
def test_the_port_follows_the_scheme_unless_it_is_named(url: str, port: int) -> None:
    assert parse(url).port == port


def test_without_credentials_it_is_the_default_user_of_clickhouse() -> None:
    address = parse("http://clickhouse:8123")
    assert (address.user, address.password, address.database) == ("default", "", None)


def test_credentials_and_database_are_percent_decoded() -> None:
    address = parse("http://di%40ag:p%3A%2F%3F%23%40%25@clickhouse/post%2Dhog")
    assert (address.user, address.password, address.database) == ("di@ag", "p:/?#@%", "post-hog")


def test_they_may_be_given_as_clickhouse_takes_them() -> None:
    address = parse("http://clickhouse:8123/?user=diag&password=a%26b&database=posthog")
    assert (address.user, address.password, address.database) == ("diag", "a&b", "posthog")


def test_an_ipv6_address_keeps_its_brackets_for_people() -> None:
    address = parse("http://[::1]:8123/posthog")
    assert (address.host, str(address)) == ("::1", "http://[::1]:8123/posthog")


def test_for_people_it_is_without_credentials() -> None:
    address = parse("https://diag:secret@clickhouse/posthog")
    assert str(address) == repr(address) == "https://clickhouse:8443/posthog"


@pytest.mark.parametrize(
    ("url", "path", "database"),
    [
        ("chdb:///var/lib/store", "/var/lib/store", None),
        ("chdb:///var/lib/st%20ore?database=posthog", "/var/lib/st ore", "posthog"),
        ("chdb://memory", "memory", None),
        ("chdb://memory/posthog", "memory", "posthog"),
    ],
)
def test_embedded_stores(url: str, path: str, database: str | None) -> None:
    address = parse(url)
    assert (address.scheme, address.path, address.database) == ("chdb", path, database)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("clickhouse:8123", "it has to begin with http:// or https:// (the HTTP interface, mostly port 8123 or 8443)"),
        ("clickhouse://h:9000/db", "it has to begin with http:// or https:// (the HTTP interface, mostly port 8123 or 8443)"),
        ("", "it has to begin with http:// or https:// (the HTTP interface, mostly port 8123 or 8443)"),
        ("http:///posthog", "it names no host: write http://user:password@host:8123/database"),
        ("http://h/a/b", "after the host it takes one name, the database: http://host:8123/database"),
        ("http://h/?secure=true", "after ? it takes user, password and database, and 'secure' is there"),
        ("chdb://", "an embedded store needs the path of its directory: chdb:///absolute/path"),
        ("chdb://var/lib", "an embedded store is chdb:///absolute/path or chdb://memory"),
    ],
)
def test_what_cannot_be_understood_is_said(url: str, message: str) -> None:
    with pytest.raises(InvalidAddress) as raised:
        parse(url)
    assert str(raised.value) == message


def problem(url: str) -> str:
    """What is said against the URL; nothing when it is understood."""
    try:
        parse(url)
    except InvalidAddress as error:
        return str(error)
    return ""


@pytest.mark.parametrize("password", ["hun/ter2", "hun?ter2", "hun#ter2", "hun]ter2", "hunter2:x/", "/?#hunter2"])
def test_a_password_that_should_have_been_encoded_is_not_quoted(password: str) -> None:
    said = problem(f"http://diag:{password}@clickhouse:8123/posthog")
    assert "%2F" in said
    assert "ter2" not in said


def test_a_password_with_signs_that_do_no_harm_is_taken_as_it_is() -> None:
    assert parse("http://diag:hun:ter@2!@clickhouse/posthog").password == "hun:ter@2!"


@given(st.text(max_size=30), st.text(max_size=30))
def test_nothing_but_invalid_address_comes_out_of_any_text(before: str, after: str) -> None:
    for url in (before, f"http://u:{before}@{after}", f"{before}://u:p@h:1/d?{after}"):
        problem(url)


@given(st.text(max_size=20), st.text(max_size=20))
def test_no_part_of_a_password_is_ever_in_a_message(before: str, after: str) -> None:
    assert "s3cr3t" not in problem(f"http://u:{before}S3CR3T{after}@h:8123/posthog").lower()
