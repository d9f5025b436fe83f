"""Runbooks: Markdown files whose front matter lists the steps and their checks, and whose sections explain the codes."""

import re
import tomllib
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from diagnostics.engine.known_errors import KnownError, KnownErrors


class RunbookError(Exception):
    """A runbook or catalogue that cannot be read: which file, what is wrong."""


class RunbookStep(Struct, frozen=True, forbid_unknown_fields=True):
    """A question that the support hero asks, and the ids of the checks that answer it."""

    title: str
    checks: tuple[str, ...]


VerdictStatus = Literal["healthy", "warning", "problem", "inconclusive"]


class FrontMatter(Struct, frozen=True, forbid_unknown_fields=True):
    """What stands between the `---` lines. `also`: patterns of checks that run beside the steps. `ask`: what to ask the
    customer by the verdict, whatever its code; those of the codes stand in their sections."""

    id: str
    title: str
    steps: tuple[RunbookStep, ...]
    also: tuple[str, ...] = ("*",)
    ask: dict[VerdictStatus, tuple[str, ...]] = {}


class Catalogue(Struct, frozen=True, forbid_unknown_fields=True):
    """A `known-errors.toml`."""

    known: tuple[KnownError, ...]


class Runbook(Struct, frozen=True):
    """A runbook as loaded: `sections` maps the heading of each `## ` section to its Markdown, heading included."""

    path: Path
    front: FrontMatter
    sections: dict[str, str]

    @property
    def id(self) -> str:
        return self.front.id

    @property
    def questions(self) -> dict[str, tuple[str, ...]]:
        """What to ask the customer, by code: the list under `**Ask.**` of its section, the most valuable first."""
        return {code: _asked(section) for code, section in self.sections.items()}

    def includes(self, check: str) -> bool:
        """Whether the check with this id runs in this runbook."""
        return any(check in step.checks for step in self.front.steps) or any(fnmatchcase(check, p) for p in self.front.also)


def load(directories: Iterable[Path]) -> dict[str, Runbook]:
    """Every runbook of the directories, by id. Raises RunbookError."""
    found: dict[str, Runbook] = {}
    for path in _files(directories, "*.md"):
        runbook = parse(path, path.read_text(encoding="utf-8"))
        if runbook.id in found:
            raise RunbookError(f"{path}: the runbook id {runbook.id} is taken by {found[runbook.id].path}")
        found[runbook.id] = runbook
    return found


def parse(path: Path, text: str) -> Runbook:
    """Raises RunbookError that names `path`."""
    import yaml  # costs 15 ms, and only runs need it

    opening, _, rest = text.partition("---\n")
    head, closing, body = rest.partition("\n---\n")
    if opening.strip() or not closing:
        raise RunbookError(f"{path}: must begin with front matter between two lines of ---")
    try:
        front = msgspec.convert(yaml.safe_load(head), FrontMatter)
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise RunbookError(f"{path}: front matter: {error}") from None
    return Runbook(path, front, _sections(body))


def _sections(body: str) -> dict[str, str]:
    sections: dict[str, list[str]] = {}
    current: list[str] = []
    fenced = False
    for line in body.splitlines():
        if line.startswith(("```", "~~~")):
            fenced = not fenced
        if line.startswith(("# ", "## ")) and not fenced:  # a shell comment in a fence is no heading
            current = sections.setdefault(line[3:].strip(), []) if line.startswith("## ") else []
        current.append(line)
    return {heading: "\n".join(lines).strip() + "\n" for heading, lines in sections.items()}


def _asked(section: str) -> tuple[str, ...]:
    """The items of the list, each on one line, without markup: they go into every format."""
    _, _, behind = section.replace("`", "'").partition("\n**Ask.**")
    listed = re.split(r"^\*\*", behind, maxsplit=1, flags=re.MULTILINE)[0]
    return tuple(" ".join(item.split()) for item in re.split(r"^- ", listed, flags=re.MULTILINE)[1:])


def known_errors(directories: Iterable[Path]) -> KnownErrors:
    """The catalogues of the directories as one. Raises RunbookError."""
    entries: list[KnownError] = []
    for path in _files(directories, "known-errors.toml"):
        try:
            found = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Catalogue).known
        except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
            raise RunbookError(f"{path}: {error}") from None
        for entry in found:
            try:
                re.compile(entry.pattern, re.IGNORECASE)
            except re.error as error:
                raise RunbookError(f"{path}: the pattern of {entry.id} is no regular expression: {error}") from None
        entries += found
    return KnownErrors(entries)


def _files(directories: Iterable[Path], pattern: str) -> list[Path]:
    return [path for directory in directories for path in sorted(directory.glob(pattern))]
