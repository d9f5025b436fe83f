"""URLs: checked without quoting them (a password may hide anywhere in a bad one), and masked for display."""

import re
from collections.abc import Sequence
from urllib.parse import parse_qsl, quote, unquote, urlsplit, urlunsplit

from diagnostics.config.errors import Invalid

SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,30})://")
# Plain enough to be repeated in a message: no place for a password, and not the shape of a token.
HOST_AND_PORT = re.compile(r"[A-Za-z0-9.-]{1,100}:[0-9]{1,5}")
HOST_NAME = re.compile(r"(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}")
MASK = "***"


def checked(text: str, schemes: Sequence[str], example: str, *, quotable: bool = True) -> str:
    """The URL without surrounding spaces and final slash.

    Raises Invalid, which repeats a bare host or scheme if `quotable` and nothing else in any case.
    """
    text = text.strip()
    like = f"like {example}"
    if not text:
        raise Invalid("is empty", f"give a URL {like}, or leave it out")
    if text[0] in "\"'":
        raise Invalid("begins with a quote", "remove the quotes: `docker run --env-file` makes them part of the value")
    if not text.isprintable() or " " in text:
        raise Invalid("holds a space or a control character", f"write it without, {like}")
    _check_scheme(text, schemes, like, quotable)
    if text.startswith("chdb:"):
        return _checked_chdb(text)
    return _check_parts(text, like)


def _check_scheme(text: str, schemes: Sequence[str], like: str, quotable: bool) -> None:
    usable = " or ".join(f"{scheme}://" for scheme in schemes if scheme != "chdb")
    match = SCHEME.match(text)
    if not match:
        plain = quotable and (HOST_AND_PORT.fullmatch(text) or HOST_NAME.fullmatch(text))
        raise Invalid("has no scheme", f"write http://{text}" if plain else f"begin it with {usable}, {like}")
    if match[1].lower() not in schemes:
        named = f"{match[1]}://" if quotable else "a scheme"
        raise Invalid(f"begins with {named}, which diag cannot use here", f"use {usable}, {like}")


def _check_parts(text: str, like: str) -> str:
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise Invalid(
            "is not a URL: its host or port cannot be read",
            f"write it {like}; percent-encode / ? # @ : [ ] % in a password, so that p@ss becomes p%40ss",
        ) from None
    if not host:
        raise Invalid("has no host", f"write it {like}")
    if port == 0:
        raise Invalid("has port 0", f"write it {like}")
    if "@" in parts.path + parts.query + parts.fragment:
        do = "percent-encode / ? # @ in the password: / is %2F, ? is %3F, # is %23, @ is %40"
        raise Invalid("has an @ after the host", do)
    return text.rstrip("/")


def _checked_chdb(text: str) -> str:
    if not text.startswith("chdb:///") or text == "chdb:///":
        raise Invalid("has no path", "write three slashes and the path of the store, like chdb:///var/lib/store")
    return text


def passwords(url: str) -> tuple[str, ...]:
    """What in a URL must not be shown: its password as written and decoded, `user:password` as basic authentication sends
    it, and the values of its query."""
    parts = urlsplit(url)
    found = [value for _, value in parse_qsl(parts.query)]
    if parts.password:
        user, password = unquote(parts.username or ""), unquote(parts.password)
        found += [parts.password, password, f"{user}:{password}"]
    return tuple(found)


def masked(url: str) -> str:
    """The URL with its password and the values of its query replaced by `***`."""
    if url.startswith("chdb:"):
        return url
    parts = urlsplit(url)
    user_info, at, address = parts.netloc.rpartition("@")
    user, colon, _ = user_info.partition(":")
    netloc = f"{user}{colon}{MASK if colon else ''}{at}{address}"
    query = "&".join(f"{name}={MASK}" for name, _ in parse_qsl(parts.query, keep_blank_values=True))
    return urlunsplit((parts.scheme, netloc, parts.path, query, ""))


def composed(scheme: str, address: str, *, user: str, password: str, database: str) -> str:
    """A ClickHouse URL from its parts; `address` is `host:port`."""
    credentials = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
    return f"{scheme}://{credentials}@{address}/{quote(database, safe='')}"
