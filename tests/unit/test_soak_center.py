"""The counting of a center's soak sees each wrong that is planted."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))
from center_parts.counting import MUST_BE_ZERO, Watch, compare

from common.row import Row

ROWS = {site: {offset: Row(offset, "001", 8.0 + offset, 4.0, 60) for offset in range(4)} for site in ("a", "b")}
LYING = [(0, "a", 0), (0, "a", 1), (0, "a", 1), (1, "a", 2), (1, "a", 3), *((0, "b", offset) for offset in range(4))]


def wrong(**changed: object) -> dict[str, int]:
    given = {"stored": ROWS, "lying": LYING} | changed
    found = compare(ROWS, given["stored"], given["lying"])
    return {name: found[name] for name in MUST_BE_ZERO if found.get(name)}


def test_what_is_right_is_no_wrong() -> None:
    assert wrong() == {}
    found = compare(ROWS, ROWS, LYING)
    assert (found["stored exactly once"], found["copies in the topic beside the first"]) == (8, 1)


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ({0: ROWS["a"][0], 2: ROWS["a"][2], 3: ROWS["a"][3]}, {"lost": 1}),
        (ROWS["a"] | {2: Row(2, "001", 9.9, 4.0, 60)}, {"changed": 1}),
        (ROWS["a"] | {7: Row(7, "001", 8.0, 4.0, 60)}, {"never appended": 1}),
        (ROWS["a"] | {7: ROWS["a"][3]}, {"never appended": 1, "doubled": 1}),
    ],
)
def test_a_row_that_is_not_as_it_was_appended_is_seen(rows: dict[int, Row], what: dict[str, int]) -> None:
    assert wrong(stored=ROWS | {"a": rows}) == what


def test_disorder_within_a_site_is_seen() -> None:
    assert wrong(lying=[(0, "b", 1), (0, "a", 0), (0, "b", 0)]) == {"out of order": 1}


def test_a_minute_that_is_closed_too_early_or_moves_back_is_seen() -> None:
    watch = Watch()
    for closed, stored, appended in ((5, 60, 60), (6, 72, 72), (7, 83, 84), (6, 72, 72)):
        watch.see_closed("a", closed, stored, appended)
    assert (watch.looks, watch.early, watch.back) == (4, 1, 1)


def test_how_long_a_site_stood_still() -> None:
    watch = Watch()
    watch.see({"a": 3, "b": 3}, 0.0)
    watch.begin({"a": 5, "b": 5})
    watch.see({"a": 6, "b": 3}, 2.0)
    watch.see({"a": 9, "b": 3}, 4.0)
    assert not watch.recovered
    watch.see({"a": 9, "b": 6}, 7.5)
    assert (watch.recovered, watch.longest_s) == (True, 7.5)
