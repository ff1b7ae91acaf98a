"""A group's commit survives any torn or flipped byte, at the worst as the commit before it."""

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.folder import GROUPS_FOLDER
from log import commits
from log.commits import LINE_BYTES, CommitFile

numbers = st.integers(0, 10**15)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / GROUPS_FOLDER).mkdir()
    return tmp_path


@given(numbers, numbers)
def test_a_line_is_read_as_it_was_written(offset: int, number: int) -> None:
    line = commits._format(offset, number)
    assert len(line) == LINE_BYTES
    assert commits._parse(line) == (number, offset)


@given(st.data(), numbers, numbers)
def test_any_flipped_bit_is_noticed(data: st.DataObject, offset: int, number: int) -> None:
    line = bytearray(commits._format(offset, number))
    bit = data.draw(st.integers(0, len(line) * 8 - 1))
    line[bit // 8] ^= 1 << bit % 8
    assert commits._parse(bytes(line)) is None


def test_commits_are_there_after_a_restart(data: Path) -> None:
    for offset in (5, 17, 18):
        file = CommitFile(data, "server", missing=3)
        file.write(offset)
        file.close()
        assert commits.read(data, "server") == offset
    assert commits.read_all(data) == {"server": 18}


def test_a_file_that_was_made_by_the_start_says_so(data: Path) -> None:
    first = CommitFile(data, "server", missing=3)
    assert (first.was_missing, first.offset) == (True, 3)
    first.close()
    second = CommitFile(data, "server", missing=9)
    assert (second.was_missing, second.offset) == (False, 3)
    second.close()


@pytest.mark.parametrize("kept", range(LINE_BYTES - 1))  # the last byte is the same line break
def test_a_torn_write_leaves_the_commit_before_it(data: Path, kept: int) -> None:
    path = data / GROUPS_FOLDER / "server"
    file = CommitFile(data, "server", missing=0)
    file.write(100)
    before = path.read_bytes()
    file.write(101)
    after = path.read_bytes()
    file.close()
    place = next(n for n in (0, LINE_BYTES) if before[n : n + LINE_BYTES] != after[n : n + LINE_BYTES])
    path.write_bytes(after[: place + kept] + before[place + kept :])
    assert commits.read(data, "server") == 100
    again = CommitFile(data, "server", missing=0)  # and goes on from there, into the torn place
    again.write(102)
    again.close()
    assert commits.read(data, "server") == 102


def test_both_lines_damaged_is_a_missing_commit(data: Path) -> None:
    path = data / GROUPS_FOLDER / "server"
    CommitFile(data, "server", missing=4).close()
    path.write_bytes(bytes(2 * LINE_BYTES))
    assert commits.read(data, "server") is None
    assert CommitFile(data, "server", missing=7).offset == 7


@pytest.mark.parametrize("harm", ["deleted", "replaced", "folder gone"])
def test_a_commit_reaches_the_path_also_if_the_file_there_is_another(data: Path, harm: str) -> None:
    path = data / GROUPS_FOLDER / "server"
    file = CommitFile(data, "server", missing=0)
    file.write(10)
    old = path.read_bytes()
    path.unlink()
    if harm == "replaced":
        path.write_bytes(old)
    elif harm == "folder gone":
        path.parent.rmdir()
    file.write(11)
    file.write(12)
    file.close()
    assert commits.read(data, "server") == 12


def test_what_lies_beside_the_commits_is_not_taken_for_one(data: Path) -> None:
    (data / GROUPS_FOLDER / "server.tmp").write_bytes(commits._format(99, 1))
    (data / GROUPS_FOLDER / "folder").mkdir()
    assert commits.read_all(data) == {}


def test_a_commit_that_is_not_written_whole_is_an_error(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = CommitFile(data, "server", missing=0)
    whole = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda descriptor, data, place: whole(descriptor, data[:20], place))
    with pytest.raises(OSError, match="whole"):
        file.write(5)
    monkeypatch.undo()
    assert commits.read(data, "server") == 0
    file.write(6)
    file.close()
    assert commits.read(data, "server") == 6


def test_a_commit_never_moves_back_though_two_hold_the_file(data: Path) -> None:
    one, other = CommitFile(data, "server", 0), CommitFile(data, "server", 0)
    one.write(10)
    other.write(5)
    assert commits.read(data, "server") == 10
    one.write(20)
    other.write(8)
    other.write(9)
    assert commits.read(data, "server") == 20
    other.write(21)
    assert commits.read(data, "server") == 21
    one.close()
    other.close()


def test_a_commit_whose_sync_failed_is_written_again_and_leaves_the_one_before_it(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, path = CommitFile(data, "server", 0), data / GROUPS_FOLDER / "server"
    file.write(6)
    before = [line for line in path.read_bytes().splitlines() if b"offset=6" in line]

    def refuse(_descriptor: int) -> None:
        raise OSError(errno.EIO, "EIO")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", refuse)
        for _ in range(3):
            with pytest.raises(OSError, match="EIO"):
                file.write(7)
            assert file.offset == 6
            assert before[0] in path.read_bytes()  # the disk may have dropped the other one
    file.write(7)
    assert (file.offset, commits.read(data, "server")) == (7, 7)
    assert before[0] in path.read_bytes()
    file.close()
