"""No test reads the configuration directory of the person who runs it."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def user_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's configuration directory for the test; it does not exist yet."""
    home = tmp_path / "home"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    return home / ".config" / "posthog-diag"


@pytest.fixture
def cwd(tmp_path: Path) -> Path:
    """An empty current directory."""
    directory = tmp_path / "cwd"
    directory.mkdir()
    return directory
