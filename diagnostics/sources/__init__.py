"""One file a system. A source is the only way to the world: typed, read-only, bounded, metered, and it keeps a record."""
