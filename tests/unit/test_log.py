"""The log on its file: what an append, a poll, a commit and a reset promise, and each case of the recovery."""

import errno
import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from common import badlines, commits, identity, mark
from common.errors import DiskFull, LockTimeout, LogError, NotDurable
from common.filelog import FileLog
from common.lines import format_lines, parse_header, parse_line
from common.log import open_log
from common.mark import Mark
from common.reserve import Reserve

GROUPS = ("archive", "server")


class Site:
    """A data folder; `log` is a process's view of it, opened again by `restart`."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.path = data / "server_data.txt"
        self._open: list[FileLog] = []
        self.log = self.another()

    def another(self, **limits: int) -> FileLog:
        """The log as another process sees it."""
        limits = {"compact_bytes": 1 << 24, "warn_bytes": 1 << 28} | limits
        self._open.append(FileLog(self.data, GROUPS, **limits))
        return self._open[-1]

    def restart(self, **limits: int) -> FileLog:
        self.close()
        self.log = self.another(**limits)
        return self.log

    def close(self) -> None:
        for log in self._open:
            log.close()
        self._open.clear()

    def consume(self, *names: str) -> None:
        """The groups take in everything and commit it."""
        for name in names:
            group = self.log.group(name)
            while rows := group.poll(100):
                group.commit(rows[-1].offset + 1)
            group.close()

    @property
    def lines(self) -> list[bytes]:
        return self.path.read_bytes().split(b"\n")[:-1]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """On a file system in memory where there is one: these tests sync a thousand times."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else tmp_path) as folder:
        here = Site(Path(folder) / "data")
        yield here
        here.close()


def rows(first: int, count: int) -> list[str]:
    return [f"row\t{number}" for number in range(first, first + count)]


def texts(log: FileLog, name: str = "server") -> list[tuple[int, str]]:
    """All rows that a group still gets, without a commit."""
    group = log.group(name)
    found = []
    while polled := group.poll(7):
        found += [(row.offset, row.payload) for row in polled]
    group.close()
    return found


def expected(*ranges: range) -> list[tuple[int, str]]:
    return [(number, f"row\t{number}") for numbers in ranges for number in numbers]


def flip(path: Path, byte: int, bit: int = 0) -> None:
    data = bytearray(path.read_bytes())
    data[byte] ^= 1 << bit
    path.write_bytes(bytes(data))  # in place: the same file, as a failing disk would leave it


def line_start(site: Site, number: int) -> int:
    """The byte where a line starts; 0 is the header."""
    return sum(len(line) + 1 for line in site.lines[:number])


# --- append, poll, commit


def test_offsets_grow_by_one_over_appends_and_restarts(site: Site) -> None:
    assert site.log.append(rows(0, 1)) == 0
    assert site.log.append(rows(1, 3)) == 1
    assert site.restart().append(rows(4, 1)) == 4
    assert (site.log.base_offset, site.log.end_offset) == (0, 5)
    assert texts(site.log) == expected(range(5))


def test_the_file_is_a_header_and_a_line_a_row_that_each_prove_themselves(site: Site) -> None:
    site.log.append(["2024-08-26T16:33:00+09:00\t001\t8.02\t4.11\t60\t0000\t000"])
    header, line = site.lines
    assert parse_header(header) is not None
    assert line.startswith(b"0\t2024-08-26T16:33:00+09:00\t001\t8.02\t")
    assert parse_line(line) is not None


@pytest.mark.parametrize("wrong", [[], [""], ["a\nb"], ["good", "a\n"], ["x" * 70_000]])
def test_what_is_not_a_line_is_refused_whole(site: Site, wrong: list[str]) -> None:
    with pytest.raises(ValueError, match=r"line|nothing"):
        site.log.append(wrong)
    assert site.log.append(rows(0, 1)) == 0


def test_each_group_gets_every_row_and_goes_on_behind_its_own_commit(site: Site) -> None:
    site.log.append(rows(0, 10))
    group = site.log.group("server")
    assert [row.offset for row in group.poll(4)] == [0, 1, 2, 3]
    assert (group.position, group.committed, group.lag) == (4, 0, 10)
    group.commit(3)
    assert (group.position, group.committed, group.lag) == (4, 3, 7)
    site.restart()
    assert texts(site.log, "server") == expected(range(3, 10))
    assert texts(site.log, "archive") == expected(range(10))


def test_a_commit_moves_neither_back_nor_past_the_end(site: Site) -> None:
    site.log.append(rows(0, 5))
    group = site.log.group("server")
    group.poll(5)
    group.commit(4)
    group.commit(2)
    assert group.committed == 4
    with pytest.raises(LogError, match="ends at 5"):
        group.commit(6)
    assert commits.read(site.data, "server") == 4


def test_seek_reads_again_without_touching_the_commit(site: Site) -> None:
    site.log.append(rows(0, 6))
    group = site.log.group("server")
    group.poll(6)
    group.commit(6)
    group.seek(2)
    assert [row.offset for row in group.poll(2)] == [2, 3]
    group.commit(4)
    assert group.committed == 6


def test_a_consumer_sees_what_another_process_appends(site: Site) -> None:
    group = site.log.group("server")
    producer = site.another()
    for number in range(5):
        assert group.poll(10) == []
        producer.append(rows(number, 1))
        assert [row.offset for row in group.poll(10)] == [number]


def test_two_producers_take_turns_and_share_the_numbers(site: Site) -> None:
    other = site.another()
    offsets = [log.append(rows(number, 1)) for number, log in enumerate([site.log, other, other, site.log, other])]
    assert offsets == list(range(5))
    assert texts(site.log) == expected(range(5))


def test_rows_are_read_by_offset_also_in_a_file_of_megabytes(site: Site) -> None:
    count = 40_000
    site.log.append([f"{number}\t{'x' * 60}" for number in range(count)])
    for offset in (0, 1, 17_234, count - 1):
        found = site.log.read(offset, 2)
        assert [row.offset for row in found] == list(range(offset, min(offset + 2, count)))
    group = site.log.group("server")
    group.seek(31_000)
    assert [row.offset for row in group.poll(3)] == [31_000, 31_001, 31_002]
    assert sum(len(rows_) for rows_ in iter(lambda: group.poll(999), [])) == count - 31_003


# --- reset and compaction


def test_the_file_is_reset_when_every_group_has_consumed_every_row(site: Site) -> None:
    site.log.append(rows(0, 5))
    site.consume("server")
    assert not site.log.trim()
    site.consume("archive")
    assert site.log.trim()
    assert len(site.lines) == 1
    assert (site.log.base_offset, site.log.end_offset) == (5, 5)
    assert not site.log.trim()
    assert site.log.append(rows(5, 1)) == 5
    assert texts(site.restart()) == expected(range(5, 6))


def test_a_row_that_comes_in_during_the_reset_stays(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.log.append(rows(0, 5))
    site.consume(*GROUPS)
    producer = site.another()
    sync = os.fdatasync

    def append_meanwhile(descriptor: int) -> None:
        monkeypatch.setattr(os, "fdatasync", sync)
        sync(descriptor)
        producer.append(rows(5, 2))

    monkeypatch.setattr(os, "fdatasync", append_meanwhile)
    assert site.log.trim()
    assert texts(site.log) == expected(range(5, 7))
    assert producer.append(rows(7, 1)) == 7
    assert texts(site.log) == expected(range(5, 8))


def test_others_follow_through_a_reset(site: Site) -> None:
    other = site.another()
    group = other.group("server")
    for number in range(20):
        site.log.append(rows(number, 1))
        assert [row.offset for row in group.poll(5)] == [number]
        group.commit(number + 1)
        site.consume("archive")
        assert (other if number % 2 else site.log).trim()


def test_a_large_consumed_part_is_dropped_while_a_group_lags(site: Site) -> None:
    log = site.restart(compact_bytes=2000)
    log.append(rows(0, 300))
    site.consume("archive")
    group = log.group("server")
    group.poll(100)
    group.commit(100)
    assert not log.trim()  # more than 2,000 bytes, but less than half of the file
    group.poll(100)
    group.commit(200)
    assert log.trim()
    assert (log.base_offset, log.end_offset) == (200, 300)
    assert len(site.lines) == 101
    assert [row.offset for row in group.poll(3)] == [200, 201, 202]


def test_a_group_that_never_came_keeps_its_rows(site: Site) -> None:
    site.log.append(rows(0, 5))
    site.consume("server")
    assert not site.log.trim()
    assert texts(site.restart(), "archive") == expected(range(5))


def test_a_group_that_is_not_listed_reads_but_holds_nothing(site: Site) -> None:
    site.log.append(rows(0, 5))
    guest = site.log.group("guest")
    assert len(guest.poll(2)) == 2
    guest.commit(2)
    site.consume(*GROUPS)
    assert site.log.trim()
    site.log.append(rows(5, 1))
    assert [row.offset for row in guest.poll(10)] == [5]


def test_rows_that_the_producer_has_not_marked_are_not_dropped(site: Site) -> None:
    site.log.append(rows(0, 5))
    mark.store(site.data, Mark(28_000_000, 4, site.log.log_id))  # killed between the last append and its mark
    site.consume(*GROUPS)
    assert not site.log.trim()
    assert [row.offset for row in site.restart().read(4, 10)] == [4]
    mark.store(site.data, Mark(28_000_001, 5, site.log.log_id))
    assert site.log.trim()


def test_a_group_without_a_readable_commit_holds_the_log(site: Site) -> None:
    site.log.append(rows(0, 5))
    site.consume(*GROUPS)
    (site.data / commits.FOLDER / "archive").write_bytes(b"\xff" * 128)
    assert not site.log.trim()


def test_a_failed_reset_leaves_no_half_file_behind(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.log.append(rows(0, 5))
    site.consume(*GROUPS)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", full)
        with pytest.raises(DiskFull):
            site.log.trim()
    assert not (site.data / "server_data.txt.new").exists()
    assert site.log.trim()


def test_one_group_resets_at_a_time(site: Site) -> None:
    from common.lock import Lock

    site.log.append(rows(0, 5))
    site.consume(*GROUPS)
    at_it = Lock(site.data / "server_data.txt.new.lock")
    with at_it.held():
        assert not site.log.trim()
    at_it.close()
    assert site.log.trim()


def test_a_lagging_group_is_named_when_the_file_is_large(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    log = site.restart(warn_bytes=1000)
    log.append(rows(0, 100))
    site.consume("archive")
    log.trim()
    log.trim()
    assert [record.message for record in caplog.records if "log_large" in record.message] == [
        f"log_large bytes={site.path.stat().st_size} waiting_for=server nothing is dropped"
    ]


# --- the recovery's table: the file


@pytest.mark.parametrize("harm", ["missing", "empty"])
@pytest.mark.parametrize("running", [True, False])
def test_a_lost_file_starts_again_behind_everything_that_is_remembered(site: Site, harm: str, running: bool) -> None:
    site.log.append(rows(0, 9))
    group = site.log.group("archive")
    group.poll(6)
    group.commit(6)
    log_id = site.log.log_id
    site.path.unlink()
    if harm == "empty":
        site.path.touch()
    log = site.log if running else site.restart()
    assert log.append(rows(9, 1)) == (9 if running else 6)
    assert (log.log_id == log_id) == running  # 6 was given before: under another id it is another name


def test_a_lost_file_keeps_its_id_where_the_mark_knows_its_end(site: Site) -> None:
    site.log.append(rows(0, 9))
    _mark(site, 9)
    log_id = site.log.log_id
    site.path.unlink()
    log = site.restart()
    assert (log.append(rows(9, 1)), log.log_id) == (9, log_id)


@pytest.mark.parametrize("bit", range(0, 8 * 30, 7))
def test_a_damaged_header_costs_no_row_and_no_number(site: Site, bit: int) -> None:
    site.log.append(rows(0, 8))
    site.consume(*GROUPS)
    site.log.trim()
    site.log.append(rows(8, 4))
    log_id, size = site.log.log_id, line_start(site, 1)
    flip(site.path, size - 1 - bit // 8, bit % 8)
    log = site.restart()
    assert texts(log) == expected(range(8, 12))
    assert (log.base_offset, log.end_offset, log.log_id) == (8, 12, log_id)
    assert log.append(rows(12, 1)) == 12
    assert badlines.count(site.data).get("line") is None


def test_a_damaged_header_of_an_empty_log_costs_no_number(site: Site) -> None:
    site.log.append(rows(0, 8))
    site.consume(*GROUPS)
    site.log.trim()
    flip(site.path, 62)
    assert site.restart().append(rows(8, 1)) == 8


def test_a_deleted_header_costs_nothing(site: Site) -> None:
    site.log.append(rows(0, 3))
    log_id = site.log.log_id
    site.path.write_bytes(b"".join(line + b"\n" for line in site.lines[1:]))
    log = site.restart()
    assert (log.log_id, texts(log)) == (log_id, expected(range(3)))
    assert parse_header(site.lines[0]) is not None


def test_without_the_identity_the_log_id_comes_from_the_mark(site: Site) -> None:
    site.log.append(rows(0, 3))
    log_id = site.log.log_id
    mark.store(site.data, Mark(28_000_000, 3, log_id))
    (site.data / identity.FILE_NAME).unlink()
    flip(site.path, 20)
    assert site.restart().log_id == log_id


def test_a_copied_folder_is_not_taken_for_its_old_self(site: Site, tmp_path: Path) -> None:
    site.log.append(rows(0, 3))
    shutil.copytree(site.data, tmp_path / "copy")
    copy = Site(tmp_path / "copy")
    assert copy.log.log_id != site.log.log_id
    assert texts(copy.log) == expected(range(3))
    assert copy.log.append(rows(3, 1)) == 3
    log_id = copy.log.log_id
    assert copy.restart().log_id == log_id
    copy.close()


def test_a_copied_machine_is_not_taken_for_its_old_self(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_id = site.log.log_id
    other = tmp_path / "machine-id"
    other.write_text(uuid.uuid4().hex)
    monkeypatch.setattr(identity, "MACHINE_ID", other)
    assert site.restart().log_id != log_id


@pytest.mark.parametrize("lost", [identity.FILE_NAME, "producer.mark", "groups/server", "groups/archive"])
@pytest.mark.parametrize("harm", ["missing", "damaged", "empty"])
def test_a_lost_state_file_costs_no_row_and_no_name(site: Site, lost: str, harm: str) -> None:
    site.log.append(rows(0, 6))
    mark.store(site.data, Mark(28_000_000, 6, site.log.log_id))
    group = site.log.group("server")
    group.poll(2)
    group.commit(2)
    log_id, path = site.log.log_id, site.data / lost
    if harm == "missing":
        path.unlink()
    else:
        path.write_bytes(b"" if harm == "empty" else os.urandom(200))
    log = site.restart()
    assert log.log_id == log_id
    assert log.append(rows(6, 1)) == 6
    assert texts(log, "server") == expected(range(0 if lost == "groups/server" else 2, 7))


# --- the recovery's table: tails


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize(
    "junk",
    [b"3\trow\t3\tdead", b"\0" * 5000, os.urandom(100).replace(b"\n", b"x"), b"3", b"x" * 100_000],
    ids=["half", "zeros", "junk", "digit", "long"],
)
def test_a_torn_tail_is_set_aside_and_its_number_given_to_the_next_row(site: Site, junk: bytes, running: bool) -> None:
    site.log.append(rows(0, 3))
    with site.path.open("ab") as file:
        file.write(junk)
    log = site.log if running else site.restart()
    assert texts(log) == expected(range(3))
    assert log.append(rows(3, 2)) == 3
    assert texts(log) == expected(range(5))
    assert badlines.count(site.data) == {"torn": 1}
    assert len(site.lines) == 6
    assert site.path.read_bytes().endswith(b"\n")


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("kept", range(1, 17))
def test_a_row_that_was_cut_anywhere_is_never_half_believed(site: Site, kept: int, running: bool) -> None:
    site.log.append(rows(0, 3))
    line = format_lines(3, [b"row\t3"])
    assert len(line) == 17
    with site.path.open("ab") as file:
        file.write(line[:kept])
    log = site.log if running else site.restart()
    whole = kept == len(line) - 1  # all of it but the line break
    assert log.append(["row\t4" if whole else "row\t3"]) == (4 if whole else 3)
    assert texts(log) == expected(range(5 if whole else 4))


def test_a_damaged_last_line_break_costs_nothing(site: Site) -> None:
    site.log.append(rows(0, 3))
    flip(site.path, site.path.stat().st_size - 1)
    log = site.restart()
    assert log.append(rows(3, 1)) == 3
    assert texts(log) == expected(range(4))


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_damaged_line_break_between_rows_costs_nothing(site: Site, number: int) -> None:
    site.log.append(rows(0, 5))
    flip(site.path, line_start(site, number + 1) - 1, 2)
    log = site.restart()
    assert texts(log) == expected(range(5))
    assert log.append(rows(5, 1)) == 5
    group = log.group("server")
    group.seek(number)
    assert group.poll(1)[0].offset == number


# --- the recovery's table: damaged lines


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("damaged", [0, 2, 4])
def test_a_damaged_line_is_skipped_once_and_its_number_stays_a_hole(site: Site, damaged: int, running: bool) -> None:
    site.log.append(rows(0, 5))
    flip(site.path, line_start(site, damaged + 1) + 3)
    log = site.log if running else site.restart()
    left = [number for number in range(5) if number != damaged]
    assert [offset for offset, _ in texts(log, "server")] == left
    assert [offset for offset, _ in texts(log, "archive")] == left
    assert badlines.count(site.data) == {"line": 1}
    assert log.append(rows(5, 1)) == 5
    site.consume(*GROUPS)
    assert log.trim()
    assert log.append(rows(6, 1)) == 6


def test_a_line_that_was_damaged_only_for_a_moment_is_believed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.log.append(rows(0, 3))
    read, calls = os.pread, iter([True, False])

    def once_wrong(descriptor: int, count: int, place: int) -> bytes:
        data = read(descriptor, count, place)
        return data.replace(b"row\t1", b"row\tX") if next(calls, False) else data

    group = site.log.group("server")
    group.poll(0)  # it is in the file: the next read is that of the rows
    group.seek(0)
    group._file = site.log.file
    group._byte = site.log.file.rows_start
    monkeypatch.setattr(os, "pread", once_wrong)
    assert [row.offset for row in group.poll(10)] == [0, 1, 2]
    assert badlines.count(site.data) == {}


def test_holes_at_the_end_do_not_keep_the_file_from_being_reset(site: Site) -> None:
    site.log.append(rows(0, 3))
    flip(site.path, line_start(site, 3) + 2)
    site.restart()
    site.consume(*GROUPS)
    assert (commits.read(site.data, "server"), commits.read(site.data, "archive")) == (3, 3)
    assert site.log.trim()


def test_a_log_of_damaged_lines_only_goes_on(site: Site) -> None:
    site.log.append(rows(0, 5))
    for line in range(1, 6):
        flip(site.path, line_start(site, line) + 2)
    log = site.restart()
    assert texts(log) == []
    assert log.append(rows(5, 1)) == 5
    assert texts(log) == expected(range(5, 6))


def test_a_full_disk_does_not_stop_a_group_at_a_damaged_line(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.log.append(rows(0, 3))
    flip(site.path, line_start(site, 2) + 2)

    def full(*_: object) -> bool:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(badlines, "set_aside", full)
    assert texts(site.log) == expected(range(1), range(2, 3))


def test_a_poll_that_fails_on_its_way_skips_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.log.append(rows(0, 5))
    flip(site.path, line_start(site, 4) + 2)
    group = site.log.group("server")

    def fails(*_: object) -> bool:
        raise LogError("not now")

    with monkeypatch.context() as patch:
        patch.setattr(site.log, "set_aside", fails)
        with pytest.raises(LogError, match="not now"):
            group.poll(10)
    assert [row.offset for row in group.poll(10)] == [0, 1, 2, 4]


def test_a_file_edited_by_hand_is_read_as_far_as_it_proves_itself(site: Site) -> None:
    site.log.append(rows(0, 6))
    lines = site.lines
    lines[3] = lines[3].replace(b"row", b"ROW")  # row 2
    edited = [lines[0], b"# a note", *lines[1:5], lines[2], *lines[6:], lines[3]]  # row 1 twice, row 4 gone
    new = site.path.with_name("edited")
    new.write_bytes(b"\n".join(edited) + b"\n")
    new.replace(site.path)
    assert [offset for offset, _ in texts(site.log)] == [0, 1, 3, 5]
    assert site.log.append(rows(6, 1)) >= 6


def test_an_old_row_pasted_at_the_end_does_not_turn_the_numbers_back(site: Site) -> None:
    site.log.append(rows(0, 9))
    with site.path.open("ab") as file:
        file.write(site.lines[3] + b"\n")
    assert site.restart().append(rows(9, 1)) >= 9
    assert texts(site.log)[-1][1] == "row\t9"


# --- the recovery's table: others remember more than the file


def _commit(site: Site, end: int) -> None:
    file = commits.CommitFile(site.data, "server", 0)
    file.write(end)
    file.close()


def _mark(site: Site, end: int) -> None:
    mark.store(site.data, Mark(28_000_000, end, site.log.log_id))


def _outbox(site: Site, end: int) -> None:
    key = f"site-1/{site.log.log_id}/2-{end - 1}"
    (site.data / "outbox.tsv").write_text(f"# hydrolog outbox 1\tkey={key}\tcrc=00000000\n2\trow\n")


@pytest.mark.parametrize("remember", [_commit, _mark, _outbox])
@pytest.mark.parametrize("empty", [True, False])
def test_rows_lost_with_the_power_leave_their_numbers_unused(
    site: Site, remember: Callable[[Site, int], None], empty: bool
) -> None:
    site.log.append(rows(0, 9))
    remember(site, 9)
    size = line_start(site, 1 if empty else 5)
    os.truncate(site.path, size)
    log = site.restart()
    assert log.append(rows(9, 1)) == 9
    # Nobody is stuck at the hole.
    assert texts(log, "archive") == expected(range(0 if empty else 4), range(9, 10))
    assert texts(log, "server")[-1:] == expected(range(9, 10))
    (site.data / "outbox.tsv").unlink(missing_ok=True)
    _mark(site, 10)
    site.consume(*GROUPS)
    assert log.trim()


def test_a_file_cut_while_it_is_open_keeps_its_numbers(site: Site) -> None:
    site.log.append(rows(0, 9))
    os.truncate(site.path, line_start(site, 5))
    assert site.log.append(rows(9, 1)) == 9
    assert texts(site.log) == expected(range(4), range(9, 10))


# --- disks that fail


def failing(monkeypatch: pytest.MonkeyPatch, name: str, number: int, times: int = 1) -> None:
    """The next `times` calls of an os function fail."""
    real, left = getattr(os, name), iter(range(times))

    def call(*arguments: object) -> object:
        if next(left, None) is not None:
            raise OSError(number, os.strerror(number))
        return real(*arguments)

    monkeypatch.setattr(os, name, call)


def test_a_full_disk_takes_nothing_and_goes_on_when_there_is_room(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.log.append(rows(0, 2))
    failing(monkeypatch, "pwrite", errno.ENOSPC)
    with pytest.raises(DiskFull):
        site.log.append(rows(2, 3))
    assert site.log.append(rows(2, 3)) == 2
    assert texts(site.log) == expected(range(5))


@pytest.mark.parametrize("written", [1, 16, 17, 18, 40])
def test_a_write_that_stops_halfway_is_cut_back(site: Site, monkeypatch: pytest.MonkeyPatch, written: int) -> None:
    site.log.append(rows(0, 2))
    real, calls = os.pwrite, iter(range(10))

    def short(descriptor: int, data: bytes, place: int) -> int:
        if next(calls) == 0:
            return real(descriptor, data[:written], place)
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", short)
        with pytest.raises(DiskFull):
            site.log.append(rows(2, 3))
    assert texts(site.another()) == expected(range(2))
    assert site.log.append(rows(2, 3)) == 2
    assert texts(site.log) == expected(range(5))


def test_a_write_in_two_parts_is_one_append(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda descriptor, data, place: real(descriptor, data[:10], place))
    site.log.append(rows(0, 5))
    monkeypatch.undo()
    assert texts(site.log) == expected(range(5))


def test_what_could_not_be_cut_back_is_cut_before_the_next_row(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = os.pwrite, iter(range(10))

    def short(descriptor: int, data: bytes, place: int) -> int:
        if next(calls) == 0:
            return real(descriptor, data[:40], place)
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", short)
        failing(patch, "ftruncate", errno.EIO)
        with pytest.raises(LogError):
            site.log.append(rows(0, 3))
    assert site.log.append(rows(0, 3)) == 0
    assert texts(site.log) == expected(range(3))


def test_a_failed_sync_is_made_good_by_writing_the_rows_anew(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda *call: written.append(call[1:]) or real(*call))
    failing(monkeypatch, "fdatasync", errno.EIO)
    assert site.log.append(rows(0, 2)) == 0
    assert written[0] == written[1]  # the same bytes at the same place
    assert texts(site.log) == expected(range(2))


def test_rows_that_the_disk_does_not_confirm_are_there_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.log.append(rows(0, 1))
    with monkeypatch.context() as patch:
        failing(patch, "fdatasync", errno.EIO, times=4)
        with pytest.raises(NotDurable) as caught:
            site.log.append(rows(1, 2))
        assert caught.value.first == 1
        with pytest.raises(LogError, match="not appended"):  # the earlier rows come first
            site.log.append(rows(3, 1))
    assert site.log.append(rows(3, 1)) == 3
    assert texts(site.log) == expected(range(4))


def test_a_poll_hands_out_nothing_that_is_not_on_disk(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.log.append(rows(0, 2))
    group = site.log.group("server")
    written = []
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda *call: written.append(call[1]) or real(*call))
    with monkeypatch.context() as patch:
        failing(patch, "fdatasync", errno.EIO, times=2)
        for _ in range(2):
            with pytest.raises(LogError, match="does not confirm"):
                group.poll(10)
    assert [row.offset for row in group.poll(10)] == [0, 1]
    # Written anew before each repeated sync: the kernel may have marked them clean.
    assert written == [site.path.read_bytes()] * 2


def test_a_failing_commit_is_said_and_can_be_repeated(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.log.append(rows(0, 2))
    group = site.log.group("server")
    group.poll(2)
    with monkeypatch.context() as patch:
        failing(patch, "pwrite", errno.EIO)
        with pytest.raises(LogError, match="cannot commit"):
            group.commit(2)
    assert commits.read(site.data, "server") == 0
    group.commit(2)
    assert commits.read(site.data, "server") == 2


def test_a_handle_is_never_used_after_a_failed_start_over(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.log.append(rows(0, 2))
    site.path.unlink()
    with monkeypatch.context() as patch:
        failing(patch, "open", errno.EIO)
        with pytest.raises(LogError):
            site.log.append(rows(2, 1))
    assert site.log.append(rows(2, 1)) == 2
    assert texts(site.log) == expected(range(2, 3))


# --- the reserve


class Disk:
    """A disk of so many free bytes; other numbers are the real ones."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, free: int) -> None:
        self.free = free
        self._real = os.statvfs
        monkeypatch.setattr(os, "statvfs", self._look)

    def _look(self, path: Path) -> object:
        real = self._real(path)

        class Space:
            f_frsize = 1
            f_bavail = self.free
            f_blocks = real.f_blocks * real.f_frsize

        return Space


def test_the_reserve_is_given_up_for_the_reset_and_taken_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    reserve = site.data / "server_data.reserve"
    assert reserve.stat().st_blocks > 0
    disk = Disk(monkeypatch, free=0)
    with monkeypatch.context() as patch:
        failing(patch, "pwrite", errno.ENOSPC)
        with pytest.raises(DiskFull):
            site.log.append(rows(0, 1))
    assert not reserve.exists()
    disk.free = 4 << 20
    with pytest.raises(DiskFull):  # the room that was given up is the reset's
        site.log.append(rows(0, 1))
    disk.free = 64 << 20
    assert site.log.append(rows(0, 1)) == 0
    assert reserve.exists()


def test_another_process_does_not_eat_what_was_given_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    other = site.another()
    Disk(monkeypatch, free=4 << 20)
    Reserve(site.data).give_up()
    with pytest.raises(DiskFull):
        other.append(rows(0, 1))


def test_a_start_on_a_full_disk_works(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.log.append(rows(0, 3))
    (site.data / "server_data.reserve").unlink()
    Disk(monkeypatch, free=0)
    assert texts(site.restart()) == expected(range(3))


# --- small things


def test_a_folder_that_cannot_be_used_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LogError, match="cannot open the log in"):
        FileLog(tmp_path / "file" / "data", GROUPS, compact_bytes=1, warn_bytes=1)


def test_the_set_aside_lines_are_one_line_each_and_harmless(site: Site) -> None:
    for junk in (b"\x1b[2Jevil\ttab", b"\xff\xfe"):
        site.log.append(["row"])
        with site.path.open("ab") as file:
            file.write(junk)
    site.log.append(["row"])
    text = (site.data / badlines.FILE_NAME).read_text("ascii")
    assert text.count("\n") == 2
    assert text.isprintable() or "\x1b" not in text


def test_the_identity_says_nothing_about_the_machine(site: Site) -> None:
    text = (site.data / identity.FILE_NAME).read_text()
    assert Path("/etc/machine-id").read_text().strip() not in text
    assert json.dumps(text)


def test_a_new_log_has_an_id_of_its_own(site: Site, tmp_path: Path) -> None:
    other = Site(tmp_path / "other")
    assert uuid.UUID(other.log.log_id) != uuid.UUID(site.log.log_id)
    other.close()


def test_a_deleted_lock_file_parts_nobody(site: Site) -> None:
    other = site.another()
    assert site.log.append(rows(0, 1)) == 0
    (site.data / "server_data.txt.lock").unlink()
    with site.log.lock.held(), pytest.raises(LockTimeout):
        other.lock.acquire(0.0)
    assert (other.append(rows(1, 1)), site.log.append(rows(2, 1))) == (1, 2)


@pytest.mark.parametrize("name", ["", ".", "..", "../stray", "a/b", "a.tmp", "a b", "a\n", "/stray"])
def test_a_groups_name_cannot_be_that_of_another_file(site: Site, name: str) -> None:
    with pytest.raises(ValueError, match="a group's name"):
        site.log.group(name)
    assert not (site.data / "stray").exists()


def test_asking_for_no_rows_gets_none(site: Site) -> None:
    site.log.append(rows(0, 2))
    group = site.log.group("server")
    assert (group.poll(0), group.poll(-1), site.log.read(0, 0), site.log.read(0, -1)) == ([], [], [], [])
    assert len(group.poll(1)) == 1
    group.close()


def test_a_group_cannot_commit_rows_that_are_still_to_come(site: Site) -> None:
    group = site.log.group("server")
    group.seek(5)
    with pytest.raises(LogError, match="the log ends at 0"):
        group.commit(5)
    site.log.append(rows(0, 1))
    assert [record.offset for record in group.poll(9)] == [0]
    group.close()


def test_one_text_is_no_list_of_lines(site: Site) -> None:
    with pytest.raises(TypeError):
        site.log.append("abc")


def test_a_text_is_as_good_a_folder(tmp_path: Path) -> None:
    with closing(open_log("file", str(tmp_path))) as log:
        assert log.append(rows(0, 1)) == 0
