"""Log files: NULs of a power cut are removed, no line is lost, and a trouble that lasts does not fill the disk."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import log_files
from common.logging_setup import MOST_LINES, WINDOW_S, Limit


@pytest.mark.parametrize(
    ("found", "left"),
    [
        (b"", b""),
        (b"one\ntwo\n", b"one\ntwo\n"),
        (b"one\ntwo\n" + bytes(4000), b"one\ntwo\n"),
        (b"one\ntw" + bytes(4000), b"one\ntw\n"),
        (b"one\ntw", b"one\ntw\n"),
        (bytes(4000), b""),
        (b"one\n" + bytes(40) + b"\n" + bytes(4) + b"two\n", b"one\ntwo\n"),  # two cuts
        (bytes(9) + b"one\n\ntwo\n", b"one\n\ntwo\n"),
    ],
)
def test_a_log_is_cleaned(tmp_path: Path, found: bytes, left: bytes) -> None:
    path = tmp_path / "producer.log"
    path.write_bytes(found)
    log_files.clean(path)
    assert path.read_bytes() == left


@given(st.lists(st.one_of(st.binary(max_size=20), st.integers(1, 30).map(bytes)), max_size=8))
def test_everything_but_nuls_and_line_breaks_stays(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("logs") / "a.log"
    path.write_bytes(b"".join(parts))
    log_files.clean(path)
    left = path.read_bytes()
    assert left.translate(None, b"\0\n") == b"".join(parts).translate(None, b"\0\n")
    assert b"\0" not in left
    log_files.clean(path)
    assert path.read_bytes() == left


def test_all_logs_of_a_folder_are_cleaned_and_an_unreadable_one_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.log").mkdir()
    (tmp_path / "b.log").write_bytes(b"one\n\0\0")
    (tmp_path / "b.log.1").write_bytes(b"zero\n\0\0")
    command = [sys.executable, "-P", "-m", "common.log_files", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, "a.log was not cleaned: Is a directory" in ended.stderr) == (0, True)
    assert [(tmp_path / name).read_bytes() for name in ("b.log", "b.log.1")] == [b"one\n", b"zero\n"]


def said(limit: Limit, text: str, level: int = logging.WARNING) -> str:
    """The line, or nothing."""
    record = logging.LogRecord("producer.verdicts", level, "", 0, text, ("EROFS",), None)
    return record.getMessage() if limit.filter(record) else ""


def test_a_warning_each_second_is_said_a_few_times_and_then_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 1000.0
    monkeypatch.setattr("common.logging_setup.time.monotonic", lambda: now_s)
    limit, lines = Limit(), []
    for _ in range(3600):
        lines.append(said(limit, "not_stored problem=%s"))
        now_s += 1.0
    shown = [line for line in lines if line]
    assert len(shown) == MOST_LINES * 3600 / WINDOW_S
    assert lines[:MOST_LINES] == ["not_stored problem=EROFS"] * MOST_LINES
    assert shown[MOST_LINES] == f"not_stored problem=EROFS unsaid={int(WINDOW_S) - MOST_LINES}"


def test_another_kind_and_what_is_no_warning_are_always_said() -> None:
    limit = Limit()
    for _ in range(2 * MOST_LINES):
        said(limit, "not_stored problem=%s")
        assert said(limit, "event_raised event=%s", logging.INFO)
    assert said(limit, "rows_held problem=%s")
    assert not said(limit, "not_stored problem=%s")
