"""Network and e-mail addresses, told apart from the many things that look like them."""

import ipaddress
import re
import string
from collections.abc import Iterator
from urllib.parse import unquote

from diagnostics.report.redaction.reading import unfolded
from diagnostics.report.redaction.spans import Rule, Span

# A match begins only where its run of characters does: otherwise a long run without an @ would cost the square of its length.
_EMAIL = re.compile(r"(?<![\w.%+'-])([\w.%+'-]++)@([\w-]++(?:\.[\w-]++)++)")
# What a limit cut behind the @: `jane.doe@custom`.
_EMAIL_CUT = re.compile(r"(?<![\w.%+'/:-])(([\w.%+'-]{3,}+)@[\w-]*+(?:\.[\w-]++)*+)\.?(?=\s*+(?:…|\.{3}|\Z))")
# `"jane doe"@custom.er`, and `jane@[10.0.0.5]` unless a port follows: then she is the user of a connection.
_EMAIL_QUOTED = re.compile(r"""(?<!\\)\\*+"(?=[^"]{0,64}\w)[^"@\\\r\n]{1,64}\\*"@[\w-]++(?:\.[\w-]++)++""")
_EMAIL_LITERAL = re.compile(r"(?<![\w.%+'/:-])[\w.%+'-]++@\[(?:IPv6:)?[0-9A-Fa-f.:]{3,45}\](?!:[0-9])")
# As mails encode what is no letter. An assignment, `limit=40`, has no top-level domain behind it.
_EMAIL_PRINTABLE = re.compile(
    r"(?<![\w.%+'-])[A-Za-z][\w.+-]{2,63}=40[A-Za-z][\w-]*+(?:\.[A-Za-z][\w-]*+)*?\.(?:com|net|org|io|de|eu|co|uk|fr|us)\b"
)
_TOP_LEVEL = re.compile(r"[^\W\d_]{2,}|xn--[\w-]+")
_WORD = re.compile(r"\w")
_IN_AUTHORITY = re.compile(r":\\?/\\?/[^\s/?#@]*\Z")
_PORT = re.compile(r":[0-9]{2,5}\b")

_IPV4 = re.compile(r"(?<![0-9])(?<![0-9]\.)[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?!\.?[0-9])")
_IPV4_NAME = re.compile(
    r"(?<![\w-])ip-([0-9]{1,3}(?:-[0-9]{1,3}){3})(?![\w-])|(?<=\bec2-)([0-9]{1,3}(?:-[0-9]{1,3}){3})(?![\w-])"
)
# All that belongs together, or seems to: a part of a time or of a C++ name is no address.
_IPV6 = re.compile(r"(?<![0-9A-Fa-f:])[0-9A-Fa-f]*+:[0-9A-Fa-f:]*+(?:\.[0-9]{1,3}){0,3}+(?:%[0-9A-Za-z_]++)?+")
# ClickHouse numbers its releases year.month.patch.build, which is also an address: the words around decide.
_RELEASE = re.compile(r"(?:1[89]|2[0-9])\.(?:[1-9]|1[0-2])\.[0-9]{1,2}\.[0-9]{1,3}")
_VERSION_BEFORE = re.compile(
    r"""(?:(?<![A-Za-z])[vV]|(?i:version|release|build|revision|librdkafka|openssl|jdk)["']?[ :=("']{0,4})\Z"""
)
_ADDRESS_BEFORE = re.compile(
    r"""(?:(?<![a-z])(?:ip|ipv4|addr|address|host|hostname|client|peer|remote)["']?[ :=("']{0,4}
    |@|//|server[ ]at[ ]\S{1,80}[ ]\()\Z""",
    re.IGNORECASE | re.VERBOSE,
)
_ADDRESS_AFTER = re.compile(r":[0-9]{2,5}\b|/[0-9]{1,2}\b|\)?,? port\b")


def _emails(text: str) -> Iterator[Span]:
    for match in _EMAIL.finditer(text):
        start = match.start() + len(match[1]) - len(match[1].lstrip("'.%+-"))
        last = match[2].rpartition(".")[2]
        if start < match.end(1) and _TOP_LEVEL.fullmatch(last) and not _is_login(text, start, match.end(), match[1]):
            yield Span(start, match.end(), "email", identity=text[start : match.end()].lower())


def _cut_emails(text: str) -> Iterator[Span]:
    for match in _EMAIL_CUT.finditer(text):
        # A word of one label is a host with its user, `root@db`, unless the name before it tells of a person.
        if any(character in ".+%" for character in match[2].strip(".+%")):
            yield Span(*match.span(1), "email", identity=match[1].lower())


def _rare_emails(text: str) -> Iterator[Span]:
    for shape in (_EMAIL_QUOTED, _EMAIL_LITERAL, _EMAIL_PRINTABLE):
        for match in shape.finditer(text):
            yield Span(*match.span(), "email", identity=match[0].lower().replace("=40", "@"))


def _is_login(text: str, start: int, end: int, name: str) -> bool:
    """Whether it is the credential and the host of a connection: `//user@host`, `user:password@host:9000`, `git@host`."""
    before = text[max(0, start - 200) : start]
    if name == "git" or _IN_AUTHORITY.search(before):
        return True
    return bool(re.search(r"\w:\Z", before) and _PORT.match(text, end))


def _ipv4(text: str) -> Iterator[Span]:
    for match in _IPV4.finditer(text):
        identity = _address(match[0])
        if identity and not _is_version(text, match):
            yield Span(match.start(), match.end(), "ip", identity=identity)


def _is_version(text: str, match: re.Match[str]) -> bool:
    if match[0].endswith(".0.0.0"):
        return True  # Chrome/120.0.0.0, or a network: no machine has it
    before = text[max(0, match.start() - 100) : match.start()]
    if _ADDRESS_BEFORE.search(before) or _ADDRESS_AFTER.match(text, match.end()):
        return False
    return bool(_VERSION_BEFORE.search(before) or _RELEASE.fullmatch(match[0]))


def _ipv4_in_names(text: str) -> Iterator[Span]:
    """ip-203-0-113-79.ec2.internal: clouds and providers name machines by their addresses."""
    for match in _IPV4_NAME.finditer(text):
        identity = _address((match[1] or match[2]).replace("-", "."))
        if identity:
            yield Span(*match.span(), "ip", identity=identity)


def _ipv6(text: str) -> Iterator[Span]:
    for match in _IPV6.finditer(text):
        spelled = match[0] if match[0].endswith("::") else match[0].rstrip(":")
        start = match.start() + len(spelled)
        spelled = spelled if spelled.startswith("::") else spelled.lstrip(":")
        start -= len(spelled)
        identity = _ipv6_identity(spelled)
        if identity and not _WORD.match(text[start - 1 : start]) and not _WORD.match(text, match.end()):
            yield Span(start, start + len(spelled), "ip", identity=identity)


def _ipv6_identity(spelled: str) -> str:
    """A time (09:12:45) and a name like `ab::cd` have neither eight groups nor four digits around a `::`."""
    digits = sum(character in string.hexdigits for character in spelled.partition("%")[0])
    if digits < 4 or not ("::" in spelled or spelled.count(":") == 7) or not any(map(str.isdigit, spelled)):
        return ""
    return _address(spelled)


def _address(spelled: str) -> str:
    """The address as it is usually written; empty for what is none, and for those that everybody has."""
    if ":" not in spelled:
        spelled = ".".join(str(int(part)) for part in spelled.split("."))
        if spelled.startswith("0."):
            return ""  # "this network": no machine has it, but versions begin with 0
    try:
        address = ipaddress.ip_address(spelled.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return "" if address.is_loopback or address.is_unspecified else str(address)


def person_span(text: str, start: int, end: int) -> Span:
    """`text[start:end]` identifies a person. Where it is an e-mail or network address it gets the name of that address."""
    reading = unfolded(text[start:end])
    value = reading.text if reading else text[start:end]
    if _EMAIL.fullmatch(value):
        return Span(start, end, "email", identity=value.lower())
    if (_IPV4.fullmatch(value) or _IPV6.fullmatch(value)) and (identity := _address(value)):
        return Span(start, end, "ip", identity=identity)
    return Span(start, end, "person", identity=unquote(value))


ADDRESS_RULES = (
    Rule("an e-mail address", ("@",), _emails),
    Rule("an e-mail address that was cut", ("@",), _cut_emails),
    Rule("an e-mail address in a rare form", ("@", "=40"), _rare_emails),
    Rule("an IPv4 address in a name", ("ip-", "ec2-"), _ipv4_in_names),
    Rule("an IPv6 address", (":",), _ipv6),
    Rule("an IPv4 address", (".",), _ipv4),
)
