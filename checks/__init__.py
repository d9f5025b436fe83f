"""The built-in checks, one file a topic. They come in through the same entry points as anybody's."""
