"""ClickHouse's HTTP interface in front of an embedded engine.

The engine does everything that it can do itself: parameters, settings and their limits, the read-only modes, error codes.
The front adds what a server has around it: users, grants, databases in the URL, formats and headers. Statuses follow
ClickHouse's `src/Server/HTTP/exceptionCodeToHTTPStatus.cpp`.
"""

import base64
import re
import threading
import uuid
from typing import Any

import msgspec

from diagnostics.lab.account import OWNER, Account, AskedQuery
from diagnostics.lab.embedded import Embedded, EngineError, Question
from diagnostics.lab.http import Request, Response

# Parameters of the URL that are no settings; all others are.
NOT_SETTINGS = frozenset(
    [
        "query",
        "database",
        "default_format",
        "user",
        "password",
        "query_id",
        "session_id",
        "session_timeout",
        "session_check",
        "quota_key",
        "compress",
        "decompress",
        "buffer_size",
        "wait_end_of_query",
        "client_protocol_version",
        "role",
        "stacktrace",
    ]
)

STATUSES = {
    400: "BAD_ARGUMENTS CANNOT_COMPILE_REGEXP CANNOT_PARSE_TEXT CANNOT_PARSE_ESCAPE_SEQUENCE CANNOT_PARSE_QUOTED_STRING "
    "CANNOT_PARSE_DATE CANNOT_PARSE_DATETIME CANNOT_PARSE_INPUT_ASSERTION_FAILED CANNOT_PARSE_IPV4 CANNOT_PARSE_IPV6 "
    "CANNOT_PARSE_UUID DUPLICATE_COLUMN ILLEGAL_COLUMN INCORRECT_DATA SYNTAX_ERROR THERE_IS_NO_COLUMN TOO_BIG_AST TOO_DEEP_AST "
    "TYPE_MISMATCH UNEXPECTED_AST_STRUCTURE UNKNOWN_ELEMENT_IN_AST UNKNOWN_TYPE_OF_AST_NODE VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE",
    401: "REQUIRED_PASSWORD",
    403: "ACCESS_DENIED AUTHENTICATION_FAILED SET_NON_GRANTED_ROLE UNKNOWN_USER WRONG_PASSWORD",
    404: "UNKNOWN_AGGREGATE_FUNCTION UNKNOWN_DATABASE UNKNOWN_DATABASE_ENGINE UNKNOWN_DIRECTION_OF_SORTING UNKNOWN_FORMAT "
    "UNKNOWN_FUNCTION UNKNOWN_IDENTIFIER UNKNOWN_ROLE UNKNOWN_SETTING UNKNOWN_STORAGE UNKNOWN_TABLE UNKNOWN_TYPE "
    "UNKNOWN_TYPE_OF_QUERY",
    408: "TIMEOUT_EXCEEDED",
    413: "QUERY_IS_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    501: "NOT_IMPLEMENTED",
    503: "CANNOT_OPEN_FILE CANNOT_SCHEDULE_TASK SOCKET_TIMEOUT",
}
STATUS_OF = {name: status for status, names in STATUSES.items() for name in names.split()}

FORMAT_CLAUSE = re.compile(r"\bFORMAT\s+(\w+)\s*;?\s*$", re.IGNORECASE)


class Front:
    """Answers requests as a ClickHouse server does. `owner` may do everything, add accounts and read what was asked."""

    def __init__(self, engine: Embedded, owner: Account) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._accounts = {owner.user: owner}
        self._asked: list[AskedQuery] = []

    def __call__(self, request: Request) -> Response:
        if request.path in ("/ping", "/replicas_status") or (request.method == "GET" and request.target == "/"):
            return Response.text("Ok.\n")
        query_id = request.parameter("query_id") or str(uuid.uuid4())
        try:
            account = self._authenticated(request)
            if request.path.startswith("/lab/"):
                return self._control(account, request)
            return self._answer(account, request, query_id)
        except EngineError as error:
            return self._failure(error, query_id)

    def _authenticated(self, request: Request) -> Account:
        user, password = _credentials(request)
        account = self._accounts.get(user)
        if account is None or account.password != password:
            text = f"{user}: Authentication failed: password is incorrect, or there is no user with such name."
            raise EngineError(516, "AUTHENTICATION_FAILED", text)
        return account

    def _control(self, account: Account, request: Request) -> Response:
        if account.user != OWNER:
            raise EngineError(497, "ACCESS_DENIED", f"{account.user}: Not enough privileges.")
        with self._lock:
            if request.path == "/lab/accounts":
                added = msgspec.json.decode(request.body, type=Account)
                self._accounts[added.user] = added
                return Response.json({})
            return Response.json(self._asked)

    def _answer(self, account: Account, request: Request, query_id: str) -> Response:
        fields = dict(request.query) | _form(request)
        body = "" if _is_form(request) else request.body.decode("utf-8", "surrogateescape")
        sql = "\n".join(part for part in (fields.get("query", ""), body) if part)
        question = Question(
            sql=sql,
            database=fields.get("database") or request.headers.get("x-clickhouse-database") or "default",
            format=_format(sql, fields, request),
            params={name.removeprefix("param_"): value for name, value in fields.items() if name.startswith("param_")},
            settings={
                name: value for name, value in fields.items() if not name.startswith("param_") and name not in NOT_SETTINGS
            },
            readonly=account.readonly or (2 if request.method == "GET" else 0),
            account=account,
        )
        try:
            answer = self._engine.ask(question)
        except EngineError as error:
            self._keep(account, question, error.code)
            raise
        self._keep(account, question, 0)
        summary = {name: str(value) for name, value in msgspec.structs.asdict(answer.cost).items()}
        headers = (
            ("Content-Type", "application/octet-stream" if question.format == "Native" else "text/plain; charset=UTF-8"),
            ("X-ClickHouse-Format", question.format),
            ("X-ClickHouse-Summary", msgspec.json.encode(summary).decode()),
            *self._common_headers(query_id),
        )
        return Response(headers=headers, body=answer.body)

    def _keep(self, account: Account, question: Question, code: int) -> None:
        asked = AskedQuery(
            user=account.user,
            database=question.database,
            sql=question.sql,
            settings=question.settings,
            params=question.params,
            code=code,
        )
        with self._lock:
            self._asked.append(asked)

    def _failure(self, error: EngineError, query_id: str) -> Response:
        build = f"(version {self._engine.version} (official build))"
        text = f"Code: {error.code}. DB::Exception: {error.text} ({error.name}) {build}\n"
        headers = (
            ("Content-Type", "text/plain; charset=UTF-8"),
            ("X-ClickHouse-Exception-Code", str(error.code)),
            *self._common_headers(query_id),
        )
        return Response(status=STATUS_OF.get(error.name, 500), headers=headers, body=text.encode("utf-8", "surrogateescape"))

    def _common_headers(self, query_id: str) -> tuple[tuple[str, str], ...]:
        return (
            ("X-ClickHouse-Query-Id", query_id),
            ("X-ClickHouse-Timezone", self._engine.timezone),
            ("X-ClickHouse-Server-Display-Name", "lab"),
        )


def _credentials(request: Request) -> tuple[str, str]:
    """From the header, the URL or `X-ClickHouse-User`/`-Key`; without any it is `default` with no password, as on a server."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        user, _, password = base64.b64decode(encoded).decode().partition(":")
        return user, password
    user = request.parameter("user") or request.headers.get("x-clickhouse-user") or "default"
    return user, request.parameter("password") or request.headers.get("x-clickhouse-key") or ""


def _format(sql: str, fields: dict[str, str], request: Request) -> str:
    if clause := FORMAT_CLAUSE.search(sql):
        return clause[1]
    return fields.get("default_format") or request.headers.get("x-clickhouse-format") or "TabSeparated"


def _is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").startswith("multipart/form-data")


def _form(request: Request) -> dict[str, str]:
    """Clients send long parameters as a form, since a URL has a limit."""
    if not _is_form(request):
        return {}
    from email.parser import BytesParser
    from email.policy import HTTP

    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    message: Any = BytesParser(policy=HTTP).parsebytes(head + request.body)
    return {
        part.get_param("name", header="content-disposition"): part.get_payload(decode=True).decode()
        for part in message.iter_parts()
    }
