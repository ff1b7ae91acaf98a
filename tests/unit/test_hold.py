"""Rows on their way to the log: a full disk costs none until memory is full, a doubtful disk repeats none."""

import errno
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from common.errors import DiskFull, LogError, NotDurable
from common.row import Row, parse_payload
from log import mark as marks
from log.mark import Mark, load
from log.roles import Log, open_log
from producer.hold import PendingRows

UTC = ZoneInfo("UTC")
T = 28_000_000


class Moody:
    """The real log, with the next appends going wrong as told."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.moods: list[LogError | None] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def append(self, lines: Sequence[str]) -> int:
        mood = self.moods.pop(0) if self.moods else None
        if mood is None or isinstance(mood, NotDurable):
            first = self._log.append(lines)
        if mood is not None:
            raise mood
        return first


@pytest.fixture
def log(tmp_path: Path) -> Moody:
    return Moody(open_log("file", tmp_path, ["archive"]))


def held(log: Moody, data: Path, most_rows: int = 1000) -> PendingRows:
    return PendingRows(log, data, UTC, most_rows, Mark(T - 1, log.end_offset, log.log_id, {}))


def row(minute: int) -> Row:
    return Row(minute, "001", 1.0, 2.0, 60)


def minutes(log: Moody) -> list[int]:
    return [parse_payload(record.payload).minute for record in log._log.read(0, 10_000)]


def test_rows_wait_while_the_disk_is_full_and_follow_in_order(log: Moody, tmp_path: Path) -> None:
    rows = held(log, tmp_path)
    log.moods = [DiskFull(), DiskFull(), LogError("not ready")]
    for minute in range(T, T + 3):
        rows.add([row(minute)])
        assert not rows.flush(minute)
        assert "wait in memory" in rows.problem
    assert (len(rows), minutes(log)) == (3, [])
    assert load(tmp_path) == Mark(T - 1, 0, log.log_id)  # nothing of what waits
    rows.add([row(T + 3)])
    assert rows.flush(T + 3)
    assert (len(rows), rows.problem, minutes(log)) == (0, "", [T, T + 1, T + 2, T + 3])
    mark = load(tmp_path)
    assert mark
    assert (mark.closed_through, mark.end_offset, mark.sensors) == (T + 3, 4, {"001": T + 3})


def test_memory_gives_up_the_oldest_rows_and_counts_them(log: Moody, tmp_path: Path) -> None:
    rows = held(log, tmp_path, most_rows=2)
    log.moods = [DiskFull()] * 3
    for minute in range(T, T + 3):
        rows.add([row(minute)])
        rows.flush(minute)
    assert rows.dropped == 1
    assert rows.flush(T + 2)
    assert minutes(log) == [T + 1, T + 2]


def test_rows_that_the_disk_did_not_confirm_are_in_the_log_and_not_repeated(log: Moody, tmp_path: Path) -> None:
    rows = held(log, tmp_path)
    log.moods = [NotDurable(0, "EIO")]
    rows.add([row(T)])
    assert rows.flush(T)
    assert "not confirmed" in rows.problem
    mark = load(tmp_path)
    assert mark
    assert (mark.end_offset, mark.sensors) == (0, {"001": T})  # closed, and not on disk: a poll must still sync
    rows.add([row(T + 1)])
    assert rows.flush(T + 1)
    assert minutes(log) == [T, T + 1]
    mark = load(tmp_path)
    assert mark
    assert mark.end_offset == 2


def test_sensors_that_are_silent_for_a_week_leave_the_mark(log: Moody, tmp_path: Path) -> None:
    rows = held(log, tmp_path)
    rows.add([row(T)])
    rows.flush(T)
    rows.add([Row(T + 8 * 1440, "002", 1.0, 2.0, 60)])
    rows.flush(T + 8 * 1440)
    mark = load(tmp_path)
    assert mark
    assert mark.sensors == {"002": T + 8 * 1440}


def test_rows_that_wait_are_taken_up_by_the_next_start_unless_the_log_has_them(log: Moody, tmp_path: Path) -> None:
    first = held(log, tmp_path)
    log.moods = [DiskFull()]
    first.add([row(T), Row(T, "002", 3.0, None, 9, "0M00")])
    assert not first.flush(T)
    kept = first.to_state()
    mark = Mark(T, log.end_offset, log.log_id, {"001": T})  # it appended "001" before it was killed
    second = PendingRows(log, tmp_path, UTC, 1000, mark)
    assert second.restore(["not a row", *kept]) == {"002": T}
    assert second.flush(T)
    assert [parse_payload(record.payload) for record in log._log.read(0, 9)] == [Row(T, "002", 3.0, None, 9, "0M00")]


def test_a_mark_that_cannot_be_written_is_tried_again_without_new_rows(
    log: Moody, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = held(log, tmp_path)
    assert not rows.waiting
    rows.add([row(T)])
    with monkeypatch.context() as patch:

        def fail(_data: Path, _mark: Mark) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        patch.setattr(marks, "store", fail)
        rows.flush(T)
    assert (len(rows), rows.waiting, minutes(log)) == (0, True, [T])
    assert "their mark is not written yet" in rows.problem
    rows.flush(T)
    assert (rows.waiting, rows.problem) == (False, "")
    mark = load(tmp_path)
    assert mark is not None
    assert mark.closed_through == T


def test_sensors_without_end_do_not_grow_the_mark_and_no_row_of_theirs_comes_twice(
    log: Moody, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("producer.hold.MOST_SENSORS", 2)
    first = held(log, tmp_path)
    first.add([Row(T, f"X{number}", 1.0, 2.0, 1) for number in range(2)])
    kept = first.to_state()  # on disk when the process is killed after the mark
    first.add([Row(T + 1, f"Y{number}", 1.0, 2.0, 1) for number in range(2)])
    assert first.flush(T + 1)
    mark = load(tmp_path)
    assert mark is not None
    assert mark.sensors == {"Y0": T + 1, "Y1": T + 1}
    second = PendingRows(log, tmp_path, UTC, 1000, mark)
    assert (second.restore(kept, mark.closed_through), len(second)) == ({}, 0)


def test_what_the_log_took_is_marked_while_the_rows_behind_it_wait(
    log: Moody, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("producer.hold.APPEND_ROWS", 1)
    rows = held(log, tmp_path)
    log.moods = [None, DiskFull()]
    rows.add([Row(T, sensor, 1.0, 2.0, 60) for sensor in ("001", "002")])
    assert not rows.flush(T)
    mark = load(tmp_path)
    assert mark is not None
    assert (mark.end_offset, mark.closed_through, mark.sensors) == (
        1,
        T - 1,
        {"001": T},
    )  # the minute is not closed yet
    second = PendingRows(log, tmp_path, UTC, 1000, mark)
    assert second.restore(rows.to_state(), mark.closed_through) == {"002": T}
    assert len(second) == 1


def test_what_a_wrong_clock_made_waits_no_more_and_leaves_the_mark(log: Moody, tmp_path: Path) -> None:
    rows = held(log, tmp_path)
    rows.add([row(T), Row(T + 2_000_000, "002", 1.0, 2.0, 60)])
    assert rows.flush(T + 2_000_000)
    log.moods = [DiskFull()]
    rows.add([row(T + 1), row(T + 2_000_001)])
    assert not rows.flush(T + 2_000_001)
    rows.forget_future(T + 1)
    assert (len(rows), rows.dropped) == (1, 1)
    assert rows.flush(T + 1)
    assert minutes(log) == [T, T + 2_000_000, T + 1]
    published = load(tmp_path)
    assert published
    assert published.closed_through == T + 1
    assert published.sensors == {"001": T + 1, "002": T + 1}
