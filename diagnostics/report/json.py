"""The report as JSON, which is the contract that people script against, and a saved report read back."""

import hashlib
import math
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, structs

from diagnostics.report.model import SCHEMA_VERSION, Report
from diagnostics.report.options import RenderOptions
from diagnostics.report.safetext import block
from diagnostics.report.wording import utc


class NotAReport(Exception):
    """Data that is no report of a version that can be read; the message says why and what to do."""


_EXACT = 2**53  # below this every whole number is a float as well


class _Version(Struct):
    schema_version: Annotated[int, Meta(ge=1)]


class _Digest(Struct):
    digest: str = ""


def render(report: Report, options: RenderOptions) -> str:  # noqa: ARG001 - nothing about a screen changes the contract
    """Pretty-printed with two spaces, keys in the order of the contract."""
    return dump(report).decode()


def dump(report: Report) -> bytes:
    """UTF-8 that ends with a newline, with the digest of everything else in it."""
    written = canonical(report)
    sealed = structs.replace(written, digest=_digest(msgspec.json.encode(written)))
    return msgspec.json.format(msgspec.json.encode(sealed), indent=2) + b"\n"


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
        return structs.replace(msgspec.json.decode(data, type=Report), digest="")
    except msgspec.ValidationError as error:
        raise NotAReport(f"it is JSON, but not a report of diag: {error}. Make one with: diag run --format json") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotAReport(f"it is not JSON: {error}. Make one with: diag run --format json") from None


def intact(data: bytes) -> bool | None:
    """Whether a saved report is as it was written; None for one of a release that wrote no digest. Raises NotAReport."""
    load(data)
    written = msgspec.json.decode(data, type=_Digest).digest
    return _digest(data) == written if written else None


def _digest(document: bytes) -> str:
    """Of all members but the digest, their order, blanks and the spelling of numbers (`1.0` or `1`) aside."""
    members = msgspec.json.Decoder(float_hook=_number).decode(document)
    members.pop("digest", None)
    return hashlib.sha256(msgspec.json.encode(members, order="deterministic")).hexdigest()[:16]


def _number(text: str) -> float:
    number = float(text)
    return int(number) if abs(number) < _EXACT and number == int(number) else number


def _plain(value: Any, not_a_number: float | None = 0.0) -> Any:
    """What JSON can say of builtins. By type and not by pattern: of values there can be a million."""
    kind = type(value)
    if kind is str:
        return _text(value)
    if kind is float:
        return value if math.isfinite(value) else not_a_number
    if kind is dict:
        if value.get("kind") in ("table", "values"):  # an average of nothing is no zero
            not_a_number = None
        return {_text(key): _plain(item, not_a_number) for key, item in value.items()}
    if kind is list or kind is tuple:
        return [_plain(item, not_a_number) for item in value]
    return utc(value) if kind is datetime else value


def _text(text: str) -> str:
    # Almost all texts are printable ASCII: this is 20 times as fast as looking closer.
    return text if text.isascii() and text.isprintable() else block(text)
