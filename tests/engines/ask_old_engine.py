"""Runs in a process of its own: `ask_old_engine.py PLACE` asks the embedded engine that is there each text of SQL it is given.

Old engines keep nothing from one call to the next, write errors to stderr, and answer the last statement of a text alone.
"""

import json
import os
import sys
import tempfile
from collections.abc import Callable
from typing import Any


def said(query: Callable[[str, str], Any], sql: str) -> tuple[str, str]:
    """What came back, and what was written to stderr or raised."""
    with tempfile.TemporaryFile() as written:
        stderr = os.dup(2)
        os.dup2(written.fileno(), 2)
        try:
            answer = query(sql, "JSONEachRow")
            content = answer.get_memview().tobytes() if hasattr(answer, "get_memview") else answer.bytes()
            text, error = bytes(content or b"").decode(), ""
        except Exception as raised:  # noqa: BLE001 - of whatever kind this engine has
            text, error = "", str(raised)
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
        written.seek(0)
        return text, error or written.read().decode()


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    import chdb

    json.dump([said(chdb.query, sql) for sql in json.load(sys.stdin)], sys.stdout)
    sys.stdout.flush()
    os._exit(0)  # the oldest engine does not always survive its own end
