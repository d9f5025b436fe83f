"""The report as JSON, which is the contract that people script against, and a saved report read back."""

import math
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from diagnostics.report.model import SCHEMA_VERSION, Report
from diagnostics.report.options import RenderOptions
from diagnostics.report.safetext import block
from diagnostics.report.wording import utc


class NotAReport(Exception):
    """Data that is no report of a version that can be read; the message says why and what to do."""


class _Version(Struct):
    schema_version: Annotated[int, Meta(ge=1)]


def render(report: Report, options: RenderOptions) -> str:  # noqa: ARG001 - nothing about a screen changes the contract
    """Pretty-printed with two spaces, keys in the order of the contract."""
    return dump(report).decode()


def dump(report: Report) -> bytes:
    """UTF-8 that ends with a newline."""
    return msgspec.json.format(msgspec.json.encode(canonical(report)), indent=2) + b"\n"


def canonical(report: Report) -> Report:
    """The report as it comes back from its JSON: text without what only a terminal obeys, times in UTC, no infinities."""
    return msgspec.convert(_plain(msgspec.to_builtins(report, builtin_types=(datetime,))), Report)


def load(data: bytes) -> Report:
    """A report that was saved as JSON. Raises NotAReport."""
    try:
        version = msgspec.json.decode(data, type=_Version).schema_version
        if version > SCHEMA_VERSION:
            raise NotAReport(
                f"a newer posthog-diag made it (its schema_version is {version}, this one reads up to {SCHEMA_VERSION}). "
                "Update posthog-diag and try again."
            )
        return msgspec.json.decode(data, type=Report)
    except msgspec.ValidationError as error:
        raise NotAReport(f"it is JSON, but not a report of diag: {error}. Make one with: diag run --format json") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotAReport(f"it is not JSON: {error}. Make one with: diag run --format json") from None


def _plain(value: Any, not_a_number: float | None = 0.0) -> Any:
    """What JSON can say of builtins."""
    match value:
        case str():
            return _text(value)
        case datetime():
            return utc(value)
        case float() if not math.isfinite(value):
            return not_a_number
        case {"kind": "table" | "values"}:  # an average of nothing is no zero
            return {_text(key): _plain(item, None) for key, item in value.items()}
        case dict():
            return {_text(key): _plain(item, not_a_number) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item, not_a_number) for item in value]
        case _:
            return value


def _text(text: str) -> str:
    # Almost all texts are printable ASCII, and of those there can be a million: this is 20 times as fast as looking closer.
    return text if text.isascii() and text.isprintable() else block(text)
