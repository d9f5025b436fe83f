"""A page of metrics as typed samples: both formats, both spellings of counters, and what is no such page."""

import pytest

from diagnostics.sources.errors import BadAnswer
from diagnostics.sources.metrics import MAX_LINE, MAX_LINES, Metrics, Sample, parse

PROMETHEUS = """
# HELP events_total Events.
# TYPE events_total counter
events_total{cause="quota",role="capture"} 12
events_total{cause="token",role="capture"} 3
# TYPE depth gauge
depth 98304
"""


def test_samples_keep_their_labels_and_are_added_by_them() -> None:
    metrics = parse(PROMETHEUS)
    assert metrics.values("events_total") == (
        Sample({"cause": "quota", "role": "capture"}, 12.0),
        Sample({"cause": "token", "role": "capture"}, 3.0),
    )
    assert metrics.total("events_total") == 15.0
    assert metrics.total("events_total", cause="token") == 3.0
    assert metrics.total("events_total", cause="size") is None
    assert metrics.total("depth") == 98304.0


def test_what_is_not_there_is_none_and_not_zero() -> None:
    metrics = parse(PROMETHEUS + "none_yet 0\n")
    assert (metrics.total("unheard_of"), metrics.values("unheard_of")) == (None, ())
    assert metrics.total("none_yet") == 0.0


@pytest.mark.parametrize(
    "page",
    [
        "# TYPE events counter\nevents_total 7\n# EOF\n",
        "# TYPE events_total counter\nevents_total 7\n",
        "# TYPE events counter\nevents 7\n",
        "events 7\n",
        "events_total 7 1700000000000\n",
        'events_total 7 # {trace_id="x"} 1.0\r\n',
    ],
)
def test_a_counter_is_found_with_and_without_total(page: str) -> None:
    assert (parse(page).total("events"), parse(page).total("events_total")) == (7.0, 7.0)


def test_the_spelling_that_was_asked_for_comes_first() -> None:
    metrics = parse("# TYPE lag gauge\nlag 4\n# TYPE lag_total counter\nlag_total 900\n")
    assert (metrics.total("lag"), metrics.total("lag_total")) == (4.0, 900.0)


def test_numbers_that_are_none_are_left_out() -> None:
    metrics = parse('nan NaN\ninf +Inf\nhuge 1e999\nmixed{a="1"} NaN\nmixed{a="2"} 2\n')
    assert [metrics.total(name) for name in ("nan", "inf", "huge", "mixed")] == [None, None, None, 2.0]


def test_numbers_that_nothing_can_be_are_left_out() -> None:
    metrics = parse(f"most {2**53 - 1}\nmore {2**53}\nless -{2**53}\nhuge 1.7e308\nhuge 1.7e308\n")
    assert [metrics.total(name) for name in ("most", "more", "less", "huge")] == [2.0**53 - 1, None, None, None]


@pytest.mark.parametrize(
    "page",
    [
        "ok",
        "<html><body>login</body></html>",
        '{"status": "ok"}',
        "up 1\nthis is no sample\n",
        'a{b="c 1\n',
        '# HELP "\n',
        "{} 1\n",
    ],
)
def test_what_is_no_page_of_metrics_is_said_to_be_none_without_quoting_it(page: str) -> None:
    with pytest.raises(BadAnswer) as raised:
        parse(page)
    assert str(raised.value) == "what answers is not a page of metrics"


def test_an_empty_page_has_nothing() -> None:
    assert parse("").total("anything") is None
    assert not parse("# TYPE a gauge\n")
    assert parse("a 0\n")


def test_a_page_that_was_cut_loses_its_last_line_which_may_be_half_a_number() -> None:
    page = "received 120\ndropped 1234"
    assert parse(page).total("dropped") == 1234.0
    assert parse(page, cut=True).total("dropped") is None
    assert parse(page, cut=True).total("received") == 120.0


def test_more_than_a_page_can_hold_is_not_read() -> None:
    assert parse("events 1\n" * (MAX_LINES + 1000)).total("events") == MAX_LINES


def test_a_line_made_to_be_slow_is_left_out() -> None:
    slow = 'a{b="' + '\\"' * MAX_LINE + '"} 1\n'
    metrics = parse(slow * 20 + "c 1\n")
    assert (metrics.total("a"), metrics.total("c")) == (None, 1.0)


def test_hostile_labels_come_as_they_are() -> None:
    assert parse('a{cause="\\u001b[31m <b>x</b>\\n}\\"{"} 1\n').values("a")[0].labels["cause"] == '\\u001b[31m <b>x</b>\n}"{'


def test_metrics_can_be_made_by_hand() -> None:
    assert Metrics({"a": (Sample({}, 1.0),)}).total("a_total") == 1.0
