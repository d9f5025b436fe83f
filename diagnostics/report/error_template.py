"""Error texts with everything that differs from event to event taken out, so that the same error reads the same.

ingestEvent failed. Error: Could not find person with distinct id "a@b.co" in team "2" to identify
Could not find person with distinct id "<value>" in team "<value>" to identify
"""

import re

LENGTH = 200
"""Templates are cut to this many characters."""

PASSES = 8
"""A placeholder can complete what another pattern looks for; two passes are the rule, hostile text takes a few more."""

WITHOUT_TEXT = "(no text)"
"""The template of an empty error: PostHog writes the bare prefix when something other than an Error was thrown."""

# PostHog's plugin server writes the first since v1.9.5 (October 2021), the second since 2023.
PREFIXES = re.compile(r"^(?:(?:ingestEvent failed\.|Event ingestion failed\.|Error:)\s*)+")

# Postgres quotes the names of its own things, which tell one error from another; what else is quoted belongs to the event.
QUOTED = re.compile(r"(\b(?:constraint|relation|column) )?\"[^\"]*\"|(?<!\w)'[^'\s]{1,100}'(?!\w)")

# Each begins where a word begins, so that no text takes longer than its length; the specific ones stand first.
PLACEHOLDERS = tuple(
    (re.compile(pattern), placeholder)
    for pattern, placeholder in (
        (r"\b(person|email|host|ip)-[0-9a-f]{4,}\b(?::\d+)?", r"<\1>"),  # what the redaction has put there
        (r"\b[a-z][a-z0-9+.-]{1,20}://[^\s\"'()<>]+", "<url>"),
        (r"(?<![^\s\"'()<>@,;])[^\s\"'()<>@,;]+@[^\s\"'()<>@,;]+", "<email>"),
        (r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b", "<uuid>"),
        (r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?", "<time>"),
        (r"\b\d\d:\d\d:\d\d(?:\.\d+)?\b", "<time>"),
        (r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b", "<ip>"),
        (r"(?<![\w:])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{1,4}(?![\w:])", "<ip>"),
        # Two dots, a hyphen, a port or a known ending: `foo.bar is not a function` names no host.
        (
            r"(?<![\w.-])(?=[a-z0-9.-]*(?:-|\.[a-z0-9-]+\.[a-z]|\.(?:internal|local|com|net|org|io|invalid)\b|\.[a-z]+:\d))"
            r"[a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)*\.[a-z][a-z0-9-]*(?::\d+)?(?![\w=-]|\.[a-z])",
            "<host>",
        ),
        (r"\b(?:0x[0-9a-fA-F]+|(?=[a-fA-F]*\d)(?=\d*[a-fA-F])[0-9a-fA-F]{8,})\b", "<hex>"),
        (r"\b(?=\w{8})(?=[^\W\d]*\d+[^\W\d])\w+", "<id>"),
        (r"\d+(?:[.,]\d+)*", "<number>"),
        (r"<number>(?:, ?<number>)+", "<numbers>"),
        (r"\S{61,}", "<text>"),
    )
)


def template(error: str) -> str:
    """The template of an error text: one line without prefixes, at most LENGTH characters, without a digit outside quotes.

    A template is its own template, so that a shown one can be compared with a new one.
    """
    text = " ".join(error[:1000].split())
    for _ in range(PASSES):
        before, text = text, _reduced(text)
        if text == before:
            break
    return text or WITHOUT_TEXT


def _reduced(text: str) -> str:
    text = QUOTED.sub(_placeholder_for_quoted, PREFIXES.sub("", text))
    for pattern, placeholder in PLACEHOLDERS:
        text = pattern.sub(placeholder, text)
    if len(text) > LENGTH:
        text = text[: LENGTH - 1].rpartition(" ")[0] + " …"
    return text.strip()


def _placeholder_for_quoted(quoted: re.Match[str]) -> str:
    if quoted[1]:
        return quoted[0]
    return f"{quoted[0][0]}<value>{quoted[0][0]}"
