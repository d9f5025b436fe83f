"""What to say when there is nothing to look at: the least that gets one going."""

from diagnostics.config.configuration import Configuration


def getting_started(config: Configuration) -> str:
    """A few lines for stderr, to go with exit code 2."""
    lines = [
        "There is nothing to look at: no address of this PostHog was given, and none was found in the environment or in a",
        "compose file here. Give what you have, one is enough and all three tell most:",
        "",
        "  diag run --plugin-server-urls http://plugins:6738 \\",
        "           --clickhouse-url http://default@clickhouse:8123/posthog \\",
        "           --site-url https://posthog.example.com",
        "",
        "On a hobby install, run `diag run` in the directory of its docker-compose.yml. `diag config` shows what is set, and",
        "`diag demo` shows a report without any install.",
    ]
    if config.hints:
        lines += ["", "What was seen:", *(f"- {hint}" for hint in config.hints)]
    return "\n".join(lines)
