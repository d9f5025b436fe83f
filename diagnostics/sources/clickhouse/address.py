"""Where ClickHouse is and as whom to ask it: our own reading of `clickhouse.url`.

Not left to the client: clickhouse-connect ignores a DSN's scheme, so that `https://host/db` would go out in clear text.
"""

import re
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from msgspec import Struct

DEFAULT_PORTS = {"http": 8123, "https": 8443}
NATIVE_PORTS = {9000: 8123, 9440: 8443}
"""The ports of the native protocol, which diag does not speak, and those of the HTTP interface beside them."""


class InvalidAddress(ValueError):
    """A `clickhouse.url` that cannot be understood. The text quotes nothing that may be a password."""


class Address(Struct, frozen=True, kw_only=True):
    """One ClickHouse. `database` None means that the URL names none; `path` is that of an embedded store."""

    scheme: Literal["http", "https", "chdb"]
    host: str = ""
    port: int = 0
    user: str = "default"
    password: str = ""
    database: str | None = None
    path: str = ""

    def __str__(self) -> str:
        """Without credentials, for people."""
        if self.scheme == "chdb":
            return f"chdb://{self.path}"
        return f"{self.scheme}://{self.netloc}" + (f"/{self.database}" if self.database else "")

    __repr__ = __str__

    @property
    def netloc(self) -> str:
        """`host:port`, an IPv6 address in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse(url: str) -> Address:
    """Reads `http(s)://user:password@host:port/database`, `chdb:///path` or `chdb://memory`; raises InvalidAddress.

    User, password and database may be percent-encoded, or be given as `?user=&password=&database=` as ClickHouse takes them.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidAddress(f"its host or port makes no sense: {ENCODE}") from None
    # Either sign of a password that ended the part before it too early.
    if "@" in parts.path + parts.query + parts.fragment or parts.fragment:
        raise InvalidAddress(ENCODE)
    options = _options(parts)
    if parts.scheme == "chdb":
        return _embedded(parts, options)
    if parts.scheme not in DEFAULT_PORTS:
        raise InvalidAddress("it has to begin with http:// or https:// (the HTTP interface, mostly port 8123 or 8443)")
    if not parts.hostname:
        raise InvalidAddress("it names no host: write http://user:password@host:8123/database")
    path = [unquote(part) for part in parts.path.split("/") if part]
    if len(path) > 1:
        raise InvalidAddress("after the host it takes one name, the database: http://host:8123/database")
    return Address(
        scheme="https" if parts.scheme == "https" else "http",
        host=parts.hostname,
        port=port or DEFAULT_PORTS[parts.scheme],
        user=unquote(parts.username or "") or options.get("user") or "default",
        password=unquote(parts.password or "") or options.get("password", ""),
        database=(path[0] if path else None) or options.get("database") or None,
    )


ENCODE = "in a user name or password write @ as %40, / as %2F, ? as %3F, # as %23 and : as %3A"


def _options(parts: SplitResult) -> dict[str, str]:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    unknown = sorted(name for name in options if name not in ("user", "password", "database"))
    if unknown:
        quoted = f"{unknown[0]!r} is" if re.fullmatch(r"[a-z_]{1,40}", unknown[0]) else "something else is"
        raise InvalidAddress(f"after ? it takes user, password and database, and {quoted} there")
    return options


def _embedded(parts: SplitResult, options: dict[str, str]) -> Address:
    if parts.netloc:
        if parts.netloc != "memory":
            raise InvalidAddress("an embedded store is chdb:///absolute/path or chdb://memory")
        return Address(scheme="chdb", path="memory", database=unquote(parts.path.strip("/")) or options.get("database") or None)
    if len(parts.path) < 2:
        raise InvalidAddress("an embedded store needs the path of its directory: chdb:///absolute/path")
    return Address(scheme="chdb", path=unquote(parts.path), database=options.get("database") or None)
