"""The report: its model, the redaction that guards it, safe text, and one renderer a format."""
