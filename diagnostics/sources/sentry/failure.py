"""What Sentry means when it does not answer a question, and what to do about it.

A denial may come as 401, 403 or 404, and `detail` may be text or an object; the text is Sentry's own and mostly precise.
"""

import re
import time
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from diagnostics.sources.errors import BadAnswer, Denied, LimitExceeded, SourceError, TimedOut, Unavailable
from diagnostics.sources.excerpt import excerpt
from diagnostics.sources.http import MAX_BODY, Answer, Outcome
from diagnostics.sources.http.address import redirect_target
from diagnostics.sources.http.trouble import NoAnswer, Trouble

UNAUTHORIZED = "sentry.unauthorized"
UNREACHABLE = "sentry.unreachable"
NOT_FOUND = "sentry.not-found"

HINT_INTEGRATION = (
    "create an internal integration in Sentry (Settings, Custom Integrations) with Issue & Event: Read and Organization: Read, "
    "and give its token as DIAG_SENTRY_TOKEN"
)
HINT_ADDRESS = "set sentry.url to the address that Sentry has in the browser, without the path behind the host"

MAX_DETAIL = 300
MAX_WAIT = 30.0


def unusable(token: str) -> SourceError | None:
    """Why a token cannot read issues, told by its looks, so that it need not be sent anywhere."""
    if re.match(r"https?://[^/\s]+@[^/\s]+/", token):
        what = "The Sentry token is a DSN: a DSN can only send events, not look them up"
    elif token.startswith("sntrys_"):
        what = "The Sentry token is an organization token (sntrys_): those cannot read issues"
    elif not token:
        what = "There is no Sentry token"
    elif not token.isascii() or not token.isprintable() or re.search(r"[\s\"']", token):
        what = "The Sentry token contains spaces, quotes or other characters that no token has"
    else:
        return None
    return Denied(what, grant="event:read", hint=HINT_INTEGRATION, code=UNAUTHORIZED)


def failure(outcome: Outcome, *, address: str, organization: str, grant: str) -> SourceError | None:
    """What went wrong; None for a list, as every question of diag is answered with one. `grant` is the scope it needs."""
    if isinstance(outcome, NoAnswer):
        kind = TimedOut if outcome.trouble is Trouble.TIMED_OUT else Unavailable
        return kind(f"Sentry at {address} does not answer: {outcome.message}", hint=outcome.hint, code=UNREACHABLE)
    if outcome.status == 200:
        return _not_a_list(outcome, address)
    if 300 <= outcome.status < 400:
        return _moved(outcome, address)
    if outcome.status in (401, 403):
        return _denied(outcome, organization, grant)
    if outcome.status == 404:
        return _not_found(outcome, address, organization)
    if outcome.status == 400:
        return BadAnswer(f"Sentry rejects the question: {detail(outcome.json) or outcome.status}", hint=_hint_question(outcome))
    if outcome.status == 429:
        message = f"Sentry's rate limit is used up: {detail(outcome.json) or 'no details'}"
        return LimitExceeded(message, hint="ask again in a minute", code=UNREACHABLE)
    return _broken(outcome, address)


def seconds_to_wait(answer: Answer) -> float:
    """How long to wait after a 429, 1 s to MAX_WAIT: till the reset (epoch seconds, by Sentry's clock), or as a proxy asks."""
    asked = answer.headers.get("retry-after", "")
    if asked.isdecimal():
        wait = float(asked[:9])
    else:
        reset = answer.headers.get("x-sentry-rate-limit-reset", "")
        wait = float(reset[:12]) - _clock(answer) if reset.isdecimal() else 1.0
    return min(max(wait, 1.0), MAX_WAIT)


def detail(body: Any) -> str:
    """Sentry's own words: `detail` is text or `{code, message}`; older servers answer with a bare string."""
    said = body.get("detail") if isinstance(body, dict) else body
    if isinstance(said, dict):
        said = said.get("message") or said.get("code")
    return excerpt(said, MAX_DETAIL) if isinstance(said, str) else ""


def _clock(answer: Answer) -> float:
    try:
        return parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
    except ValueError:
        return time.time()


def _not_a_list(answer: Answer, address: str) -> SourceError | None:
    if isinstance(answer.json, list) and (not answer.json or any(isinstance(e, dict) and e.get("id") for e in answer.json)):
        return None  # a list in which nothing can be recognised is not "no issues"
    if answer.cut:
        return LimitExceeded(f"Sentry answers with more than {MAX_BODY // 1024 // 1024} MB", hint="choose a shorter --since")
    return BadAnswer(f"What answers at {address} is not Sentry's web API", hint=HINT_ADDRESS, code=NOT_FOUND)


def _moved(answer: Answer, address: str) -> SourceError:
    said = answer.json.get("detail") if isinstance(answer.json, dict) else None
    extra = said.get("extra") if isinstance(said, dict) else None
    if isinstance(extra, dict) and isinstance(extra.get("slug"), str):
        slug = extra["slug"][:MAX_DETAIL]
        return BadAnswer(
            f"What was asked for was renamed in Sentry: its slug is now {slug}", hint="give the new slug", code=NOT_FOUND
        )
    to = redirect_target(answer.headers.get("location", "?"))
    return BadAnswer(
        f"Sentry's address {address} redirects to {to}", hint="set sentry.url to the address behind it", code=NOT_FOUND
    )


def _denied(answer: Answer, organization: str, grant: str) -> SourceError:
    said = answer.json.get("detail") if isinstance(answer.json, dict) else None
    words = detail(answer.json)
    quoted = f": {words}" if words else ""
    if isinstance(said, dict) and said.get("code") == "sso-required":
        message = f"The organization {organization} wants its single sign-on for this token{quoted}"
        return Denied(message, grant=grant, hint="sign in to it with single sign-on, or " + HINT_INTEGRATION, code=UNAUTHORIZED)
    if answer.status == 401:
        return Denied(f"Sentry does not accept the token (401){quoted}", grant=grant, hint=HINT_INTEGRATION, code=UNAUTHORIZED)
    message = f"Sentry's token lacks the scope {grant} in {organization} (403){quoted}"
    return Denied(message, grant=grant, hint=HINT_INTEGRATION, code=UNAUTHORIZED)


def _not_found(answer: Answer, address: str, organization: str) -> SourceError:
    if answer.is_html:
        return BadAnswer(f"What answers at {address} is not Sentry's web API", hint=HINT_ADDRESS, code=NOT_FOUND)
    if not answer.body.strip() and (urlsplit(address).hostname or "").endswith("sentry.io"):
        message = (
            f"{address} does not serve the organization {organization} (404 without a word): it may live in another region"
        )
        return BadAnswer(message, hint="set sentry.url to https://us.sentry.io or https://de.sentry.io", code=NOT_FOUND)
    message = f"Sentry at {address} knows no organization {organization}, or does not show it to this token (404)"
    return BadAnswer(message, hint="check sentry.org: it is the slug in Sentry's own address, not the name", code=NOT_FOUND)


def _hint_question(answer: Answer) -> str:
    words = detail(answer.json).lower()
    if "must be numbers" in words:
        return "give the numeric ids in sentry.projects, or a token with Organization: Read so that they can be looked up"
    if "multi project" in words or "multiple projects" in words:
        return "name one project in sentry.projects"
    if "timeout" in words:
        return "choose a shorter --since"
    return "choose a --since within the 90 days that Sentry keeps" if "date range" in words else ""


def _broken(answer: Answer, address: str) -> SourceError:
    error_id = answer.json.get("errorId") if isinstance(answer.json, dict) else None
    quoted = f", its error id is {error_id[:64]}" if isinstance(error_id, str) else ""
    what = f"A proxy answers {answer.status} for Sentry" if answer.is_html else f"Sentry fails with {answer.status}{quoted}"
    return Unavailable(f"{what} at {address}", hint="look at it later, or without it", code=UNREACHABLE)
