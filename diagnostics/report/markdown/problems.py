"""What was found, in Markdown: a fold for each problem, as many and as full as there is room for."""

from collections.abc import Sequence
from functools import partial

from diagnostics.report.budget import allot
from diagnostics.report.markdown.evidence import shown
from diagnostics.report.markdown.text import Dress
from diagnostics.report.model import Action, Finding, QueryText, Report, Status
from diagnostics.report.outline import Point, Problem
from diagnostics.report.wording import consequence, count, more

LIMIT = 65_536  # characters of a GitHub comment
WITH_CLAIM = 100
MOST = 10  # commands of one action


def problems(dress: Dress, report: Report, found: Sequence[Problem], room: int) -> list[str]:
    """Blocks of at most `room` characters, the heading and what is said of things left out not counted."""
    full = partial(_folded, dress, report, points=20, rows=50, passage=4000, queries=True)
    brief = partial(_folded, dress, report, points=5, rows=5, passage=500, queries=False)
    allotted = allot(found, room, short=partial(_line, dress), longer=(full, brief), most=WITH_CLAIM)
    left_out = [f"{count(allotted.missing, 'problem')}"] if allotted.missing else []
    left_out += [f"evidence of {count(allotted.shortened, 'problem')}"] if allotted.shortened else []
    told = f"Left out to fit one comment ({LIMIT:,} characters): {' and '.join(left_out)}. `--format json` holds everything."
    return ["**Problems**" if found else "", *allotted.texts, told if left_out else ""]


def headed(dress: Dress, status: Status, code: str, claim: str) -> str:
    """An item of a list."""
    return f"- {dress.sign(status)} {dress.code(code)} {dress.inline(claim, 300)}".rstrip()


def action(dress: Dress, bullet: str, wanted: Action, *, listed: bool = True) -> str:
    """What to do, what that does, and the commands for it, as an item of a list or as a paragraph."""
    what = consequence(wanted)
    marked = "" if not what else f" ({what})" if wanted.safe else f" (**{what}**)"
    commands = wanted.commands[:MOST]
    together = ["\n".join(commands)] if not any("\n" in command for command in commands) else commands
    fences = [dress.fence(command, "sh", limit=5000 // len(together)) for command in together if command]
    rest = more(len(wanted.commands) - MOST, "command")
    margin = " " * (len(bullet) + 1) if listed else ""
    body = "".join(f"\n{line}" for line in [*fences, *([f"and {rest}"] if rest else [])]).replace("\n", f"\n{margin}")
    return f"{bullet} {dress.inline(wanted.text)}{marked}{body}"


def _line(dress: Dress, problem: Problem) -> str:
    return headed(dress, problem.status, problem.code, problem.points[0].claim if problem.points else "")


def _folded(dress: Dress, report: Report, problem: Problem, *, points: int, rows: int, passage: int, queries: bool) -> str:
    """A problem whose claim is seen and whose evidence unfolds; a line when there is nothing to unfold."""
    inside = []
    for index, point in enumerate(problem.points[:points]):
        inside += [dress.inline(point.claim)] if index and point.claim else []
        inside += _backing(dress, point)
        inside += shown(dress, point.finding.evidence, at=report.started_at, rows=rows, passage=passage, queries=queries)
    rest = more(len(problem.points) - points, "finding")
    inside += [f"and {rest} of this code"] if rest else []
    inside += [action(dress, "-", wanted) for wanted in problem.actions]
    if not inside:
        return _line(dress, problem)
    first = problem.points[0] if problem.points else None
    claim = "" if not first else dress.inline(first.claim, 300) if first.claim else _titles(dress, first.finding)
    # A heading, because GitHub keeps it on the line of the triangle; after an empty line, because only then Markdown is read.
    summary = f"#### {dress.emoji(problem.status)} {dress.code(problem.code)} {claim}".rstrip()
    return "\n\n".join(["<details><summary>", summary, "</summary>", *inside, "</details>"])


def _backing(dress: Dress, point: Point) -> list[str]:
    finding, lines = point.finding, []
    if point.cause:
        codes = ", ".join(dress.code(code) for code in finding.cause_codes[:5])
        lines.append(f"Known: {dress.inline(point.cause)}" + (f" ({codes})" if codes else ""))
    lines += [dress.inline(finding.detail)] if finding.detail else []
    lines += [f"Affects {', '.join(dress.code(name) for name in finding.affects[:20])}"] if finding.affects else []
    return lines


def _titles(dress: Dress, finding: Finding) -> str:
    """What unfolds, for a finding whose claim was made before."""
    pieces = [piece for piece in finding.evidence if not isinstance(piece, QueryText)]
    return ", ".join(dress.inline(piece.title, 60) for piece in pieces[:5])
