"""The address of an issue in Sentry, fit to be shown.

Sentry makes its own link from a prefix that it was configured with, which may be an internal name or anything else: its host is
shown only where it is the one that diag was given, or an organization's own name on sentry.io.
"""

import re
from urllib.parse import urlsplit

_PATH = re.compile(r"(/[\w.~-]+)*/issues/\d+/?")
_SAAS = "sentry.io"


def link(permalink: str, *, address: str, organization: str, issue_id: str) -> str:
    """The address of an issue: Sentry's own `permalink` without its query if its host is safe, else one made of `address`."""
    return _own(permalink, address, issue_id) or f"{address.rstrip('/')}{path(organization, issue_id)}"


def path(organization: str, issue_id: str) -> str:
    """The same without the host, for where there is little room."""
    return f"/organizations/{organization}/issues/{issue_id if issue_id.isdecimal() else '?'}/"


def _own(permalink: str, address: str, issue_id: str) -> str:
    try:
        theirs, ours = urlsplit(permalink), urlsplit(address)
        same_port = theirs.port == ours.port
    except ValueError:
        return ""
    host, given = theirs.hostname or "", ours.hostname or ""
    saas = theirs.port is None and all(name == _SAAS or name.endswith(f".{_SAAS}") for name in (host, given))
    plain = theirs.scheme in ("http", "https") and "@" not in theirs.netloc and host.isascii()
    right = _PATH.fullmatch(theirs.path) is not None and theirs.path.rstrip("/").endswith(f"/issues/{issue_id}")
    if not (plain and right and (saas or (same_port and host == given))):
        return ""
    return f"{theirs.scheme}://{theirs.netloc}{theirs.path}"
