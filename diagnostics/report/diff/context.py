"""What to keep in mind when two reports are compared, and what else about them is not the same."""

import re
from collections.abc import Iterator

from msgspec import Struct

from diagnostics.report.diff.model import Shift
from diagnostics.report.diff.subjects import without_names
from diagnostics.report.model import Report
from diagnostics.report.wording import age, span_s

# Which install a forwarded port leads to is not in its address.
_LOOPBACK = re.compile(r"(?<![\w.-])(?:127\.[0-9]|localhost\b|\[::1\])")
_NAMES = {"posthog_version": "PostHog", "clickhouse_version": "ClickHouse"}
_SAME_LENGTH = 0.01


class Caveat(Struct, frozen=True):
    """A sentence; `incomparable` when the reports do not speak of the same thing, or not in this order."""

    sentence: str
    incomparable: bool = False


def caveats(old: Report, new: Report) -> Iterator[Caveat]:
    """What stands between the reader and "it is better now"."""
    if old.id == new.id:
        yield Caveat("Both files hold the same report.", incomparable=True)
    elif new.started_at < old.started_at:
        since = age(new.started_at, old.started_at).removesuffix(" ago")
        yield Caveat(f"The new report is {since} older than the old one: swap the two files.", incomparable=True)
    if old.runbook != new.runbook:
        yield Caveat(f"They walk different runbooks: {old.runbook}, then {new.runbook}.", incomparable=True)
    if _other_install(old, new):
        yield Caveat("They seem to be of different installs: the addresses differ.", incomparable=True)
    if old.completeness.narrowed != new.completeness.narrowed:
        yield Caveat(f"They look at different parts of the install: {_parts(old)}, then {_parts(new)}.")
    if not same_window(old, new):
        yield Caveat(
            f"They look back differently far: {_looked_back(old)}, then {_looked_back(new)}. Counts are compared by the hour, "
            "and what happened before that time is not in them."
        )
    if not new.complete:
        yield Caveat("The new report was cut short: what it does not show may still be there.")


def same_window(old: Report, new: Report) -> bool:
    """Whether both looked back equally long."""
    return abs(_seconds(old) - _seconds(new)) <= _SAME_LENGTH * max(_seconds(old), _seconds(new))


def shifts(old: Report, new: Report) -> Iterator[Shift]:
    """What is not the same, findings aside; in the order of what may explain the rest."""
    before, after = old.verdict, new.verdict
    facts = dict.fromkeys([*old.install, *new.install])
    pairs = [
        ("root cause", before.code or "", after.code or ""),
        ("events stop at", before.stage or "", after.stage or ""),
        ("confidence", before.confidence, after.confidence),
        ("checks that looked", _looked(old), _looked(new)),
        *((_named(fact), old.install.get(fact, ""), new.install.get(fact, "")) for fact in facts),
        ("looked back", _looked_back(old), _looked_back(new)),
        ("runbook", old.runbook, new.runbook),
        (old.tool.name, old.tool.version, new.tool.version),
    ]
    for what, then, now in pairs:
        if without_names(then) != without_names(now) and not (_LOOPBACK.search(then) and _LOOPBACK.search(now)):
            yield Shift(what=what, old=then, new=now)


def _other_install(old: Report, new: Report) -> bool:
    """By the app's address, which is the install's name; without it, when no address is the same."""
    common = [key for key in old.install if key.endswith("_address") and key in new.install]
    telling = [key for key in common if not _LOOPBACK.search(old.install[key] + new.install[key])]
    same = {key: without_names(old.install[key]) == without_names(new.install[key]) for key in telling}
    return bool(same) and not same.get("app_address", any(same.values()))


def _parts(report: Report) -> str:
    return " and ".join(report.completeness.narrowed) or "all of it"


def _seconds(report: Report) -> float:
    return max(0.0, (report.window.until - report.window.since).total_seconds())


def _looked_back(report: Report) -> str:
    return span_s(_seconds(report))


def _looked(report: Report) -> str:
    return f"{report.completeness.looked} of {report.completeness.total}"


def _named(fact: str) -> str:
    return _NAMES.get(fact, fact.replace("_", " "))
