"""Numbers that belong to a person: telephones, payment cards, bank accounts, social security.

Most numbers of a report are none of them, so each has to be written as people write it, or to check.
"""

import re
from collections.abc import Iterator

from diagnostics.report.redaction.spans import Rule, Span

# As E.164 has it, in groups or not. Without the plus it might be any count, offset or id.
_INTERNATIONAL = re.compile(r"(?<![\w+.-])\+[1-9](?:[ .()-]{0,2}[0-9]){8,14}(?![\w-]|\.[0-9])")
# 0049 170 7654330: in groups, or it might be a padded offset.
_DIALLED = re.compile(r"(?<![\w+.:-])00[1-9][0-9]{0,2}[ -](?:[ ./()-]{0,2}[0-9]){7,12}(?![\w-]|\.[0-9])")
# (415) 555-2671, 415-555-2671, 415.555.2671
_AMERICAN = re.compile(
    r"(?<![\w+.:/-])(?:\([2-9][0-9]{2}\) ?[2-9][0-9]{2}[-.][0-9]{4}|[2-9][0-9]{2}-[2-9][0-9]{2}-[0-9]{4}"
    r"|[1-9][0-9]{2}\.[2-9][0-9]{2}\.[0-9]{4})"
    r"(?![\w:-]|\.[0-9])"
)
# (0170) 7654331
_AREA = re.compile(r"(?<![\w+.:-])\(0[1-9][0-9]{1,4}\)[ -]?[0-9](?:[ /-]?[0-9]){4,9}(?![\w-]|\.[0-9])")
# Where a word says what it is: phone: 0170 7654322
_CALLED = re.compile(
    r"""(?<![A-Za-z])(?:phone|telephone|tel|mobile|fax)(?:[_ ]?(?:number|no|nr))?\\*["']?[ \t]*+[:=.]?[ \t]*+\\*["']?
    ([+(]?[0-9](?:[ ./()-]{0,2}[0-9]){6,14})(?![\w-]|\.[0-9])""",
    re.IGNORECASE | re.VERBOSE,
)
_CARD = re.compile(
    r"(?<![A-Za-z0-9.-])[2-6][0-9]{3}([ .+_-]?)(?:[0-9]{4}\1[0-9]{4}\1[0-9]{1,7}|[0-9]{6}\1[0-9]{4,5})(?![\w-]|\.[0-9])"
)
_CARD_NETWORK = re.compile(r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]|2[2-7]|6[05])\d{14}|3[47]\d{13}|35\d{14}|3[068]\d{12}")
# One number of ten passes the check of a card: what counts something is none.
_COUNTED_BEFORE = re.compile(
    r"""(?:offsets?|lag|behind|count|total|sum|size|bytes|length|position|sequence|lsn|version|timestamp|partition|[a-z]_?id|\bids?|\bto)
    ["']?[ \t]*+[:=]?[ \t]*+["']?\Z""",
    re.IGNORECASE | re.VERBOSE,
)
_COUNTED_AFTER = re.compile(r"[ ]?(?:bytes|messages|rows|events|[kmgt]i?b|[mµun]?s|to|partition)\b", re.IGNORECASE)
_IBAN = re.compile(r"\b[A-Z]{2}[0-9]{2}(?:[A-Z0-9]{11,30}|(?: [A-Z0-9]{4}){3,7}(?: [A-Z0-9]{1,3})?)\b")
_SOCIAL_SECURITY = re.compile(r"(?<![\w.:/-])(?!000|666|9)[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}(?![\w:-]|\.[0-9])")


def _telephones(text: str) -> Iterator[Span]:
    for shape in (_INTERNATIONAL, _DIALLED, _AMERICAN, _AREA):
        for match in shape.finditer(text):
            yield _person(match.start(), match[0])
    for match in _CALLED.finditer(text):
        yield _person(match.start(1), match[1])


def _person(start: int, number: str) -> Span:
    """The same number in two spellings is one person."""
    return Span(start, start + len(number), "person", identity=re.sub(r"\D", "", number))


def _cards(text: str) -> Iterator[Span]:
    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if _CARD_NETWORK.fullmatch(digits) and _luhn(digits) and not (match[0] == digits and _is_counted(text, match)):
            yield Span(match.start(), match.end(), "card")


def _is_counted(text: str, match: re.Match[str]) -> bool:
    before = text[max(0, match.start() - 40) : match.start()]
    return bool(_COUNTED_BEFORE.search(before) or _COUNTED_AFTER.match(text, match.end()))


def _luhn(digits: str) -> bool:
    doubled = [int(digit) * 2 if place % 2 else int(digit) for place, digit in enumerate(reversed(digits))]
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0


def _accounts(text: str) -> Iterator[Span]:
    """IBANs, by their check digits."""
    for match in _IBAN.finditer(text):
        account = match[0].replace(" ", "")
        if 15 <= len(account) <= 34 and int("".join(str(int(each, 36)) for each in account[4:] + account[:4])) % 97 == 1:
            yield Span(*match.span(), "person", identity=account)


def _social_security(text: str) -> Iterator[Span]:
    for match in _SOCIAL_SECURITY.finditer(text):
        yield Span(*match.span(), "person", identity=match[0])


NUMBER_RULES = (
    Rule("a telephone number", (), _telephones),
    Rule("a payment card", (), _cards),
    Rule("a bank account", (), _accounts),
    Rule("a social security number", ("-",), _social_security),
)
