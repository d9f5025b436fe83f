"""Capture, where SDKs send events: the Rust service, or the app itself before 2025; at its own address, or behind a proxy.

Asked with GETs that hold no data, which capture refuses and nothing stores. `/metrics` and `/_liveness` are the Rust capture's
own: at the public address they belong to somebody else, or are hidden.
"""

import time
from functools import partial
from typing import ClassVar

from msgspec import Struct

from diagnostics.sources.capture.canary import SEND, Reception, body, read_reception
from diagnostics.sources.capture.counts import Counts, read_counts
from diagnostics.sources.capture.health import Liveness, read_index, read_kafka_of_django, read_liveness
from diagnostics.sources.capture.routes import Route, Taker, read_route
from diagnostics.sources.http import Answer, Http, HttpOptions, Outcome, concurrently
from diagnostics.sources.http.trouble import NoAnswer
from diagnostics.sources.source import (
    Connected,
    Connection,
    Endpoint,
    Memo,
    NotConnected,
    Read,
    Recorder,
    Source,
    now,
)

INDEX = Endpoint(name="capture.index", source="capture", path="/", why="whether capture itself answers at this address")
LIVENESS = Endpoint(name="capture.liveness", source="capture", path="/_liveness", why="whether capture reaches Kafka")
READYZ = Endpoint(
    name="capture.readyz",
    source="capture",
    path="/_readyz?role=events",
    why="whether Django, if it takes the events, reaches Kafka",
)
METRICS = Endpoint(
    name="capture.metrics", source="capture", path="/metrics", why="how many events capture received and dropped"
)

EVENT_PATHS = ("/i/v0/e/", "/e/", "/batch/", "/capture/")
"""Where SDKs send events, the newest first, with the slash that they write: posthog-js, its older versions, servers, curl."""

FLAGS = "/flags/"
ROUTES = {
    path: Endpoint(
        name=f"capture.route{path.rstrip('/').replace('/', '-')}",
        source="capture",
        path=path,
        why=f"who answers at {path}, asked without data",
    )
    for path in (*EVENT_PATHS, FLAGS)
}


class CaptureState(Struct, frozen=True, kw_only=True):
    """What capture's address says. `direct`: the Rust capture itself answers there, nobody in front of it.

    `kafka` is what Django says of it. `counts` is None where the metrics cannot be seen. `hint`: what to do when it is silent.
    """

    routes: tuple[Route, ...]
    flags: Route
    direct: bool = False
    liveness: Liveness | None = None
    kafka: bool | None = None
    counts: Counts | None = None
    hint: str = ""

    def answered_by(self, *takers: Taker) -> tuple[Route, ...]:
        """The paths for events at which one of these answers."""
        return tuple(route for route in self.routes if route.taker in takers)

    @property
    def takes_events(self) -> bool:
        return any(route.taker.takes_events for route in self.routes)

    @property
    def is_rust(self) -> bool:
        return self.direct or bool(self.answered_by(Taker.RUST))


class Capture(Source):
    """Capture at `url`. `project_token` is for the canary, and sent with nothing else."""

    id: ClassVar[str] = "capture"
    label: ClassVar[str] = "capture"
    probes: ClassVar[tuple[Read, ...]] = (INDEX, *ROUTES.values(), LIVENESS, READYZ, METRICS)

    def __init__(self, url: str, *, recorder: Recorder, options: HttpOptions, project_token: str | None = None) -> None:
        self._http = Http(url, source=self.id, recorder=recorder, options=options)
        self._token = project_token or ""
        self._memo = Memo()

    def state(self) -> CaptureState:
        """What it says on all its pages and paths; they are asked at the same time, once a run."""
        return self._memo.get("state", self._ask)

    def again(self, after: float) -> Counts | None:
        """Its metrics once more, `after` seconds after the first time or as soon as that; None where they cannot be seen.

        Waits for that long, but never until the asker's time is over. Once a run.
        """
        return self._memo.get("again", lambda: self._second(after))

    def send(self, uuid: str) -> Reception:
        """Sends the canary, to the first path that takes events. Raises Refused when the check did not declare SEND."""
        takers = [route.path for route in self.state().routes if route.taker.takes_events]
        path = next(iter(takers), SEND.path)
        outcome = self._http.post(self.asker, SEND, path, body(self._token, uuid, now()), about={"uuid": uuid})
        return read_reception(path, outcome)

    def connection(self) -> Connection:
        """Connected when anything answers on a path for events that is not just a proxy whose service is down."""
        started = time.monotonic()
        state = self.state()
        lost = state.answered_by(Taker.SILENT, Taker.DOWN)
        if len(lost) < len(state.routes):
            return Connected(seconds=time.monotonic() - started)
        down = [route for route in lost if route.taker is Taker.DOWN]
        what = "answers every request for events with" if down else "does not answer:"
        return NotConnected(
            code="capture.unreachable",
            message=f"Capture at {self.address()} {what} {(down or lost)[0].said}",
            hint=state.hint or "see whether it runs: docker compose ps capture web proxy",
        )

    def address(self) -> str:
        return self._http.address

    def _ask(self) -> CaptureState:
        pages = (INDEX, LIVENESS, READYZ, METRICS, *ROUTES.values())
        index, liveness, readyz, metrics, *answers = concurrently([partial(self._http.get, self.asker, page) for page in pages])
        *routes, flags = [read_route(path, self.address(), outcome) for path, outcome in zip(ROUTES, answers, strict=True)]
        silent = next((outcome for outcome in answers if isinstance(outcome, NoAnswer)), None)
        return CaptureState(
            routes=tuple(routes),
            flags=flags,
            direct=read_index(index),
            liveness=read_liveness(liveness),
            kafka=read_kafka_of_django(readyz),
            counts=read_counts(metrics, time.monotonic()),
            hint=silent.hint if silent else "",
        )

    def _second(self, after: float) -> Counts | None:
        first = self.state().counts
        if first is None:
            return None
        time.sleep(max(0.0, min(first.at + after - time.monotonic(), self.asker.time_left - _TO_ASK)))
        outcome: Outcome = self._http.get(self.asker, METRICS, attempt=2)
        return read_counts(outcome, time.monotonic()) if isinstance(outcome, Answer) else None


# Seconds that are kept for the second reading itself.
_TO_ASK = 1.0
