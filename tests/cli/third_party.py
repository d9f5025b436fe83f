"""A third-party distribution, made on the fly: modules and the entry points that offer them."""

import os
from pathlib import Path

CHECK = '''
import time
from collections.abc import Iterator
from diagnostics import Code, Finding, Stage, Status, Window, check

ODD = Code(id="{id}.odd", worst=Status.WARN, summary="something is odd")


@check("{id}", stage=Stage.APP, title="Nothing is odd", finds=[ODD], timeout={timeout})
def look(window: Window) -> Iterator[Finding]:
    """Looks at nothing."""
    {body}
    yield from ()
'''


def distribution(folder: Path, **modules: str) -> dict[str, str]:
    """Lays out a distribution that offers each module as checks. Returns the environment in which it is installed."""
    info = folder / "third_party-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: third-party\nVersion: 1.0\n")
    lines = "\n".join(f"{name} = {name}" for name in modules)
    (info / "entry_points.txt").write_text(f"[posthog_diag.checks]\n{lines}\n")
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text)
    return {**os.environ, "PYTHONPATH": str(folder)}


def check_module(id: str, body: str = "pass", timeout: float = 10.0) -> str:
    """The source of a module with one check."""
    return CHECK.format(id=id, body=body, timeout=timeout)
