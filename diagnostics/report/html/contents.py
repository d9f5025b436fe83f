"""What stands on the page, part by part."""

from collections.abc import Sequence
from functools import partial

from markupsafe import Markup
from msgspec import Struct

from diagnostics.report import markdown, slack
from diagnostics.report.hero import hero
from diagnostics.report.html.checks import checks
from diagnostics.report.html.page import Section, part, section
from diagnostics.report.html.picture import Picture, picture
from diagnostics.report.html.problems import note, problems
from diagnostics.report.model import Report, StageState, Status
from diagnostics.report.options import RenderOptions
from diagnostics.report.outline import Outline, Reason, outline
from diagnostics.report.signs import STAGE_NAMES, sign
from diagnostics.report.wording import cost, redacted, seconds, stamp, window


class Version(Struct, frozen=True, kw_only=True):
    """The report in another format, to be copied from the page: one text, or several messages."""

    name: str
    where: str
    texts: tuple[str, ...]


class Contents(Struct, frozen=True, kw_only=True):
    """The parts in reading order; one that is empty does not appear. `quiet` leaves out all but the verdict, what to do next
    and how complete the look was."""

    sign: str
    status: Status
    notice: str
    about: tuple[str, ...]
    headline: str
    why: Section
    confidence: str
    doubts: Section
    also: tuple[str, ...]
    path: Picture
    troubled: Section
    next: Section
    completeness: str
    problems: Section
    notes: Section
    runbook: str
    steps: Section
    unseen: Section
    support: Section
    checks: Section
    versions: tuple[Version, ...]
    colophon: tuple[str, ...]
    quiet: bool


def contents(report: Report, options: RenderOptions) -> Contents:
    """All that the page says."""
    parts = outline(report)
    cards = problems(report, parts.problems)
    anchors = [] if options.quiet else [problem.code for problem in parts.problems[: len(cards.blocks)]]
    return Contents(
        sign=sign(parts.status),
        status=parts.status,
        notice=parts.notice,
        about=_told(parts.place, window(report), stamp(report.started_at)),
        headline=parts.headline,
        why=section("sentence", parts.why, partial(_reason, anchors)),
        confidence=report.verdict.confidence,
        doubts=section("doubt", parts.doubts, partial(part, "sentence")),
        also=report.verdict.also,
        path=picture(report),
        troubled=section("stage", parts.troubled, _stage),
        next=section("step", parts.next, partial(part, "action")),
        completeness=report.completeness.statement,
        problems=cards,
        notes=section("note", parts.notes, partial(note, report)),
        runbook=report.runbook,
        steps=section("step", parts.steps, partial(part, "step")),
        unseen=section("blind spot", parts.unseen, partial(part, "unseen")),
        support=section("sentence", _support(report, parts, options), partial(part, "item")),
        checks=checks(report),
        versions=_versions(report, options),
        colophon=_colophon(report, parts),
        quiet=options.quiet,
    )


def _reason(anchors: Sequence[str], reason: Reason) -> Markup:
    """A sentence, with a link to the problem that it quotes."""
    return part("reason", reason, anchors.index(reason.code) + 1 if reason.code in anchors else 0)


def _stage(state: StageState) -> Markup:
    return part("stage", state.status, STAGE_NAMES[state.id], state.note)


def _support(report: Report, parts: Outline, options: RenderOptions) -> tuple[str, ...]:
    if options.audience == "hero":
        return hero(report)
    escalate = report.triage.escalate_reason if report.triage.escalate else "no"
    return (f"Tag: {report.triage.category}. Escalate: {escalate}.", *(f"Ask: {question}" for question in parts.ask))


def _versions(report: Report, options: RenderOptions) -> tuple[Version, ...]:
    plain = RenderOptions(verbose=options.verbose, audience=options.audience)
    return (
        Version(name="GitHub", where="an issue or comment in Markdown", texts=(markdown.render(report, plain),)),
        Version(name="Slack", where="a message, and its thread where it is long", texts=tuple(slack.messages(report, plain))),
    )


def _colophon(report: Report, parts: Outline) -> tuple[str, ...]:
    tool = f"{report.tool.name} {report.tool.version}"
    return (
        f"{cost(report.cost)} {redacted(report.privacy.redacted)}",
        " · ".join(_told(tool, *parts.versions, f"report {report.id}", f"took {seconds(report.duration_s)}")),
        "More about a code: diag explain CODE",
        "This page is one file. It loads nothing and sends nothing.",
    )


def _told(*texts: str) -> tuple[str, ...]:
    return tuple(text for text in texts if text)
