"""What a SELECT reads, from its text: tables and names. Not a parser: where it cannot be sure, it refuses.

Only SQL declared beside checks comes here; the point is that a mistake in it is caught before the server sees it.
"""

import re
from collections.abc import Iterator

from msgspec import Struct

TOKEN = re.compile(
    r"""
      (?P<comment> --[^\n]* | \#[^\n]* | /\*.*?\*/ )
    | (?P<string>  '(?:[^'\\]|\\.|'')*' | (?<![\w$])\$(\w*)\$.*?\$\3\$ )
    | (?P<quoted>  `[^`\\]*` | "[^"\\]*" )
    | (?P<bound>   \{\s*\w+\s*:[^{}]*\} )
    | (?P<number>  \d[\w.]* )
    | (?P<word>    [A-Za-z_][A-Za-z0-9_]* )
    | (?P<sign>    [^\s] )
    """,
    re.VERBOSE | re.DOTALL,
)

# What ends the list of tables after FROM. JOIN does not: `FROM a JOIN b ON x, c` goes on.
AFTER_TABLES = re.compile(
    "WHERE|PREWHERE|GROUP|ORDER|HAVING|LIMIT|OFFSET|UNION|INTERSECT|EXCEPT|WINDOW|QUALIFY|ARRAY|SELECT|WITH"
)
# Before them a word is not a keyword but an alias or a column: `FROM events AS offset, person`.
BEFORE_OPERANDS = frozenset(["AS", "ON", "AND", "OR", "NOT", ".", ",", "(", "=", "<", ">", "+", "-", "*", "/", "%"])
AFTER_OPERANDS = frozenset([".", ",", ")", "=", "<", ">", "!", "+", "-", "*", "/", "%"])
# A * behind one of these is all columns and no product.
BEFORE_COLUMNS = frozenset(
    [
        "SELECT",
        "DISTINCT",
        "ALL",
        "BY",
        "WHERE",
        "PREWHERE",
        "HAVING",
        "CASE",
        "WHEN",
        "THEN",
        "ELSE",
        "IN",
        "ON",
        "AND",
        "OR",
        "NOT",
    ]
)
# They take tables as arguments, or read none.
OF_TABLES = frozenset(["cluster", "clusterallreplicas"])
OF_NOTHING = frozenset(["numbers", "zeros", "generateseries", "values", "null"])
# Functions that reach tables, files or all columns without naming them where a table is named.
REACHING = re.compile(
    r"dict\w+|joinget\w*|file|columns|apply|hascolumnintable|catboostevaluate|(?:global)?(?:not)?(?:null)?in(?:ignoreset)?",
    re.IGNORECASE,
)
# They change what the query may do, or where its answer goes.
CHANGING = re.compile("SETTINGS|INTO|FORMAT|INSERT|ALTER|CREATE|DROP|KILL|SET|EXECUTE")


class Unclear(Exception):
    """It cannot be told from the text what would be read."""


class Reads(Struct, frozen=True, kw_only=True):
    """`tables` as they are written (`events`, `system.parts`), without its `own` (WITH); `names` are all identifiers."""

    tables: frozenset[str]
    names: frozenset[str]
    own: frozenset[str]


class Token(Struct, frozen=True):
    kind: str
    text: str

    @property
    def upper(self) -> str:
        """The keyword that it may be; quoted names are none."""
        return self.text.upper() if self.kind == "word" else self.text if self.kind == "sign" else ""


END = Token("end", "")


def reads(sql: str) -> Reads:
    """Raises Unclear for anything but one SELECT whose tables and columns are all named in it."""
    tokens = _tokens(sql)
    if tokens[0].upper not in ("SELECT", "WITH"):
        raise Unclear("only SELECT is asked")
    _nothing_hidden(tokens)
    tables = frozenset(table for at, token in enumerate(tokens) for table in _tables_after(tokens, at, token))
    names = frozenset(token.text for at, token in enumerate(tokens) if _is_name(tokens, at))
    own = _own_names(tokens)
    return Reads(tables=tables - own, names=names, own=own)


def _tokens(sql: str) -> list[Token]:
    found = (Token(match.lastgroup or "", match[0]) for match in TOKEN.finditer(sql))
    tokens = [
        Token(token.kind, token.text[1:-1]) if token.kind == "quoted" else token for token in found if token.kind != "comment"
    ]
    return [*tokens, END, END]


def _nothing_hidden(tokens: list[Token]) -> None:
    for at, token in enumerate(tokens):
        before, after = tokens[at - 1] if at else END, tokens[at + 1] if token is not END else END
        if token.text == ";" and after is not END:
            raise Unclear("one statement at a time is asked")
        if CHANGING.fullmatch(token.upper) and before.text != "." and after.text != "(":
            raise Unclear(f"{token.upper} does not belong into a query of a check")
        if token.kind == "bound" and "identifier" in token.text.lower():
            raise Unclear("names of tables and columns are written out, not bound")
        # A function may be named in quotes. Only the word IN is an operator, whose tables are found.
        if token.kind in ("word", "quoted") and after.text == "(" and token.upper != "IN" and REACHING.fullmatch(token.text):
            raise Unclear(f"{token.text}() hides what it reads")
        if token.text == "*" and _all_columns(tokens, at):
            raise Unclear("* reads columns that nobody named")
        if token.kind == "sign" and (token.text in "'`\"{$" or not token.text.isascii()):
            raise Unclear(f"{token.text} is never closed, holds an escape, or is a quote that only ClickHouse knows")


def _all_columns(tokens: list[Token], at: int) -> bool:
    """`SELECT *`, `t.*`, `f(*)`; not `a * b` nor `count(*)`."""
    before, after = tokens[at - 1], tokens[at + 1]
    if before.text == "(" and after.text == ")":
        return tokens[at - 2].text.lower() != "count"
    multiplied = before.kind in ("number", "quoted", "bound", "string") or before.text in (")", "]")
    multiplied = multiplied or (before.kind == "word" and before.upper not in BEFORE_COLUMNS)
    return not multiplied or after.text in (",", ")", "") or after.upper in ("FROM", "EXCEPT", "REPLACE", "APPLY")


def _is_name(tokens: list[Token], at: int) -> bool:
    return tokens[at].kind == "quoted" or (tokens[at].kind == "word" and tokens[at + 1].text != "(")


def _own_names(tokens: list[Token]) -> frozenset[str]:
    """Names of the query's own: `WITH recent AS (SELECT ...)`."""
    starts = (["AS", "(", "SELECT"], ["AS", "(", "WITH"])
    named = (at for at, token in enumerate(tokens[:-3]) if token.kind in ("word", "quoted"))
    return frozenset(tokens[at].text for at in named if [token.upper for token in tokens[at + 1 : at + 4]] in starts)


def _tables_after(tokens: list[Token], at: int, token: Token) -> Iterator[str]:
    if token.upper == "IN":
        yield from _tables_in(tokens, at + 1)
    if token.upper not in ("FROM", "JOIN") or (at and tokens[at - 1].upper == "ARRAY"):
        return
    at += 1
    yield from _table(tokens, at)
    depth = 0
    while tokens[at] is not END and not (depth == 0 and _ends_tables(tokens, at)):
        depth += {"(": 1, ")": -1}.get(tokens[at].text, 0)
        if depth < 0:
            return
        at += 1
        if depth == 0 and tokens[at - 1].text == ",":
            yield from _table(tokens, at)


def _tables_in(tokens: list[Token], at: int) -> Iterator[str]:
    """`x IN known`, `x IN (known)` and `in(x, known)` read a table; so every lone name there counts as one."""
    if tokens[at].text != "(":
        if tokens[at].kind in ("word", "quoted"):
            yield _compound(tokens, at)[0]
        return
    depth = 0
    while tokens[at] is not END and tokens[at].upper not in ("SELECT", "WITH"):
        depth += {"(": 1, ")": -1}.get(tokens[at].text, 0)
        if depth <= 0:
            return
        if tokens[at].text in ("(", ",") and tokens[at + 1].kind in ("word", "quoted"):
            name, after = _compound(tokens, at + 1)
            if tokens[after].text in (",", ")"):
                yield name
        at += 1


def _ends_tables(tokens: list[Token], at: int) -> bool:
    operand = tokens[at - 1].upper in BEFORE_OPERANDS or tokens[at + 1].upper in AFTER_OPERANDS
    return bool(AFTER_TABLES.fullmatch(tokens[at].upper)) and not operand


def _table(tokens: list[Token], at: int) -> Iterator[str]:
    """The tables read by what stands at `at` in a list of tables; a subquery speaks for itself."""
    if tokens[at].text == "(":
        return
    name, after = _compound(tokens, at)
    if tokens[after].text != "(":
        yield name
    elif name.lower() in OF_TABLES:
        yield _argument(tokens, after + 1)
    elif name.lower() not in OF_NOTHING:
        raise Unclear(f"{name}() may read anything")


def _compound(tokens: list[Token], at: int) -> tuple[str, int]:
    """`events` or `system.parts`, and where it ends."""
    parts = []
    while tokens[at].kind in ("word", "quoted"):
        parts.append(tokens[at].text)
        at += 1
        if tokens[at].text != ".":
            break
        at += 1
    if not parts:
        raise Unclear("a table is not named where one is expected")
    return ".".join(parts), at


def _argument(tokens: list[Token], at: int) -> str:
    """The table in `cluster('name', system.parts)` or `cluster('name', 'system', 'parts')`."""
    while tokens[at].text not in (",", ")") and tokens[at] is not END:
        at += 1
    at += 1
    if tokens[at].kind != "string":
        return _compound(tokens, at)[0]
    parts = [tokens[at].text[1:-1]]
    if tokens[at + 1].text == "," and tokens[at + 2].kind == "string":
        parts.append(tokens[at + 2].text[1:-1])
    return ".".join(parts)
