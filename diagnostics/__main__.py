"""`python -m diagnostics` is `diag`."""

from diagnostics.cli import main

main()
