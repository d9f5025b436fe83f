"""Running checks: all at once, each with a limit of its own, all under one deadline, results as they finish.

Every check runs in a daemon thread: a stuck one can be left behind, where a pool would be joined at exit. What a check
found before it was stopped is kept.
"""

import queue
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct, structs

from diagnostics.engine.check import Check, Code, Need, at_stage
from diagnostics.report.model import Action, Category, CheckResult, Finding, Status, Text, worst
from diagnostics.report.wording import span_s
from diagnostics.sources.errors import Denied, SourceError, TimedOut
from diagnostics.sources.excerpt import excerpt
from diagnostics.sources.source import Asker, NotConnected, Recorder, Source

CRASHED = Code(id="check.crashed", worst=Status.UNKNOWN, summary="a check of diag itself crashed", category=Category.BUG)
TIMED_OUT = Code(
    id="check.timed-out", worst=Status.UNKNOWN, summary="a check did not finish in time", category=Category.PERFORMANCE
)

# A check learns this much before the end that its time is over, so that it can still say why.
FAREWELL = 0.15

# A report is for people: a check that finds more than this has lost its way.
MAX_FINDINGS = 200
MAX_ERROR = 2_000

Sources = Mapping[type[Source], Source | str]
"""The source of each kind, or the reason why it is not configured."""


class Outcome(Struct, frozen=True):
    """All results, in the order of the checks, and whether the run was cut short."""

    results: tuple[CheckResult, ...]
    cut_short: Literal["deadline", "interrupted"] | None


class Job:
    """One check under way. Its thread writes `findings` and `result`; whoever collects may stop waiting at any time."""

    def __init__(self, check: Check, started: float, run_ends: float) -> None:
        self.check = check
        self.started = started
        self.limit = min(started + check.timeout, run_ends)
        self.cut_by_run = run_ends < started + check.timeout
        self.findings: list[Finding] = []
        self.late = False

    def result(self, status: Status | None = None, *, reason: str = "", blocked_by: str | None = None) -> CheckResult:
        """The result with what was found so far; without `status` the findings decide."""
        # A copy: the thread of a check that is left behind may still add to them.
        found = tuple(at_stage(finding, self.check.stage) for finding in list(self.findings))
        outcome = worst([finding.status for finding in found] + ([status] if status else []))
        said = "" if outcome.looked else next((finding.claim for finding in found if finding.status is outcome), "")
        return CheckResult(
            id=self.check.id,
            title=self.check.title,
            stage=self.check.stage,
            status=outcome,
            reason=reason or said,
            blocked_by=blocked_by,
            duration_s=time.monotonic() - self.started,
            findings=found,
        )

    @property
    def out_of_time(self) -> bool:
        """Whether the run's deadline, not the check's own limit, has come."""
        return self.cut_by_run and self.limit - time.monotonic() <= 2 * FAREWELL

    def expired(self) -> CheckResult:
        """The result when time is up."""
        allowed = span_s(max(0.0, self.limit - self.started))
        why = "when the run's deadline came" if self.cut_by_run else "its time limit"
        self.late = self.late or self.cut_by_run
        self.findings.append(TIMED_OUT.found(f"{self.check.id} was still looking after {allowed}, {why}"))
        return self.result(reason=f"did not finish within {allowed}")

    def interrupted(self) -> CheckResult:
        return self.result(Status.UNKNOWN, reason="the run was interrupted before it finished")


def run(
    checks: Sequence[Check],
    *,
    skipped: Mapping[str, str],
    sources: Sources,
    context: Mapping[type, object],
    codes: Mapping[str, Code],
    recorder: Recorder,
    deadline: float,
    on_result: Callable[[CheckResult], None] = lambda _: None,
) -> Outcome:
    """Runs `checks` but for those in `skipped` (id -> reason) until all have ended or `deadline` (`time.monotonic()` s).

    A KeyboardInterrupt ends it early. `on_result` is called in this thread, as results come.
    """
    runner = _Runner(checks, sources, context, codes, recorder, deadline)
    results: dict[str, CheckResult] = {}
    cut_short: Literal["deadline", "interrupted"] | None = None
    pending: dict[str, Job] = {}
    try:
        for check in checks:
            if reason := skipped.get(check.id):
                results[check.id] = Job(check, time.monotonic(), deadline).result(Status.SKIPPED, reason=reason)
            else:
                pending[check.id] = runner.start(check)
        for result in _collect(pending, runner.finished):
            results[result.id] = result
            on_result(result)
    except KeyboardInterrupt:
        cut_short = "interrupted"
        never_started = {check.id: Job(check, time.monotonic(), deadline) for check in checks if check.id not in results}
        results.update({id: job.interrupted() for id, job in (never_started | pending).items()})
    if cut_short is None and any(job.late for job in runner.jobs):
        cut_short = "deadline"
    with_cost = (structs.replace(results[check.id], cost=recorder.cost(check.id)) for check in checks)
    return Outcome(tuple(with_cost), cut_short)


def _collect(pending: dict[str, Job], finished: "queue.SimpleQueue[CheckResult]") -> Iterator[CheckResult]:
    """Yields each result once, and takes its job out of `pending`."""
    while pending:
        next_limit = min(job.limit for job in pending.values())
        try:
            result = finished.get(timeout=max(0.0, next_limit - time.monotonic()))
        except queue.Empty:
            now = time.monotonic()
            for id in [id for id, job in pending.items() if job.limit <= now]:
                yield pending.pop(id).expired()
            continue
        if pending.pop(result.id, None):  # one that was given up may still answer
            yield result


def missing(check: Check, sources: Sources) -> str:
    """Why the check cannot be asked to look: the reasons of the sources that it needs and that are not configured."""
    wanted = (sources.get(need.source, f"no {need.source.label} is configured") for need in check.needs if not need.optional)
    return "; ".join(dict.fromkeys(reason for reason in wanted if isinstance(reason, str)))


class _Runner:
    def __init__(
        self,
        checks: Sequence[Check],
        sources: Sources,
        context: Mapping[type, object],
        codes: Mapping[str, Code],
        recorder: Recorder,
        deadline: float,
    ) -> None:
        self._sources = sources
        self._context = context
        self._codes = codes
        self._recorder = recorder
        self._deadline = deadline
        self._probed_by = {check.probes: check for check in checks if check.probes}
        self._at = {code.id: code.stage or check.stage for check in reversed(checks) for code in check.finds}
        self.finished: queue.SimpleQueue[CheckResult] = queue.SimpleQueue()
        self.jobs: list[Job] = []

    def start(self, check: Check) -> Job:
        job = Job(check, time.monotonic(), self._deadline)
        thread = threading.Thread(target=self._work, args=(job,), name=f"check {check.id}", daemon=True)
        self.jobs.append(job)
        thread.start()
        return job

    def _work(self, job: Job) -> None:
        try:
            result = self._look(job)
        except SourceError as error:
            result = self._could_not(job, error)
        except BaseException as error:  # noqa: BLE001 - whatever a check raises is that check's, and never ends the run
            job.findings.append(crash(job.check, error))
            result = job.result(reason=f"crashed: {type(error).__name__}")
        self.finished.put(result)

    def _look(self, job: Job) -> CheckResult:
        check = job.check
        asker = Asker(check.id, job.limit - FAREWELL, frozenset(read.name for read in check.reads))
        arguments: dict[str, Any] = {name: self._context[kind] for name, kind in check.context.items()}
        for need in check.needs:
            source = self._sources.get(need.source)
            bound = source.bind(asker) if isinstance(source, Source) else None
            broken = self._broken(bound, need, job) if bound else None
            if broken and not need.optional:
                by = self._probed_by.get(need.source)
                return job.result(Status.BLOCKED, reason=broken.message, blocked_by=by.id if by else need.source.id)
            arguments[need.parameter] = None if broken else bound
        declared = {code.id for code in check.finds}
        for finding in check.function(**arguments):
            _proven(finding)
            if finding.code not in declared:
                raise TypeError(f"{check.id} raised {finding.code}, which it does not declare in `finds`")
            if len(job.findings) >= MAX_FINDINGS:
                raise ValueError(f"more than {MAX_FINDINGS} findings: the rest is left out")
            job.findings.append(finding)
            job.findings.extend(self._pointed_to(finding, job))
        probed = next((arguments[need.parameter] for need in check.needs if need.source is check.probes), None)
        if probed and job.out_of_time and isinstance(connection := probed.connection(), NotConnected):
            job.late = True  # a slow system must not look unreachable because the run had little time
            job.findings = [_untold(finding) if finding.code == connection.code else finding for finding in job.findings]
        return job.result()

    def _broken(self, source: Source, need: Need, job: Job) -> NotConnected | None:
        """The failed connection; None for the check whose business it is to report it."""
        if job.check.probes is need.source:
            return None
        # Whoever probes first does it for all: a check with little time must not make a slow system look unreachable.
        reporter = self._probed_by.get(need.source, job.check)
        ends = min(job.started + max(reporter.timeout, job.check.timeout), self._deadline) - FAREWELL
        connection = source.bind(structs.replace(source.asker, deadline=ends)).connection()
        return connection if isinstance(connection, NotConnected) else None

    def _pointed_to(self, finding: Finding, job: Job) -> Iterator[Finding]:
        """What a failing finding's error texts give away: a finding of each code that they point to, at its own stage."""
        if finding.status is not Status.FAIL:
            return
        present = {found.code for found in job.findings}
        for id in finding.cause_codes:
            if id not in present and (code := self._codes.get(id)):
                claim = f"{finding.cause}: the error texts behind {finding.code} say so"
                yield at_stage(code.found(claim, affects=finding.affects), self._at.get(id, job.check.stage))

    def _could_not(self, job: Job, error: SourceError) -> CheckResult:
        if isinstance(error, TimedOut) and job.out_of_time:
            job.late = True
        if error.code and (code := self._codes.get(error.code)):
            actions = [_remedy(error)] if error.hint else []
            job.findings.append(code.found(str(error), status=Status.UNKNOWN, affects=(job.check.id,), actions=actions))
        return job.result(Status.UNKNOWN, reason=str(error))


def _untold(finding: Finding) -> Finding:
    """What is left of "it cannot be reached" when the run's deadline ended the wait: nobody knows."""
    more = Action(text="Look again with more time", commands=("diag run --deadline 60s",))
    return structs.replace(finding, status=Status.UNKNOWN, actions=(more, *finding.actions), cause="", cause_codes=())


def _proven(finding: object) -> None:
    """Raises TypeError for what is no finding, or one that no renderer could show."""
    if not isinstance(finding, Finding):
        raise TypeError(f"a check yields findings, not {type(finding).__name__}")
    try:
        msgspec.convert(msgspec.to_builtins(finding), Finding)
    except (msgspec.ValidationError, TypeError) as error:
        raise TypeError(f"{finding.code} is no finding that can be shown: {error}") from None


def _remedy(error: SourceError) -> Action:
    """What to do about it: the source's hint, and the statement that gives a missing grant."""
    statement = error.statement if isinstance(error, Denied) else ""
    commands = (statement,) if statement else ()
    return Action(text=error.hint[0].upper() + error.hint[1:], commands=commands, changes_something=bool(statement))


def crash(check: Check, error: BaseException) -> Finding:
    """The finding for a check that crashed: the error, and the lines it went through (never local values)."""
    try:
        said = excerpt(str(error), MAX_ERROR)
    except Exception:  # noqa: BLE001 - an exception of anybody's making need not even have a text
        said = "(its text cannot be had)"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}" for frame in frames[-5:]]
    return CRASHED.found(
        f"{check.id} crashed with {type(error).__name__}: {said}",
        detail="This is a defect of the check, not of the install.",
        evidence=[Text(title="Where", text="\n".join(lines))],
        source_text=True,
    )
