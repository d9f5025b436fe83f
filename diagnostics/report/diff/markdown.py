"""The difference as Markdown, for a thread or a job's summary."""

from collections.abc import Iterator, Sequence

from diagnostics.report.diff.model import Change, Difference, Kind
from diagnostics.report.diff.words import HEADINGS, MOST, compared, groups, lines, sight, sign_of, summary, told, verdicts
from diagnostics.report.markdown.text import Dress
from diagnostics.report.options import RenderOptions
from diagnostics.report.wording import more


def render(difference: Difference, options: RenderOptions) -> str:
    """Ends with a newline."""
    dress = Dress(options)
    blocks = [
        *(f"> {dress.bold(caveat)}" for caveat in difference.caveats),
        "\n".join(
            f"- {verdict.label}: {dress.emoji(verdict.status)} {dress.bold(verdict.headline)}"
            for verdict in verdicts(difference)
        ),
        summary(difference),
        *(block for kind, changes in groups(difference) for block in _group(dress, kind, changes)),
        *_also(dress, difference),
        f"<sub>{dress.inline(compared(difference))}</sub>",
    ]
    return "\n\n".join(blocks) + "\n"


def _group(dress: Dress, kind: Kind, changes: Sequence[Change]) -> list[str]:
    items = [_item(dress, change) for change in changes[:MOST]]
    rest = more(len(changes) - MOST, "finding")
    return [f"#### {HEADINGS[kind]}", "\n".join(items), *([f"and {rest}; `--format json` has them all"] if rest else [])]


def _item(dress: Dress, change: Change) -> str:
    about = f" {', '.join(dress.code(name) for name in change.affects[:5])}" if change.affects else ""
    head = f"- {dress.sign(sign_of(change))} {dress.code(change.code)}{about}"
    told_by = [f"{line.label}: {dress.inline(line.text)}" if line.label else dress.inline(line.text) for line in lines(change)]
    return "\n".join([head, *(f"  - {text}" for text in told_by)])


def _also(dress: Dress, difference: Difference) -> Iterator[str]:
    shown = [told(shift) for shift in difference.shifts] + [f"{line.label}: {line.text}" for line in sight(difference)]
    if shown:
        yield "#### Also changed"
        yield "\n".join(f"- {dress.inline(text)}" for text in shown[:MOST])
    if rest := more(len(shown) - MOST, "line"):
        yield f"and {rest}"
