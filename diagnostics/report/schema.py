"""The JSON Schema of the report, from the same declarations that write it."""

from typing import Any

import msgspec

from diagnostics.report.model import SCHEMA_VERSION, Report


def schema() -> dict[str, Any]:
    """Draft 2020-12. What diag always writes is required; more may be there, since fields are added within a version."""
    (root,), definitions = msgspec.json.schema_components([Report], ref_template="#/$defs/{name}")
    for definition in definitions.values():
        if "properties" in definition:
            definition["required"] = list(definition["properties"])
    definitions["Report"]["properties"]["schema_version"] = {"const": SCHEMA_VERSION}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"The report of posthog-diag, schema version {SCHEMA_VERSION}",
        **root,
        "$defs": definitions,
    }
