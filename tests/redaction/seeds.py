"""Secrets and personal data to be planted: each one unique, so that one that turns up again tells where it came from."""

import base64
import html
import re
from collections import defaultdict
from collections.abc import Callable
from urllib.parse import quote

from msgspec import Struct, structs


class Seed(Struct, frozen=True, kw_only=True):
    """`text` is what a careless system writes; `core` is the part of it that must never be seen. `place` is the input."""

    kind: str
    text: str
    core: str
    place: str = ""

    def stands_in(self, text: str) -> bool:
        """Whether `text`, read as `as_read` does, shows it, be it percent-encoded."""
        return self.core in text or quote(self.core, safe="") in text


def _seed(kind: str, before: str, core: str, after: str = "") -> Seed:
    return Seed(kind=kind, text=f"{before}{core}{after}", core=core)


def _name(number: int) -> str:
    """Letters for a number, as long for all: `qbaadc`."""
    letters = "abcdefghkm"
    return "q" + "".join(letters[int(digit)] for digit in f"{number:05}")


def _card(number: int) -> str:
    digits = f"411111{number:09}"
    total = sum(sum(divmod(2 * int(digit), 10)) if place % 2 == 0 else int(digit) for place, digit in enumerate(digits))
    return digits + str(-total % 10)


def _jwt(number: int) -> str:
    payload = base64.urlsafe_b64encode(f'{{"sub":"{_name(number)}"}}'.encode()).decode().rstrip("=")
    return f"eyJhbGciOiJIUzI1NiJ9.{payload}.dozjgNryP4J3jVmNHl0w5N{number:05}"


KINDS: tuple[Callable[[int], Seed], ...] = (
    lambda n: _seed("project token", "for token ", f"phc_Zk3{n:05}QwErTyUiOpAsDfGhJkLzXcVbNm"),
    lambda n: _seed("personal key", "key ", f"phx_Yk4{n:05}QwErTyUiOpAsDfGhJkLzXcVbNm"),
    lambda n: _seed("secret project key", "key ", f"phs_Xk5{n:05}QwErTyUiOpAsDfGhJkLzXcVbNm"),
    lambda n: _seed("DSN key", "https://", f"{n:032x}", "@o1.ingest.sentry.io/42"),
    lambda n: _seed("bearer", "Authorization: Bearer ", f"tok{n:05}AbCdEfGh"),
    lambda n: _seed("basic", "Authorization: Basic ", base64.b64encode(f"user:pass{n:05}".encode()).decode()),
    lambda n: _seed("JWT", "with ", _jwt(n)),
    lambda n: _seed("cloud key", "as ", f"AKIAIOSFODN{n:05}QRST"[:20]),
    lambda n: _seed("private key", "-----BEGIN PRIVATE KEY-----\n", f"MIIEvQ{n:05}BADANBg", "\n-----END PRIVATE KEY-----"),
    lambda n: _seed("password in a URL", "postgres://posthog:", f"hunter{n:05}", "@db:5432/posthog"),
    lambda n: _seed("password in a connection string", "host=db user=posthog password=", f"winter{n:05}", " dbname=posthog"),
    lambda n: _seed("e-mail", "of ", f"{_name(n)}.doe@corp.example"),
    lambda n: _seed("IPv4", "from ", f"203.{100 + n // 22500 % 100}.{100 + n // 150 % 150}.{100 + n % 150}"),
    lambda n: _seed("IPv6", "from ", f"2001:db8:cafe::{n + 4096:x}"),
    lambda n: _seed("distinct id", 'person with distinct id "', f"{_name(n)}-{n:05}", '" in team "2"'),
    lambda n: _seed("person's name", '"first_name": "', _name(n), '"'),
    lambda n: _seed("query of a URL", "at https://shop.example/p?q=", f"{_name(n)}+{n:05}", "&x=1"),
    lambda n: _seed("payment card", "card ", _card(n)),
)


def as_read(text: str) -> str:
    """Without what renderers add: markup within words, escapes, entities, invisible characters, colors and line breaks."""
    bare = re.sub(r"</?(?:wbr|a|b|code|em|mark|span|strong)(?: [^<>]*)?>|\x1b\[[0-9;]*m", "", text)
    return re.sub(r"[\s\\\u200b-\u200d\u2060\ufeff]", "", html.unescape(bare))


class Seeds:
    """Makes seeds of each kind in turn for every place, beginning with another kind for another `start`, and remembers them."""

    def __init__(self, start: str) -> None:
        self.planted: list[Seed] = []
        self._first = sum(start.encode())
        self._made: dict[str, int] = defaultdict(int)

    def text(self, place: str, number: int = 0, *, without: str = "") -> str:
        """The next ones for `place`, of those kinds whose text has none of the characters `without`; 0 for one of each."""
        kinds = [kind for kind in KINDS if not set(kind(1).text) & set(without)]
        seeds = []
        for _ in range(number or len(kinds)):
            kind = kinds[(self._first + self._made[place]) % len(kinds)]
            self._made[place] += 1
            seeds.append(structs.replace(kind(len(self.planted) + len(seeds) + 1), place=place))
        self.planted += seeds
        return " ".join(seed.text for seed in seeds)

    def standing_in(self, text: str) -> list[Seed]:
        """Those that `text` shows, also where it escapes them or breaks a line within."""
        bare = as_read(text)
        return [seed for seed in self.planted if seed.stands_in(bare)]
