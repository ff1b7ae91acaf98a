"""The marks of a site's batches: in whatever order they come, no minute counts before all rows before it are there."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.batch_mark import BatchMark, from_header, to_header
from common.kafka_rows import SiteMark, sift
from common.site_marks import MOST_WAITING, Reached, advance, given_up


def mark(first: int, offset: int, closed: int | None = None, log_id: str = "log") -> SiteMark:
    return SiteMark("site", log_id, offset, BatchMark(first, closed))


def at(offset: int, closed: int | None, log_id: str = "log") -> Reached:
    return Reached(log_id, offset, closed)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=8, unique=True).map(sorted), st.data())
def test_in_any_order_what_is_closed_is_there(ends: list[int], data: st.DataObject) -> None:
    batches = [mark(first, end, closed=end) for first, end in pairwise([0, *ends])]
    reached, waiting = advance(Reached(None, None, None), [mark(0, 0)])
    come: set[int] = set()
    for each in data.draw(st.permutations([*batches, *batches[:2]])):  # some come twice
        reached, waiting = advance(reached, [*waiting, each])
        come.add(each.offset)
        whole = [end for place, end in enumerate(ends) if come.issuperset(ends[: place + 1])]
        assert (reached.offset, reached.closed) == ((whole[-1], whole[-1]) if whole else (0, None))
    assert (reached, waiting) == (at(ends[-1], ends[-1]), [])


def test_a_mark_that_knows_no_minute_keeps_the_chain_and_the_minute() -> None:
    known, waiting = advance(at(5, 100), [mark(9, 12, 103), mark(5, 9)])
    assert (known, waiting) == (at(12, 103), [])
    assert advance(at(5, 100), [mark(0, 3, 40)]) == (at(5, 100), [])  # an old one moves nothing back


def test_a_mark_in_a_header_comes_back_and_what_is_none_is_none() -> None:
    for each in (BatchMark(18342, 28_744_300), BatchMark(0, None)):
        assert from_header(to_header(each)) == each
    for text in (
        "",
        "x",
        "-1",
        "01",
        "2024-08-26T07:39:00+00:00",
        "2024-08-26 7",
        "2024-08-26T07:39:00+00:00  7",
        "٣",
        "é 7",
    ):
        assert from_header(text) is None


@pytest.mark.parametrize(
    "time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:00-14:00", "2024-08-26T07:39:00+16:00"]
)
def test_a_mark_of_a_time_that_cannot_be_stored_is_none(time: str) -> None:
    assert from_header(f"{time} 7") is None
    assert sift([b"site"], [f"site\tlog\t9\tclosed\t{time}\t8".encode()]).strange.keys() == {0}


def test_a_mark_without_the_first_offset_follows_all_that_its_site_sent() -> None:
    text = b"site\tlog\t18352\tclosed\t2024-08-26T07:39:00+00:00"
    assert sift([b"site"], [text]).marks == {0: mark(0, 18352, closed=28_744_299)}


def test_a_log_made_anew_begins_a_chain_of_its_own() -> None:
    old = mark(9, 12, 103)  # waits for a batch of its log that never came
    known, waiting = advance(at(5, 100), [old, mark(0, 4, 110, "new"), mark(7, 9, 112, "new")])
    assert (known, waiting) == (at(4, 110, "new"), [mark(7, 9, 112, "new")])
    known, waiting = advance(known, [old, mark(5, 9, 101), mark(4, 7, 111, "new"), *waiting])
    assert (known, waiting) == (at(9, 112, "new"), [])


def test_a_batch_that_is_missing_since_today_is_waited_for_although_another_one_came_late() -> None:
    old, new = mark(9, 12, 103), mark(15, 20, 105)
    reached, rest = advance(at(5, 100), [old, mark(5, 9, 102), new])
    assert (reached, rest) == (at(12, 103), [new])
    assert given_up(rest, {old}) is None
    assert given_up([old, new], {old}) == 9


def test_marks_with_gaps_between_them_wait_up_to_a_number_however_many_come_at_once() -> None:
    reached, rest = advance(at(5, 100), [mark(10 * each, 10 * each + 1) for each in range(1, 5000)])
    _, rest = advance(replace(reached, offset=given_up(rest, set())), rest)
    assert len(rest) == MOST_WAITING


def test_marks_among_rows_are_told_from_them_and_from_what_is_neither() -> None:
    row = b"site\tlog\t7\t2024-08-26T07:39:00+00:00\t001\t8.02\t4.11\t60\t0000\t000\t0\t0"
    values = [
        row,
        b"site\tlog\t9\tclosed\t\t8",
        b"site\tlog\t9\tclosed\t2024-08-26T07:39:00+00:00\t10",  # first behind its end
        b"site\tlog\t9\tclosed\t2024-08-32T07:39:00+00:00\t8",
        b"site\tlog\t9\tclosed\t2024-08-26T07:39:00+00:00\t8\t8",
        row + b"\n" + row,
        row,
    ]
    found = sift([b"site"] * len(values), values)
    assert found.rows == [0, 6]
    assert found.marks == {1: mark(8, 9)}
    assert found.strange.keys() == {2, 3, 4, 5}
    assert (found.strange[2], found.strange[3]) == ("first", "time")


def test_what_is_missing_before_a_log_made_anew_is_waited_for_since_offsets_go_on_in_it() -> None:
    new = mark(12, 15, 110, "new")  # its site had come to 12, and the center has all before 5
    reached, rest = advance(at(5, 100), [new])
    assert (reached, rest) == (at(5, 100), [new])
    assert advance(reached, [*rest, mark(5, 12, 107)]) == (at(15, 110, "new"), [])
    assert given_up(rest, {new}) == 12
    assert advance(replace(reached, offset=12), rest) == (at(15, 110, "new"), [])
