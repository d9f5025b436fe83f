"""A server whose answers a test writes down beforehand, and which remembers what it was asked."""

from collections.abc import Mapping
from typing import Any

import msgspec

from diagnostics.lab.http import NOT_FOUND, Handler, Request, Response, Server


class ScriptedServer(Server):
    """Answers by path; anything without a route is a 404 page of HTML. `requests` are those received, in order."""

    def __init__(self) -> None:
        self._routes: dict[str, list[Response | Handler]] = {}
        super().__init__(self._answer)

    def route(
        self,
        path: str,
        answer: Handler | None = None,
        *,
        status: int = 200,
        json: Any = None,
        text: str = "",
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        delay: float = 0.0,
    ) -> None:
        """Answers `path` (without query). Of several routes to one path each is used once, the last one for ever."""
        response = Response(
            status=status,
            headers=tuple((headers or {}).items()),
            body=body or text.encode() or (b"" if json is None else msgspec.json.encode(json)),
            delay_s=delay,
        )
        self._routes.setdefault(path, []).append(answer or response)

    def _answer(self, request: Request) -> Response:
        answers = self._routes.get(request.path, [NOT_FOUND])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return answer if isinstance(answer, Response) else answer(request)
