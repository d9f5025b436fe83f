"""Compose files: read from inside one directory only, each once; services merged and `extends` resolved as compose does."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

LARGEST = 1 << 20

Definition = dict[str, Any]


class Unreadable(Exception):
    """The compose project cannot be made sense of; the text says why, and quotes none of its values."""


class ComposeFiles:
    """The files of one project. Reads nothing outside of `directory`, through links neither."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._services: dict[Path, dict[str, Definition]] = {}

    def text(self, path: Path) -> str | None:
        """The text of a plain file; None when there is none. Raises Unreadable."""
        try:
            real = path.resolve()
            if not real.is_file():
                return None
            if not real.is_relative_to(self._directory.resolve()):
                raise Unreadable(f"{path.name} lies outside of this directory and was not read")
            if real.stat().st_size > LARGEST:
                raise Unreadable(f"{path.name} is larger than 1 MiB and was not read")
            return real.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError:
            raise Unreadable(f"{path.name} is not UTF-8") from None
        except (OSError, ValueError, RuntimeError) as error:
            raise Unreadable(f"{path.name} cannot be read ({getattr(error, 'strerror', None) or 'not a path'})") from None

    def definitions(self, paths: Iterable[Path]) -> dict[str, Definition]:
        """The services of files that are laid over each other. Raises Unreadable."""
        merged: dict[str, Definition] = {}
        for path in paths:
            for name in self._read(path):
                merged[name] = _merged(merged.get(name, {}), self._extended(path, name, ()))
        return merged

    def _read(self, path: Path) -> dict[str, Definition]:
        if path not in self._services:
            text = self.text(path)
            if text is None:
                raise Unreadable(f"{path.name} is not there")
            loaded = _load(text, path.name)
            services = loaded.get("services") if isinstance(loaded, dict) else None
            named = services.items() if isinstance(services, dict) else ()
            self._services[path] = {str(name): value for name, value in named if isinstance(value, dict)}
        return self._services[path]

    def _extended(self, path: Path, name: str, through: tuple[tuple[Path, str], ...]) -> Definition:
        definition = self._read(path).get(name)
        if definition is None or (path, name) in through:
            raise Unreadable(f"{path.name} lacks a service that another one extends, or they extend each other")
        extends = definition.get("extends")
        if not extends:
            return definition
        wanted = extends if isinstance(extends, dict) else {"service": extends}
        base = path.parent / str(wanted["file"]) if "file" in wanted else path
        return _merged(self._extended(base, str(wanted.get("service")), (*through, (path, name))), definition)


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> Definition:
    """As compose merges: environments by name, ports one after the other, anything else is replaced."""
    return {
        **base,
        **over,
        "environment": {**pairs(base.get("environment")), **pairs(over.get("environment"))},
        "ports": [*sequence(base.get("ports")), *sequence(over.get("ports"))],
    }


def sequence(value: Any) -> list[Any]:
    """The list, or none."""
    return value if isinstance(value, list) else []


def pairs(environment: Any) -> dict[str, str]:
    """`{A: b}` and `["A=b"]` alike. A name without a value would come from the shell: left out."""
    if isinstance(environment, dict):
        return {str(name): value for name, value in environment.items() if isinstance(value, str)}
    texts = [item.partition("=") for item in sequence(environment) if isinstance(item, str)]
    return {name: value for name, equals, value in texts if equals}


def _load(text: str, name: str) -> Any:
    """YAML with every scalar as text: as numbers, YAML 1.1 reads the ports 22:22 as 1342. Raises Unreadable."""
    import yaml

    # Not libyaml's loader: deep nesting ends it with a segmentation fault. This one takes 70 ms for PostHog's two files.
    class Loader(yaml.SafeLoader):
        pass

    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag == "tag:yaml.org,2002:merge"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    # Compose's own tags, `!reset` and `!override`, and whatever comes after them.
    Loader.add_multi_constructor("!", _untagged)
    try:
        return yaml.load(text, Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = f" (line {error.problem_mark.line + 1})" if error.problem_mark else ""
        raise Unreadable(f"{name} is not valid YAML{line}") from None
    except (yaml.YAMLError, ValueError):
        raise Unreadable(f"{name} is not valid YAML") from None


def _untagged(loader: Any, _tag: str, node: Any) -> Any:
    match node.id:
        case "mapping":
            return loader.construct_mapping(node, deep=True)
        case "sequence":
            return loader.construct_sequence(node, deep=True)
        case _:
            return loader.construct_scalar(node)
