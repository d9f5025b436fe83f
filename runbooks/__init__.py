"""The built-in runbooks. A package, so that a folder of this name elsewhere is not taken for it."""
