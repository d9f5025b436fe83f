"""One sign a status, the same in every format; and what stands in for signs where only ASCII can be printed."""

from typing import Literal

from diagnostics.report.model import Stage, Status, Verdict

_SIGNS = {
    Status.FAIL: ("✗", "x"),
    Status.WARN: ("!", "!"),
    Status.UNKNOWN: ("?", "?"),
    Status.BLOCKED: ("⊘", "#"),
    Status.SKIPPED: ("–", "-"),
    Status.INFO: ("i", "i"),
    Status.OK: ("✓", "+"),
}

_EMOJI = {
    Status.FAIL: "❌",
    Status.WARN: "⚠️",
    Status.UNKNOWN: "❓",
    Status.OK: "✅",
}

# The verdict in the terms of a status. Inconclusive is `unknown`: it must never look like `ok`.
_OF_VERDICT = {
    "healthy": Status.OK,
    "warning": Status.WARN,
    "problem": Status.FAIL,
    "inconclusive": Status.UNKNOWN,
}

STAGE_NAMES = {
    Stage.CAPTURE: "capture",
    Stage.KAFKA: "kafka",
    Stage.PLUGIN_SERVER: "plugin server",
    Stage.CLICKHOUSE: "clickhouse",
    Stage.APP: "app",
}

_TYPOGRAPHY = str.maketrans(
    {"–": "-", "—": "-", "‑": "-", "−": "-", "‘": "'", "’": "'", "“": '"', "”": '"', "…": "...", "·": "|", "→": "->", "×": "x"}
    | dict(_SIGNS.values())
    | {"\N{NO-BREAK SPACE}": " ", "└": "^", "─": "-", "▶": ">"}
)


def sign(status: Status, *, unicode: bool = True) -> str:
    """One character, one cell wide."""
    return _SIGNS[status][0 if unicode else 1]


def emoji(status: Status, *, unicode: bool = True) -> str:
    """The sign of a headline, seen from afar."""
    return _EMOJI.get(status, sign(status)) if unicode else sign(status, unicode=False)


def of_verdict(verdict: Verdict) -> Status:
    """The status whose sign and colour the verdict takes."""
    return of_verdict_status(verdict.status)


def of_verdict_status(status: Literal["healthy", "warning", "problem", "inconclusive"]) -> Status:
    """The same for what a verdict comes to."""
    return _OF_VERDICT[status]


def ascii_only(text: str) -> str:
    """`text` in ASCII: typography by its nearest sign, everything else as `\\u00e9`, so that no console can fail on it."""
    return text.translate(_TYPOGRAPHY).encode("ascii", "backslashreplace").decode("ascii")
