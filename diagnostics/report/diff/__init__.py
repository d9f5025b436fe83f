"""Two reports compared: what is new, resolved, worse, better, unchanged, and what can no longer be seen."""

from diagnostics.report.diff.compare import compare
from diagnostics.report.diff.model import KINDS, Change, Difference, Kind

__all__ = ["KINDS", "Change", "Difference", "Kind", "compare"]
