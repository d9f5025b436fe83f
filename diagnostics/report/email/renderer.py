"""The report as one e-mail: plain text of at most 200 lines, with a subject. Mail programs break longer lines where they like,
so commands are folded; they stand at the left margin, because blanks before them would get into their quotes.
"""

import textwrap
from collections.abc import Callable, Sequence
from functools import partial

from msgspec import structs
from rich.text import Text

from diagnostics.report import digest
from diagnostics.report.budget import allot, fitting, lines
from diagnostics.report.email.command import folded
from diagnostics.report.model import Action, Report
from diagnostics.report.options import RenderOptions
from diagnostics.report.outline import Outline, Problem, outline
from diagnostics.report.safetext import block, shorten
from diagnostics.report.terminal.extent import Extent
from diagnostics.report.terminal.page import Page
from diagnostics.report.terminal.problems import MANY, action, brief, full, notes
from diagnostics.report.terminal.renderer import checks, footer, looked, steps, support, unseen, verdict, way
from diagnostics.report.wording import count, more

LINES = 200
WIDTH = 72
SUBJECT = 76

# Lines that a part may take, so that every part has its place however much another has to say; problems get the rest.
TOP, NEXT, LOOKED, NOTES, STEPS, UNSEEN, SUPPORT, CHECKS = 36, 48, 8, 8, 16, 20, 14, 16
HELD_BACK = 12  # the footer, headings, and what is said of things left out

CLAIM = 4  # lines of a problem that is only named
CLAIMS = 30  # problems that are named
LONGEST = 4_000  # characters of a command

FULL = Extent(
    evidence=10,
    claims=CLAIMS,
    points=4,
    rows=8,
    lines=6,
    cell=160,
    passage=320,
    room=LINES * WIDTH,
    all=False,
    rest="--format json holds all",
)
BRIEF = structs.replace(FULL, points=1, rows=3, lines=3)


def render(report: Report, options: RenderOptions) -> str:
    """The subject, an empty line, and the rest, in at most LINES lines."""
    written, parts = Writing(options), outline(report)
    before = [
        written(TOP, lambda page: _top(page, report, parts, quiet=options.quiet)),
        *_next(written, parts.next),
        written(LOOKED, lambda page: looked(page, report)),
    ]
    after = [] if options.quiet else _after(written, report, parts, options)
    after.append(written(HELD_BACK, lambda page: footer(page, report, parts, quiet=options.quiet)))
    room = LINES - sum(lines(text) for text in (*before, *after)) - HELD_BACK
    found = [] if options.quiet else _problems(written, report, parts.problems, room, verbose=options.verbose)
    text = "\n\n".join(filter(None, [*before, *found, *after]))
    sealed = written(HELD_BACK, lambda page: page.line(digest.explained(text), indent=1))
    return f"{_subject(written, report)}\n\n{text}\n{sealed}\n"


class Letter(Page):
    """A page whose commands are folded."""

    def verbatim(self, text: str, *, indent: int, style: str = "") -> None:  # noqa: ARG002 - at the margin, without colour
        for line in folded(self.folded(block(shorten(text, LONGEST))), WIDTH):
            self.exactly(line)


class Writing:
    """Writes parts of the letter, each on a page of its own, so that its lines can be counted."""

    def __init__(self, options: RenderOptions) -> None:
        self.options = structs.replace(options, width=WIDTH, color=False)

    def __call__(self, room: int, draw: Callable[[Page], object]) -> str:
        """What `draw` writes, in at most `room` lines; how many are missing stands in the last one."""
        page = Letter(self.options)
        draw(page)
        all_lines = page.finish().rstrip("\n").split("\n")
        rest = more(len(all_lines) - room + 1, "line") if len(all_lines) > room else ""
        return "\n".join([*all_lines[: room - 1], f" and {rest}"] if rest else all_lines)


def _subject(written: Writing, report: Report) -> str:
    clean = Letter(written.options).clean
    start = f"Subject: [diag {shorten(clean(report.id, 16), 16)}] "
    headline = clean(report.verdict.headline.rstrip("."))
    room = SUBJECT - len(start)
    subject = Text(start + (textwrap.shorten(headline, room, placeholder=" ...") if " " in headline[:room] else headline))
    subject.truncate(SUBJECT, overflow="crop")
    return subject.plain


def _top(page: Page, report: Report, parts: Outline, *, quiet: bool) -> None:
    verdict(page, report, parts, quiet=quiet)
    if not quiet:
        way(page, report, parts)


def _next(written: Writing, actions: Sequence[Action]) -> list[str]:
    """The steps that there is room for, at least the first."""
    if not actions:
        return []
    texts = [written(NEXT, partial(_step, number=number, wanted=wanted)) for number, wanted in enumerate(actions[:MANY], 1)]
    kept, _ = fitting(texts, NEXT, lines)
    kept = kept or texts[:1]
    rest = more(len(actions) - len(kept), "step")
    return [" Next", *kept, f" and {rest}" if rest else ""]


def _step(page: Page, number: int, wanted: Action) -> None:
    action(page, f"{number}", wanted, indent=2)


def _problems(written: Writing, report: Report, found: Sequence[Problem], room: int, *, verbose: bool) -> list[str]:
    def told(extent: Extent, problem: Problem) -> str:
        return written(LINES, lambda page: full(page, report, problem, extent))

    short = partial(written, CLAIM)
    longer = (partial(told, structs.replace(FULL, all=verbose)), partial(told, BRIEF))
    allotted = allot(
        found, room, short=lambda problem: short(lambda page: brief(page, problem)), longer=longer, most=CLAIMS, size=lines
    )
    left_out = [f"{count(allotted.missing, 'problem')}"] if allotted.missing else []
    left_out += [f"evidence of {count(allotted.shortened, 'problem')}"] if allotted.shortened else []
    told_of = f"Left out to fit {LINES} lines: {' and '.join(left_out)}. --format json holds everything."
    return [
        " Problems" if found else "",
        *allotted.texts,
        written(CLAIM, lambda page: page.line(told_of, indent=1)) if left_out else "",
    ]


def _after(written: Writing, report: Report, parts: Outline, options: RenderOptions) -> list[str]:
    texts = [
        written(NOTES, lambda page: notes(page, report, parts.notes, BRIEF)),
        written(STEPS, lambda page: steps(page, report, parts)),
        written(UNSEEN, lambda page: unseen(page, parts.unseen)),
        written(SUPPORT, lambda page: support(page, report, parts, options)),
    ]
    return [*texts, written(CHECKS, lambda page: checks(page, report))] if options.verbose else texts
