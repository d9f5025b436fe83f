"""What a plugin server's answers mean, across its seven generations.

Until 2022 the body is only `{"status": ...}`, and for some releases `/_health` said `ok` whatever happened; since 2023 it
lists `checks` as words; since late 2025 a check may be an object with a message, and `degraded` comes with a 200. `/_ready`
says always ok, hangs, is missing, speaks of the consumer, or repeats `/_health`, by generation.
"""

from enum import StrEnum
from typing import Any

from msgspec import Struct

from diagnostics.sources.excerpt import excerpt
from diagnostics.sources.http import Answer, Outcome
from diagnostics.sources.http.address import redirect_target
from diagnostics.sources.http.trouble import NoAnswer, Trouble

# An instance runs a dozen checks; anything beyond is not worth a report.
MAX_CHECKS = 50
MAX_MESSAGE = 500


class HealthStatus(StrEnum):
    """What an instance or one of its checks says; UNKNOWN is a word that diag does not know, or no such answer at all."""

    ERROR = "error"
    DEGRADED = "degraded"
    UNKNOWN = "unknown"
    OK = "ok"


class Readiness(StrEnum):
    """What `/_ready` says; UNKNOWN where it does not exist."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class ServiceCheck(Struct, frozen=True, kw_only=True):
    """One of the checks that an instance runs. `name` and `message` are its own words; so is `word`, for a status that diag
    does not know."""

    name: str
    status: HealthStatus
    message: str = ""
    word: str = ""


class Health(Struct, frozen=True, kw_only=True):
    """What one instance says.

    `reached`: something answered, and not a proxy in its place. `recognised`: as a plugin server answers. `barred`: it was not
    reached because of how diag asks (http against https, a certificate, a proxy), which says nothing of it. `message` says why
    it was not reached, not recognised or not understood; `hint` is what to do about it.
    """

    address: str
    reached: bool
    recognised: bool = False
    barred: bool = False
    status: HealthStatus = HealthStatus.UNKNOWN
    checks: tuple[ServiceCheck, ...] = ()
    ready: Readiness = Readiness.UNKNOWN
    message: str = ""
    hint: str = ""

    @property
    def up(self) -> bool:
        """Whether it says that it works, if only just."""
        return self.status in (HealthStatus.OK, HealthStatus.DEGRADED)

    @property
    def told(self) -> str:
        """Why it cannot be asked, as a sentence without its end; for one that is not recognised."""
        if self.barred:
            return f"The plugin server at {self.address} could not be asked: {self.message}"
        if self.reached:
            return f"What answers at {self.address} is not a plugin server that can be asked: {self.message}"
        return f"{self.address} does not answer: {self.message}"

    @property
    def failing(self) -> tuple[ServiceCheck, ...]:
        """The checks that say that something is wrong."""
        return tuple(check for check in self.checks if check.status in (HealthStatus.ERROR, HealthStatus.DEGRADED))

    @property
    def not_understood(self) -> tuple[ServiceCheck, ...]:
        """The checks whose status is in a word that diag does not know: they are neither well nor broken."""
        return tuple(check for check in self.checks if check.status is HealthStatus.UNKNOWN)


def read_health(address: str, outcome: Outcome) -> Health:
    """What the answer to `/_health` means."""
    if isinstance(outcome, NoAnswer):
        barred = outcome.trouble in _OF_THE_ASKER
        return Health(address=address, reached=False, barred=barred, message=outcome.message, hint=outcome.hint)
    if _is_report(outcome.json):
        return _reported(address, outcome.status, outcome.json)
    if outcome.status in (502, 504) or (outcome.status == 503 and outcome.body.strip()):
        message = f"a proxy answers {outcome.status} in its place"
        return Health(address=address, reached=False, message=message, hint="see whether the plugin server behind it runs")
    if outcome.status in (500, 503):
        message = f"it answers {outcome.status} and does not say why"
        return Health(address=address, reached=True, recognised=True, status=HealthStatus.ERROR, message=message)
    hint = "" if outcome.status in (401, 403) else _HINT_ADDRESS
    return Health(address=address, reached=True, message=_something_else(outcome), hint=hint)


def read_readiness(outcome: Outcome) -> Readiness:
    """What the answer to `/_ready` means."""
    if isinstance(outcome, NoAnswer) or outcome.is_html:
        return Readiness.UNKNOWN
    return {200: Readiness.YES, 503: Readiness.NO}.get(outcome.status, Readiness.UNKNOWN)


_OF_THE_ASKER = frozenset({Trouble.ADDRESS, Trouble.CREDENTIALS, Trouble.TLS, Trouble.PROTOCOL, Trouble.PROXY})

_HINT_ADDRESS = "give the plugin server's own address, like http://plugins:6738"


def _is_report(body: Any) -> bool:
    return isinstance(body, dict) and (isinstance(body.get("status"), str) or isinstance(body.get("checks"), dict))


def _reported(address: str, http_status: int, body: dict[str, Any]) -> Health:
    reported = body.get("checks")
    services = list(reported.items())[:MAX_CHECKS] if isinstance(reported, dict) else []
    checks = tuple(_service(str(name), value) for name, value in services)
    said = [_status(body.get("status", "ok")), *(check.status for check in checks if check.status is not HealthStatus.UNKNOWN)]
    if http_status >= 500:
        said.append(HealthStatus.ERROR)
    status = min(said, key=list(HealthStatus).index)
    message = f'it says "{_cut(str(body.get("status")))}", which diag does not know' if status is HealthStatus.UNKNOWN else ""
    return Health(address=address, reached=True, recognised=True, status=status, checks=checks, message=message)


def _service(name: str, value: Any) -> ServiceCheck:
    message, word = (value.get("message"), value.get("status")) if isinstance(value, dict) else (None, value)
    status = _status(word)
    return ServiceCheck(
        name=_cut(name),
        status=status,
        message=_cut(message) if isinstance(message, str) else "",
        word=_cut(str(word)) if status is HealthStatus.UNKNOWN else "",
    )


def _status(word: Any) -> HealthStatus:
    if isinstance(word, bool):
        return HealthStatus.OK if word else HealthStatus.ERROR
    try:
        return HealthStatus(word.lower() if isinstance(word, str) else word)
    except ValueError:
        return HealthStatus.UNKNOWN


def _something_else(answer: Answer) -> str:
    """Who answers instead of a plugin server."""
    if answer.body.strip() == "ok":
        return "the PostHog app answers there, not the plugin server"
    if answer.status in (401, 403):
        return f"it wants credentials (HTTP {answer.status})"
    if 300 <= answer.status < 400:
        return f"it redirects to {redirect_target(answer.headers.get('location', '?'))}"
    if answer.status == 404:
        return "it has no /_health (HTTP 404): another service, or a plugin server of 2021"
    what = "a web page" if answer.is_html else "an empty body" if not answer.body.strip() else "something else"
    return f"it answers {answer.status} with {what}, not with a plugin server's status"


def _cut(text: str) -> str:
    return excerpt(text, MAX_MESSAGE)
