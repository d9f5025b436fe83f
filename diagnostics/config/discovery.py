"""What a look at the install yields: values that can be used, and hints where they cannot."""

from msgspec import Struct

from diagnostics.config.errors import Invalid
from diagnostics.config.settings import BY_KEY, Kind
from diagnostics.config.urls import checked
from diagnostics.config.values import Value


class Found(Struct, frozen=True, kw_only=True):
    """A value and `where` it was seen. One that `goes_with` another setting (TLS options, passwords, a project's number) is
    only good as long as that setting has the given value: it must not be used for another server."""

    key: str
    value: Value
    where: str
    goes_with: tuple[str, Value] | None = None


class Hint(Struct, frozen=True, kw_only=True):
    """Something worth telling as long as `about` (a setting) has no value of its own."""

    about: str
    text: str


class Discovery(Struct, frozen=True, kw_only=True):
    """What one place told. `secrets` are passwords seen there, used or not. `lying_here` means that it was files in the
    current directory, which anybody may have written."""

    lying_here: bool = False
    found: tuple[Found, ...] = ()
    hints: tuple[Hint, ...] = ()
    secrets: tuple[str, ...] = ()


class Discoverer:
    """Collects what one place tells; a value that is no good becomes a hint."""

    def __init__(self) -> None:
        self._found: list[Found] = []
        self._hints: list[Hint] = []
        self._secrets: list[str] = []

    def add(self, key: str, value: Value, where: str, *, goes_with: tuple[str, Value] | None = None) -> None:
        """Notes a value, unless the setting does not take it."""
        choices = BY_KEY[key].choices
        if isinstance(value, str) and (not value.isprintable() or (choices and value not in choices)):
            self.hint(key, f"{where} has no usable {key}. Set {BY_KEY[key].environment[0]} instead.")
            return
        self._found.append(Found(key=key, value=value, where=where, goes_with=goes_with))

    def add_url(self, key: str, url: str, where: str) -> str | None:
        """Notes a URL and returns it as noted; a hint and None if it is none."""
        setting = BY_KEY[key]
        try:
            sound = checked(url, setting.schemes, setting.example)
        except Invalid as invalid:
            self.hint(key, f"{where} was not used: it {invalid.what}. Set {setting.environment[0]} instead.")
            return None
        self.add(key, (sound,) if setting.kind is Kind.URLS else sound, where)
        return sound

    def hint(self, about: str, text: str) -> None:
        self._hints.append(Hint(about=about, text=text))

    def hide(self, *secrets: str) -> None:
        """Notes secrets, for the redactor."""
        self._secrets += secrets

    def discovery(self, *, lying_here: bool = False) -> Discovery:
        """All of it."""
        return Discovery(
            lying_here=lying_here, found=tuple(self._found), hints=tuple(self._hints), secrets=tuple(self._secrets)
        )
