"""The plugin server: whether it is well, gets on, and drops nothing."""
