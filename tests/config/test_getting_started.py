"""With nothing configured and nothing discovered, people are told the least that gets them going."""

from pathlib import Path

from click.testing import CliRunner

from diagnostics.config.load import getting_started
from tests.config.installs import hobby_2026
from tests.config.loading import loaded


def test_a_few_lines_with_a_command(cwd: Path) -> None:
    config = loaded(cwd)
    assert config.is_empty
    assert getting_started(config) == (
        "There is nothing to look at: no address of this PostHog was given, and none was found in the environment or in a\n"
        "compose file here. Give what you have, one is enough and all three tell most:\n"
        "\n"
        "  diag run --plugin-server-urls http://plugins:6738 \\\n"
        "           --clickhouse-url http://default@clickhouse:8123/posthog \\\n"
        "           --site-url https://posthog.example.com\n"
        "\n"
        "On a hobby install, run `diag run` in the directory of its docker-compose.yml. `diag config` shows what is set, and\n"
        "`diag demo` shows a report without any install."
    )


def test_what_was_seen_is_told_too(cwd: Path) -> None:
    hobby_2026(cwd)
    (cwd / ".env").write_text("REGISTRY_URL=posthog/posthog")
    config = loaded(cwd)
    assert config.is_empty
    seen = getting_started(config).split("What was seen:\n")[1]
    assert seen.startswith(
        "- docker-compose.yml, SITE_URL of service web was not used: it has no host. Set DIAG_SITE_URL instead.\n"
    )
    assert '  export DIAG_CLICKHOUSE_URL="http://default@$(docker inspect' in seen


def test_the_options_in_the_example_exist() -> None:
    import click

    from diagnostics.cli.options import setting_options

    @click.command()
    @setting_options
    def command(config_file: Path | None, options: dict[str, object]) -> None:
        click.echo(sorted(options))

    arguments = getting_started(loaded(Path())).split("diag run ")[1].split("\n\n")[0].replace("\\\n", " ").split()
    outcome = CliRunner().invoke(command, arguments)
    assert outcome.output == "['clickhouse.url', 'plugin_server_urls', 'site_url']\n"
