"""From what went wrong to what a person can do about it. Never a credential in a sentence, and never a traceback."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from diagnostics.sources.clickhouse.address import Address
from diagnostics.sources.errors import BadAnswer, Denied, LimitExceeded, SourceError, TimedOut, Unavailable
from diagnostics.sources.excerpt import excerpt

if TYPE_CHECKING:
    from diagnostics.sources.clickhouse.transport import Budget

# Codes of https://github.com/ClickHouse/ClickHouse `src/Common/ErrorCodes.cpp`.
WRONG_CREDENTIALS = {192, 193, 194, 516}
ACCESS_DENIED = 497
UNKNOWN_DATABASE = 81
TOO_MANY_QUERIES = {202}
LIMITS = {
    158: "rows to read",
    159: "time",
    160: "time",
    201: "the user's quota",
    241: "memory",
    307: "bytes to read",
    394: "somebody cancelled it",
    396: "rows or bytes of the answer",
}
SHARD_GONE = {209, 210, 279, 519}


class NoRoom(LimitExceeded):
    """The server runs as many queries as it may: whatever is asked now makes it worse."""


PERMISSION_DENIED = "clickhouse.permission-denied"
UNREACHABLE = "clickhouse.unreachable"


def exception_code(error: BaseException) -> int | None:
    """ClickHouse's number for the error: from the header, or from the text, since old servers and proxies leave it out."""
    code = getattr(error, "code", None)
    if isinstance(code, int):
        return code
    found = re.search(r"\bCode: (\d+)", str(error))
    return int(found[1]) if found else None


def server_words(error: BaseException) -> str:
    """What the server says, without the wrapping: `Not enough privileges. ... (ACCESS_DENIED)`, at most 300 characters."""
    text = re.sub(r"^.*?DB::Exception: ", "", str(error), count=1, flags=re.DOTALL)
    text = re.sub(r"(, e\.what\(\) = |\s*\(version |\s*Stack trace:).*$", "", text, flags=re.DOTALL)
    return excerpt(" ".join(text.split()), 300)


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error, what it was raised from, and what libraries keep in their arguments."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [one.__cause__, *one.args, getattr(one, "original_error", None), getattr(one, "reason", None)]


def failed(error: Exception, *, name: str, address: Address, budget: "Budget") -> SourceError:
    """The error of one query, `name`, on a connection that worked. Raises it again where only diag can be to blame."""
    from clickhouse_connect.driver.exceptions import ClickHouseError
    from urllib3 import exceptions as http

    from diagnostics.sources.clickhouse.transport import OutOfTime, TooLarge

    chain = list(causes(error))
    if any(isinstance(one, TooLarge) for one in chain):
        return LimitExceeded(f"The answer to {name} is too large", hint="narrow the window with --since")
    refused = any(isinstance(one, http.NewConnectionError) for one in chain)  # which urllib3 takes for a time-out
    if not refused and any(isinstance(one, http.TimeoutError | OutOfTime) for one in chain):
        return TimedOut(f"ClickHouse did not answer {name} within {budget.seconds:.1f} s", hint=BUSY)
    if any(isinstance(one, http.HTTPError | OSError) for one in chain):
        return Unavailable(f"The connection to {address.netloc} was lost while {name} was asked", hint=LOGS, code=UNREACHABLE)
    # Something in between that answers for ClickHouse makes the client raise anything; without an answer it has no excuse.
    if not isinstance(error, ClickHouseError) and (budget.seen is None or budget.seen.from_clickhouse):
        raise error
    return _refused_by_server(error, name, address)


BUSY = "see what keeps it busy: SELECT elapsed, read_rows, memory_usage, user FROM system.processes ORDER BY elapsed DESC"
LOGS = "see what its log says: docker compose logs --tail 50 clickhouse"


def _refused_by_server(error: Exception, name: str, address: Address) -> SourceError:
    code, words = exception_code(error), server_words(error)
    if code == ACCESS_DENIED:
        return denied(error, name=name, user=address.user)
    if code in WRONG_CREDENTIALS:
        return Unavailable(
            f"ClickHouse no longer accepts the credentials: {words}", code="clickhouse.auth-failed", hint=CREDENTIALS
        )
    if code == UNKNOWN_DATABASE:
        return Unavailable(f"ClickHouse does not have the database: {words}", code="clickhouse.database-missing")
    if code in TOO_MANY_QUERIES:
        return NoRoom(f"ClickHouse runs as many queries as it is allowed to, so {name} was not answered", hint=BUSY)
    if code == 241 and "(total)" in words:
        return LimitExceeded(f"ClickHouse itself is out of memory, so {name} was not answered: {words}", hint=BUSY)
    if code in LIMITS:
        return LimitExceeded(f"{name} would have cost more than diag allows itself ({LIMITS[code]}): {words}", hint=NARROW)
    if code in SHARD_GONE:
        return Unavailable(
            f"Another node of the cluster did not answer {name}: {words}", hint="see SELECT * FROM system.clusters"
        )
    return BadAnswer(f"ClickHouse could not answer {name}: {words}", hint="this version or schema is not one that diag knows")


NARROW = "narrow the window with --since, or ask it by hand when there is little load"
CREDENTIALS = "check user and password in clickhouse.url; PostHog's own are CLICKHOUSE_USER and CLICKHOUSE_PASSWORD"


def denied(error: BaseException, *, name: str, user: str) -> Denied:
    """The missing grant is quoted from the server's message, and the statement that gives it is made of it."""
    words = server_words(error)
    found = re.search(r"necessary to have (?:the )?grant (.+? ON [^\s]+?)\.?(?: \(ACCESS_DENIED\)|\s|$)", words)
    if not found:
        return Denied(f"The user {user} may not ask {name}: {words}", grant="", hint=GRANTS, code=PERMISSION_DENIED)
    # "SELECT for at least one column ON t" is a wish, not a grant.
    grant = found[1].replace(" for at least one column", "").strip()
    return Denied(
        f"The user {user} lacks the grant {grant}",
        grant=grant,
        hint="give diag's user that grant, as an administrator of ClickHouse",
        statement=f"{grant_statement(grant, user)};",
        code=PERMISSION_DENIED,
    )


GRANTS = "see what it may do: SHOW GRANTS"


def grant_statement(grant: str, user: str) -> str:
    """`GRANT SELECT ON posthog.events TO diag`, ready to be run."""
    quoted = (
        user if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", user) else "`" + user.replace("\\", "\\\\").replace("`", "\\`") + "`"
    )
    return f"GRANT {grant} TO {quoted}"
