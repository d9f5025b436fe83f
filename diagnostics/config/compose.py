"""Reading a compose project as far as discovery needs it: services with their environment and published ports.

Only plain files inside the project's directory are read, and only `.env` is interpolated: a compose file that came from
somewhere else must not be able to pull a file or a variable of the person who runs diag into an address.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from diagnostics.config.compose_files import ComposeFiles, Definition, Unreadable, pairs, sequence
from diagnostics.config.dotenv import interpolated, parse_dotenv

# In compose's own order. The last one is what PostHog's repository calls it.
NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml", "docker-compose.hobby.yml")
MOST_PUBLISHED = 200

PORTS = re.compile(
    r"(?:(?P<host>[0-9]{1,3}(?:\.[0-9]{1,3}){3}|\[[0-9A-Fa-f:.]+\]|):)?(?:(?P<first>[0-9]{1,5})(?:-(?P<last>[0-9]{1,5}))?:)?"
    r"(?P<target>[0-9]{1,5})(?:-(?P<target_last>[0-9]{1,5}))?(?:/tcp)?"
)


class Service(Struct, frozen=True, kw_only=True):
    """One service. `published` maps a port of the container to the `host:port` where this machine has it."""

    name: str
    image: str
    command: str
    environment: dict[str, str]
    published: dict[int, str]


class Project(Struct, frozen=True, kw_only=True):
    """A compose project. `file` is the name of its (first) compose file, None when there is only a `.env`."""

    file: str | None
    variables: dict[str, str]
    services: dict[str, Service]


def read_project(directory: Path) -> Project | None:
    """The compose project in `directory`; None when there is none. Raises Unreadable."""
    files = ComposeFiles(directory)
    try:
        dotenv = files.text(directory / ".env")
        variables = parse_dotenv(dotenv) if dotenv else {}
        names = _file_names(directory, variables)
        if not names:
            return Project(file=None, variables=variables, services={}) if variables else None
        definitions = files.definitions([directory / name for name in names])
        services = {name: _service(name, definition, variables) for name, definition in definitions.items()}
    except RecursionError:
        raise Unreadable("the compose file is nested too deeply") from None
    return Project(file=names[0], variables=variables, services=services)


def _file_names(directory: Path, variables: Mapping[str, str]) -> list[str]:
    if listed := variables.get("COMPOSE_FILE"):
        return [name for name in listed.split(variables.get("COMPOSE_PATH_SEPARATOR") or ":") if name]
    try:
        there = [name for name in NAMES if (directory / name).is_file()]
        if not there:
            return []
        # Compose adds this one by itself, and it is where people publish ports.
        override = there[0].replace(".y", ".override.y")
        return [there[0], override] if (directory / override).is_file() else there[:1]
    except OSError as error:
        raise Unreadable(f"this directory cannot be read ({error.strerror})") from None


def _service(name: str, definition: Definition, variables: Mapping[str, str]) -> Service:
    def text(value: Any) -> str:
        parts = value if isinstance(value, list) else [value]
        return " ".join(interpolated(part, variables) for part in parts if isinstance(part, str))

    ports = [_short_form(port, text) for port in sequence(definition.get("ports"))[:MOST_PUBLISHED]]
    return Service(
        name=name,
        image=text(definition.get("image")),
        command=text(definition.get("command")),
        environment={key: text(value).strip() for key, value in pairs(definition.get("environment")).items()},
        published={target: address for port in ports for target, address in _published(port)},
    )


def _short_form(port: Any, text: Any) -> str:
    """`{target: 8123, published: 18123, host_ip: 127.0.0.1}` as `127.0.0.1:18123:8123`."""
    if not isinstance(port, dict):
        return str(text(port))
    host, published, target = (text(port.get(name)) for name in ("host_ip", "published", "target"))
    host = f"[{host}]:" if ":" in host else f"{host}:" if host else ""
    return f"{host}{published}:{target}"


def _published(port: str) -> Iterator[tuple[int, str]]:
    """From `8123:8123`, `127.0.0.1:18123:8123` or `8000-8010:8000-8010`. A container port without a port of this machine gets a
    random one, which the file does not tell."""
    match = PORTS.fullmatch(port)
    if not match or not match["first"]:
        return
    # A port that is published on every address is reached at 127.0.0.1.
    host = match["host"] if match["host"] not in (None, "", "0.0.0.0", "[::]") else "127.0.0.1"  # noqa: S104
    target, first = int(match["target"]), int(match["first"])
    for offset in range(min(int(match["target_last"] or target) - target, MOST_PUBLISHED) + 1):
        yield target + offset, f"{host}:{first + offset}"
