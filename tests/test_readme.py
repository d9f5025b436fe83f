"""What the README shows works as shown."""

import re
from pathlib import Path

from diagnostics.cli import SUMMARIES
from diagnostics.config.settings import SETTINGS
from tests.cli.diag import diag
from tests.cli.third_party import distribution

README = (Path(__file__).parents[1] / "README.md").read_text()


def test_the_check_of_the_readme_is_a_whole_one(tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    third = distribution(tmp_path, acme_checks=example)
    listed = diag("checks", cwd=tmp_path, environment={"PYTHONPATH": third["PYTHONPATH"]})
    assert "acme-mutations\n  No mutation fails\n" in listed.stdout
    assert "could not be loaded" not in listed.stdout


def test_commands_and_variables_of_the_readme_exist() -> None:
    assert set(re.findall(r"(?:^|`|bin/)diag ([a-z]+)", README, re.MULTILINE)) <= set(SUMMARIES)
    known = {name for setting in SETTINGS for name in setting.environment}
    assert set(re.findall(r"\bDIAG_[A-Z_]+", README)) <= known


def test_the_readme_opens_with_the_two_commands_and_the_report_that_the_first_one_prints() -> None:
    head = README[:1500]
    assert head.index("make demo") < head.index("make test") < README.index("Events stop at the plugin server")
    assert "REPORT HERE" not in README
