"""The spans of rows of a false time: none is lost when the page and the command add one at the same time."""

from pathlib import Path
from typing import Any

import pytest

from common import false_rows, files, state_file
from common.false_rows import FalseSpan


def test_who_adds_a_span_is_alone_from_reading_to_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = []

    def seen(step: Any) -> Any:
        def asked(*args: Any) -> Any:
            try:
                with files.one_at_a_time(tmp_path, wait=False):
                    free.append(step.__name__)
            except BlockingIOError:
                pass
            return step(*args)

        return asked

    monkeypatch.setattr(false_rows, "load", seen(false_rows.load))
    monkeypatch.setattr(state_file, "store", seen(state_file.store))
    false_rows.add(tmp_path, FalseSpan("log", 7, 20))
    assert free == []


def test_a_span_that_is_known_is_not_added_again(tmp_path: Path) -> None:
    first, second = FalseSpan("log", 7, 20), FalseSpan("log", 9, 30)
    for span in (first, second, first, second):
        false_rows.add(tmp_path, span)
    assert false_rows.load(tmp_path) == [first, second]
