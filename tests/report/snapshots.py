"""The full texts that the renderers are held to. After a change that is meant, write them anew and read the difference:

.venv/bin/python -m tests.report.snapshots && git diff tests/report/golden
"""

from pathlib import Path

from diagnostics.report.formats import render
from diagnostics.report.options import RenderOptions
from tests.report import reports

GOLDEN = Path(__file__).with_name("golden")

SNAPSHOTS = {
    "problem.txt": (reports.problem, "terminal", RenderOptions()),
    "problem-120.txt": (reports.problem, "terminal", RenderOptions(width=120)),
    "problem-60-ascii.txt": (reports.problem, "terminal", RenderOptions(width=60, unicode=False)),
    "problem-color.txt": (reports.problem, "terminal", RenderOptions(color=True)),
    "problem-quiet.txt": (reports.problem, "terminal", RenderOptions(quiet=True)),
    "problem-verbose.txt": (reports.problem, "terminal", RenderOptions(verbose=True)),
    "warning.txt": (reports.warning, "terminal", RenderOptions()),
    "healthy.txt": (reports.healthy, "terminal", RenderOptions()),
    "inconclusive.txt": (reports.inconclusive, "terminal", RenderOptions()),
    "cut-short.txt": (reports.cut_short, "terminal", RenderOptions()),
    "problem.md": (reports.problem, "markdown", RenderOptions()),
    "problem-verbose-ascii.md": (reports.problem, "markdown", RenderOptions(verbose=True, unicode=False)),
    "warning.md": (reports.warning, "markdown", RenderOptions()),
    "healthy.md": (reports.healthy, "markdown", RenderOptions()),
    "inconclusive.md": (reports.inconclusive, "markdown", RenderOptions()),
    "cut-short.md": (reports.cut_short, "markdown", RenderOptions()),
    "problem.json": (reports.problem, "json", RenderOptions()),
}


def rendered(name: str) -> bytes:
    """What the renderer makes of it today."""
    report, format, options = SNAPSHOTS[name]
    return render(report(), format, options).encode()


if __name__ == "__main__":
    for stale in set(GOLDEN.iterdir()) - {GOLDEN / name for name in SNAPSHOTS}:
        stale.unlink()
    for name in SNAPSHOTS:
        (GOLDEN / name).write_bytes(rendered(name))
