import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from diagnostics.engine.check import Check, Scope, Thresholds, Window
from diagnostics.engine.known_errors import KnownErrors
from diagnostics.engine.runner import CRASHED, MAX_FINDINGS, TIMED_OUT, Outcome, run
from diagnostics.report.model import Action, CheckResult, ClickHouseCost, Cost, Finding, Stage, Status
from diagnostics.sources.errors import Denied, Refused, TimedOut
from diagnostics.sources.source import Connected, Connection, Exchange, NotConnected, Recorder, Source, now
from tests.engine.declared import APP_DOWN, ASK, BAD, ODD, UNREACHABLE, Oracle, declare

CODES = {code.id: code for code in (BAD, ODD, UNREACHABLE, APP_DOWN, CRASHED, TIMED_OUT)}
CONTEXT: dict[type, object] = {
    Scope: Scope(),
    Thresholds: Thresholds(),
    KnownErrors: KnownErrors(),
    Window: Window(now(), now()),
}


def go(
    *checks: Check,
    sources: Mapping[type[Source], Source | str] | None = None,
    seconds: float = 5.0,
    skipped: Mapping[str, str] | None = None,
    recorder: Recorder | None = None,
    on_result: Callable[[CheckResult], None] = lambda _: None,
) -> Outcome:
    return run(
        checks,
        skipped=skipped or {},
        sources={Oracle: Oracle()} if sources is None else sources,
        context=CONTEXT,
        codes=CODES,
        recorder=recorder or Recorder(),
        deadline=time.monotonic() + seconds,
        on_result=on_result,
    )


def finds(*findings: Finding) -> Callable[[Oracle], Iterator[Finding]]:
    def look(oracle: Oracle) -> Iterator[Finding]:
        yield from findings

    return look


def raises(error: BaseException, *findings: Finding) -> Callable[[Oracle], Iterator[Finding]]:
    def look(oracle: Oracle) -> Iterator[Finding]:
        yield from findings
        raise error

    return look


def only(outcome: Outcome) -> CheckResult:
    (result,) = outcome.results
    return result


def test_a_check_that_finds_nothing_is_ok() -> None:
    result = only(go(declare(finds())))
    assert (result.status, result.findings, result.reason) == (Status.OK, (), "")


def test_the_worst_finding_is_the_status_and_findings_get_the_stage_of_the_check() -> None:
    result = only(go(declare(finds(ODD.found("a"), BAD.found("b")))))
    assert result.status is Status.FAIL
    assert [finding.stage for finding in result.findings] == [Stage.KAFKA, Stage.KAFKA]


def test_results_stand_in_the_order_of_the_checks_whatever_finishes_first() -> None:
    def slow(oracle: Oracle) -> Iterator[Finding]:
        time.sleep(0.1)
        yield from ()

    seen: list[str] = []
    outcome = go(declare(slow, "slow"), declare(finds(), "fast"), on_result=lambda result: seen.append(result.id))
    assert [result.id for result in outcome.results] == ["slow", "fast"]
    assert seen == ["fast", "slow"]


def test_an_unreachable_source_blocks_all_but_the_check_that_reports_it() -> None:
    def report(oracle: Oracle) -> Iterator[Finding]:
        yield UNREACHABLE.found("the oracle does not answer")

    outcome = go(
        declare(report, "oracle-connection", finds=[UNREACHABLE], probes=Oracle),
        declare(finds(BAD.found("never asked"))),
        sources={Oracle: Oracle(up=False)},
    )
    reporter, blocked = outcome.results
    assert reporter.status is Status.FAIL
    assert (blocked.status, blocked.blocked_by, blocked.reason) == (
        Status.BLOCKED,
        "oracle-connection",
        "the oracle does not answer",
    )
    assert blocked.findings == ()


def test_an_optional_source_that_is_missing_or_unreachable_is_none() -> None:
    def look(oracle: Oracle | None) -> Iterator[Finding]:
        if oracle is None:
            yield ODD.found("without")

    for sources in ({Oracle: "no oracle is configured"}, {Oracle: Oracle(up=False)}):
        assert only(go(declare(look), sources=sources)).findings[0].claim == "without"


def test_a_skipped_check_says_why() -> None:
    result = only(go(declare(finds(BAD.found("never"))), skipped={"omen": "left out by --skip omen"}))
    assert (result.status, result.reason, result.findings) == (Status.SKIPPED, "left out by --skip omen", ())


def test_a_crash_is_the_check_s_and_keeps_what_was_found_before() -> None:
    outcome = go(declare(raises(ValueError("boom"), ODD.found("before")), "sick"), declare(finds(), "well"))
    sick, well = outcome.results
    assert [finding.code for finding in sick.findings] == ["oracle.odd", "check.crashed"]
    assert sick.findings[1].claim == "sick crashed with ValueError: boom"
    assert sick.findings[1].status is Status.UNKNOWN
    assert well.status is Status.OK


def test_a_check_that_exits_the_interpreter_crashes_alone() -> None:
    assert only(go(declare(raises(SystemExit(9))))).findings[0].claim == "omen crashed with SystemExit: 9"


def test_a_finding_that_was_not_declared_is_a_defect_of_the_check() -> None:
    result = only(go(declare(finds(APP_DOWN.found("x")))))
    assert result.findings[0].claim == "omen crashed with TypeError: omen raised app.down, which it does not declare in `finds`"


def test_a_missing_grant_is_unknown_and_raises_the_code_that_the_source_names() -> None:
    statement = "GRANT SELECT ON x TO diag;"
    denied = Denied("may not read it", grant="SELECT ON x", hint="give it", statement=statement, code="oracle.unreachable")
    result = only(go(declare(raises(denied))))
    assert (result.status, result.reason) == (Status.UNKNOWN, "may not read it")
    (finding,) = result.findings
    assert (finding.code, finding.status) == ("oracle.unreachable", Status.UNKNOWN)
    assert finding.actions == (Action(text="Give it", commands=(statement,), changes_something=True),)


def test_a_check_that_says_itself_that_it_could_not_look_gives_that_as_the_reason() -> None:
    result = only(go(declare(finds(BAD.found("the oracle refuses the token", status=Status.UNKNOWN), ODD.found("odd")))))
    assert (result.status, result.reason) == (Status.WARN, "")
    result = only(go(declare(finds(BAD.found("the oracle refuses the token", status=Status.UNKNOWN)))))
    assert (result.status, result.reason) == (Status.UNKNOWN, "the oracle refuses the token")


def test_an_undeclared_read_is_refused() -> None:
    def look(oracle: Oracle) -> Iterator[Finding]:
        oracle.asker.may(ASK)
        yield from ()

    assert only(go(declare(look, reads=[ASK]))).status is Status.OK
    refused = only(go(declare(look)))
    assert refused.status is Status.UNKNOWN
    assert refused.reason == "the check omen asked for oracle.ask, which it does not declare"
    assert issubclass(Refused, Exception)


def test_a_stuck_check_is_left_behind_at_its_limit_and_the_run_goes_on() -> None:
    stuck = threading.Event()

    def look(oracle: Oracle) -> Iterator[Finding]:
        yield ODD.found("before", status=Status.INFO)
        stuck.wait(30)

    started = time.monotonic()
    outcome = go(declare(look, "stuck", timeout=0.2), declare(finds(), "well"))
    took = time.monotonic() - started
    result = outcome.results[0]
    stuck.set()
    assert 0.2 <= took < 2
    assert [finding.code for finding in result.findings] == ["oracle.odd", "check.timed-out"]
    assert (result.status, result.reason) == (Status.UNKNOWN, "did not finish within 0.2 s")
    assert outcome.cut_short is None


def test_the_deadline_ends_the_run_and_says_so() -> None:
    stuck = threading.Event()

    def look(oracle: Oracle) -> Iterator[Finding]:
        stuck.wait(30)
        yield from ()

    outcome = go(declare(look, "stuck"), declare(finds(BAD.found("b")), "well"), seconds=0.3)
    stuck.set()
    assert outcome.cut_short == "deadline"
    assert outcome.results[0].findings[0].claim == "stuck was still looking after 0.3 s, when the run's deadline came"
    assert outcome.results[1].status is Status.FAIL


def test_a_source_that_gives_up_at_the_run_s_deadline_cuts_it_short_too() -> None:
    def look(oracle: Oracle) -> Iterator[Finding]:
        time.sleep(oracle.asker.time_left)
        yield from ()
        raise TimedOut("no answer from the oracle")

    outcome = go(declare(look), seconds=0.4)
    assert outcome.cut_short == "deadline"
    assert only(outcome).reason == "no answer from the oracle"


def test_what_does_not_answer_before_the_run_s_deadline_is_not_yet_unreachable() -> None:
    def report(oracle: Oracle) -> Iterator[Finding]:
        time.sleep(oracle.asker.time_left)
        yield UNREACHABLE.found("the oracle does not answer within 0.4 s")

    probing = declare(report, "oracle-connection", finds=[UNREACHABLE], probes=Oracle)
    outcome = go(probing, sources={Oracle: Oracle(up=False)}, seconds=0.5)
    (finding,) = only(outcome).findings
    assert (finding.status, only(outcome).reason) == (Status.UNKNOWN, "the oracle does not answer within 0.4 s")
    assert finding.actions == (Action(text="Look again with more time", commands=("diag run --deadline 60s",)),)
    assert outcome.cut_short == "deadline"

    own_limit = declare(report, "oracle-connection", finds=[UNREACHABLE], probes=Oracle, timeout=0.5)
    outcome = go(own_limit, sources={Oracle: Oracle(up=False)})
    assert (only(outcome).status, outcome.cut_short) == (Status.FAIL, None)


def test_ctrl_c_gives_what_is_known_by_then() -> None:
    stuck = threading.Event()

    def look(oracle: Oracle) -> Iterator[Finding]:
        yield ODD.found("before", status=Status.INFO)
        stuck.wait(30)

    def interrupt(result: CheckResult) -> None:
        raise KeyboardInterrupt

    outcome = go(declare(look, "stuck"), declare(finds(BAD.found("b")), "well"), on_result=interrupt)
    stuck.set()
    assert outcome.cut_short == "interrupted"
    assert [result.reason for result in outcome.results] == ["the run was interrupted before it finished", ""]
    assert [result.status for result in outcome.results] == [Status.UNKNOWN, Status.FAIL]


def test_a_failing_finding_raises_the_codes_that_its_error_texts_point_to() -> None:
    pointing = BAD.found("12 errors", cause="the app ran out of seats", cause_codes=["app.down", "not.declared"])
    result = only(go(declare(finds(pointing))))
    assert [(finding.code, finding.stage) for finding in result.findings] == [
        ("oracle.bad", Stage.KAFKA),
        ("app.down", Stage.APP),
    ]
    assert result.findings[1].claim == "the app ran out of seats: the error texts behind oracle.bad say so"


def test_a_code_that_is_pointed_to_is_of_the_stage_of_the_check_that_looks_for_it_itself() -> None:
    pointing = BAD.found("12 errors", cause="it stutters", cause_codes=["oracle.odd"])
    outcome = go(declare(finds(pointing), finds=[BAD]), declare(finds(), "other", finds=[ODD], stage=Stage.CLICKHOUSE))
    found = [(finding.code, finding.stage) for result in outcome.results for finding in result.findings]
    assert found == [("oracle.bad", Stage.KAFKA), ("oracle.odd", Stage.CLICKHOUSE)]


def test_what_is_over_points_to_nothing() -> None:
    past = ODD.found("12 errors yesterday", cause="the app ran out of seats", cause_codes=["app.down"])
    assert [finding.code for finding in only(go(declare(finds(past)))).findings] == ["oracle.odd"]


def test_each_check_is_told_what_it_cost() -> None:
    recorder = Recorder()
    cost = Cost(clickhouse=ClickHouseCost(queries=1, read_rows=7))

    def look(oracle: Oracle) -> Iterator[Finding]:
        common: dict[str, Any] = {"params": {}, "started_at": now(), "duration_s": 0.1}
        recorder.add(Exchange(source="oracle", name="ask", check=oracle.asker.check, request="GET /", cost=cost, **common))
        yield from ()

    outcome = go(declare(look, "asks"), declare(finds(), "silent"), recorder=recorder)
    assert [result.cost.clickhouse.read_rows for result in outcome.results] == [7, 0]
    assert recorder.cost() == cost


def test_a_check_with_little_time_does_not_make_a_slow_source_look_unreachable() -> None:
    class Slow(Oracle):
        def connection(self) -> Connection:
            answered = self.asker.time_left > 1
            return Connected(seconds=1.0) if answered else NotConnected(code="x", message="no answer in time", hint="wait")

    def report(oracle: Slow) -> Iterator[Finding]:
        yield from ()

    def look(oracle: Slow) -> Iterator[Finding]:
        assert oracle.asker.time_left < 0.5
        yield ODD.found("looked")

    outcome = go(declare(look, timeout=0.6), declare(report, "reporter", probes=Slow), sources={Slow: Slow()})
    assert [finding.claim for finding in outcome.results[0].findings] == ["looked"]


def test_a_check_that_never_ends_finding_is_stopped() -> None:
    def look(oracle: Oracle) -> Iterator[Finding]:
        while True:
            yield ODD.found("again")

    result = only(go(declare(look)))
    assert len(result.findings) == MAX_FINDINGS + 1
    assert result.findings[-1].claim == "omen crashed with ValueError: more than 200 findings: the rest is left out"


@pytest.mark.parametrize(
    ("yielded", "why"),
    [
        (5, "a check yields findings, not int"),
        (None, "a check yields findings, not NoneType"),
        (ODD.found(5), "oracle.odd is no finding that can be shown: Expected `str`, got `int` - at `$.claim`"),  # type: ignore[arg-type]
        (
            ODD.found("x", evidence=["text"]),  # type: ignore[list-item]
            "oracle.odd is no finding that can be shown: Expected `object`, got `str` - at `$.evidence[0]`",
        ),
    ],
)
def test_what_is_no_finding_is_a_defect_of_the_check(yielded: Any, why: str) -> None:
    result = only(go(declare(finds(ODD.found("before"), yielded))))
    assert [finding.claim for finding in result.findings] == ["before", f"omen crashed with TypeError: {why}"]


def test_a_crash_whose_text_cannot_be_had_is_reported_at_once() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise ValueError

    result = only(go(declare(raises(Mute()))))
    assert result.findings[0].claim == "omen crashed with Mute: (its text cannot be had)"


def test_an_interrupt_before_all_checks_were_started_loses_none() -> None:
    class Interrupting(Mapping[str, str]):
        def __getitem__(self, key: str) -> str:
            if key == "second":
                raise KeyboardInterrupt
            raise KeyError(key)

        def __iter__(self) -> Iterator[str]:
            return iter(())

        def __len__(self) -> int:
            return 1

    outcome = go(declare(finds(), "first"), declare(finds(), "second"), declare(finds(), "third"), skipped=Interrupting())
    assert outcome.cut_short == "interrupted"
    assert [result.id for result in outcome.results] == ["first", "second", "third"]
    assert outcome.results[2].reason == "the run was interrupted before it finished"
