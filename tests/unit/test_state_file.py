"""Whatever a state file holds, its reader gives a value of the right type or says that there is none."""

import contextlib
import json
import logging
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import state_file
from common.state_file import Count, Minute, StateUnusable, parse


class Inner(msgspec.Struct, array_like=True):
    effect: float
    total: float


class Kept(msgspec.Struct):
    minute: Minute
    rows: Count = 0
    flow: float | None = None
    starts: dict[int, Inner] = {}
    nights: list[float] = []
    name: str = ""


GOOD = Kept(28_744_293, 5, 8.25, {3: Inner(0.1, -0.0)}, [1.5, 2.0], "001")
TEXT = msgspec.json.encode(GOOD)
DEEP = 100_000
DAMAGED = {
    "empty": b"",
    "cut": TEXT[:-9],
    "text": b"\xff\xfe{",
    "nested": b"[" * DEEP,
    "nested inside": b'{"minute": 1, "more": ' + b"[" * DEEP + b"]" * DEEP + b"}",
    "infinite": b'{"minute": 1, "flow": 1e999}',
    "no number": b'{"minute": 1, "flow": NaN}',
    "huge": b'{"minute": ' + b"9" * 10_000 + b"}",
    "late": b'{"minute": 99999999999}',
    "negative": b'{"minute": 1, "rows": -1}',
    "fraction": b'{"minute": 1.5}',
    "truth": b'{"minute": true}',
    "key": b'{"minute": 1, "starts": {"x": [1, 2]}}',
    "short": b'{"minute": 1, "starts": {"3": [1]}}',
    "list": b"[1]",
    "nothing": b"null",
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_none_and_is_warned_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(DAMAGED[name])
    with caplog.at_level(logging.WARNING):
        assert [state_file.load(path, Kept) for _ in range(3)] == [None] * 3
    assert [record.message.split()[0] for record in caplog.records] == ["state_unreadable"]
    with pytest.raises(StateUnusable):
        state_file.read(path, Kept)


def test_no_file_is_none_without_a_word_and_a_good_one_comes_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "state.json"
    assert state_file.load(path, Kept) is None
    state_file.store(path, GOOD)
    assert state_file.load(path, Kept) == GOOD
    assert caplog.records == []


def test_what_cannot_be_opened_or_has_no_end_is_unusable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StateUnusable, match="directory"):
        state_file.read(tmp_path, Kept)
    monkeypatch.setattr(state_file, "MOST_BYTES", 20)
    (tmp_path / "long.json").write_bytes(TEXT)
    with pytest.raises(StateUnusable, match="larger"):
        state_file.read(tmp_path / "long.json", Kept)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_unusable(data: bytes) -> None:
    with contextlib.suppress(StateUnusable):
        assert isinstance(parse(data, Kept), Kept)


@given(st.integers(0, len(TEXT)), st.integers(0, len(TEXT)), st.binary(max_size=6))
def test_a_changed_text_is_a_value_or_unusable(first: int, last: int, put: bytes) -> None:
    with contextlib.suppress(StateUnusable):
        assert isinstance(parse(TEXT[:first] + put + TEXT[last:], Kept), Kept)


@given(st.dictionaries(st.sampled_from(["minute", "rows", "flow", "starts", "nights", "name", "more"]), JSON))
def test_any_shape_is_a_value_or_unusable(body: dict[str, Any]) -> None:
    with contextlib.suppress(StateUnusable):
        assert isinstance(parse(json.dumps(body).encode(), Kept), Kept)
    with contextlib.suppress(StateUnusable):
        assert isinstance(state_file.convert(body, Kept), Kept)


@given(st.builds(Kept, st.integers(0, 10**9), nights=st.lists(st.floats(allow_nan=False, allow_infinity=False))))
def test_what_is_written_comes_back_to_the_bit(kept: Kept) -> None:
    again = parse(msgspec.json.encode(kept), Kept)
    assert repr(again) == repr(kept)
