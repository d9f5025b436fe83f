"""The path of an event as a picture: a stop for each stage, and the words that say the same."""

from msgspec import Struct

from diagnostics.report.model import Report, Status
from diagnostics.report.path import STOP
from diagnostics.report.signs import STAGE_NAMES

STATUS_WORDS = {
    Status.FAIL: "fails",
    Status.WARN: "warning",
    Status.UNKNOWN: "could not look",
    Status.BLOCKED: "blocked",
    Status.SKIPPED: "not looked at",
    Status.INFO: "note",
    Status.OK: "ok",
}


class Stop(Struct, frozen=True, kw_only=True):
    """A stage in the picture. Events stop `here`, or before they come here (`beyond`)."""

    name: str
    status: Status
    word: str
    here: bool
    beyond: bool


class Picture(Struct, frozen=True, kw_only=True):
    """The stages in path order; `description` says the picture in words."""

    stops: tuple[Stop, ...] = ()
    description: str = ""


def picture(report: Report) -> Picture:
    """The path, with a mark where events stop; a warning's stage lets them pass."""
    stops: list[Stop] = []
    beyond = False
    for state in report.stages:
        here = report.verdict.status == "problem" and state.id is report.verdict.stage
        word = STOP if here else STATUS_WORDS[state.status]
        stops.append(Stop(name=STAGE_NAMES[state.id], status=state.status, word=word, here=here, beyond=beyond))
        beyond = beyond or here
    told = ", ".join(f"{stop.name}: {stop.word}" for stop in stops)
    return Picture(stops=tuple(stops), description=f"The path of an event. {told}.")
