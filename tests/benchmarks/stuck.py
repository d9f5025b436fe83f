"""What a stuck check does to `diag run --deadline 2s`: when the report is out, and when the process is gone.

    python -m tests.benchmarks.stuck

The check sleeps for 60 s and ignores everything. Target: report and exit within 2.5 s.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from diagnostics.lab import scenarios, start
from tests.cli.third_party import check_module, distribution

ROUNDS = 5
DIAG = str(Path(sys.executable).with_name("diag"))


def main() -> None:
    healthy = next(scenario for scenario in scenarios() if scenario.id == "healthy")
    with tempfile.TemporaryDirectory() as folder, start(healthy) as lab:
        environment = {
            **distribution(Path(folder), third_stuck=check_module("stuck", "time.sleep(60)", timeout=30)),
            **lab.environment,
        }
        reported, exited = [], []
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            running = subprocess.Popen([DIAG, "run", "--deadline", "2s"], env=environment, stdout=subprocess.PIPE, text=True)
            assert running.stdout
            text = running.stdout.read()
            reported.append(time.perf_counter() - begun)
            running.wait()
            exited.append(time.perf_counter() - begun)
            if "stuck" not in text:
                raise SystemExit(f"the report does not name the stuck check:\n{text}")
    print(f"report after {statistics.median(reported):.2f} s (worst {max(reported):.2f} s)")
    print(
        f"exit after   {statistics.median(exited):.2f} s (worst {max(exited):.2f} s), code {running.returncode} (target: 2.5 s)"
    )


if __name__ == "__main__":
    main()
