"""The templates, and the one gate that everything passes on its way into the page.

Whatever a template writes is shortened, has its invisible characters shown, and is escaped, wherever it stands: no template has
to remember it, and none can forget it. The policy of the page allows exactly its own style and script, known by their digests.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Sequence
from functools import cache
from hashlib import sha256
from itertools import zip_longest
from typing import TypeVar, cast

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from msgspec import Struct

from diagnostics.report.html.picture import STATUS_WORDS
from diagnostics.report.safetext import block, plain, shorten
from diagnostics.report.wording import consequence, more

LONGEST = 100_000  # characters: no text of the page is longer, the report in another format included
ROOM = 500_000  # characters of a section: each has its place however much another has to say

_LONG_WORD = re.compile(r"\S{13,}")
_SYLLABLE = re.compile(r"[^_:/.,=&-]{1,24}[_:/.,=&-]*|[_:/.,=&-]{1,24}")

END = "</p>\n</footer>\n</body>\n</html>\n"

Item = TypeVar("Item")


class Section(Struct, frozen=True, kw_only=True):
    """Blocks of markup, and what is said of those that had no room. A block that is no `Markup` comes out as plain text."""

    blocks: tuple[str, ...] = ()
    left_out: str = ""


def section(what: str, items: Sequence[Item], write: Callable[[Item], Markup]) -> Section:
    """The first of `items` that there is room for; of the rest only how many they are, as `7 more steps`."""
    blocks: list[Markup] = []
    room = ROOM
    for item in items:
        written = write(item)
        room -= len(written)
        if room < 0:
            break
        blocks.append(written)
    return Section(blocks=tuple(blocks), left_out=more(len(items) - len(blocks), what))


def part(name: str, *values: object) -> Markup:
    """What the macro `name` of `parts.html` makes of `values`."""
    macro = cast(Callable[..., Markup], getattr(_templates().get_template("parts.html").module, name))
    return macro(*values)


def page(contents: Struct) -> str:
    """The whole page but for its digest and its END."""
    return _templates().get_template("page.html").render(contents=contents, policy=_policy())


@cache
def _policy() -> str:
    """Nothing may be loaded or sent; foreign text that became markup against all odds could not run either."""
    return (
        f"default-src 'none'; style-src {_digest('page.css')}; script-src {_digest('page.js')}; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
    )


def _digest(template: str) -> str:
    written = _templates().get_template(template).render()
    return f"'sha256-{b64encode(sha256(written.encode()).digest()).decode()}'"


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("diagnostics.report.html"),
        autoescape=True,
        finalize=_harmless,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"words": _words, "breakable": _breakable, "said": STATUS_WORDS.__getitem__}
    templates.filters |= {"shorten": shorten, "consequence": consequence, "more": more}
    return templates


def _harmless(value: object) -> object:
    """What the templates themselves made is markup already; every other text may come from outside."""
    return block(shorten(value, LONGEST)) if isinstance(value, str) and not isinstance(value, Markup) else value


def _words(text: str, limit: int = 600) -> str:
    """One line of anybody's text."""
    return plain(shorten(text, limit))


def _breakable(text: str, limit: int) -> Markup:
    """The same; long words, like the names of tables and steps, break after their punctuation rather than in a word."""
    line = _words(text, limit)
    long = [Markup("<wbr>").join(_SYLLABLE.findall(word)) for word in _LONG_WORD.findall(line)]
    pairs = zip_longest(_LONG_WORD.split(line), long, fillvalue="")
    return Markup("").join(piece for pair in pairs for piece in pair)
