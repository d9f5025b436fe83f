"""`diag schema`: the JSON Schema of the report."""

import json

import click


@click.command()
def schema() -> None:
    """The JSON Schema (draft 2020-12) of the report that `--format json` prints.

    Fields may be added within a schema version, never renamed or removed.
    """
    from diagnostics.report.schema import schema as report_schema

    click.echo(json.dumps(report_schema(), indent=2, ensure_ascii=False))
