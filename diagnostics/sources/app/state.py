"""What the app's answers mean: its own pages told from those of a proxy, a login or another product."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct

from diagnostics.sources.excerpt import excerpt
from diagnostics.sources.http import Answer, Outcome
from diagnostics.sources.http.address import redirect_target
from diagnostics.sources.http.trouble import NoAnswer

MAX_WORD = 100

# `/_readyz` knows eight checks.
MAX_CHECKS = 50


class Preflight(Struct, frozen=True, kw_only=True):
    """The booleans of `/_preflight/`, None where it does not say. `plugins` is the plugin server's heartbeat."""

    postgres: bool | None = None
    redis: bool | None = None
    celery: bool | None = None
    plugins: bool | None = None
    kafka: bool | None = None
    clickhouse: bool | None = None
    posthog_version: str | None = None
    deployment: str | None = None
    realm: str | None = None


class ReadyCheck(Struct, frozen=True, kw_only=True):
    """One check of `/_readyz`, by the app's name for it: `postgres`, `kafka_connected` ..."""

    name: str
    ok: bool


class Standing(StrEnum):
    """Who spoke when a page was asked for, and what that is worth."""

    SPOKE = "the app, in the words of this page, good or bad"
    FAILED = "the app, which broke while it made the page"
    PROXY = "a proxy, because the app does not answer it"
    ABSENT = "nobody: there is no such page, as in versions before it"
    HIDDEN = "a login, a redirect or something else that stands in its place"
    SILENT = "nobody: there was no answer"


class Page(Struct, frozen=True, kw_only=True):
    """What one of the app's pages answered, in a few words; `status` is 0 where there was no answer."""

    path: str
    said: str
    standing: Standing = Standing.SPOKE
    status: int = 0


class AppState(Struct, frozen=True, kw_only=True):
    """What the app's public pages say.

    `reached`: something answered, and not a proxy in its place. `is_posthog`: at least one answer is PostHog's own, or it
    fails wherever it has a page. `readyz` is None where that page does not exist. `migrated` is what `/_health` says of the
    migrations. `alive` is `/_livez`, which every version answers without looking at anything: it says nothing of the pages that
    people use. `message` says why it was not reached or is not PostHog, `hint` what to do about it.
    """

    reached: bool
    is_posthog: bool = False
    preflight: Preflight | None = None
    readyz: tuple[ReadyCheck, ...] | None = None
    migrated: bool | None = None
    alive: bool = False
    fails_everywhere: bool = False
    pages: tuple[Page, ...] = ()
    message: str = ""
    hint: str = ""

    def standing(self, *standings: Standing) -> tuple[Page, ...]:
        """The pages that stand so."""
        return tuple(page for page in self.pages if page.standing in standings)


class SystemStatus(Struct, frozen=True, kw_only=True):
    """The System Status. `refusal` says why it could not be read."""

    refusal: str = ""
    posthog_version: str | None = None
    plugin_server_alive: bool | None = None
    plugin_server_version: str | None = None
    postgres_alive: bool | None = None
    redis_alive: bool | None = None


def read_state(*, preflight: Outcome, readyz: Outcome, health: Outcome, livez: Outcome) -> AppState:
    """What the answers to the four public pages mean together."""
    outcomes = {"/_preflight/": preflight, "/_readyz": readyz, "/_health": health, "/_livez": livez}
    answers = [outcome for outcome in outcomes.values() if isinstance(outcome, Answer) and not _is_proxys(outcome)]
    flags, checks, migrated, alive = _preflight(preflight), _ready_checks(readyz), _migrated(health), _is_alive(livez)
    spoke = dict(zip(outcomes, (flags is not None, checks is not None, migrated is not None, alive), strict=True))
    pages = tuple(_page(path, outcome, spoke=spoke[path]) for path, outcome in outcomes.items())
    if not answers:
        message, hint = _why_unreached(next((said for said in outcomes.values() if isinstance(said, Answer)), preflight))
        return AppState(reached=False, pages=pages, message=message, hint=hint)
    everywhere = all(answer.status >= 500 for answer in answers)
    known, broken = any(spoke.values()), everywhere or _is_broken(pages)
    message, hint = ("", "") if known or broken else _something_else(answers[0])
    return AppState(
        reached=True,
        is_posthog=known or broken,
        preflight=flags,
        readyz=checks,
        migrated=migrated,
        alive=alive,
        fails_everywhere=everywhere and not known,
        pages=pages,
        message=message,
        hint=hint,
    )


def _page(path: str, outcome: Outcome, *, spoke: bool) -> Page:
    if isinstance(outcome, NoAnswer):
        return Page(path=path, said=outcome.message, standing=Standing.SILENT)
    return Page(path=path, said=_in_words(outcome), standing=_standing(outcome, spoke=spoke), status=outcome.status)


def _standing(answer: Answer, *, spoke: bool) -> Standing:
    if spoke:
        return Standing.SPOKE
    if _is_proxys(answer):
        return Standing.PROXY
    if answer.status >= 500:
        return Standing.FAILED
    return Standing.ABSENT if answer.status in (404, 410) else Standing.HIDDEN


def _is_broken(pages: Sequence[Page]) -> bool:
    """Whether it is an app that fails wherever it has a page. A page that a version lacks is a 404 or its login; only these two
    names are PostHog's alone, so one that breaks on `/_health` and has nothing else may be anybody."""
    failed = {page.path for page in pages if page.standing is Standing.FAILED}
    here = [page for page in pages if page.standing is not Standing.ABSENT and not 300 <= page.status < 400]
    own = not failed.isdisjoint({"/_preflight/", "/_readyz"})
    return own and not any(page.standing is Standing.HIDDEN for page in here)


def read_system_status(outcome: Outcome) -> SystemStatus:
    """What the answer to `/api/instance_status` means: `results.overview` is a list of `{key, metric, value}`."""
    if isinstance(outcome, NoAnswer):
        return SystemStatus(refusal=outcome.message)
    if outcome.status in (401, 403):
        return SystemStatus(refusal=f"the app refuses the personal API key (HTTP {outcome.status})")
    results = outcome.json.get("results") if isinstance(outcome.json, dict) else None
    overview = results.get("overview") if isinstance(results, dict) else None
    if outcome.status != 200 or not isinstance(overview, list):
        return SystemStatus(refusal=f"the app answers {outcome.status} without a system status")
    rows = {row["key"]: row.get("value") for row in overview if isinstance(row, dict) and isinstance(row.get("key"), str)}
    return SystemStatus(
        posthog_version=_word(rows.get("posthog_version")),
        plugin_server_alive=_bool(rows.get("plugin_sever_alive")),  # the misspelling is PostHog's
        plugin_server_version=_word(rows.get("plugin_sever_version")),
        postgres_alive=_bool(rows.get("db_alive")),
        redis_alive=_bool(rows.get("redis_alive")),
    )


def _preflight(outcome: Outcome) -> Preflight | None:
    body = outcome.json if isinstance(outcome, Answer) else None
    if not isinstance(body, dict) or not isinstance(body.get("django"), bool):
        return None
    return Preflight(
        postgres=_bool(body.get("db")),
        redis=_bool(body.get("redis")),
        celery=_bool(body.get("celery")),
        plugins=_bool(body.get("plugins")),
        kafka=_bool(body.get("kafka")),
        clickhouse=_bool(body.get("clickhouse")),
        posthog_version=_word(body.get("posthog_version")),
        deployment=_word(body.get("deployment")),
        realm=_word(body.get("realm")),
    )


def _ready_checks(outcome: Outcome) -> tuple[ReadyCheck, ...] | None:
    body = outcome.json if isinstance(outcome, Answer) and outcome.status in (200, 503) else None
    if not isinstance(body, dict):
        return None
    checks = [ReadyCheck(name=excerpt(str(name), MAX_WORD), ok=ok) for name, ok in body.items() if isinstance(ok, bool)]
    return tuple(checks[:MAX_CHECKS]) or None


def _migrated(outcome: Outcome) -> bool | None:
    if not isinstance(outcome, Answer):
        return None
    if outcome.status == 200 and outcome.body.strip() == "ok":
        return True
    return False if _says_not_migrated(outcome) else None


def _says_not_migrated(answer: Answer) -> bool:
    return answer.status == 503 and not answer.is_html and "igrations are not up to date" in answer.body


def _is_alive(outcome: Outcome) -> bool:
    return isinstance(outcome, Answer) and isinstance(outcome.json, dict) and outcome.json.get("http") is True


def _is_proxys(answer: Answer) -> bool:
    """Whether a proxy answers because the app does not: its 502 and 504, and a 503 that is none of the app's own."""
    if answer.status == 503:
        return answer.json is None and not _says_not_migrated(answer)
    return answer.status in (502, 504)


def _why_unreached(outcome: Outcome) -> tuple[str, str]:
    if isinstance(outcome, NoAnswer):
        return outcome.message, outcome.hint
    return f"a proxy answers {outcome.status} in its place", "see whether the app's container runs behind the proxy"


def _something_else(answer: Answer) -> tuple[str, str]:
    if 300 <= answer.status < 400:
        to = redirect_target(answer.headers.get("location", "?"))
        return f"its pages redirect to {to}", "give the address behind the redirect or the login as site_url"
    what = "a web page" if answer.is_html else "something else"
    return f"it answers {answer.status} with {what}, and none of PostHog's pages", "check site_url"


def _in_words(answer: Answer) -> str:
    return f"{answer.status}, HTML" if answer.is_html else str(answer.status)


def _bool(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _word(value: Any) -> str | None:
    return excerpt(value, MAX_WORD) if isinstance(value, str) and value else None
