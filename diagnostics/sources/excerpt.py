"""The beginning of a long text from outside, cut so that redaction still recognises what is left of it.

Half an e-mail address, a token or an IP address looks like nothing in particular and tells enough. So a cut takes along the
word that it falls into, but no more of it than any address is long: there are texts without a blank.
"""

import re

# Digits before the word belong to it: so payment cards are written.
LAST_WORD = "( [0-9 ]*)?[^ ]{1,200}$"
_LAST_WORD = re.compile(LAST_WORD.replace("$", r"\Z"))


def excerpt(text: str, limit: int) -> str:
    """`text`, or its beginning and an ellipsis, where it is longer than `limit` characters: never more than those."""
    return text if len(text) <= limit else f"{_LAST_WORD.sub('', text[: limit - 1])}…"


def excerpt_sql(expression: str, limit: int) -> str:
    """The same in ClickHouse's SQL, for an expression that is a string, in bytes: no more than that leaves the server."""
    begins = f"replaceRegexpOne(toValidUTF8(substring({expression}, 1, {limit - 1})), '{LAST_WORD}', '')"
    return f"if(length({expression}) <= {limit}, toValidUTF8({expression}), concat({begins}, '…'))"
