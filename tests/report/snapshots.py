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
    "problem.slack.txt": (reports.problem, "slack", RenderOptions()),
    "problem-verbose-ascii.slack.txt": (reports.problem, "slack", RenderOptions(verbose=True, unicode=False)),
    "healthy.slack.txt": (reports.healthy, "slack", RenderOptions()),
    "inconclusive.slack.txt": (reports.inconclusive, "slack", RenderOptions()),
    "problem-quiet.slack.txt": (reports.problem, "slack", RenderOptions(quiet=True)),
    "problem.email.txt": (reports.problem, "email", RenderOptions()),
    "problem-verbose-ascii.email.txt": (reports.problem, "email", RenderOptions(verbose=True, unicode=False)),
    "healthy.email.txt": (reports.healthy, "email", RenderOptions()),
    "inconclusive.email.txt": (reports.inconclusive, "email", RenderOptions()),
    "cut-short.email.txt": (reports.cut_short, "email", RenderOptions()),
    "problem-for-hero.txt": (reports.problem, "terminal", RenderOptions(audience="hero")),
    "problem-for-hero.md": (reports.problem, "markdown", RenderOptions(audience="hero")),
    "problem-for-hero.slack.txt": (reports.problem, "slack", RenderOptions(audience="hero")),
    "problem-for-hero.email.txt": (reports.problem, "email", RenderOptions(audience="hero")),
    "problem.junit.xml": (reports.problem, "junit", RenderOptions()),
    "warning-fails.junit.xml": (reports.warning, "junit", RenderOptions(warnings_fail=True)),
    "inconclusive.junit.xml": (reports.inconclusive, "junit", RenderOptions()),
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
