"""From options, environment, file, discovery and defaults to the configuration in effect.

Precedence for each value: option > `DIAG_*` environment > file > discovered > default. Only the value that wins is checked;
but whatever does not belong into the file is told in any case, and all problems are told at once.
"""

import contextlib
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from diagnostics.config import urls, values
from diagnostics.config.configuration import Configuration, Origin
from diagnostics.config.discover import discover
from diagnostics.config.discovery import Discovery
from diagnostics.config.dsn import is_placeholder, is_sentrys_own
from diagnostics.config.durations import parse_duration
from diagnostics.config.errors import ConfigurationError, Invalid, Problem, shown
from diagnostics.config.file import ConfigFile, nearest, read_file, unknown
from diagnostics.config.getting_started import getting_started
from diagnostics.config.settings import BY_KEY, SETTINGS, Kind, Setting
from diagnostics.config.thresholds import read_thresholds
from diagnostics.config.values import Value
from diagnostics.engine.check import Threshold

# The door for the rest of diag.
__all__ = ["Configuration", "ConfigurationError", "getting_started", "load", "parse_duration"]

# PostHog's compose files use these as passwords, and no report can do without these words.
EVERYDAY_WORDS = frozenset({"admin", "app", "clickhouse", "default", "kafka", "password", "posthog", "postgres", "public"})


PROXIES = frozenset(["http_proxy", "https_proxy", "all_proxy"])


class Written(Struct, frozen=True):
    """A value as somebody wrote it, and what its relative paths start from."""

    value: Any
    origin: Origin
    directory: Path


class InEffect(Struct, frozen=True):
    """Values in effect by key, and their origins."""

    values: dict[str, Value]
    origins: dict[str, Origin]

    def set(self, key: str, value: Value, origin: Origin) -> None:
        self.values[key] = value
        self.origins[key] = origin


def load(
    *,
    options: Mapping[str, object],
    environ: Mapping[str, str],
    cwd: Path,
    file: Path | None,
    thresholds: Sequence[Threshold[Any]],
) -> Configuration:
    """The configuration in effect.

    `options` are keyed like settings (`clickhouse.url`); `file` is the one of `--config`; `thresholds` are those that checks
    declare. Raises ConfigurationError, and nothing else, for whatever is wrong.
    """
    problems: list[Problem] = []
    config_file = read_file(file, cwd, problems)
    in_effect = InEffect({}, {})
    problems += _unknown_options(options)
    for setting in SETTINGS:
        written = _written(setting, options, environ, config_file, cwd)
        if written:
            _check(setting, written, environ, in_effect, problems)
    numbers = read_thresholds(config_file, thresholds, problems) if config_file else {}
    if problems:
        raise ConfigurationError(problems)
    discoveries = discover(environ, cwd)
    hints = [*_misspelt(environ), *_apply(discoveries, in_effect)]
    _fall_back(in_effect)
    if config_file:
        in_effect.origins.update({f"thresholds.{name}": _in_file(config_file, f"thresholds.{name}") for name in numbers})
    return _configuration(in_effect, numbers, hints, _secrets(in_effect, discoveries, environ))


def _unknown_options(options: Mapping[str, object]) -> list[Problem]:
    return [unknown("setting", key, "options", BY_KEY) for key in options if key not in BY_KEY]


def _written(
    setting: Setting, options: Mapping[str, object], environ: Mapping[str, str], file: ConfigFile | None, cwd: Path
) -> Written | None:
    if options.get(setting.key) is not None:
        return Written(options[setting.key], Origin("option", setting.option), cwd)
    for name in setting.environment:
        if environ.get(name, "").strip():
            return Written(environ[name], Origin("environment", name), cwd)
    if file and setting.key in file.values:
        return Written(file.values[setting.key], _in_file(file, setting.key), file.path.parent)
    return None


def _in_file(file: ConfigFile, key: str) -> Origin:
    return Origin("file", file.where(key))


def _check(
    setting: Setting, written: Written, environ: Mapping[str, str], in_effect: InEffect, problems: list[Problem]
) -> None:
    try:
        value = values.read(setting, written.value, environ=environ, directory=written.directory)
    except Invalid as invalid:
        problems.append(Problem(what=f"{setting.key} {invalid.what}", where=str(written.origin), do=invalid.do))
        return
    if setting.secret and isinstance(value, str) and is_placeholder(value):
        return
    in_effect.set(setting.key, value, written.origin)


def _apply(discoveries: Sequence[Discovery], in_effect: InEffect) -> list[str]:
    """Takes what was discovered for settings that nobody set. Returns the hints that still matter."""
    from_files: set[str] = set()
    for discovery in discoveries:
        for found in discovery.found:
            if found.key in in_effect.values:
                continue
            if found.goes_with is None or in_effect.values.get(found.goes_with[0]) == found.goes_with[1]:
                in_effect.set(found.key, found.value, Origin("discovered", shown(found.where)))
                from_files.update([found.key] if discovery.lying_here else [])
    withheld = _withhold_token(in_effect) if "sentry.url" in from_files else []
    return withheld + [hint.text for discovery in discoveries for hint in discovery.hints if hint.about not in in_effect.values]


def _withhold_token(in_effect: InEffect) -> list[str]:
    """SENTRY_AUTH_TOKEN is meant for whatever Sentry the person uses. It does not go to a server that only a file lying in
    the current directory names: that may be somebody else's install."""
    url = str(in_effect.values["sentry.url"])
    if is_sentrys_own(url) or in_effect.origins.get("sentry.token") != Origin("environment", "SENTRY_AUTH_TOKEN"):
        return []
    del in_effect.values["sentry.token"], in_effect.origins["sentry.token"]
    return [
        f"SENTRY_AUTH_TOKEN was not used: only a file in this directory says that PostHog's Sentry is {shown(url)}. If that is "
        f"right, say so:\n  export DIAG_SENTRY_URL={shlex.quote(url)}"
    ]


def _misspelt(environ: Mapping[str, str]) -> list[str]:
    """A hint, not an error: the prefix is not diag's alone."""
    known = [name for setting in SETTINGS for name in setting.environment]
    pairs = [(name, nearest(name, known)) for name in sorted(environ) if name.startswith("DIAG_") and name not in known]
    return [f"{shown(name)} is not a name that diag knows: did you mean {close}?" for name, close in pairs if close]


def _fall_back(in_effect: InEffect) -> None:
    for setting in SETTINGS:
        other = setting.falls_back_to
        if other and setting.key not in in_effect.values and other in in_effect.values:
            in_effect.set(setting.key, in_effect.values[other], Origin("default", f"the same as {other}"))


def _of_proxies(environ: Mapping[str, str]) -> Iterator[str]:
    """The HTTP clients take these variables by themselves, so their passwords travel, too."""
    for name, value in environ.items():
        if name.lower() in PROXIES:
            with contextlib.suppress(ValueError):  # no URL, and of no use to a client
                yield from urls.passwords(value if "://" in value else f"http://{value}")


def _secrets(in_effect: InEffect, discoveries: Sequence[Discovery], environ: Mapping[str, str]) -> tuple[str, ...]:
    hidden = {secret for discovery in discoveries for secret in discovery.secrets}
    hidden.update(_of_proxies(environ))
    for key, value in in_effect.values.items():
        setting = BY_KEY[key]
        texts = [text for text in (value if isinstance(value, tuple) else (value,)) if isinstance(text, str)]
        if setting.secret:
            hidden.update(texts)
        if setting.kind in (Kind.URL, Kind.URLS):
            hidden.update(secret for text in texts for secret in urls.passwords(text))
    return tuple(sorted((secret for secret in hidden if secret and secret not in EVERYDAY_WORDS), key=len, reverse=True))


def _configuration(
    in_effect: InEffect, thresholds: dict[str, float], hints: list[str], secrets: tuple[str, ...]
) -> Configuration:
    tree: dict[str, Any] = {"thresholds": thresholds, "hints": tuple(hints), "origins": in_effect.origins, "hidden": secrets}
    for key, value in in_effect.values.items():
        section, _, name = key.rpartition(".")
        (tree.setdefault(section, {}) if section else tree)[name] = value
    return msgspec.convert(tree, Configuration)
