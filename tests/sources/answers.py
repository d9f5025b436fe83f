"""Answers as the HTTP client hands them over, made without a server."""

from typing import Any

import msgspec

from diagnostics.sources.http import Answer


def answered(status: int, body: Any = None, *, text: str = "", content_type: str = "application/json") -> Answer:
    said = text if body is None else msgspec.json.encode(body).decode()
    return Answer(status=status, headers={"content-type": content_type}, body=said, json=body, seconds=0.1, received=len(said))


def link(cursor: str, results: str = "true") -> dict[str, str]:
    """Sentry's header for pages: both directions, with an address that diag must not follow."""
    previous = '<https://internal.invalid/x>; rel="previous"; results="false"; cursor="0:0:1"'
    return {"Link": f'{previous}, <https://internal.invalid/y>; rel="next"; results="{results}"; cursor="{cursor}"'}
