"""From what was written to a typed value, by the setting's kind. A value of a secret setting is never quoted."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from diagnostics.config import urls
from diagnostics.config.durations import HOW_TO_WRITE, quoted, seconds_of
from diagnostics.config.errors import Invalid, shown
from diagnostics.config.settings import Kind, Setting

Value = str | float | bool | tuple[str, ...]

WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
BROKER = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?")
KAFKA_PORT = 9092
# A token or password is short; anything larger is the wrong file.
LARGEST_SECRET_FILE = 65536


def read(setting: Setting, written: Any, *, environ: Mapping[str, str], directory: Path) -> Value:
    """The value of `setting`. `directory` is what relative paths start from. Raises Invalid."""
    match setting.kind:
        case Kind.TEXT:
            return _text(setting, indirect(setting, written, environ, directory))
        case Kind.URL:
            return _url(setting, indirect(setting, written, environ, directory))
        case Kind.URLS:
            # `env:NAME` may hold several, too.
            whole = [indirect(setting, item, environ, directory) for item in _items(setting, written)]
            return tuple(_url(setting, item) for part in whole for item in _items(setting, part))
        case Kind.LIST:
            return tuple(_text(setting, item) for item in _items(setting, written))
        case Kind.BROKERS:
            return tuple(broker(item) for item in _items(setting, written))
        case Kind.DURATION:
            return _duration(written)
        case Kind.BOOL:
            return _bool(written)
        case Kind.PATH:
            return _path(setting, written, directory)


def indirect(setting: Setting, written: Any, environ: Mapping[str, str], directory: Path) -> Any:
    """What `env:NAME` or `file:PATH` stands for, where a secret may be; anything else as it is. Raises Invalid."""
    if not isinstance(written, str) or not (setting.secret or setting.kind in (Kind.URL, Kind.URLS)):
        return written
    scheme, colon, rest = written.strip().partition(":")
    if colon and scheme == "env":
        value = environ.get(rest, "")
        if not value.strip():
            name = shown(rest)
            raise Invalid(f"is taken from env:{name}, which is not set", f"set the environment variable {name}, or remove this")
        return value
    if colon and scheme == "file":
        return _file(rest, directory)
    return written


def _file(written: str, directory: Path) -> str:
    path = expanded(written, directory)
    name = shown(path)
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_SECRET_FILE + 1)
        text = content.decode()
    except FileNotFoundError:
        raise Invalid(f"is taken from file:{name}, which does not exist", "create the file, or correct the path") from None
    except UnicodeDecodeError:
        raise Invalid(f"is taken from file:{name}, which is not text", "put the value alone into the file, as UTF-8") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise Invalid(
            f"is taken from file:{name}, which cannot be read ({reason})", "make it readable for you, or correct the path"
        ) from None
    text = text.removesuffix("\n").removesuffix("\r")
    if len(content) > LARGEST_SECRET_FILE:
        raise Invalid(f"is taken from file:{name}, which is larger than 64 KiB", "put the value alone into the file")
    if not text.strip():
        raise Invalid(f"is taken from file:{name}, which is empty", "put the value into the file")
    return text


def expanded(written: str, directory: Path) -> Path:
    """An absolute path; `~` is the home directory."""
    try:
        return directory / Path(written).expanduser()
    except RuntimeError:
        return directory / written


def _text(setting: Setting, written: Any) -> str:
    if not isinstance(written, str):
        raise Invalid("is not text", f'put it in quotes, like "{setting.example}"')
    # A space at the end of a password may belong to it.
    text = written if setting.secret else written.strip()
    if not text.strip():
        raise Invalid("is empty", f"give a value, like {setting.example}, or leave it out")
    if not text.isprintable():
        raise Invalid("holds a line break or another control character", "give it as one plain line")
    if setting.choices and text not in setting.choices:
        raise Invalid(f"is {shown(text)!a}", f"use {', '.join(setting.choices[:-1])} or {setting.choices[-1]}")
    return text


def _url(setting: Setting, written: Any) -> str:
    if not isinstance(written, str):
        raise Invalid("is not text", f'put it in quotes, like "{setting.example}"')
    return urls.checked(written, setting.schemes, setting.example, quotable=not setting.secret)


def _items(setting: Setting, written: Any) -> list[str]:
    if isinstance(written, str):
        written = written.split(",")
    if not isinstance(written, list | tuple) or not all(isinstance(item, str) for item in written):
        raise Invalid("is not a list of texts", f'write ["{setting.example}"]')
    items = [item.strip() for item in written if item.strip()]
    if not items:
        raise Invalid("is empty", f"give at least one, like {setting.example}, or leave it out")
    return list(dict.fromkeys(items))


def broker(written: str) -> str:
    """`host:port`, with Kafka's port 9092 where none is given. Raises Invalid."""
    match = BROKER.fullmatch(written)
    if not match:
        what = "holds a URL" if "://" in written else "holds something that is not host:port"
        raise Invalid(what, "write host:port without a scheme, like kafka:9092")
    port = int(match[2] or KAFKA_PORT)
    if not 0 < port < 65536:
        raise Invalid(f"has a port {port}", "use a port between 1 and 65535, like kafka:9092")
    return f"{match[1]}:{port}"


def _duration(written: Any) -> float:
    if isinstance(written, bool) or not isinstance(written, str | int | float):
        raise Invalid("is not a duration", HOW_TO_WRITE)
    seconds = seconds_of(written)
    if seconds is None:
        raise Invalid(f"is {quoted(written)}, which is not a duration", HOW_TO_WRITE)
    if not seconds:
        raise Invalid("is no time at all", HOW_TO_WRITE)
    return seconds


def _bool(written: Any) -> bool:
    if isinstance(written, bool):
        return written
    if isinstance(written, str) and written.strip().lower() in WORDS:
        return WORDS[written.strip().lower()]
    raise Invalid("is neither true nor false", "write true or false")


def _path(setting: Setting, written: Any, directory: Path) -> str:
    if not isinstance(written, str) or not written.strip():
        raise Invalid("is not a path", f'write it like "{setting.example}"')
    path = expanded(written.strip(), directory)
    if not str(path).isprintable():
        raise Invalid("holds a line break or another control character", "give it as one plain line")
    try:
        exists = path.exists()
    except (OSError, ValueError):
        exists = False
    if not exists:
        what = f"is {shown(path)}, which is not there or not readable for you"
        raise Invalid(what, "correct the path, or leave the setting out")
    return str(path)
