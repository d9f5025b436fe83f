"""Why there is no connection, told apart: where nothing answers, where something else does, and where ClickHouse says no."""

import re
import ssl

from clickhouse_connect.driver.exceptions import ClickHouseError
from urllib3 import exceptions as http

from diagnostics.sources.clickhouse.address import NATIVE_PORTS, Address
from diagnostics.sources.clickhouse.failures import (
    ACCESS_DENIED,
    CREDENTIALS,
    PERMISSION_DENIED,
    UNREACHABLE,
    WRONG_CREDENTIALS,
    causes,
    denied,
    exception_code,
    server_words,
)
from diagnostics.sources.clickhouse.transport import CONNECT_S, Budget, OutOfTime, Redirected, Seen, TooLarge
from diagnostics.sources.source import NotConnected

AUTH_FAILED = "clickhouse.auth-failed"
NOT_CLICKHOUSE = "clickhouse.not-clickhouse"
UNSUPPORTED = "clickhouse.unsupported-version"
DATABASE_MISSING = "clickhouse.database-missing"

URL = "see whether clickhouse.url names ClickHouse's own host and HTTP port (8123, or 8443 with TLS)"


def not_connected(error: Exception, address: Address, budget: Budget) -> NotConnected:
    """The outcome of a handshake that ended with `error`. Raises it again where only diag can be to blame."""
    if isinstance(error, ImportError):
        return _unreachable("This diag was installed without the embedded engine", "pip install 'posthog-diag[lab]'")
    chain = list(causes(error))
    if address.scheme == "chdb":
        return _unreachable(
            f"The embedded store {address.path} cannot be opened: {server_words(error)}", "one process at a time"
        )
    for one in chain:
        if isinstance(one, Redirected):
            return NotConnected(
                code=NOT_CLICKHOUSE,
                message=f"{address.netloc} redirects to {one}: that is not ClickHouse's HTTP interface",
                hint=URL,
            )
        if isinstance(one, TooLarge):
            return NotConnected(
                code=NOT_CLICKHOUSE, message=f"{address.netloc} answers with {one}, as ClickHouse never does", hint=URL
            )
    if budget.seen is None and any(isinstance(one, http.HTTPError) for one in chain):
        return _no_answer(chain, address, budget)
    # What is no ClickHouse makes the client raise anything; without an answer, or with one of a ClickHouse, it has no excuse.
    if not isinstance(error, ClickHouseError) and (budget.seen is None or budget.seen.from_clickhouse):
        raise error
    return _answered(error, budget.seen, address)


def no_such_database(database: str, *, exists: bool, visible: list[str], elsewhere: str) -> NotConnected:
    """Where PostHog's tables are not. `visible` are the databases that this user sees, `elsewhere` the one that holds them."""
    message = f"The database {database} holds no table of PostHog" if exists else f"There is no database {database}"
    names = ", ".join(name for name in visible if name.lower() not in ("system", "information_schema"))
    hint = f"name the database that holds PostHog's tables in clickhouse.url; this user sees: {names or 'none'}"
    if elsewhere:
        hint = f"PostHog's tables are in the database {elsewhere}: write /{elsewhere} at the end of clickhouse.url"
    return NotConnected(code=DATABASE_MISSING, message=message, hint=hint)


def _unreachable(message: str, hint: str) -> NotConnected:
    return NotConnected(code=UNREACHABLE, message=message, hint=hint)


def _no_answer(chain: list[BaseException], address: Address, budget: Budget) -> NotConnected:
    where = address.netloc
    for one in chain:
        if isinstance(one, http.ProxyError):
            return _unreachable(
                f"The proxy of the environment ({address.scheme}_proxy) did not connect to {where}", "add the host to no_proxy"
            )
        if isinstance(one, http.NameResolutionError):
            return _unreachable(
                f"The name {address.host} cannot be resolved",
                "run diag where it is known (a compose service only is inside its network), or write an address",
            )
        if isinstance(one, http.NewConnectionError):  # before the next, of which it is one too
            return _not_listening(chain, address)
        if isinstance(one, http.ConnectTimeoutError):
            return _unreachable(
                f"{where} does not answer: no connection within {min(CONNECT_S, budget.seconds):.1f} s",
                "see whether a firewall is in between",
            )
        if isinstance(one, http.SSLError):
            return _tls(chain, address)
        if isinstance(one, http.TimeoutError | OutOfTime):
            return _silent(address, budget)
    return _hung_up(address)


def _not_listening(chain: list[BaseException], address: Address) -> NotConnected:
    if any(isinstance(one, ConnectionRefusedError) for one in chain):
        return _unreachable(f"Nothing listens on {address.netloc}: the connection is refused", URL)
    return _unreachable(f"There is no way to {address.netloc} from here", "see whether the host is up and routed to")


def _silent(address: Address, budget: Budget) -> NotConnected:
    if address.port in NATIVE_PORTS:
        return _native(address)
    return _unreachable(
        f"{address.netloc} accepts the connection and then says nothing for {budget.seconds:.1f} s",
        "see whether ClickHouse hangs or is starting: docker compose logs --tail 50 clickhouse",
    )


def _native(address: Address) -> NotConnected:
    port = NATIVE_PORTS.get(address.port, 8123)
    return _unreachable(
        f"{address.netloc} is ClickHouse's port for its native protocol, and diag speaks HTTP",
        f"write the HTTP port, mostly {port}, in clickhouse.url",
    )


def _hung_up(address: Address) -> NotConnected:
    if address.port in NATIVE_PORTS:
        return _native(address)
    if address.scheme == "http":
        return _unreachable(
            f"{address.netloc} hangs up on plain HTTP: it may expect TLS",
            "write https:// in clickhouse.url if that is its TLS port",
        )
    return _unreachable(f"{address.netloc} hangs up without an answer", URL)


def _tls(chain: list[BaseException], address: Address) -> NotConnected:
    where = address.netloc
    if any(isinstance(one, FileNotFoundError) for one in chain):
        return _unreachable("The CA file of clickhouse.ca does not exist", "write the path of a PEM file that diag can read")
    for one in chain:
        if isinstance(one, ssl.SSLCertVerificationError):
            return _unreachable(f"The certificate of {where} is not accepted: {one.verify_message}", TRUST)
    text = " ".join(str(one) for one in chain)
    if re.search(
        r"WRONG_VERSION_NUMBER|UNEXPECTED_EOF|EOF occurred|RECORD_LAYER_FAILURE|UNKNOWN_PROTOCOL", text, re.IGNORECASE
    ):
        return _unreachable(f"{where} does not speak TLS", "write http:// in clickhouse.url, or the TLS port, mostly 8443")
    return _unreachable(f"{where} and diag cannot agree on TLS", "see the log of ClickHouse, or of the proxy before it")


TRUST = "name the CA that signed it in clickhouse.ca; to look without checking whom you talk to: clickhouse.verify = false"


def _answered(error: Exception, seen: Seen | None, address: Address) -> NotConnected:
    code, words = exception_code(error), server_words(error)
    head = seen.head if seen else ""
    if "clickhouse-client program" in head:
        return _native(address)
    if code in WRONG_CREDENTIALS:
        return NotConnected(
            code=AUTH_FAILED,
            message=f"ClickHouse does not accept the user {address.user}: {words.removeprefix(f'{address.user}: ')}",
            hint=CREDENTIALS,
        )
    if code == ACCESS_DENIED:
        missing = denied(error, name="version and settings", user=address.user)
        commands = (missing.statement,) if missing.statement else ()
        return NotConnected(code=PERMISSION_DENIED, message=str(missing), hint=missing.hint, commands=commands)
    # Before 19.x `system.settings` has no column `readonly`, which the client asks for right after the version.
    if code == 47 and "readonly" in head:
        return NotConnected(
            code=UNSUPPORTED,
            message=f"The ClickHouse at {address.netloc} is older than diag can ask (it asks 21.6 and newer)",
            hint="upgrade ClickHouse; until then ask by hand: SELECT error_location, error FROM events_dead_letter_queue",
        )
    if code is not None:
        return _unreachable(
            f"ClickHouse answers, but cannot serve: {words}", "see its log: docker compose logs --tail 50 clickhouse"
        )
    if seen and seen.status in (502, 503, 504):
        return _unreachable(
            f"Something before ClickHouse answers {seen.status}: it does not reach ClickHouse either",
            "see whether ClickHouse runs",
        )
    return NotConnected(
        code=NOT_CLICKHOUSE, message=f"{address.netloc} answers, but is not ClickHouse: {_what(seen)}", hint=URL
    )


def _what(seen: Seen | None) -> str:
    if seen is None:
        return "its answer makes no sense"
    kinds = {"text/html": "a web page", "application/json": "JSON"}
    kind = kinds.get(seen.content_type) or (
        "a web page" if seen.head.lstrip().lower().startswith(("<!doctype", "<html")) else ""
    )
    kind = kind or ("an empty answer" if not seen.head.strip() else "text that makes no sense here")
    return f"{kind} with status {seen.status}"
