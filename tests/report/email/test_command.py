"""Folded commands are judged by a real shell: it must see the same words as before."""

import shlex
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.report.email.command import folded

WORDS = st.text(st.sampled_from("ab  '\"\\$#`|;&*?x(){}!~\t<>"), max_size=90)


def seen_by_a_shell(script: str) -> tuple[int, bytes, bytes]:
    done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, check=False, timeout=20)
    return done.returncode, done.stdout, done.stderr


def in_double_quotes(word: str) -> str:
    return '"' + "".join(f"\\{character}" if character in '\\"$`' else character for character in word) + '"'


@settings(max_examples=60, deadline=None)
@given(
    st.lists(WORDS, min_size=1, max_size=4),
    st.sampled_from([shlex.quote, in_double_quotes]),
    st.sampled_from(["", " # and a comment that goes on for longer than a line has room", " \\\n  more", "\nprintf x  # y"]),
    st.sampled_from([16, 40, 72]),
)
def test_a_shell_sees_the_same_words(words: list[str], quoted: "type", end: str, width: int) -> None:
    command = "printf '%s|' " + " ".join(map(quoted, words)) + end
    lines = folded(command, width)
    assert max(len(line.replace("\t", " " * 8)) for line in lines) <= width
    assert seen_by_a_shell("\n".join(lines)) == seen_by_a_shell(command)


@pytest.mark.parametrize(
    ("command", "lines"),
    [
        ("docker compose ps", ["docker compose ps"]),
        ("a\n\nb", ["a", "", "b"]),
        (
            'docker compose exec db psql -U posthog -c "select 1"',
            ["docker compose exec db psql \\", '-U posthog -c "select 1"'],
        ),
        (
            "kubectl get pods -o 'jsonpath={.items[0].metadata.name}'",
            ["kubectl get pods -o \\", "'jsonpath={.items[0].metadata.'\\", "'name}'"],
        ),
        (
            "GRANT SELECT ON posthog.events_dead_letter_queue TO diag",
            ["GRANT SELECT ON", "posthog.events_dead_letter_queue", "TO diag"],
        ),
        ("SELECT 'a b c d e f g h i j', x FROM t", ["SELECT 'a b c d e f g h i j', x", "FROM t"]),
    ],
)
def test_where_lines_are_broken(command: str, lines: list[str]) -> None:
    assert folded(command, 32) == lines


def test_a_megabyte_is_no_matter() -> None:
    for command in ("x" * 200_000, "'" * 100_001, '" ' * 100_000, "SELECT " + "y" * 200_000):
        assert max(map(len, folded(command, 72))) <= 72
