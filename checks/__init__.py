"""The built-in checks: a folder a system or topic, a file a check. They come in through the same entry points as anybody's."""
