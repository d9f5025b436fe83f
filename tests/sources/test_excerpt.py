"""No cut leaves a part of what redaction would have recognised whole: neither in Python nor in ClickHouse."""

import json

from diagnostics.lab.engine import Engine
from diagnostics.lab.sql import quoted
from diagnostics.report.redaction import Redactor
from diagnostics.sources.excerpt import excerpt, excerpt_sql
from tests.redaction.seeds import KINDS

SEEDS = [kind(1) for kind in KINDS]
TEXT = "; ".join(f"{seed.text} failed" for seed in SEEDS)


def test_what_a_cut_leaves_is_redacted_wherever_it_falls() -> None:
    redactor = Redactor()
    for limit in range(1, len(TEXT) + 1):
        cut = excerpt(TEXT, limit)
        assert len(cut) <= limit
        left = redactor.text(cut)
        assert [seed.kind for seed in SEEDS if seed.core[:6] in left] == [], (limit, left[-80:])


def test_clickhouse_cuts_at_the_same_places(engine: Engine) -> None:
    limits = [*range(1, len(TEXT) + 1, 7), len(TEXT), 5_000]
    asked = ", ".join(excerpt_sql("text", limit) for limit in limits)
    said = engine.execute(f"WITH {quoted(TEXT)} AS text SELECT [{asked}] AS cut FORMAT JSONEachRow")
    assert json.loads(said)["cut"] == [excerpt(TEXT, limit) for limit in limits]


def test_a_text_that_is_short_enough_stays() -> None:
    assert excerpt("jane.doe@corp.example", 21) == "jane.doe@corp.example"


def test_a_payment_card_goes_with_its_blanks() -> None:
    assert excerpt("charged card 4111 1111 1111 1111 twice", 30) == "charged card…"


def test_of_a_text_without_a_blank_the_beginning_stays() -> None:
    assert excerpt("a" * 1_000, 500) == "a" * 299 + "…"
    assert excerpt("a" * 1_000, 100) == "…"


def test_in_clickhouse_a_cut_character_goes_with_its_word(engine: Engine) -> None:
    assert engine.execute("SELECT " + excerpt_sql("'failed: übergroß'", 10)).strip() == "failed:…"
