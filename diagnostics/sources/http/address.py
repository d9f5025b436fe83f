"""Addresses as people write them: their credentials, how they are shown, and which way to go there."""

from base64 import b64encode
from urllib.parse import unquote, urlsplit


def with_scheme(url: str) -> str:
    """`plugins:6738` is `http://plugins:6738`."""
    return url.strip() if "://" in url else f"http://{url.strip()}"


def without_credentials(url: str) -> str:
    """`http://user:secret@host:80/path/?x` is `http://host:80/path`: fit to be shown, and to have a path appended."""
    scheme, _, rest = with_scheme(url).partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}".split("?")[0].split("#")[0].rstrip("/")


def redirect_target(location: str) -> str:
    """A Location header fit to be shown: no credentials, and no query, which may hold a ticket."""
    return without_credentials(location) if "://" in location else location.split("?")[0]


def basic_authorization(url: str) -> str | None:
    """The header for the credentials written into a URL, None when there are none."""
    userinfo, at, _ = with_scheme(url).partition("://")[2].rpartition("@")
    return f"Basic {b64encode(unquote(userinfo).encode()).decode()}" if at else None


def proxy_for(url: str, configured: str | None) -> str | None:
    """The proxy to ask `url` through: the configured one, else the environment's; none for this machine itself.

    Raises ValueError for what is no URL, such as one with a port above 65535 (which sockets would wrap around).
    """
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(url)
    host = parts.hostname or ""
    if not host or parts.port == 0:
        raise ValueError("no host or no port")
    if is_loopback(host):
        return None
    if configured:
        return with_scheme(configured)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    return with_scheme(proxy) if proxy and not proxy_bypass(host) else None


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine by name or address: 127.0.0.0/8, ::1, localhost."""
    import ipaddress

    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
