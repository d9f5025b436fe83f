"""What can go wrong when a source is asked.

    SourceError                 carries a hint: what to do about it
    |-- Unavailable             the connection probe failed: everything on the source is blocked
    |-- Denied                  a permission is missing: `grant` says which
    |-- LimitExceeded           the answer would have cost more than diag allows itself (time, rows, memory, size)
    |-- TimedOut                no answer in time
    |-- BadAnswer               an answer that makes no sense here
    `-- Refused                 diag itself declines to ask: a Kafka table, or something the check did not declare

A check lets them pass: the runner turns them into `blocked` or `unknown` with a reason. Anything else is a bug.
"""


class SourceError(Exception):
    """`str(error)` is one plain sentence; `hint` an imperative one; `code` the finding code that it is evidence for, if any."""

    def __init__(self, message: str, *, hint: str = "", code: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        self.code = code


class Unavailable(SourceError):
    """The source cannot be reached, or what answers is not the system that it should be."""


class Denied(SourceError):
    """The credentials are good but not allowed to do this. `statement` gives the grant, where a statement can."""

    def __init__(self, message: str, *, grant: str, hint: str = "", statement: str = "", code: str | None = None) -> None:
        super().__init__(message, hint=hint, code=code)
        self.grant = grant
        self.statement = statement


class LimitExceeded(SourceError):
    """A limit of diag or of the server ended the question."""


class TimedOut(SourceError):
    """No answer within the time that was left."""


class BadAnswer(SourceError):
    """Something answered, but not what this system answers."""


class Refused(SourceError):
    """A question that diag does not ask."""
