"""Redaction: the last gate before anything is printed."""

from diagnostics.report.redaction.redactor import RedactionFailed, Redactor, TakenOut

__all__ = ["RedactionFailed", "Redactor", "TakenOut"]
