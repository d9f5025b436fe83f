"""`diag.toml`: finding it, reading it, and telling every key that does not belong there."""

import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from diagnostics.config.errors import Problem, shown
from diagnostics.config.settings import BY_KEY, FILE_NAME

SECTIONS = frozenset(key.partition(".")[0] for key in BY_KEY if "." in key)
THRESHOLDS = "thresholds"
LARGEST = 1 << 20

PART = re.compile(r'"([^"]*)"|\'([^\']*)\'|([A-Za-z0-9_-]+)')
HEADER = re.compile(r"\s*\[([^\[\]]+)\]\s*(?:#.*)?")
ASSIGNMENT = re.compile(r'\s*((?:"[^"]*"|\'[^\']*\'|[A-Za-z0-9_.-])+)\s*=')


class ConfigFile(Struct, frozen=True, kw_only=True):
    """What a file says. `values` are keyed like `clickhouse.url` and not yet checked; `thresholds` is as it was read."""

    path: Path
    text: str
    values: dict[str, Any]
    thresholds: Any

    def where(self, key: str) -> str:
        """`/srv/diag.toml, line 3`; with the key instead where the line cannot be told."""
        line = _line(self.text, key)
        return f"{shown(self.path)}, line {line}" if line else f"{shown(self.path)}, {shown(key)}"


def read_file(given: Path | None, cwd: Path, problems: list[Problem]) -> ConfigFile | None:
    """The file `given`, or else the first that exists of `diag.toml` in `cwd` and in the user's configuration directory."""
    for path in _candidates(given, cwd):
        try:
            with path.open("rb") as file:
                content = file.read(LARGEST + 1)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not a path"
            do = "make it readable for you, or give another one with --config"
            problems.append(_unreadable(path, f"cannot be read ({reason})", do))
            return None
        return _parsed(path, content, problems)
    if given:
        do = "correct the path given with --config, or leave the option out"
        problems.append(_unreadable(cwd / given, "does not exist", do))
    return None


def _candidates(given: Path | None, cwd: Path) -> Iterator[Path]:
    if given:
        yield cwd / given
        return
    yield cwd / FILE_NAME
    import platformdirs

    yield platformdirs.user_config_path("posthog-diag", appauthor=False) / FILE_NAME


def _unreadable(path: Path, what: str, do: str) -> Problem:
    return Problem(what=f"the configuration file {what}", where=shown(path), do=do)


def _parsed(path: Path, content: bytes, problems: list[Problem]) -> ConfigFile | None:
    if len(content) > LARGEST:
        problems.append(_unreadable(path, "is larger than 1 MiB", "give the right file with --config"))
        return None
    try:
        text = content.decode("utf-8-sig")
        table = tomllib.loads(text)
    except UnicodeDecodeError:
        problems.append(_unreadable(path, "is not UTF-8", "save it as UTF-8"))
    except tomllib.TOMLDecodeError as error:
        problems.append(_syntax(path, text, str(error)))
    except (ValueError, RecursionError):
        problems.append(_unreadable(path, "holds a number or a nesting that no setting needs", "remove what is not a setting"))
    else:
        values: dict[str, Any] = {}
        file = ConfigFile(path=path, text=text, values=values, thresholds=table.get(THRESHOLDS, {}))
        _collect(table, "", file, problems)
        return file
    return None


def _syntax(path: Path, text: str, message: str) -> Problem:
    """The parser's message names characters and keys, not values; its position is put where a person looks for it."""
    at = re.search(r"\(at line (\d+), column (\d+)\)$", message)
    line = int(at[1]) if at else text.rstrip("\n").count("\n") + 1
    reason = shown(re.sub(r" \(at [^()]*\)$", "", message))
    return Problem(
        what=f"the configuration file is not valid TOML ({reason})",
        where=f"{shown(path)}, line {line}" + (f", column {at[2]}" if at else ""),
        do='correct it: texts stand in quotes, like site_url = "https://posthog.example.com"',
    )


def _collect(table: dict[str, Any], prefix: str, file: ConfigFile, problems: list[Problem]) -> None:
    for name, value in table.items():
        key = prefix + name
        if key in BY_KEY:
            file.values[key] = value
        elif key == THRESHOLDS:
            continue
        elif key in SECTIONS and isinstance(value, dict):
            _collect(value, f"{key}.", file, problems)
        elif key in SECTIONS:
            do = "set one of them, like " + next(known for known in BY_KEY if known.startswith(f"{key}."))
            problems.append(Problem(what=f"{key} is a table of settings", where=file.where(key), do=do))
        else:
            known = [*sorted(SECTIONS), THRESHOLDS] if isinstance(value, dict) else BY_KEY
            problems.append(unknown("setting", key, file.where(key), known))


def unknown(kind: str, name: str, where: str, known: Iterable[str]) -> Problem:
    """An unknown name, with the nearest known one."""
    close = nearest(name, known)
    do = f"did you mean {close}?" if close else f"remove it; `diag config` lists every {kind}"
    return Problem(what=f"there is no {kind} {shown(name)}", where=where, do=do)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant: `sentry.tokn` is `sentry.token`, `timeout` is `http.timeout`."""
    names = list(known)
    leaves = [candidate for candidate in names if candidate.rpartition(".")[2] == name]
    close = leaves if len(leaves) == 1 else difflib.get_close_matches(name[:100], names, n=1, cutoff=0.7)
    return close[0] if close else None


def _line(text: str, key: str) -> int | None:
    """The line that sets `key`. The parser does not tell, so this looks for the usual ways to write it."""
    section = ""
    for number, line in enumerate(text.split("\n"), 1):
        if header := HEADER.fullmatch(line):
            section = _dotted(header[1])
            if section == key:
                return number
        elif assignment := ASSIGNMENT.match(line):
            name = _dotted(assignment[1])
            if (f"{section}.{name}" if section else name) == key:
                return number
    return None


def _dotted(written: str) -> str:
    return ".".join("".join(groups) for groups in PART.findall(written))
