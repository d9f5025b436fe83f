"""One diagnosis from end to end: which checks run, running them, and the report drawn from what they found."""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from fnmatch import fnmatchcase

from msgspec import Struct, field, structs

from diagnostics.engine import runner
from diagnostics.engine.check import Check, Scope, Thresholds, Window
from diagnostics.engine.known_errors import KnownErrors
from diagnostics.engine.registry import Broken, Registry
from diagnostics.engine.runbook import Runbook
from diagnostics.engine.triage import questions, triage
from diagnostics.engine.verdict import Evidence, depth, judge
from diagnostics.report.model import (
    Blind,
    CheckResult,
    Completeness,
    Report,
    Stage,
    StageState,
    Status,
    Step,
    Tool,
    WindowSpan,
    worst,
)
from diagnostics.sources.source import Recorder, Source, now
from diagnostics.version import __version__


def new_id() -> str:
    """`7f3a-c2`."""
    return f"{secrets.token_hex(2)}-{secrets.token_hex(1)}"


class Order(Struct, frozen=True, kw_only=True):
    """What is wanted of a run: `only` and `skip` are patterns of check ids; `since` and `deadline` seconds. `options`
    are those that a check may ask for with `only_with`. `id` is the report's: random, short enough to be read out."""

    runbook: Runbook
    id: str = field(default_factory=new_id)
    since: float = 86400.0
    deadline: float = 60.0
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    options: frozenset[str] = frozenset()
    scope: Scope = Scope()

    def deselected(self, check: str) -> str:
        """Why the reader left this check out; empty when it was not left out."""
        if self.only and not any(fnmatchcase(check, pattern) for pattern in self.only):
            return f"left out by --only {' '.join(self.only)}"
        if any(fnmatchcase(check, pattern) for pattern in self.skip):
            return f"left out by --skip {' '.join(self.skip)}"
        return ""

    def unwanted(self, check: Check) -> str:
        """Why a check that does more than look was not asked for; empty for one that only looks."""
        return f"only with {check.only_with}" if check.only_with and check.only_with not in self.options else ""


def planned(registry: Registry, order: Order, sources: runner.Sources) -> list[tuple[Check, str]]:
    """The checks of the runbook, each with the reason why it is not asked (empty when it is)."""
    checks = [check for check in registry.checks if order.runbook.includes(check.id)]
    return [(check, order.deselected(check.id) or order.unwanted(check) or runner.missing(check, sources)) for check in checks]


def diagnose(
    registry: Registry,
    order: Order,
    *,
    sources: runner.Sources,
    recorder: Recorder,
    thresholds: Thresholds,
    on_result: Callable[[CheckResult], None] = lambda _: None,
) -> Report:
    """Walks the runbook. The report is complete but not yet redacted."""
    started, clock = now(), time.monotonic()
    window = Window(started - timedelta(seconds=order.since), started)
    plan = planned(registry, order, sources)
    outcome = runner.run(
        [check for check, _ in plan],
        skipped={check.id: reason for check, reason in plan if reason},
        sources=sources,
        context={Window: window, Scope: order.scope, Thresholds: thresholds, KnownErrors: registry.known},
        codes=registry.codes,
        recorder=recorder,
        deadline=clock + order.deadline,
        on_result=on_result,
    )
    results = (*outcome.results, *(_not_loaded(broken) for broken in registry.broken))
    results = tuple(_linked(result, order.runbook) for result in results)
    deselected = frozenset(check.id for check, _ in plan if order.deselected(check.id))
    unwanted = frozenset(check.id for check, _ in plan if order.unwanted(check))
    wanted = tuple(result for result in results if result.id not in unwanted)  # the others are no blind spots
    steps = tuple(_step(step.title, step.checks, results) for step in order.runbook.front.steps)
    evidence = Evidence(
        results=wanted,
        finds={check.id: frozenset(code.id for code in check.finds) for check, _ in plan},
        steps=steps,
        codes=registry.codes,
        deselected=deselected,
        cut_short=outcome.cut_short is not None,
        opened_by=_opened_by([check for check, _ in plan]),
    )
    verdict = judge(evidence)
    return Report(
        id=order.id,
        tool=Tool(name="posthog-diag", version=__version__),
        started_at=started,
        duration_s=time.monotonic() - clock,
        complete=outcome.cut_short is None,
        cut_short=outcome.cut_short,
        runbook=order.runbook.id,
        window=WindowSpan(since=window.since, until=window.until),
        install=_learned(sources),
        verdict=verdict,
        triage=triage(verdict, evidence, questions(registry.runbooks.values(), order.runbook)),
        stages=tuple(_stage(stage, wanted, registry) for stage in Stage),
        completeness=_completeness(wanted, deselected, order.scope),
        steps=steps,
        checks=results,
        cost=recorder.cost(),
    )


def _opened_by(checks: Sequence[Check]) -> dict[str, frozenset[str]]:
    """The checks of the connections that each check cannot look without."""
    probes = {check.probes: check.id for check in checks if check.probes}
    needs = {check.id: [need.source for need in check.needs if not need.optional] for check in checks}
    return {id: frozenset(probes[source] for source in sources if source in probes) - {id} for id, sources in needs.items()}


def _not_loaded(broken: Broken) -> CheckResult:
    return CheckResult(
        id=broken.name,
        title=f"What {broken.distribution} offers can be loaded",
        stage=None,
        status=Status.UNKNOWN,
        reason=f"could not be loaded from {broken.distribution}: {broken.error}",
        findings=(
            runner.CRASHED.found(
                f"{broken.name} of {broken.distribution} could not be loaded: {broken.error}", source_text=True
            ),
        ),
    )


def _linked(result: CheckResult, runbook: Runbook) -> CheckResult:
    """With the runbook section of every finding."""
    linked = tuple(
        structs.replace(finding, runbook=f"{runbook.path.name}#{finding.code}" if finding.code in runbook.sections else "")
        for finding in result.findings
    )
    return structs.replace(result, findings=linked)


def _step(title: str, checks: Sequence[str], results: Sequence[CheckResult]) -> Step:
    asked = [result for result in results if result.id in checks]
    looked = [result.status for result in asked if result.status.looked]
    missing = worst([result.status for result in asked], default=Status.SKIPPED)
    return Step(title=title, status=worst(looked) if looked else missing, checks=tuple(result.id for result in asked))


def _stage(stage: Stage, results: Sequence[CheckResult], registry: Registry) -> StageState:
    """What is known of a stage: the worst finding about it, whoever saw it; else the outcome of its own checks."""
    found = [finding for result in results for finding in result.findings if finding.stage is stage and finding.status.looked]
    bad = min((f for f in found if f.status in (Status.FAIL, Status.WARN)), key=lambda f: f.status.rank, default=None)
    if bad:
        code = registry.codes.get(bad.code)
        return StageState(id=stage, status=bad.status, note=bad.cause or (code.summary if code else ""))
    own = [result for result in results if result.stage is stage]
    reporter = next((check.id for check in registry.checks if check.probes and check.probes.id == stage), None)
    unreported = next((result for result in own if result.id == reporter and not result.status.looked), None)
    if unreported:  # nobody asked the system itself: what others saw around it does not make it well
        return StageState(id=stage, status=unreported.status, note=unreported.reason)
    refused = [result for result in own if result.status is Status.UNKNOWN]
    if refused and len(refused) < len(own):  # what the others saw does not make up for it
        return StageState(id=stage, status=Status.UNKNOWN, note=f"{len(refused)} of {len(own)} checks could not look")
    if any(result.status is Status.OK for result in own):
        blind = sum(not result.status.looked for result in own)
        return StageState(id=stage, status=Status.OK, note=f"{blind} of {len(own)} checks did not look" if blind else "")
    dark = [result for result in own if not result.status.looked]  # what is merely known (info) does not say that it works
    reason = dark[0].reason if dark else "no check looks at this stage"
    return StageState(id=stage, status=worst([result.status for result in dark], default=Status.SKIPPED), note=reason)


def _completeness(results: Sequence[CheckResult], deselected: frozenset[str], scope: Scope) -> Completeness:
    blind = [result for result in results if not result.status.looked]
    looked = len(results) - len(blind)
    narrowed = _narrowed(scope)
    statement = f"Looked with {', '.join((f'{looked} of {len(results)} checks', *narrowed))}."
    unseen = sorted({result.stage for result in blind if result.id not in deselected}, key=depth)
    dark = [stage for stage in Stage if not any(r.stage is stage and r.status.looked for r in results)]
    if unseen:
        statement += (
            f" Could not look at everything in: {', '.join(stage or 'a check that could not be loaded' for stage in unseen)}."
        )
    if dark:
        statement += f" Nothing was seen of: {', '.join(dark)}; a problem there is not ruled out."
    return Completeness(
        looked=looked,
        total=len(results),
        blind=tuple(Blind(check=result.id, status=result.status, reason=result.reason) for result in blind),
        statement=statement,
        narrowed=narrowed,
    )


def _narrowed(scope: Scope) -> tuple[str, ...]:
    """A report about one team must not read like one about the install. Sentry's user is a person, and is not named."""
    team = [f"dead letters, ingestion warnings and visible events only of team {scope.team}"] if scope.team is not None else []
    user = ["Sentry's issues only of one user"] if scope.sentry_user else []
    return (*team, *user)


def _learned(sources: Mapping[type[Source], Source | str]) -> dict[str, str]:
    facts: dict[str, str] = {}
    for source in sources.values():
        if isinstance(source, Source):
            facts[f"{source.id.replace('-', '_')}_address"] = source.address()
            facts.update(source.learned())
    return facts
