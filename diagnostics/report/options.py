"""How wide, colored and talkative a rendering is."""

from typing import Literal

from msgspec import Struct

Audience = Literal["customer", "hero"]


class RenderOptions(Struct, frozen=True, kw_only=True):
    """How a report is shown; the same for every format, which takes what applies to it.

    `width` is in columns, held between 60 and 200. `unicode` False leaves only ASCII. `quiet` shows the verdict, what to do
    next and how complete the look was; `verbose` everything, healthy checks, SQL and timings included. `audience` "hero" adds
    what a support engineer needs to answer with. `warnings_fail` is for JUnit: warnings are failures, as with --fail-on warn.
    """

    width: int = 80
    color: bool = False
    unicode: bool = True
    verbose: bool = False
    quiet: bool = False
    audience: Audience = "customer"
    warnings_fail: bool = False
