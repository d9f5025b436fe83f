"""How long `diag` takes to start and to walk a healthy install, beside what its imports alone take, in the same run.

    python -m tests.benchmarks.startup

Bytecode is compiled first, or the compiler would be measured. Medians, since machines are shared and noisy.
"""

import compileall
import os
import site
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from diagnostics.lab import scenarios, start

ROUNDS = 10
LARGE = ("chdb", "mypy", "numpy", "pandas", "pyarrow")
DIAG = str(Path(sys.executable).with_name("diag"))


def installed() -> Iterator[Path]:
    """The packages of the environment but for the large ones, which none of these commands imports."""
    for folder in map(Path, site.getsitepackages()):
        yield from (each for each in folder.iterdir() if each.is_dir() and each.name not in LARGE)


def main() -> None:
    for folder in (Path(__file__).parents[2] / "diagnostics", Path(__file__).parents[2] / "checks", *installed()):
        compileall.compile_dir(folder, quiet=2)
    healthy = next(scenario for scenario in scenarios() if scenario.id == "healthy")
    with start(healthy) as lab:
        environment = {**os.environ, **lab.environment}
        commands = {
            "import click": [sys.executable, "-c", "import click"],
            "diag --help": [DIAG, "--help"],
            "diag --version": [DIAG, "--version"],
            "import click, httpx, clickhouse_connect": [sys.executable, "-c", "import click, httpx, clickhouse_connect"],
            "diag run (healthy lab)": [DIAG, "run", "--format", "markdown"],
        }
        taken: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(ROUNDS):  # in turns, so that a noisy minute falls on all
            for name, command in commands.items():
                begun = time.perf_counter()
                done = subprocess.run(command, env=environment, capture_output=True, check=False)
                taken[name].append(time.perf_counter() - begun)
                if done.returncode:
                    raise SystemExit(f"{name} ended with {done.returncode}: {done.stderr.decode()}")
    medians = {name: statistics.median(times) for name, times in taken.items()}
    for name, median in medians.items():
        print(f"{median * 1000:7.0f} ms  {name}")
    print(f"--help / import click = {medians['diag --help'] / medians['import click']:.2f} (target: at most 1.3)")
    over = medians["diag run (healthy lab)"] - medians["import click, httpx, clickhouse_connect"]
    print(f"healthy run over its imports = {over:.2f} s (target: at most 0.4 s)")


if __name__ == "__main__":
    main()
