"""The canary: one event that diag sends, and what capture's answer to it means.

It is the only thing that diag ever writes, and only with `--canary`. It belongs to no person (`$process_person_profile` is
false, where PostHog knows that) and says who sent it. Sources: `rust/capture/src/api.rs`, `posthog/api/capture.py` of PostHog.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct

from diagnostics.sources.capture.routes import DOWN
from diagnostics.sources.excerpt import excerpt
from diagnostics.sources.http import USER_AGENT, Answer, Outcome
from diagnostics.sources.http.trouble import NoAnswer
from diagnostics.sources.source import Submission

EVENT = "posthog_diag_canary"
"""The name of the event: it can be recognised, filtered out and deleted by it."""

DISTINCT_ID = "posthog-diag"

MAX_SAID = 200

SEND = Submission(
    name="capture.canary",
    source="capture",
    path="/i/v0/e/",
    why=f"one event named {EVENT}, sent to the project of project_token (only with --canary)",
)


class Refusal(StrEnum):
    """Why capture did not take it."""

    TOKEN = "token"  # noqa: S105 - not a token but the word for one
    SIZE = "size"
    QUOTA = "quota"
    ROUTE = "route"
    POSTGRES = "postgres"
    KAFKA = "kafka"
    DOWN = "down"
    SILENT = "silent"
    OTHER = "other"


class Reception(Struct, frozen=True, kw_only=True):
    """What became of it at capture. `said` is the answer in a few of capture's own words, `seconds` how long that took."""

    path: str
    refusal: Refusal | None
    said: str
    seconds: float

    @property
    def taken(self) -> bool:
        return self.refusal is None


def body(token: str, uuid: str, at: datetime) -> bytes:
    """The event as SDKs send one."""
    moment = at.isoformat()
    properties = {"$process_person_profile": False, "$lib": USER_AGENT, "$geoip_disable": True}
    return msgspec.json.encode(
        {
            "api_key": token,
            "event": EVENT,
            "uuid": uuid,
            "distinct_id": DISTINCT_ID,
            "properties": properties,
            "timestamp": moment,
            "sent_at": moment,
        }
    )


def read_reception(path: str, outcome: Outcome) -> Reception:
    """What capture's answer to the canary means."""
    if isinstance(outcome, NoAnswer):
        return Reception(path=path, refusal=Refusal.SILENT, said=outcome.message, seconds=outcome.seconds)
    return Reception(path=path, refusal=_refusal(outcome), said=_said(outcome), seconds=outcome.seconds)


def _refusal(answer: Answer) -> Refusal | None:
    code = answer.json.get("code") if isinstance(answer.json, dict) else None
    if answer.status == 200 and isinstance(answer.json, dict) and answer.json.get("status") in (1, "Ok", "ok"):
        return None
    if answer.is_html and answer.status not in DOWN:
        return Refusal.ROUTE
    if code == "fetch_team_fail":
        return Refusal.POSTGRES
    if answer.status == 503 and (code == "server_error" or "transient error" in answer.body[:MAX_SAID]):
        return Refusal.KAFKA
    if answer.status in DOWN:
        return Refusal.DOWN
    return _BY_STATUS.get(answer.status, Refusal.OTHER) if "size" not in answer.body[:MAX_SAID] else Refusal.SIZE


_BY_STATUS = {
    301: Refusal.ROUTE,
    302: Refusal.ROUTE,
    401: Refusal.TOKEN,
    403: Refusal.ROUTE,
    404: Refusal.ROUTE,
    405: Refusal.ROUTE,
    413: Refusal.SIZE,
    429: Refusal.QUOTA,
}


def _said(answer: Answer) -> str:
    """Its own words where it has some: the detail of JSON, plain text; of a page only what kind it is."""
    body: Any = answer.json
    if isinstance(body, dict):
        words = next((body[key] for key in ("detail", "message") if isinstance(body.get(key), str)), "")
    elif answer.is_html:
        words = "Django's page on CSRF" if "CSRF" in answer.body else "a web page"
    else:
        words = answer.body
    return excerpt(f"{answer.status} {' '.join(words.split())}".rstrip(), MAX_SAID)
