"""Text from outside made harmless for where it is going. Every renderer takes it from here, nobody escapes on their own.

Redaction comes before (it looks for what was written), `shorten` next, one of the others last. All of them take any string,
lone surrogates included, and show what they neutralise instead of dropping it: the reader shall see that it was there.
"""

import re
from collections.abc import Callable
from itertools import groupby

Writer = Callable[[str], str]

# Controls, and characters that are not seen but change what is: bidirectional controls, zero-width and filler characters,
# tags, lone surrogates. The variation selectors of emoji (U+FE0E, U+FE0F) stay.
_INVISIBLE = (
    "\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u070f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_UNSEEN = re.compile(f"[{_INVISIBLE}]")
_UNSEEN_IN_BLOCK = re.compile(f"(?![\n\t])[{_INVISIBLE}]")
_NEWLINE = re.compile(r"\r\n|\n")

# GitHub's Markdown gives a meaning to these wherever they stand in a line ...
_MEANING = re.compile(
    r"""[\\`*\[\]~@\#$]            # escapes, code, emphasis, links, strike-through, mentions, issues, formulas
    |<[A-Za-z/!?]                  # HTML
    |&(?:\#|\w+;)                  # entities
    |(?<![^\W_])_|_(?![^\W_]|_)    # an underscore that is not inside of a word
    |://|\bwww\.                   # links
    |\bGH-[0-9]                    # issues
    |\b[0-9a-f]{7,40}\b            # commits
    |(?-i::(?:(?=[0-9_+-]*+[a-z])[0-9a-z_+-]++|100|1234|[+-]1):)  # emoji: no capitals, and not the minutes of a time
    """,
    re.VERBOSE | re.IGNORECASE,
)
# ... and to these at its beginning: headings, quotes, lists, rules, underlines and the second row of a table.
_MEANING_FIRST = re.compile(r"[-+=:]+$|>|[0-9]{1,9}[.)]$")
_END = re.compile(r"(?<=[^\d\s])\.$|(?<=\S),$|(?<=\w)[:;]$")  # of a sentence or a part: not a part of the code before it
_BACKTICKS = re.compile(r"`+")
# Slack gives a meaning to these: formats, mentions, channels, links (also of bare names, `.md` is a domain), emoji ...
_MEANING_IN_SLACK = re.compile(
    r"""[*~@]|\#\w|://|\bwww\.|\w\.[^\W\d_]{2}
    |(?<![^\W_])_|_(?![^\W_]|_)
    |(?-i::(?:(?=[0-9_+-]*+[a-z])[0-9a-z_+-]++|100|1234|[+-]1):)
    """,
    re.VERBOSE | re.IGNORECASE,
)
# ... and calls everybody even where it formats nothing: the code of who pastes may be somebody else's plain text.
_CALL = re.compile(r"@(?=(?:here|channel|everyone|group)\b)", re.IGNORECASE)
_NO_XML = re.compile("[\ufffe\uffff]")
_PIPE = "&#124;"  # in a table only this leaves the cell whole, and elsewhere it reads as a pipe as well

_SHORTEST = 16


def plain(text: str) -> str:
    """One line of text. Newlines become ⏎, tabs spaces, controls their pictures (␛), other invisible characters \\u202e."""
    line = _NEWLINE.sub(" ⏎ ", text.rstrip("\r\n")).replace("\t", " ")
    return _seen(line, _UNSEEN)


def block(text: str) -> str:
    """Lines of text: like `plain`, but newlines and tabs stay."""
    return _seen(text.replace("\r\n", "\n"), _UNSEEN_IN_BLOCK)


def terminal(text: str) -> str:
    """One line for a terminal. Markup of rich is not escaped: put it into a `Text`, never into a string that rich parses."""
    return plain(text)


def markdown(text: str) -> str:
    """Words for any place in a line of GitHub's Markdown, table cells included: they read as they are and do nothing.

    What would have a meaning goes into a code span: mentions, issue numbers and commits are linked in the finished HTML,
    where a backslash is gone again, but never in code. Everything else, like `1,204 events in events_dead_letter_queue`,
    stays as it is. Runs of spaces become one.
    """
    return _worded(plain(text), _has_meaning, code, lambda word: word.replace("|", _PIPE))


def code(text: str) -> str:
    """A code span for any place in a line of Markdown; empty for an empty text.

    A pipe cannot stand in a code span both in and outside of a table: it goes between two spans.
    """
    return _PIPE.join(_code_span(piece) for piece in plain(text).split("|"))


def fence(text: str, language: str = "") -> str:
    """A fenced block of Markdown that its content cannot close. `language` is a word of ours."""
    content = block(text)
    ticks = "`" * max(3, _longest_run(content) + 1)
    return f"{ticks}{language}\n{content}\n{ticks}"


def slack(text: str) -> str:
    """Words for a line of Slack's mrkdwn. What would have a meaning goes into code; `&`, `<` and `>` become entities, which
    takes the meaning from `<!channel>` and `<@U1>` everywhere."""
    return _worded(_apostrophes(plain(text)), _has_meaning_in_slack, slack_code, _entities)


def slack_code(text: str) -> str:
    """Code in a line of Slack's mrkdwn, which knows no escape for a backtick: an apostrophe stands for it."""
    words = " ".join(_apostrophes(plain(text)).split())
    return f"`{_entities(words)}`" if words else ""


def slack_block(text: str) -> str:
    """A block of code in Slack's mrkdwn that its content cannot close."""
    content = re.sub("`{3,}", lambda ticks: "'" * len(ticks[0]), block(text))
    return f"```\n{_entities(content)}\n```"


def xml(text: str) -> str:
    """Lines of text that XML 1.0 can hold. Markup is for the library that writes the document."""
    return _seen(block(text), _NO_XML)


def shorten(text: str, limit: int) -> str:
    """`text` in at most `limit` characters (at least 16); what was cut is counted in its place.

    From the middle where there is room to say so, since errors tell what at their beginning and why at their end. Call it
    before the functions above, which may make the text longer.
    """
    if limit < _SHORTEST:
        raise ValueError(f"a text cannot be shortened to less than {_SHORTEST} characters")
    if len(text) <= limit:
        return text
    if limit < 80:
        kept = limit - len(f"… +{len(text)}")
        return f"{text[:kept]}… +{len(text) - kept}"
    kept = limit - len(f" … {len(text):,} characters left out … ")
    tail = kept // 3
    return f"{text[: kept - tail]} … {len(text) - kept:,} characters left out … {text[len(text) - tail :]}"


def _seen(text: str, unseen: re.Pattern[str]) -> str:
    """With all that the pattern finds shown. By kinds of characters and not by matches, of which there can be a million."""
    if unseen.search(text):
        for character in filter(unseen.match, set(text)):
            text = text.replace(character, _shown(character))
    return text


def _shown(character: str) -> str:
    number = ord(character)
    if number < 0x20:
        return chr(0x2400 + number)
    if number == 0x7F:
        return "␡"
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _worded(line: str, has_meaning: Callable[[str, bool], bool], coded: Writer, harmless: Writer) -> str:
    """The words of `line`, neighbours that have a meaning together in code. Runs of spaces become one."""
    pieces = []
    for meaning, group in groupby(enumerate(line.split()), key=lambda word: has_meaning(word[1], not word[0])):
        words = " ".join(word for _, word in group)
        pieces.append(_punctuated(words, has_meaning, coded) if meaning else harmless(words))
    return " ".join(pieces)


def _punctuated(words: str, has_meaning: Callable[[str, bool], bool], coded: Writer) -> str:
    """In code, but for the brackets around them and the punctuation behind, where that is not what gives the meaning."""
    end = ""
    if (found := _END.search(words)) and (found[0] in ".," or has_meaning(words[: found.start()].split()[-1], False)):
        words, end = words[: found.start()], found[0]
    inside = words.removeprefix("(").removesuffix(")")
    if not inside or "(" in inside or ")" in inside:
        return coded(words) + end
    return words.replace(inside, coded(inside)) + end


def _has_meaning(word: str, first: bool) -> bool:
    return bool(_MEANING.search(word) or (first and _MEANING_FIRST.match(word)))


def _has_meaning_in_slack(word: str, first: bool) -> bool:
    return bool(_MEANING_IN_SLACK.search(word) or (first and word[0] == ">"))


def _apostrophes(text: str) -> str:
    return text.replace("`", "'")


def _entities(text: str) -> str:
    calm = _CALL.sub("\N{FULLWIDTH COMMERCIAL AT}", text)
    return calm.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _code_span(text: str) -> str:
    if not text:
        return ""
    ticks = "`" * (_longest_run(text) + 1)
    # One space at both ends is not part of the span: it keeps backticks apart, and saves the spaces that are part of it.
    padding = " " if text[0] in "` " or text[-1] in "` " else ""
    if not text.strip(" "):
        padding = ""
    return f"{ticks}{padding}{text}{padding}{ticks}"


def _longest_run(text: str) -> int:
    return max(map(len, _BACKTICKS.findall(text)), default=0)
