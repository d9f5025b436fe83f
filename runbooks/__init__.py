"""The built-in runbooks and the catalogue of known errors. A package, so that a folder of this name elsewhere is not taken for it."""
