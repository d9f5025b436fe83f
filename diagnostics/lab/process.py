"""The engine's process: `python -m diagnostics.lab.process`, started by `diagnostics.lab.engine`.

It reads one line (`Start`) from stdin, writes one line (`Started`) to stdout when it answers, and ends when stdin does:
however its parent dies, nothing is left behind.
"""

import contextlib
import os
import shutil
import sys
import tempfile
import threading

import msgspec

from diagnostics.lab.account import OWNER, Account, Start, Started
from diagnostics.lab.http import Server


def main() -> None:
    start = msgspec.json.decode(sys.stdin.buffer.readline(), type=Start)
    # The engine keeps a megabyte of files in the temporary directory even for what is in memory, and leaves it there.
    scratch = os.environ["TMPDIR"] = tempfile.mkdtemp(prefix="diag-lab-")
    parent = threading.Thread(target=_end_with_parent, args=(scratch,), daemon=True)
    parent.start()
    from diagnostics.lab.embedded import Embedded  # takes longest, and the parent may already be gone by then
    from diagnostics.lab.front import Front

    engine = Embedded(start.path)
    server = Server(Front(engine, Account(user=OWNER, password=start.password)))
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.buffer.write(msgspec.json.encode(Started(port=server.port, version=engine.version)) + b"\n")
        sys.stdout.buffer.flush()
    parent.join()


def _end_with_parent(scratch: str) -> None:
    sys.stdin.buffer.read()
    shutil.rmtree(scratch, ignore_errors=True)
    os._exit(0)  # at once, whatever the engine is busy with


if __name__ == "__main__":
    main()
